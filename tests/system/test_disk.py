"""A disk that is full: at the start, in mid-run, at the end. The runs folder is a small file system of its own."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from inittui.record import control_requests, event_lines, events, gallery
from inittui.record.disk_room import MARKS
from inittui.record.result_schema import ResultDocument
from inittui.record.run_directory import RunDir
from inittui.record.run_index import runs
from inittui.supervisor.workers.checkpoints import EVERY_SECONDS

from .conftest import Command, until
from .logs import all_whole
from .terminal import Terminal

SIZE = 8 << 20  # bytes: room for a few checkpoints of 0.3 MB
PAGE = os.sysconf("SC_PAGE_SIZE")
ARMS = ("xavier_normal", "he_normal")
DIGITS = ("--preset", "digits", "--arm", ARMS[0], "--arm", ARMS[1])
TRAINING_PATIENCE = 300.0
LONG, SHORT = 400, 3  # epochs: ten seconds of training and more, and hardly any


class Disk:
    """A file system that can be made full, and stays so: what others give back is taken at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / ".filler"
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def leave(self, pages: int) -> None:
        """Take all but so many pages, once."""
        found = os.statvfs(self.path)
        with self._filler.open("wb") as file:
            file.write(bytes(found.f_bavail * found.f_frsize - pages * PAGE))

    def fill(self) -> None:
        """Take all, and all that is given back, until `free`."""
        self._over.clear()
        file = os.open(self._filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._take(file)
        self._thread = threading.Thread(target=self._hold, args=(file,), daemon=True)
        self._thread.start()

    def _hold(self, file: int) -> None:
        while not self._over.wait(0.01):
            self._take(file)
        os.close(file)

    def _take(self, file: int) -> None:
        with contextlib.suppress(OSError):
            while os.write(file, bytes(PAGE)):
                pass

    def free(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self._filler.unlink(missing_ok=True)


@pytest.fixture
def disk(runs_dir: Path) -> Iterator[Disk]:
    """The runs folder as a small disk."""
    runs_dir.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(runs_dir)], capture_output=True, text=True
    )
    if done.returncode:
        reason = f"no small disk can be mounted here: {done.stderr.strip()}"
        if os.environ.get("INITTUI_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    small = Disk(runs_dir)
    yield small
    small.free()
    for run in runs(runs_dir):
        kill_all(run)
    subprocess.run(["umount", "--lazy", str(runs_dir)], check=True)


@pytest.fixture
def terminal(disk: Disk) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_(arguments: list[str]) -> Terminal:
        opened.append(Terminal(arguments, disk.path))
        return opened[-1]

    yield open_
    for one in opened:
        one.kill()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], dict[str, Any]]:
    """What a run of so many epochs comes to where there is room. Each is trained once."""
    known: dict[int, dict[str, Any]] = {}

    def outcome_of(epochs: int) -> dict[str, Any]:
        if epochs not in known:
            inittui = Command(tmp_path_factory.mktemp("room") / "runs")
            known[epochs] = finished(start(inittui, epochs), epochs)
        return known[epochs]

    return outcome_of


def outcome(document: ResultDocument) -> dict[str, Any]:
    """A result without its name, without what the clock says, and without word of a resume."""
    timed = {"run", "seconds", "samples_per_second", "resumed"}

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: bare(one) for key, one in value.items() if key not in timed}
        return [bare(one) for one in value] if isinstance(value, list) else value

    bared: dict[str, Any] = bare(msgspec.json.decode(msgspec.json.encode(document)))
    return bared


def start(inittui: Command, epochs: int) -> RunDir:
    done = inittui(*DIGITS, "--epochs", str(epochs), "--detach")
    assert done.returncode == 0, done.stderr
    return inittui.run_dir()


def epochs_of(run: RunDir, arm: str) -> list[events.Epoch]:
    """Also while the log is written, when its last line may be torn."""
    lines = run.arm_log(arm).read_bytes().split(b"\n")[:-1] if run.arm_log(arm).exists() else []
    return [event for event in map(event_lines.decode, lines) if isinstance(event, events.Epoch)]


def check_logs(run: RunDir, epochs: int) -> None:
    """No line is torn, no number is missing, every epoch is there once, and nothing is left lying about."""
    for path in (run.log, *(run.arm_log(arm) for arm in ARMS)):
        assert path.read_bytes().endswith(b"\n")
    all_whole(run)
    for arm in ARMS:
        assert [event.epoch for event in epochs_of(run, arm)] == list(range(1, epochs + 1))
    assert not [path.name for path in run.path.rglob("*") if path.name in MARKS.values() or path.name.startswith(".")]


def processes(run: RunDir) -> list[psutil.Process]:
    """The supervisor and its workers."""
    with contextlib.suppress(psutil.Error):
        supervisor = psutil.Process(run.status().pid or -1)
        return [supervisor, *supervisor.children()]
    return []


def kill_all(run: RunDir) -> None:
    for process in processes(run) if run.alive() else []:
        with contextlib.suppress(psutil.Error):
            process.kill()
            process.wait()


def busy(processes: list[psutil.Process]) -> float:
    """Seconds of computing, of the one that has computed least; those that have ended don't count."""
    used = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            used.append(sum(process.cpu_times()[:2]))
    return min(used, default=float("inf"))


def until_trained(workers: list[psutil.Process], seconds: float) -> None:
    """Until each has computed for `seconds` more."""
    before = busy(workers)
    until(lambda: busy(workers) > before + seconds, "training")


def let_time_pass(workers: list[psutil.Process]) -> None:
    """More than from one checkpoint to the next, and no training meanwhile: the next step finds that one is due."""
    for worker in workers:
        worker.suspend()
    time.sleep(EVERY_SECONDS + 1)
    for worker in workers:
        worker.resume()


def until_idle(workers: list[psutil.Process]) -> None:
    """Until they do hardly anything any more: they wait for room."""

    def idle() -> bool:
        before = [sum(worker.cpu_times()[:2]) for worker in workers]
        threading.Event().wait(1.0)
        return all(sum(worker.cpu_times()[:2]) - used < 0.1 for worker, used in zip(workers, before, strict=True))

    until(idle, "workers that wait")


def workers_of(run: RunDir) -> list[psutil.Process]:
    until(lambda: len(processes(run)) == 1 + len(ARMS), "the workers")
    return processes(run)[1:]


def start_held(inittui: Command, epochs: int) -> RunDir:
    """A run whose arms wait to be let go, before their first step."""
    run = start(inittui, epochs)
    control_requests.ask(run, "pause")  # heard before the first worker is started
    until(lambda: run.status().state == "paused", "the pause")
    return run


def until_epochs(run: RunDir, count: int) -> None:
    until(lambda: all(len(epochs_of(run, arm)) >= count for arm in ARMS), f"{count} epochs")


def until_over(run: RunDir) -> None:
    end = time.monotonic() + TRAINING_PATIENCE
    while run.alive():
        assert time.monotonic() < end, "the run does not end"
        time.sleep(0.05)


def resumed(inittui: Command, run: RunDir) -> dict[str, Any]:
    """The result of the run once it has gone on to its end."""
    done = inittui("resume", run.name, "--detach")
    assert done.returncode == 0, done.stderr
    until_over(run)
    document = run.result()
    assert document is not None
    assert document.status == run.status().state == "finished"
    assert "bit for bit" in document.resumed
    assert not run.waiting_for(), "what others left is gone"
    return outcome(document)


def finished(run: RunDir, epochs: int) -> dict[str, Any]:
    """The result of the run, which has never been stopped and has to be whole, once it is over."""
    until_over(run)
    document = run.result()
    assert document is not None
    assert document.status == run.status().state == "finished"
    check_logs(run, epochs)
    return outcome(document)


def test_a_disk_that_is_full_from_the_start_is_one_line_and_leaves_nothing(disk: Disk, inittui: Command) -> None:
    disk.fill()
    done = inittui(*DIGITS, "--plain")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "no space left on device" in done.stderr
    assert str(disk.path) in done.stderr
    assert [path.name for path in disk.path.iterdir()] == [".filler"]


def test_a_disk_that_is_full_at_the_end_delays_the_result_and_nothing_else(disk: Disk, inittui: Command) -> None:
    run = start_held(inittui, SHORT)
    disk.fill()
    control_requests.ask(run, "resume")
    until_idle(workers_of(run))
    assert run.waiting_for() == "disk full"
    assert run.alive()
    assert not (run.path / "result.json").exists()
    disk.free()
    finished(run, SHORT)
    pictures = gallery.read(run)
    assert pictures is not None
    assert all(all(picture.predictions) for picture in pictures.pictures)
    assert inittui("report", "last").returncode == 0


@pytest.mark.slow
def test_a_disk_that_is_full_in_mid_run_loses_nothing_and_viewers_say_so(
    disk: Disk,
    inittui: Command,
    terminal: Callable[..., Terminal],
    undisturbed: Callable[[int], dict[str, Any]],
    tmp_path: Path,
) -> None:
    run = start(inittui, LONG)
    workers = workers_of(run)
    with (tmp_path / "plain").open("wb") as out:  # not a pipe: nobody reads while it lasts
        plain = subprocess.Popen(
            [sys.executable, "-m", "inittui", "attach", "--plain"], stdout=out, stderr=out, env=inittui.environment
        )
    screen = terminal(["attach"])
    screen.wait_for_text("training", "xavier_normal")
    until_epochs(run, 2)
    disk.fill()
    until(lambda: run.waiting_for() == "disk full", "a full disk")
    known = {arm: len(epochs_of(run, arm)) for arm in ARMS}
    screen.wait_for_text("Disk full: training continues")
    let_time_pass(workers)
    until_trained(workers, 0.5)
    assert all(worker.is_running() for worker in workers)
    late = {arm: epochs_of(run, arm)[known[arm] + 5 :] for arm in ARMS}
    assert not any(late.values()), "there was room after all"
    words = (tmp_path / "plain").read_text()
    disk.free()
    screen.wait_for(lambda text: "Disk full" not in text, "word that there is room again")
    result = finished(run, LONG)
    assert plain.wait(60) == 0
    assert words.count("disk full: events wait in memory") == 1
    assert (tmp_path / "plain").read_text().count("the disk can be written again: nothing was lost") == 1
    assert result == undisturbed(LONG)
    screen.wait_for_text("finished in")
    screen.press("q")
    assert screen.end() == 0


@pytest.mark.slow
def test_a_supervisor_that_finds_the_disk_full_when_all_is_trained_waits(
    disk: Disk, inittui: Command, undisturbed: Callable[[int], dict[str, Any]]
) -> None:
    run = start(inittui, SHORT)
    workers = workers_of(run)
    supervisor = processes(run)[0]
    supervisor.suspend()
    until(lambda: all(worker.status() == psutil.STATUS_ZOMBIE for worker in workers), "trained arms")
    disk.fill()
    supervisor.resume()
    until(lambda: run.waiting_for() == "disk full", "a full disk")
    until_idle([supervisor])
    assert not (run.path / "result.json").exists()
    disk.free()
    assert finished(run, SHORT) == undisturbed(SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["mid-run", "end"])
def test_a_stop_on_a_full_disk_says_what_is_lost_and_resume_gets_it_back(
    disk: Disk, inittui: Command, undisturbed: Callable[[int], dict[str, Any]], when: str
) -> None:
    epochs = LONG if when == "mid-run" else SHORT
    run = start_held(inittui, epochs)
    if when == "end":
        disk.fill()
    control_requests.ask(run, "resume")
    workers = workers_of(run)
    if when == "end":
        until_idle(workers)
    else:
        until_epochs(run, 2)
        disk.fill()
        until(lambda: run.waiting_for() == "disk full", "a full disk")
    stopped = inittui("stop", "last")
    assert stopped.returncode == 0, stopped.stderr
    assert not run.alive()
    assert not any(worker.is_running() for worker in workers)
    assert "disk full" in stopped.stderr
    assert "lost" in stopped.stderr
    assert "inittui resume" in stopped.stderr
    assert len(stopped.stderr.splitlines()) == 1
    disk.free()
    assert resumed(inittui, run) == undisturbed(epochs)


@pytest.mark.slow
def test_a_pause_on_a_full_disk_is_heard_and_the_command_says_why_it_cannot_tell(
    disk: Disk, inittui: Command, undisturbed: Callable[[int], dict[str, Any]]
) -> None:
    run = start(inittui, LONG)
    workers = workers_of(run)
    until_epochs(run, 2)
    disk.fill()
    until(lambda: run.waiting_for() == "disk full", "a full disk")
    paused = inittui("pause", "last")
    assert paused.returncode == 2
    assert len(paused.stderr.splitlines()) == 1
    assert "disk full" in paused.stderr
    until_idle(workers)
    disk.free()
    until(lambda: run.status().state == "paused", "the pause")
    assert inittui("resume", "last", "--detach").returncode == 0
    assert finished(run, LONG) == undisturbed(LONG)


@pytest.mark.slow
def test_no_checkpoint_is_ahead_of_the_log_when_all_is_killed_on_a_full_disk(
    disk: Disk, inittui: Command, undisturbed: Callable[[int], dict[str, Any]]
) -> None:
    run = start(inittui, LONG)
    workers = workers_of(run)
    until_epochs(run, 1)
    let_time_pass(workers)
    until(lambda: all(place(run, arm) is not None for arm in ARMS), "checkpoints")
    disk.fill()
    until(lambda: run.waiting_for() == "disk full", "a full disk")
    let_time_pass(workers)
    until_trained(workers, 0.5)
    assert all(worker.is_running() for worker in workers)
    kill_all(run)
    until(lambda: not any(worker.is_running() for worker in workers), "the workers' end")
    for arm in ARMS:
        saved = place(run, arm)
        assert saved is not None
        assert saved <= len(epochs_of(run, arm))
    disk.free()
    assert resumed(inittui, run) == undisturbed(LONG)


def place(run: RunDir, arm: str) -> int | None:
    """The epochs that are done in the arm's checkpoint."""
    try:
        content = (run.arm(arm) / "checkpoint.777.safetensors").read_bytes()
    except FileNotFoundError:
        return None
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return int(json.loads(header["__metadata__"]["inittui"])["epochs"])


@pytest.mark.slow
@pytest.mark.parametrize("pages", range(1, 9))
def test_a_disk_that_gets_full_while_a_run_starts_refuses_it_or_delays_it(
    disk: Disk, inittui: Command, undisturbed: Callable[[int], dict[str, Any]], pages: int
) -> None:
    disk.leave(pages)
    done = inittui(*DIGITS, "--epochs", str(SHORT), "--detach")
    if done.returncode:
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1
        assert "no space left on device" in done.stderr
        assert [path.name for path in disk.path.iterdir()] == [".filler"]
        return
    run = inittui.run_dir()
    assert run.alive()
    until(lambda: run.waiting_for() == "disk full", "a full disk")
    disk.free()
    assert finished(run, SHORT) == undisturbed(SHORT)
