"""Checks as lines for people."""

from inittui.doctor import render
from inittui.doctor.check import Check


def test_a_check_is_aligned_and_its_mend_stands_below() -> None:
    check = Check("runs", "fault", "word " * 20, "mend " * 20)
    plain = render.lines(check, 60, colour=False)
    assert plain[0].startswith("fault runs      word word")
    assert all(line.startswith(" " * 16) for line in plain[1:])
    assert plain[3].startswith(" " * 16 + "-> mend")
    assert max(map(len, plain)) <= 60
    coloured = render.lines(check, 60, colour=True)
    assert coloured[0].startswith("\x1b[1;31mfault \x1b[0mruns")
    assert coloured[1:] == plain[1:]
    assert render.lines(Check("a", "ok", ""), 80, colour=False) == ["ok    a"]


def test_what_was_found_cannot_send_escapes() -> None:
    for line in render.lines(Check("a", "ok", "x\x1b[2Jy", "z\x07"), 80, colour=False):
        assert line.isprintable()


def test_the_closing_line_counts() -> None:
    fault, note, ok = (Check("a", state, "") for state in ("fault", "note", "ok"))
    assert render.closing([ok]) == "no fault"
    assert render.closing([ok, note]) == "no fault, 1 note"
    assert render.closing([fault, fault, note, note]) == "2 faults, 2 notes"
