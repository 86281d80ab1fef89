"""References to a person's own code."""

import importlib

import pytest

from inittui.common.user_code_refs import MOVED, NETWORK, UserFunction, named, reference


def test_a_reference_to_a_module_that_has_moved_names_the_function_in_its_new_module() -> None:
    own = reference("inittui.engine.examples:small_cnn", NETWORK)
    assert own == UserFunction("inittui.engine.networks.example_cnn", "small_cnn")
    assert callable(getattr(importlib.import_module(own.where), own.function))


def test_every_module_that_moved_has_a_new_one() -> None:
    for module in MOVED.values():
        importlib.import_module(module)


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("./mine.py:build", UserFunction("./mine.py", "build")),
        ("package.module:build", UserFunction("package.module", "build")),
        ("he_normal", None),
        ("package.module:def", None),
        ("./mine.py", None),
        (".py:build", None),
    ],
)
def test_a_reference_is_a_file_or_a_module_and_a_function(text: str, own: UserFunction | None) -> None:
    assert named(text) == own
