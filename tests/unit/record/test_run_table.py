from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from inittui.record.run_directory import RunDir
from inittui.record.run_index import ArmSummary, RunIndex, RunSummary
from inittui.record.run_table import COLUMNS, cells, fit, text, total, widths
from tests.helpers import preset, steady, write_run

TWO = (ArmSummary("xavier_normal", "finished", 0.9756), ArmSummary("he_normal", "finished", 0.9808))
RUN = RunSummary(
    "mnist3-20260101-000000", "/runs/mnist3-20260101-000000", "finished", False, "mnist3", TWO, "", 200, 1234567
)
MANY = RunSummary(
    "six-20260101-000000", "/r", "training", True, "six", tuple(ArmSummary(f"arm {i}") for i in range(30))
)
TORN = RunSummary(
    "torn-20260101-000000", "/r", "damaged", reason="status.json can't be read: the checksum does not match"
)


def test_where_there_is_room_everything_is_shown() -> None:
    lines = text([RUN, MANY, TORN], None)
    assert lines[0].split() == list(COLUMNS)
    for words in ("mnist3", "finished", "xavier_normal, he_normal", "98.08 % he_normal", "3 min", "1.2 MB"):
        assert words in lines[1]
    assert "arm 0, arm 1, " in lines[2]
    assert lines[3].endswith(f"damaged   {TORN.reason}")


def test_columns_are_given_up_in_their_order() -> None:
    wanted = widths([RUN])
    order = []
    before = dict(wanted)
    for width in range(total(wanted), 0, -1):
        shown = fit(wanted, width)
        for column in COLUMNS:
            if shown.get(column, 0) < before.get(column, 0):
                order.append((column, column in shown))
        before = shown
    first = list(dict.fromkeys(order))
    assert first == [
        ("arms", True), ("best", True), ("preset", False), ("size", False), ("arms", False), ("age", False),
        ("best", False), ("name", True),
    ]  # fmt: skip
    assert list(fit(wanted, 1)) == ["name", "state"]


def test_arms_are_named_where_they_fit_and_counted_elsewhere() -> None:
    wanted = widths([RUN, MANY])
    wide, narrow = fit(wanted, 120), fit(wanted, 80)
    assert cells(RUN, wide)["arms"] == "xavier_normal, he_normal"
    assert cells(MANY, wide)["arms"] == "30 arms"
    assert (cells(RUN, narrow)["arms"], cells(MANY, narrow)["arms"]) == ("2", "30")
    assert (cells(RUN, wide)["best"], cells(RUN, narrow)["best"]) == ("98.08 % he_normal", "98.08 %")


def test_a_run_without_result_has_a_dash() -> None:
    assert (cells(MANY)["best"], cells(TORN)["arms"], cells(TORN)["preset"]) == ("-", "-", "-")


def test_nothing_that_a_file_says_reaches_the_terminal_as_a_sequence(tmp_path: Path) -> None:
    evil = "\x1b[2J\x9b31m\nx"
    for damaged in (False, True):
        run = write_run(tmp_path, preset(name=str(damaged)))
        run.write_status(replace(run.status(), preset=evil, arms=(evil, evil), state=evil, reason=evil, host=evil))
        run = RunDir(run.path.rename(tmp_path / f"{evil}{run.name}"))
        if damaged:
            (run.path / "status.json").write_text(f'{{"{evil}": "{evil}"}}')
    runs = RunIndex(tmp_path).read()
    assert [summary.state == "damaged" for summary in runs] == [True, False]
    for width in (None, 80, 20):
        assert all(line.isprintable() for line in text(runs, width))


names = st.text(st.sampled_from("aB1-漢한🙂é\u0301"), max_size=40)
summaries = st.lists(
    st.builds(
        RunSummary,
        name=names,
        path=names,
        state=st.one_of(st.sampled_from(["finished", "damaged", "interrupted"]), names),
        preset=names,
        arms=st.lists(st.builds(ArmSummary, names, names, st.none() | st.floats(0, 1)), max_size=4).map(tuple),
        age=st.floats(0, 1e10),
        size=st.integers(0, 10**15),
        reason=names,
    ),
    max_size=5,
)


@steady
@given(summaries, st.integers(1, 200))
def test_no_line_is_longer_than_the_terminal(runs: list[RunSummary], width: int) -> None:
    wanted = widths(runs)
    shown = fit(wanted, width)
    assert list(shown) == [column for column in COLUMNS if column in shown]
    for line in text(runs, width):
        assert cell_len(line) <= max(width, total(fit(wanted, 1)))


@steady
@given(summaries, st.integers(20, 200))
def test_a_table_that_fits_stays_within_its_width(runs: list[RunSummary], width: int) -> None:
    assert all(cell_len(line) <= width for line in text(runs, width))
