"""A user's own data: calls the function that returns images or features, and labels, and checks what it returns."""

from typing import Any

import torch
from torch import Tensor

from inittui.common.user_code_refs import DATA, UserFunction, reference
from inittui.engine.data.dataset import Dataset
from inittui.engine.networks import user_code

MOST_CLASSES = 65536  # predictions are stored in two bytes
FORM = "(train_inputs, train_labels, test_inputs, test_labels), and a list of the classes' names if you like"


def load(text: str) -> Dataset:
    """The data set that the function named by `text` returns.

    Inputs are tensors or NumPy arrays: features [n, features], images [n, rows, columns], or images with channels
    [n, channels, rows, columns]. Bytes (uint8) are scaled from 0..255 to 0..1; other values are not scaled. Labels are whole
    numbers from 0. Raises UserCodeError for anything else.
    """
    own = reference(text, DATA)
    assert own is not None
    with user_code.repeatable(0):  # a resumed run needs the same images
        returned = user_code.call(own, DATA)
    if not isinstance(returned, tuple | list) or len(returned) not in (4, 5):
        raise user_code.fault(own, DATA, f"it returned {_what(returned)}; expected {FORM}")
    train, test = _inputs(own, "train", returned[0]), _inputs(own, "test", returned[2])
    train_labels, test_labels = _labels(own, "train", returned[1], train), _labels(own, "test", returned[3], test)
    if train.shape[1:] != test.shape[1:] or train.dtype != test.dtype:
        raise user_code.fault(
            own,
            DATA,
            f"train_inputs are {_what(train)} and test_inputs {_what(test)}; expected the same but for their number",
        )
    count = int(max(train_labels.max(), test_labels.max())) + 1
    if count > MOST_CLASSES:
        raise user_code.fault(own, DATA, f"its labels go up to {count - 1}; expected at most {MOST_CLASSES - 1}")
    named = returned[4] if len(returned) == 5 else range(count)
    try:
        classes = () if isinstance(named, str) else tuple(map(str, named))
    except TypeError:
        classes = ()
    if not classes:
        raise user_code.fault(own, DATA, f"its classes are {_what(named)}; expected a list of names")
    if len(classes) < count:
        raise user_code.fault(own, DATA, f"its labels go up to {count - 1}, and it names {len(classes)} classes")
    return Dataset(
        name="auto",
        title=own.short,
        train_images=train,
        train_labels=train_labels,
        test_images=test,
        test_labels=test_labels,
        pixel_max=255.0 if train.dtype == torch.uint8 else 1.0,
        classes=classes,
    )


def _inputs(own: UserFunction, which: str, value: Any) -> Tensor:
    tensor = _tensor(own, f"{which}_inputs", value)
    if tensor.dim() not in (2, 3, 4) or not tensor.numel():
        raise user_code.fault(
            own,
            DATA,
            f"{which}_inputs are {_what(tensor)}; expected [n, features], [n, rows, columns] or "
            "[n, channels, rows, columns], and at least one",
        )
    if tensor.dtype == torch.uint8:
        return tensor.contiguous()
    if tensor.is_complex():
        raise user_code.fault(own, DATA, f"{which}_inputs are {_what(tensor)}; expected real numbers")
    tensor = tensor.float().contiguous()
    if not tensor.isfinite().all():
        raise user_code.fault(own, DATA, f"{which}_inputs hold values that are not finite")
    return tensor


def _labels(own: UserFunction, which: str, value: Any, inputs: Tensor) -> Tensor:
    tensor = _tensor(own, f"{which}_labels", value)
    whole = not tensor.is_floating_point() and not tensor.is_complex()
    if tensor.dim() != 1 or len(tensor) != len(inputs) or not whole or int(tensor.long().min()) < 0:
        raise user_code.fault(
            own,
            DATA,
            f"{which}_labels are {_what(tensor)}; expected {len(inputs)} whole numbers from 0, one per input",
        )
    return tensor.long()


def _tensor(own: UserFunction, what: str, value: Any) -> Tensor:
    try:
        return torch.as_tensor(value).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise user_code.fault(own, DATA, f"{what} can't become a tensor: {user_code.error_text(error)}") from None


def _what(value: object) -> str:
    return f"{value.dtype} of shape {list(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
