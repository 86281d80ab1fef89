"""Settings as Python people have them: numbers of every library, arrays, columns, functions and classes."""

import functools
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy
import pandas
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from inittui.common.errors import UsageError
from inittui.engine.networks.example_cnn import small_cnn
from inittui.experiment.python_values import plain
from inittui.experiment.validation import show
from tests.helpers import steady


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (numpy.float32(0.001), 0.001),
        (numpy.float16(0.1), 0.1),
        (numpy.float64(0.001), 0.001),
        (torch.tensor(0.001), 0.001),
        (torch.tensor(0.001, requires_grad=True), 0.001),
        (torch.tensor(0.1, dtype=torch.float64), 0.1),
        (numpy.array(3), 3),
        (numpy.int64(3), 3),
        (numpy.uint8(3), 3),
        (torch.tensor(3), 3),
        (numpy.bool_(True), True),
        (Decimal("0.1"), 0.1),
        (Fraction(1, 4), 0.25),
        (numpy.str_("tanh"), "tanh"),
        (numpy.logspace(-3, -1, 3, dtype="float32"), [0.001, 0.01, 0.1]),
        (numpy.arange(3), [0, 1, 2]),
        (numpy.array([[8, 8], [16, 16]]), [[8, 8], [16, 16]]),
        (torch.tensor([1e-3, 1e-2]), [0.001, 0.01]),
        (pandas.Series([1e-3, 1e-2], dtype="float32"), [0.001, 0.01]),
        (pandas.Series(["relu", "tanh"]), ["relu", "tanh"]),
        (pandas.Index([1, 2]), [1, 2]),
        (pandas.DataFrame({"a": [1, 2], "b": [3, 4]}), [[1, 3], [2, 4]]),
        (range(3), [0, 1, 2]),
        ((n for n in (1, 2)), [1, 2]),
        ({"a": 1}.keys(), ["a"]),
        (OrderedDict(a=(numpy.int8(1), "b")), {"a": [1, "b"]}),
        (Path("a.toml"), "a.toml"),
        (None, None),
        (numpy.float32("nan"), pytest.approx(float("nan"), nan_ok=True)),
        (numpy.float32("inf"), float("inf")),
    ],
)
def test_a_value_of_any_library_is_what_a_preset_would_have(value: Any, expected: Any) -> None:
    found = plain(value, "set")
    assert found == expected
    assert type(found) is type(expected) or not isinstance(expected, int | float | str | list)


@steady
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_short_float_stays_the_same_number(value: float) -> None:
    assert numpy.float32(plain(numpy.float32(value), "set")) == numpy.float32(value)


class Raising:
    """An object as hostile as can be."""

    def __str__(self) -> str:
        raise OSError

    __repr__ = __str__


@pytest.mark.parametrize(
    "value",
    [Raising(), 1j, 10**5000, object(), b"\xff", ["\udcff"], numpy.datetime64("2020-01-01"), pandas.NA],
    ids=["raising", "complex", "huge", "object", "bytes", "half a pair", "date", "NA"],
)
def test_anything_else_is_shown_on_one_line_where_it_is_refused(value: Any) -> None:
    shown = show(plain(value, "set"))
    assert shown.isprintable()
    assert len(shown) <= 80


# Functions


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "mine_of_a_person.py").write_text(
        "import functools\n"
        "def my_init(weight, bias, **_): weight.zero_()\n"
        "class Net: pass\n"
        "@functools.wraps(my_init)\n"
        "def wrapped(*a, **k): return my_init(*a, **k)\n"
        "unnamed = lambda: 0\n"
        "def outer():\n"
        "    def inner(): pass\n"
        "    return inner\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__("mine_of_a_person")
    yield module
    del sys.modules["mine_of_a_person"]


def test_a_function_becomes_a_reference_to_its_file(mine: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "mine_of_a_person.py"
    assert plain(mine.my_init, "arms") == f"{file}:my_init"
    assert plain({"init": mine.my_init, "model": {"factory": mine.Net}}, "arms") == {
        "init": f"{file}:my_init",
        "model": {"factory": f"{file}:Net"},
    }
    assert (
        plain(small_cnn, "set") == "inittui.engine.networks.example_cnn:small_cnn"
    )  # a file of a package has relatives


def test_a_function_of_a_script_is_found_in_its_file(mine: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "__main__", mine)
    monkeypatch.setattr(mine, "__spec__", None)
    monkeypatch.setattr(mine.my_init, "__module__", "__main__")
    assert plain(mine.my_init, "arms") == f"{mine.__file__}:my_init"
    monkeypatch.setattr(mine, "__file__", "/tmp/ipykernel_1/123.py")  # as in a notebook
    with pytest.raises(UsageError, match=r"arms: <function my_init at .*>: expected .* in a Python file.*%%writefile"):
        plain(mine.my_init, "arms")


@pytest.mark.parametrize(
    "function",
    [
        lambda mine: mine.unnamed,
        lambda mine: mine.wrapped,
        lambda mine: mine.outer(),
        lambda mine: functools.partial(mine.my_init),
        lambda _: len,
        lambda _: "text".upper,
        lambda _: SimpleNamespace.__init__,
    ],
    ids=["lambda", "wrapped", "inner", "partial", "builtin", "method", "slot"],
)
def test_a_function_without_a_name_in_a_file_is_refused_in_one_line(
    mine: ModuleType, function: Callable[[ModuleType], Any]
) -> None:
    with pytest.raises(
        UsageError, match=r"\Aset: [^\n]*: expected a scheme such as 'he_normal', or a function [^\n]*\Z"
    ):
        plain(function(mine), "set")


def test_a_network_and_a_function_of_torch_are_refused_with_what_to_give_instead() -> None:
    with pytest.raises(
        UsageError, match=r"set: a network of class Linear: expected a function or class .* that builds it"
    ):
        plain(nn.Linear(1, 1), "set")
    with pytest.raises(
        UsageError, match=r"torch\.nn\.init\.kaiming_normal_: expected a scheme's name, as in 'he_normal'"
    ):
        plain(nn.init.kaiming_normal_, "arms")
    with pytest.raises(UsageError, match="as in 'orthogonal'"):
        plain(nn.init.orthogonal_, "arms")
