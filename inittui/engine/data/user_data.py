"""A user's own data: calls the function that returns images or features, and labels, and checks what it returns."""

from itertools import islice
from typing import Any

import numpy
import torch
from torch import Tensor

from inittui.common.user_code_refs import ARRAYS, DATA, DATA_FILE
from inittui.engine.data.dataset import Dataset
from inittui.engine.networks.user_code import UserCode, error_text, repeatable

MOST_CLASSES = 65536  # predictions are stored in two bytes
LONGEST_NAME = 200  # characters of a class that are kept
LARGEST = torch.finfo(torch.float32).max
FORM = "(train_inputs, train_labels, test_inputs, test_labels), and a list of the classes' names if you like"


def load(text: str) -> Dataset:
    """The data set that the function named by `text` returns, or that is in the .npz file `text`.

    Inputs are tensors or NumPy arrays: features [n, features], images [n, rows, columns], or images with channels
    [n, channels, rows, columns]. Bytes (uint8) are scaled from 0..255 to 0..1; other values are not scaled. Labels are whole
    numbers from 0. Raises UserCodeError for anything else.
    """
    code = UserCode.of(text, DATA)
    with repeatable(0):  # a resumed run needs the same images
        returned = _read(code) if code.function.where.endswith(DATA_FILE) else code.call()
    if not isinstance(returned, tuple | list) or len(returned) not in (4, 5):
        raise code.fault(f"it returned {_what(returned)}; expected {FORM}")
    train, train_labels = _inputs_and_labels(code, "train", *returned[:2])
    test, test_labels = _inputs_and_labels(code, "test", *returned[2:4])
    if train.shape[1:] != test.shape[1:] or train.dtype != test.dtype:
        shapes = f"train_inputs are {_what(train)} and test_inputs {_what(test)}"
        raise code.fault(f"{shapes}; expected the same type, and the same shape per example")
    count = int(max(train_labels.max(), test_labels.max())) + 1
    if count > MOST_CLASSES:
        raise code.fault(f"its labels go up to {count - 1}; expected at most {MOST_CLASSES - 1}")
    names = returned[4] if len(returned) == 5 else range(count)
    try:
        first = [] if isinstance(names, str) else islice(names, MOST_CLASSES + 1)
        classes = tuple(str(name)[:LONGEST_NAME] for name in first)
    except Exception:  # of any kind: the names are objects of the user's
        classes = ()
    if not classes:
        raise code.fault(f"its classes are {_what(names)}; expected a list of names")
    if len(classes) > MOST_CLASSES:
        raise code.fault(f"it names more than {MOST_CLASSES} classes")
    if len(classes) < count:
        raise code.fault(f"its labels go up to {count - 1}, and it names {len(classes)} classes")
    pixel_max = 255.0 if train.dtype == torch.uint8 else 1.0
    return Dataset("auto", code.function.short, train, train_labels, test, test_labels, pixel_max, classes)


def _read(code: UserCode) -> list[Any]:
    """The arrays of a file. Reading it executes nothing."""
    try:
        with numpy.load(code.function.where, allow_pickle=False) as file:
            return [file[name] for name in ARRAYS if name in file or name != ARRAYS[-1]]
    except Exception as error:  # of any kind: NumPy has many for a file that is damaged or of another format
        raise code.fault(f"it can't be read ({error_text(error)}); expected the arrays {', '.join(ARRAYS)}") from None


def _inputs_and_labels(code: UserCode, which: str, inputs: Any, labels: Any) -> tuple[Tensor, Tensor]:
    inputs, labels = _tensor(code, f"{which}_inputs", inputs), _tensor(code, f"{which}_labels", labels)
    if inputs.dim() not in (2, 3, 4) or not inputs.numel():
        forms = "[n, features], [n, rows, columns] or [n, channels, rows, columns]"
        raise code.fault(f"{which}_inputs are {_what(inputs)}; expected {forms}, and at least one")
    if inputs.is_complex():
        raise code.fault(f"{which}_inputs are {_what(inputs)}; expected real numbers")
    given = inputs
    if inputs.dtype != torch.uint8:
        inputs = inputs.float()
    if not (finite := inputs.isfinite()).all():
        place = (~finite).nonzero()[0].tolist()
        value = given[tuple(place)].item()
        raise code.fault(f"{which}_inputs hold {value:g} at {place}; expected finite numbers within ±{LARGEST:.3g}")
    whole = not labels.is_floating_point() and not labels.is_complex()
    if labels.dim() != 1 or len(labels) != len(inputs) or not whole:
        raise code.fault(
            f"{which}_labels are {_what(labels)}; expected {len(inputs)} whole numbers from 0, one per input"
        )
    labels = labels.long()
    if (least := int(labels.min())) < 0:
        raise code.fault(f"{which}_labels hold {least}; expected class numbers from 0")
    return inputs.contiguous(), labels


def _tensor(code: UserCode, what: str, value: Any) -> Tensor:
    if any(map(numpy.ma.is_masked, value if isinstance(value, list | tuple) else [value])):
        raise code.fault(f"{what} have masked values; expected none: fill them, or leave these examples out")
    if isinstance(value, Tensor) and (value.layout != torch.strided or value.is_nested or value.is_quantized):
        kind = "nested" if value.is_nested else "quantized" if value.is_quantized else str(value.layout)
        raise code.fault(f"{what} are a tensor of the kind {kind}; expected a dense one, as to_dense() makes")
    try:
        if isinstance(value, numpy.ndarray):  # torch takes neither reversed arrays nor those of another byte order
            value = numpy.asarray(value, value.dtype.newbyteorder("="), order="C")
        return torch.as_tensor(value).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise code.fault(f"{what} can't become a tensor: {error_text(error)}") from None


def _what(value: object) -> str:
    return f"{value.dtype} of shape {list(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
