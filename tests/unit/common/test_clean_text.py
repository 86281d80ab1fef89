"""Texts of a run, as they are when they have been read."""

from typing import ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inittui.common.clean_text import cleaned, is_clean, printable_lines
from tests.helpers import steady


class Inner(msgspec.Struct, frozen=True):
    name: str


class Outer(msgspec.Struct, frozen=True):
    LINES: ClassVar = ("detail",)

    name: str
    detail: str
    data_dir: str
    number: float
    inner: tuple[Inner, ...]
    by_name: dict[str, str]


def test_every_text_of_a_struct_is_printable_except_paths_that_are_opened() -> None:
    evil = "a\x1b[31m\nb"
    read = cleaned(Outer(evil, evil, evil, 0.5, (Inner(evil), Inner("c")), {evil: evil}))
    once = "a?[31m?b"
    assert read == Outer(once, "a\nb", evil, 0.5, (Inner(once), Inner("c")), {once: once})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("one\ntwo", "one\ntwo"),
        ("a\x1b[5;5Hb\x1b]0;title\x07c\x1b(B", "abc?(B"),
        ("10 %\r20 %\r\n\tend", "10 %\n20 %\n        end"),
        ("\x9b2J \u202e \udcff \x00", "?2J ? ? ?"),
    ],
)
def test_a_text_of_several_lines_keeps_them_and_loses_its_escape_sequences(text: str, shown: str) -> None:
    assert printable_lines(text) == shown


@steady
@given(st.text())
def test_what_needs_no_cleaning_is_printable(text: str) -> None:
    assert text.isprintable() or not is_clean(msgspec.json.encode(text))
    assert all(line.isprintable() for line in printable_lines(text).split("\n"))
    assert cleaned(text).isprintable()
