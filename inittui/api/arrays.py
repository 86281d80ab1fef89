"""Data that are passed from Python as arrays, tensors or columns: checked, and stored in the run for a resume."""

import os
from typing import TYPE_CHECKING, Any

from inittui.common.atomic_files import one_line
from inittui.common.errors import UsageError, printable
from inittui.common.user_code_refs import ARRAYS
from inittui.experiment.python_values import plain, shown, text
from inittui.record.run_directory import DATA_NAME, RunDir

if TYPE_CHECKING:
    import numpy

    Arrays = dict[str, numpy.ndarray[Any, Any]]
FORM = f"the name of a data set, a function in a Python file, or arrays ({', '.join(ARRAYS)})"


def arrays(data: Any) -> "Arrays":
    """A data set that is passed as arrays, tensors or columns, by the names of the file's arrays. Raises UsageError."""
    import numpy

    given = list(data) if isinstance(data, tuple | list) else []
    if len(given) == 2 and all(isinstance(part, tuple | list) and len(part) == 2 for part in given):
        given = [*given[0], *given[1]]  # ((train_inputs, train_labels), (test_inputs, test_labels))
    if len(given) not in (4, 5):
        count = f" of {len(data)}" if isinstance(data, tuple | list) else ""
        raise UsageError(f"data: a {type(data).__name__}{count}: expected {FORM}")
    made = {name: _array(part, name) for name, part in zip(ARRAYS[:4], given[:4], strict=True)}
    if len(given) == 5:
        names = plain(given[4], "data: classes")
        if not isinstance(names, list):
            raise UsageError(f"data: classes: {shown(given[4])}: expected a list of names")
        made["classes"] = numpy.asarray([printable(text(name, "data: classes")) for name in names])
    return made


def _array(value: Any, name: str) -> "numpy.ndarray[Any, Any]":
    import numpy

    try:
        if hasattr(value, "detach"):  # a tensor of torch, on any device; NumPy has no bfloat16
            value = value.detach().cpu()
            value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
        if numpy.ma.is_masked(value):
            raise ValueError("it has masked values, which a network can't be given; expected values in their place")
        made = numpy.asarray(value)
        if made.dtype.kind not in "biuf":
            raise ValueError(f"it is {made.dtype} of shape {list(made.shape)}; expected numbers")
    except Exception as error:  # of any kind: each library has its own
        raise UsageError(f"data: {name}, a {type(value).__name__}: {one_line(error)}") from None
    return made


def store(run: RunDir, given: "Arrays") -> None:
    """Raises OSError."""
    import numpy

    with os.fdopen(os.open(run.path / DATA_NAME, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        numpy.savez(file, allow_pickle=False, **given)
