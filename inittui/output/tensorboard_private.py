"""The internals of TensorBoard that write an event file, and a check that they are there.

TensorBoard's public `summary.Writer` writes scalars as tensors, which `EventAccumulator.Scalars` and with it people's scripts
do not find. `torch.utils.tensorboard` uses the same internals and needs torch.
"""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from inittui.common.errors import RunError

TESTED = "2.15 to 2.21"


class EventFile:
    """A new event file in `folder`, whose name ends in `suffix`. Raises RunError if this TensorBoard lacks the internals."""

    def __init__(self, folder: Path, suffix: str) -> None:
        try:
            from tensorboard.compat.proto.event_pb2 import Event
            from tensorboard.compat.proto.summary_pb2 import Summary
            from tensorboard.summary.writer.event_file_writer import EventFileWriter

            self._event, self._summary = Event, Summary
            self._event_of(0.0, 0, {"": 0.0})
            self._writer: Any = EventFileWriter(str(folder), filename_suffix=suffix)
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            raise RunError(
                f"tensorboard {_version()} can't write event files ({error}); expected {TESTED}: "
                "pip install 'tensorboard<2.22'"
            ) from None

    def add(self, wall_time: float, step: int, values: dict[str, float]) -> None:
        """Add scalars by their tags, at a time in seconds since 1970."""
        self._writer.add_event(self._event_of(wall_time, step, values))

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()

    def _event_of(self, wall_time: float, step: int, values: dict[str, float]) -> Any:
        scalars = [self._summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        return self._event(wall_time=wall_time, step=step, summary=self._summary(value=scalars))


def _version() -> str:
    try:
        return version("tensorboard")
    except PackageNotFoundError:
        return "of an unknown version"
