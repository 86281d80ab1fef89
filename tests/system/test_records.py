"""What a real run has written, damaged in every way: read right, or refused in one line."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.analysis import result_document
from inittui.board import state as boards
from inittui.board.fold import fold
from inittui.board.follower import Follower, timeline
from inittui.board.state import Board
from inittui.common.errors import RunError
from inittui.output import tables
from inittui.record import events, gallery
from inittui.record.run_directory import RunDir, arm_folders
from inittui.supervisor.workers import checkpoints
from tests.helpers import steady

from .conftest import Command, until
from .logs import all_whole

ARMS = ("xavier_normal", "he_normal")
DIGITS = ("--preset", "digits", "--arm", ARMS[0], "--arm", ARMS[1])
CHECKPOINT = f"arms/{ARMS[0]}/checkpoint.777.safetensors"
LOGS = ("events.jsonl", *(f"arms/{arm}/events.jsonl" for arm in ARMS))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run that came to its end."""
    inittui = Command(tmp_path_factory.mktemp("finished") / "runs")
    inittui.result(*DIGITS, "--epochs", "3")
    return inittui.run_dir()


@pytest.fixture(scope="session")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run that was stopped, and has checkpoints."""
    inittui = Command(tmp_path_factory.mktemp("stopped") / "runs")
    assert inittui(*DIGITS, "--epochs", "5000", "--set", "model.hidden=[8]", "--detach").returncode == 0
    run = inittui.run_dir()
    until(lambda: all(arm.epochs_done for arm in Follower(run).poll().arms), "an epoch of both arms")
    assert inittui("stop", "last").returncode == 0
    assert (run.path / CHECKPOINT).exists()
    return run


@pytest.fixture
def copy(runs_dir: Path) -> Callable[[RunDir], RunDir]:
    """Copies a run into a folder of its own, where it may be spoilt."""

    def copied(run: RunDir) -> RunDir:
        runs_dir.mkdir(exist_ok=True)
        return RunDir(Path(shutil.copytree(run.path, runs_dir / run.name)))

    return copied


# Logs


@dataclass
class Story:
    """A run without its result, so that whatever is shown comes from the logs."""

    run: RunDir
    told: dict[str, list[events.Event]]  # of each log, by its path in the run

    def board(self, path: str, known: Callable[[int], bool]) -> Board:
        """The board of all events but those of one log whose numbers are not `known`."""
        board = boards.begin(self.run.preset(), self.run.name)
        places = {f"arms/{folder}/events.jsonl": place for place, folder in enumerate(arm_folders(board.preset))}
        for log in (*places, "events.jsonl"):  # the supervisor's is folded last
            for number, event in enumerate(self.told[log]):
                if log != path or known(number):
                    board = fold(board, event, places.get(log))
        return board


@pytest.fixture
def story(finished: RunDir, copy: Callable[[RunDir], RunDir]) -> Story:
    run = copy(finished)
    (run.path / "result.json").unlink()
    whole = all_whole(run)
    return Story(run, {"events.jsonl" if not arm else f"arms/{arm}/events.jsonl": whole[arm] for arm in whole})


def tables_of(board: Board) -> list[str]:
    """Everything that `inittui report` prints."""
    document = result_document.document(board, seconds=board.t)
    return [tables.text(document), tables.markdown(document), tables.comma_separated(document)]


def check_cut(story: Story, log: str, step: int) -> None:
    path = story.run.path / log
    content = path.read_bytes()
    shown: set[int] = set()
    for cut in range(0, len(content) + 1, step):
        path.write_bytes(content[:cut])
        whole = content[:cut].count(b"\n")
        board = Follower(story.run).poll()
        assert board.faults == ()
        if whole not in shown:
            shown.add(whole)
            expected = story.board(log, lambda number, whole=whole: number < whole)  # type: ignore[misc]
            assert all(tables_of(board))
            assert (
                len(timeline(story.run))
                == sum(len(told) for told in story.told.values()) - len(story.told[log]) + whole
            )
        assert board == expected
    path.write_bytes(content)


def check_changed(story: Story, log: str, step: int) -> None:
    path = story.run.path / log
    content = path.read_bytes()
    shown: set[int] = set()
    for at in range(0, len(content), step):
        changed = bytearray(content)
        changed[at] ^= 1 << at % 8
        path.write_bytes(changed)
        line = content[:at].count(b"\n")
        # Without the newline between them two lines are one.
        lost = {line, line + 1} if content[at] == ord("\n") else {line}
        board = Follower(story.run).poll()
        if at == len(content) - 1:
            assert board.faults == ()  # the last line has no end: it may yet come
        else:
            assert f"events.jsonl, line {line + 1}: " in board.faults[0]
        if line not in shown or len(lost) > 1:
            shown.add(line)
            expected = story.board(log, lambda number, lost=lost: number not in lost)  # type: ignore[misc]
            assert all(tables_of(board))
        assert boards_equal(board, expected)
    path.write_bytes(content)


def boards_equal(board: Board, expected: Board) -> bool:
    """But for what is said of damage."""
    return replace(board, faults=()) == expected


@pytest.mark.parametrize("log", LOGS)
def test_a_log_that_is_cut_gives_an_exact_prefix(story: Story, log: str) -> None:
    check_cut(story, log, 41)


@pytest.mark.parametrize("log", LOGS)
def test_a_changed_byte_costs_its_own_event_alone(story: Story, log: str) -> None:
    check_changed(story, log, 41)


@pytest.mark.slow
@pytest.mark.parametrize("log", LOGS)
def test_wherever_a_log_is_cut_it_gives_an_exact_prefix(story: Story, log: str) -> None:
    check_cut(story, log, 1)


@pytest.mark.slow
@pytest.mark.parametrize("log", LOGS)
def test_whichever_byte_is_changed_it_costs_its_own_event_alone(story: Story, log: str) -> None:
    check_changed(story, log, 1)


# Documents and checkpoints


def snapshot(run: RunDir) -> Any:
    arm = run.preset().arms[0]
    found = checkpoints.read(run.arm(ARMS[0]), 777, msgspec.json.encode(arm, order="deterministic").decode())
    assert found is not None
    return found.position, found.seconds, {name: tensor.tolist() for name, tensor in found.tensors.items()}


READ: dict[str, tuple[str, Callable[[RunDir], Any]]] = {
    "preset.toml": ("finished", RunDir.preset),
    "status.json": ("finished", RunDir.status),
    "result.json": ("finished", RunDir.result),
    "gallery.json": ("finished", gallery.read),
    CHECKPOINT: ("stopped", snapshot),
}
bits = st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 7)), min_size=1, max_size=6)


@pytest.fixture(scope="session")
def spoilt(
    tmp_path_factory: pytest.TempPathFactory, finished: RunDir, stopped: RunDir
) -> Callable[[str], tuple[RunDir, bytes]]:
    """By the path of a file: a copy of the run that has it, for the whole session, and the file's content as it was."""
    runs = {
        name: RunDir(Path(shutil.copytree(run.path, tmp_path_factory.mktemp("spoilt") / run.name)))
        for name, run in (("finished", finished), ("stopped", stopped))
    }
    contents = {path: (runs[of].path / path).read_bytes() for path, (of, _) in READ.items()}
    return lambda path: (runs[READ[path][0]], contents[path])


def check_spoilt(run: RunDir, path: str, content: bytes, changed: bytes) -> None:
    """With `changed` in place of `content` the file is refused in one line; unless nothing has changed."""
    read = READ[path][1]
    before = read(run)
    (run.path / path).write_bytes(changed)
    refusal = ""
    try:
        after = read(run)
    except RunError as error:
        refusal = str(error)
    finally:
        (run.path / path).write_bytes(content)
    if changed == content:
        assert after == before
        return
    assert Path(path).name in refusal
    assert len(refusal.splitlines()) == 1
    assert len(refusal) < 400


@pytest.mark.parametrize("path", READ)
@given(flipped=bits)
@example(flipped=[(0, 0)])
@steady
def test_bits_that_flip_are_refused_in_one_line(
    spoilt: Callable[[str], tuple[RunDir, bytes]], path: str, flipped: list[tuple[int, int]]
) -> None:
    run, content = spoilt(path)
    changed = bytearray(content)
    for at, bit in flipped:
        changed[at % len(content)] ^= 1 << bit
    check_spoilt(run, path, content, bytes(changed))


@pytest.mark.parametrize("path", READ)
@given(start=st.integers(0, 2**40), length=st.integers(0, 2**40), put=st.binary(max_size=64))
@example(start=0, length=2**40, put=b"")
@steady
def test_pieces_that_are_lost_or_put_in_are_refused_in_one_line(
    spoilt: Callable[[str], tuple[RunDir, bytes]], path: str, start: int, length: int, put: bytes
) -> None:
    run, content = spoilt(path)
    start %= len(content)
    changed = content[:start] + put + content[start + length % (len(content) - start + 1) :]
    check_spoilt(run, path, content, changed)


# The commands


def one_line(done: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("inittui: ")
    assert all(word in done.stderr for word in words), done.stderr


def flip(path: Path) -> None:
    """One bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


REFUSED = [
    ("preset.toml", ("attach", "last", "--plain")),
    ("preset.toml", ("resume", "last", "--plain")),
    ("preset.toml", ("replay", "last")),
    ("status.json", ("resume", "last", "--plain")),
    ("status.json", ("stop", "last")),
    ("result.json", ("report", "last")),
    ("result.json", ("report", "last", "--format", "csv")),
    (CHECKPOINT, ("resume", "last", "--plain")),
]


@pytest.mark.parametrize(("path", "command"), REFUSED)
def test_a_damaged_file_is_refused_by_the_command_that_needs_it(
    stopped: RunDir, copy: Callable[[RunDir], RunDir], inittui: Command, path: str, command: tuple[str, ...]
) -> None:
    run = copy(stopped)
    flip(run.path / path)
    before = {one: one.read_bytes() for one in run.path.rglob("*") if one.is_file()}
    done = inittui(*command)
    assert done.stdout == ""
    one_line(done, Path(path).name, run.name if path != CHECKPOINT else ARMS[0])
    assert {one: one.read_bytes() for one in run.path.rglob("*") if one.is_file()} == before, "nothing was written"


@pytest.mark.parametrize("path", ["preset.toml", "status.json", "result.json", "gallery.json", *LOGS])
def test_a_damaged_file_does_not_hide_the_run_from_the_list_nor_the_table_from_whoever_attaches(
    finished: RunDir, copy: Callable[[RunDir], RunDir], inittui: Command, path: str
) -> None:
    run = copy(finished)
    flip(run.path / path)
    listed = inittui("runs")
    assert listed.returncode == 0, listed.stderr
    assert run.name in listed.stdout
    assert ("damaged" in listed.stdout) == (path == "status.json")
    if path != "preset.toml":
        attached = inittui("attach", "last", "--plain")
        assert attached.returncode == 0, attached.stderr
        assert attached.stderr == ""
        assert "test accuracy" in attached.stdout
        assert ("damaged record: " in attached.stdout) == (path in (*LOGS, "result.json"))


# What is no file


def put_fifo(path: Path) -> None:
    os.mkfifo(path)


def put_link_to_fifo(path: Path) -> None:
    os.mkfifo(path.parent / "somewhere")
    path.symlink_to("somewhere")


def put_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


FILES = [
    *("preset.toml", "status.json", "result.json", "gallery.json", *LOGS, CHECKPOINT),
    *("supervisor.log", "lock", f"arms/{ARMS[0]}/worker.log"),
]
COMMANDS = [
    ("runs",),
    ("report", "last"),
    ("report", "last", "--format", "svg"),
    ("attach", "last", "--plain"),
    ("replay", "last"),
    ("resume", "last", "--detach"),
    ("delete", "--yes", "last"),
]


def each_command(inittui: Command, run: RunDir) -> Iterator[tuple[tuple[str, ...], "subprocess.CompletedProcess[str]"]]:
    for command in COMMANDS:
        words = tuple(str(run.path) if word == "last" else word for word in command)
        try:
            yield command, inittui(*words)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{' '.join(command)} hangs")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "put"),
    [(path, put_fifo) for path in FILES]
    + [(path, put) for path in ("result.json", LOGS[1], CHECKPOINT) for put in (put_link_to_fifo, put_device)],
)
def test_what_is_no_file_hangs_nobody(
    stopped: RunDir, copy: Callable[[RunDir], RunDir], inittui: Command, path: str, put: Callable[[Path], None]
) -> None:
    run = copy(stopped)
    (run.path / path).unlink(missing_ok=True)
    put(run.path / path)
    for command, done in each_command(inittui, run):
        assert "Traceback" not in done.stderr, (command, done.stderr)
        # 130: it was stopped; 1: the log that said so is not there.
        assert done.returncode in ((0, 1, 2, 130) if command[0] == "attach" else (0, 2)), (command, done.stderr)
        assert len(done.stderr.splitlines()) <= 1, (command, done.stderr)
        if command[0] == "resume":
            one_line(done)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["there", "not there"])
@pytest.mark.parametrize("path", [*FILES, f"arms/{ARMS[0]}/.predictions.npz", "disk-full", "control"])
def test_nothing_is_written_or_deleted_through_a_link(
    stopped: RunDir, copy: Callable[[RunDir], RunDir], inittui: Command, tmp_path: Path, path: str, target: str
) -> None:
    run = copy(stopped)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"what must stay")
    linked = outside if path == "control" else outside / ("precious" if target == "there" else "new")
    if path == "control":
        shutil.rmtree(run.path / path, ignore_errors=True)  # a stop has left it
    (run.path / path).unlink(missing_ok=True)
    (run.path / path).symlink_to(linked)
    for _command, done in each_command(inittui, run):
        assert "Traceback" not in done.stderr
    assert [one.name for one in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_bytes() == b"what must stay"
