"""Captures a training step as a CUDA graph and replays it, so that a step costs the host one call."""

from collections.abc import Callable

import torch

WARM_STEPS = 3  # steps that run before one is captured: libraries and the optimizer allocate memory in the first ones


class CudaGraph:
    """The kernels of a step on one GPU. It keeps no reference to the step, which would keep the step's memory alive."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._graph: torch.cuda.CUDAGraph | None = None
        self._steps_run = 0  # before the capture

    def run(self, step: Callable[[], None]) -> None:
        """Take one step. `step` reads and writes the same memory at every call, and does not wait for the device."""
        if self._graph is not None:
            self._graph.replay()
        elif self._steps_run < WARM_STEPS:
            self._steps_run += 1
            # In a stream of its own: torch requires one for the steps before a capture.
            stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream(self._device))
            with torch.cuda.stream(stream):
                step()
            torch.cuda.current_stream(self._device).wait_stream(stream)
        else:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                step()
            graph.replay()  # a capture records the step and computes nothing
            self._graph = graph
