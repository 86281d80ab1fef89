"""Settings of torch that hold for the whole process: reads them, and restores what a user's code has changed."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy
import torch

_cudnn = torch.backends.cudnn


def _default_device(device: torch.device | None) -> None:
    # With None, torch calls no Python function mode; with "cpu" every call would pass through one.
    torch.set_default_device(None if device is None or device.type == "cpu" else device)


SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {  # how each is read and set
    "number of threads": (torch.get_num_threads, torch.set_num_threads),
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "default device": (lambda: torch.empty(0).device, _default_device),
    "gradient mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "anomaly detection": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "deterministic mode": (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    "flushing of denormals": (lambda: sys.float_info.min / 2 == 0, torch.set_flush_denormal),
    "float32 precision": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    **{
        f"cuDNN setting '{name}'": (partial(getattr, _cudnn, name), partial(setattr, _cudnn, name))
        for name in ("enabled", "benchmark", "deterministic", "allow_tf32")
    },
}


def current() -> dict[str, Any]:
    """The value of each setting; None where torch raises."""
    return {name: _value(read) for name, (read, _) in SETTINGS.items()}


def changed(before: dict[str, Any]) -> dict[str, Any]:
    """The present values of the settings that differ from `before`."""
    return {name: value for name, value in current().items() if value != before[name]}


@contextmanager
def restored() -> Iterator[None]:
    """Afterwards the settings, Python's filters of warnings and NumPy's handling of errors are as before."""
    before = current()
    with warnings.catch_warnings(), numpy.errstate():
        try:
            yield
        finally:
            _default_device(before["default device"])  # unread: to read "cuda" would initialise CUDA before a fork
            for name in changed(before):
                SETTINGS[name][1](before[name])


def _value(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (RuntimeError, AssertionError):  # a default device that is not there
        return None
