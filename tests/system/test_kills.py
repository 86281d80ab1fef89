"""kill -9 at any moment, of anything: what is on disk stays whole, and a run that goes on comes to the same bits."""

import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from inittui.board.follower import Follower
from inittui.common import process_identity
from inittui.record import control_requests, events
from inittui.record.events import Event
from inittui.record.run_directory import RunDir
from inittui.record.run_index import runs

from . import logs
from .conftest import PATIENCE, Command, until
from .run_processes import Figures, figures, kill, processes, resumed, started
from .terminal import Terminal

SEED = 20241107
ARMS = ("he_normal", "xavier_normal")
QUICK = [
    *("--preset", "digits", "--seeds", "2", "--set", "training.batch_size=25", "--set", "model.hidden=[32]"),
    *(word for arm in ARMS for word in ("--arm", arm)),
]
EPOCHS = 60
PACE = 0.3  # seconds that a worker rests after each epoch, where it must not finish before the last kill
ENDLESS = [*QUICK, "--epochs", "100000"]
# Seconds. What is promised is two; a machine that others use keeps this.
SOON = 10.0
Record = Callable[[str, object], None]


class Measured:
    """The longest that each thing took, for the report."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._seconds: dict[str, list[float]] = {}

    def add(self, what: str, seconds: float) -> None:
        self._seconds.setdefault(what, []).append(seconds)

    def tell(self) -> None:
        for what, seconds in self._seconds.items():
            self._record(what, max(seconds))
            print(f"{what}: at most {max(seconds):.2f} s, of {len(seconds)}")
            assert max(seconds) < SOON, what


@pytest.fixture
def measured(record_property: Record) -> Iterator[Measured]:
    one = Measured(record_property)
    yield one
    one.tell()


# What the bits have to be


Undisturbed = Callable[[int], Figures]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The figures of a run of so many epochs that nobody disturbs. Each is trained once."""
    known: dict[int, Figures] = {}

    def train(epochs: int) -> Figures:
        if epochs not in known:
            inittui = Command(tmp_path_factory.mktemp("undisturbed"))
            _, said = inittui.start(*QUICK, "--epochs", str(epochs), "--json").communicate(timeout=600)
            assert "Traceback" not in said
            known[epochs] = figures(inittui.run_dir())
        return known[epochs]

    return train


def finish(run: RunDir, expected: Figures) -> None:
    """Wait for the run's end, and compare it with what it has to be, in the result and in the logs."""
    until(lambda: run.status().state in ("finished", "failed", "stopped") and not run.alive(), "the run's end")
    assert figures(run) == expected
    told = logs.all_whole(run)
    for arm in ARMS:
        assert sum(isinstance(event, events.Finished) for event in told[arm]) == 1
        last = [event for event in told[arm] if not isinstance(event, events.Saved)][-1]
        assert isinstance(last, events.Finished)
    assert as_expected(told, expected) == {len(costs) for costs, _, _ in expected.values()}
    # What writers leave behind when they are killed has been cleared away, and a finished arm needs no checkpoint.
    names = [path.name for path in run.path.rglob("*")]
    assert not [name for name in names if name.startswith((".", "checkpoint"))]


def as_expected(told: dict[str, list[Event]], expected: Figures) -> set[int]:
    """Compare what the arms' logs tell with what it has to be, as far as both go; how many epochs those are."""
    lengths = set()
    for arm in ARMS:
        for seed, points in replayed(told[arm]).items():
            costs, accuracies, test_cost = expected[arm, seed]
            length = min(len(points), len(costs))
            assert [point.train_cost for point in points[:length]] == list(costs[:length])
            assert [point.test_accuracy for point in points[:length]] == list(accuracies[:length])
            if length == len(costs):
                assert points[length - 1].test_cost == test_cost
            lengths.add(length)
    return lengths


def replayed(told: list[Event]) -> dict[int, list[events.Epoch]]:
    """The final record of each seed's epochs. None is missing, and none comes twice but after going back to a checkpoint;
    whatever comes again comes out the same."""
    points: dict[int, list[events.Epoch]] = {}
    ever: dict[tuple[int, int], tuple[object, ...]] = {}
    for event in told:
        match event:
            case events.Begin():
                points = {seed: [] for seed in event.seeds}
            case events.Restored():
                points = {place.seed: points[place.seed][: place.epochs] for place in event.places}
                assert all(len(points[place.seed]) == place.epochs for place in event.places), "ahead of its log"
            case events.Epoch():
                assert event.epoch == len(points[event.seed]) + 1
                points[event.seed].append(event)
                bits = (event.train_cost, event.test_cost, event.test_accuracy)
                assert ever.setdefault((event.seed, event.epoch), bits) == bits
    return points


# Killing


def ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def epochs_done(run: RunDir) -> int:
    """How far the arm is that is behind."""
    return min(arm.epochs_done for arm in Follower(run).poll().arms)


def listed(inittui: Command, run: RunDir) -> str:
    """The run's state as `inittui runs` has it."""
    (found,) = [one for one in json.loads(inittui("runs", "--json").stdout) if one["name"] == run.name]
    return str(found["state"])


def dead(inittui: Command, run: RunDir, family: dict[str, psutil.Process], began: float, measured: Measured) -> None:
    """After the supervisor's death nobody is left, the logs are whole, and the list of runs says so."""
    measured.add("last process gone after", logs.since(began, lambda: all(map(ended, family.values())), "the end"))
    logs.all_whole(run)
    # The very last deed is to log the end; the status tells it by then.
    assert listed(inittui, run) == ("finished" if run.status().state == "finished" else "interrupted")


Open = Callable[..., Terminal]


@pytest.fixture
def terminal(runs_dir: Path) -> Iterator[Open]:
    """Opens viewers, and kills what is left of them."""
    opened: list[Terminal] = []

    def open_(*arguments: str) -> Terminal:
        opened.append(Terminal(list(arguments), runs_dir))
        return opened[-1]

    yield open_
    for one in opened:
        one.kill()


def restored(run: RunDir) -> int:
    """How often an arm has gone on from where it was, and not from its start."""
    return sum(
        any(place.epochs for place in event.places)
        for arm in ARMS
        for event in logs.whole(run.arm_log(arm))
        if isinstance(event, events.Restored)
    )


def saved(run: RunDir) -> int:
    """How many checkpoints have been written."""
    return sum(isinstance(event, events.Saved) for arm in ARMS for event in logs.whole(run.arm_log(arm)))


@pytest.mark.slow
def test_a_supervisor_killed_twelve_times(inittui, terminal, undisturbed, measured, plan):
    chance = random.Random(SEED)
    plan(pace=PACE)
    run = started(inittui, *QUICK, "--epochs", str(EPOCHS))
    viewer = terminal("attach")  # one for the whole story
    for number in range(12):
        if number % 3 == 2:  # while torch is imported, or just after
            time.sleep(chance.uniform(0, 3))
        else:
            until(lambda: all(going(run, arm) for arm in ARMS), "training")
            viewer.wait_for(lambda text: text.count("training ") >= len(ARMS), "training")
            time.sleep(chance.uniform(0, 0.8))
        family = processes(run)
        began = kill(family[""])
        viewer.wait_for_text("interrupted")
        measured.add("viewer says interrupted after", time.monotonic() - began)
        dead(inittui, run, family, began, measured)
        if number == 11:
            plan()
        resumed(inittui, run)
    finish(run, undisturbed(EPOCHS))
    assert restored(run) > 4  # its workers save before they end
    viewer.wait_for_text("finished in")


@pytest.mark.slow
def test_everything_killed_at_once_twelve_times(inittui, terminal, undisturbed, measured, plan):
    chance = random.Random(SEED + 1)
    plan(pace=PACE, seconds=0.2)
    run = started(inittui, *QUICK, "--epochs", str(EPOCHS))
    for number in range(12):
        viewer = terminal("attach", run.name)
        viewer.wait_for_text(*ARMS)
        if number % 3 == 2:
            time.sleep(chance.uniform(0, 3))
        else:
            until(lambda: all(going(run, arm) for arm in ARMS), "training")
            if number % 3 == 1:  # once there is something to go on from
                enough = saved(run) + 4
                until(lambda enough=enough: epochs_done(run) > 0 and saved(run) >= enough, "checkpoints")  # type: ignore[misc]
            time.sleep(chance.uniform(0, 1))
        family = processes(run)
        seen = psutil.Process(viewer.child.pid)
        began = kill(seen, *family.values())
        dead(inittui, run, {**family, "viewer": seen}, began, measured)
        if number == 11:
            plan()
        resumed(inittui, run)
    finish(run, undisturbed(EPOCHS))
    assert restored(run) > 3


def killed_worker(run: RunDir, arm: str, measured: Measured) -> None:
    """Kill the arm's worker: the log and the board tell it soon, and the other arm goes on."""
    follower = Follower(run, run.liveness)
    (other,) = {*ARMS} - {arm}
    victim = processes(run)[arm]
    before = len(logs.whole(run.log))
    began = kill(victim)
    measured.add("worker gone after", logs.since(began, lambda: ended(victim), "the worker's end"))

    def gone() -> list[events.Gone]:
        return [event for event in logs.whole(run.log)[before:] if isinstance(event, events.Gone)]

    measured.add("log says it after", logs.since(began, lambda: bool(gone()), "the word of it"))
    (word,) = gone()
    assert word.arm == arm
    assert "killed by signal 9" in word.reason

    def state() -> tuple[str, str]:
        (found,) = [one for one in follower.poll().arms if one.folder == arm]
        return found.state, found.reason

    measured.add("board says it after", logs.since(began, lambda: state() == ("failed", word.reason), "the board"))
    logs.all_whole(run)
    told = len(logs.whole(run.arm_log(other)))
    until(lambda: len(logs.whole(run.arm_log(other))) > told, "the other arm to go on")
    assert run.alive()


def going(run: RunDir, arm: str) -> bool:
    (state,) = [one.state for one in Follower(run).poll().arms if one.folder == arm]
    return state == "training"


@pytest.mark.slow
def test_workers_killed_ten_times_in_a_living_run(inittui, measured, plan, undisturbed):
    chance = random.Random(SEED + 2)
    plan(seconds=0.2)
    run = started(inittui, *ENDLESS)
    for _ in range(10):
        arm = chance.choice(ARMS)
        until(lambda: all(going(run, one) for one in ARMS), "both arms at work")
        time.sleep(chance.uniform(0, 0.6))
        killed_worker(run, arm, measured)
        again = inittui("resume", run.name, "--arm", arm)
        assert (again.returncode, again.stdout) == (0, f"{arm} of {run.name} goes on\n"), again.stderr
    assert inittui("stop", run.name).returncode == 0
    told = logs.all_whole(run)
    assert sum(isinstance(event, events.Gone) and "signal 9" in event.reason for event in told[""]) == 10
    assert restored(run) > 4
    assert min(as_expected(told, undisturbed(EPOCHS))) > 2


@pytest.mark.slow
def test_a_viewer_killed_ten_times_is_nothing_to_the_run(inittui, terminal, undisturbed, runs_dir, measured):
    chance = random.Random(SEED + 3)
    viewer = terminal(*ENDLESS)  # it has started the run
    until(lambda: bool(runs(runs_dir)), "the run")
    run = inittui.run_dir()
    for number in range(10):
        if number % 2:
            viewer.wait_for_text(*ARMS)
        time.sleep(chance.uniform(0, 0.5))
        until(lambda: run.status().pid is not None, "the supervisor")
        victim = psutil.Process(viewer.child.pid)
        began = kill(victim)
        measured.add("viewer gone after", logs.since(began, lambda victim=victim: ended(victim), "the viewer's end"))  # type: ignore[misc]
        assert run.alive()
        viewer = terminal("attach", "last")
    until(lambda: epochs_done(run) > 2, "epochs")
    assert inittui("stop", run.name).returncode == 0
    viewer.wait_for_text("stopped in")
    told = logs.all_whole(run)
    for arm in ARMS:
        for numbers in logs.epochs(told[arm]).values():
            assert numbers == list(range(1, len(numbers) + 1))
    assert min(as_expected(told, undisturbed(EPOCHS))) > 2


# Killed in the midst of writing

# Python runs this before anything of ours. Of the process that it is told, the nth of all writes, syncs and renames is its
# last deed; of what it would have written half is on disk by then, or all but the newline.
KILLER = """
import json, os, signal, sys, time

plan = json.loads(os.environ["INITTUI_TEST_PLAN"])
if "inittui.supervisor" in sys.orig_argv:
    supervisor, fork, write, fsync, replace = os.getpid(), os.fork, os.write, os.fsync, os.replace
    forks = deeds = 0

    def last():
        global deeds
        role = 0 if os.getpid() == supervisor else forks
        deeds += role == plan.get("role")
        return role == plan.get("role") and deeds == plan.get("deed")

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    def forking():
        global forks
        forks += 1
        if "seconds" in plan:
            sys.modules["inittui.supervisor.workers.checkpoints"].EVERY_SECONDS = plan["seconds"]
        return fork()

    def writing(file, data):
        if last():
            write(file, data[: len(data) // 2] if plan["deed"] % 2 else data[:-1])
            die()
        if b'"type":"epoch"' in data:
            time.sleep(plan.get("pace", 0))
        return write(file, data)

    def syncing(file):
        if last():
            die()
        return fsync(file)

    def renaming(*names, **more):
        if last():
            die()
        return replace(*names, **more)

    os.fork, os.write, os.fsync, os.replace = forking, writing, syncing, renaming
"""

Plan = Callable[..., None]


@pytest.fixture
def plan(inittui: Command, tmp_path: Path) -> Plan:
    """Say what happens to the supervisors that are started from now on. `role` 0 is the supervisor, n its nth worker; `deed`
    its last; `seconds` is how often workers save, `pace` how long they rest after each epoch."""
    folder = tmp_path / "killer"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(KILLER)
    inittui.environment["PYTHONPATH"] = os.pathsep.join([str(folder), str(Path(__file__).parents[2])])
    inittui.environment["INITTUI_TEST_PLAN"] = "{}"

    def set_(**words: float) -> None:
        inittui.environment["INITTUI_TEST_PLAN"] = json.dumps(words)

    return set_


@pytest.mark.slow
def test_a_supervisor_killed_at_each_of_its_writes(inittui, plan, undisturbed, measured):
    plan(role=0, deed=1)
    run = started(inittui, *QUICK, "--epochs", "5")
    deed, torn = 1, 0
    while True:
        until(lambda: not run.alive(), "the supervisor's end")
        if Follower(run).poll().ended:
            break
        content = run.log.read_bytes() if run.log.exists() else b""
        torn += not content.endswith(b"\n") and content != b""
        dead(inittui, run, processes(run), time.monotonic(), measured)
        deed += 1
        assert deed < 100
        plan(role=0, deed=deed)
        done = inittui("resume", run.name, "--detach")
        if done.returncode:  # it was killed before its first event
            assert (done.returncode, done.stdout) == (2, ""), done.stderr
            assert "could not be resumed: its supervisor ended before it wrote an event" in done.stderr
    print(f"killed {deed - 1} times, a line torn {torn} times")
    assert deed > 15
    assert torn > 5
    finish(run, undisturbed(5))


@pytest.mark.slow
def test_a_worker_killed_at_twelve_of_its_writes(inittui, plan, undisturbed):
    chance = random.Random(SEED + 4)
    torn = 0
    deeds = [1, 2, 3, *sorted(chance.sample(range(4, 40), 9))]
    plan(role=1, deed=deeds[0], seconds=0.1)
    run = started(inittui, *QUICK, "--epochs", str(EPOCHS))
    for deed in [*deeds[1:], None]:
        until(lambda: not run.alive(), "the run's end")
        assert listed(inittui, run) == "failed"
        told = logs.all_whole(run)
        assert [event.arm for event in told[""] if isinstance(event, events.Gone) and "signal 9" in event.reason]
        torn += any(not run.arm_log(arm).read_bytes().endswith(b"\n") for arm in ARMS)
        # The first fork is the first arm that has not finished: the arm that has just been killed.
        plan(**({"role": 1, "deed": deed} if deed else {}), seconds=0.1)
        resumed(inittui, run)
    print(f"killed {len(deeds)} times, a line torn {torn} times")
    assert torn > 2
    finish(run, undisturbed(EPOCHS))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("victim", ["", ARMS[0]])
def test_killed_by_the_kernel_at_the_entry_of_a_write(inittui, undisturbed, victim, tmp_path):
    run = started(inittui, *QUICK, "--epochs", str(EPOCHS))
    until(lambda: epochs_done(run) > 3, "epochs")
    family = processes(run)
    number = random.Random(victim).randint(1, 20) if victim else 1
    words = ["strace", "-f", "-qq", "-o", str(tmp_path / "trace"), "-p", str(family[victim].pid)]
    with subprocess.Popen([*words, "-e", f"inject=write:signal=SIGKILL:when={number}"]) as tracer:
        if not victim:  # it writes when something happens
            time.sleep(0.5)
            inittui.start("pause", run.name, "--arm", ARMS[1])
        try:
            tracer.wait(PATIENCE)  # until it has nothing to do any more
        finally:
            tracer.kill()
    assert ended(family[victim])
    assert "killed by SIGKILL" in (tmp_path / "trace").read_text()
    if victim:
        until(lambda: not going(run, victim), "the word of it")
        logs.all_whole(run)
        assert inittui("resume", run.name, "--arm", victim).returncode == 0
    else:
        until(lambda: all(map(ended, family.values())), "the workers' end")
        logs.all_whole(run)
        resumed(inittui, run)
    finish(run, undisturbed(EPOCHS))


# By hand


def test_an_arm_is_paused_goes_on_and_is_stopped(inittui):
    run = started(inittui, *ENDLESS)
    first, second = ARMS
    until(lambda: epochs_done(run) > 0, "an epoch")

    def command(verb: str, said: str, *arguments: str) -> None:
        done = inittui(verb, run.name, *arguments)
        assert (done.returncode, done.stdout) == (0, f"{said}\n"), done.stderr

    def last(arm: str) -> list[type[Event]]:
        return [type(event) for event in logs.whole(run.arm_log(arm)) if not isinstance(event, events.Progress)]

    command("pause", f"paused {first} of {run.name}; 'inittui resume {run.name}' continues it", "--arm", first)
    assert last(first)[-2:] == [events.Saved, events.Paused]
    worker, at_rest = processes(run)[first], logs.whole(run.arm_log(first))
    before, others = worker.cpu_times(), len(logs.whole(run.arm_log(second)))
    until(lambda: len(logs.whole(run.arm_log(second))) >= others + 10, "a second of the other arm")
    assert worker.cpu_times()[:2] == before[:2], "it uses no CPU"
    assert logs.whole(run.arm_log(first)) == at_rest
    nothing = inittui("pause", run.name, "--arm", first)
    assert (nothing.returncode, nothing.stderr) == (
        2,
        f"inittui: arm '{first}' has nothing to pause: it is paused\n",
    )
    command("resume", f"{first} of {run.name} goes on", "--arm", first)
    until(lambda: len(logs.whole(run.arm_log(first))) > len(at_rest) + 2, "training")
    assert type(logs.whole(run.arm_log(first))[len(at_rest)]) is events.Continued
    command("stop", f"stopped {first} of {run.name}", "--arm", first)
    assert last(first)[-2:] == [events.Saved, events.Stopped]
    until(lambda: ended(worker), "the worker's end")
    command("resume", f"{first} of {run.name} goes on", "--arm", first)
    until(lambda: going(run, first), "training")
    assert events.Restored in last(first)
    command("pause", f"paused {run.name}; 'inittui resume {run.name}' continues it")
    assert run.status().state == "paused"
    command("stop", f"stopped {run.name}")
    told = logs.all_whole(run)
    asked = [(event.verb, event.arm) for event in told[""] if isinstance(event, events.Asked)]
    by_arm = [("pause", first), ("resume", first), ("stop", first), ("resume", first)]
    assert asked == [*by_arm, ("pause", ""), ("stop", "")]
    assert all(event.by.startswith(os.uname().nodename[:20]) for event in told[""] if isinstance(event, events.Asked))
    assert all(last(arm)[-1] is events.Stopped for arm in ARMS)
    for arm in ARMS:
        replayed(told[arm])
    document = run.result()
    assert document is not None
    assert document.status == "stopped"


def snapshot(run: RunDir) -> dict[str, tuple[int, bytes]]:
    """All that is in the run's directory."""
    return {
        str(path.relative_to(run.path)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in run.path.rglob("*")
        if path.is_file()
    }


def refuses(inittui: Command, run: RunDir, words: list[str], *parts: str) -> None:
    """One line, exit code 2, and nothing is changed."""
    before = snapshot(run)
    done = inittui(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("inittui: ")
    assert len(done.stderr.splitlines()) == 1
    assert [part for part in parts if part not in done.stderr] == [], done.stderr
    assert snapshot(run) == before


@pytest.mark.slow
def test_killed_then_damaged_then_taken_for_somebody_else_and_yet_the_same_bits(inittui, undisturbed, plan):
    epochs = 20
    plan(seconds=0.2, pace=0.05)
    run = started(inittui, *QUICK, "--epochs", str(epochs))
    checkpoint = run.arm(ARMS[0]) / "checkpoint.778.safetensors"
    until(checkpoint.exists, "a checkpoint")
    family = processes(run)
    kill(*family.values())
    until(lambda: all(map(ended, family.values())), "the end")
    logs.all_whole(run)

    whole = checkpoint.read_bytes()
    flipped = bytearray(whole)
    flipped[random.Random(SEED).randrange(len(whole) // 2, len(whole))] ^= 1 << 3
    checkpoint.write_bytes(flipped)
    words = ["resume", run.name, "--detach"]
    refuses(inittui, run, words, f"{ARMS[0]}/{checkpoint.name} is damaged", "move it out of the run, and this seed")
    checkpoint.write_bytes(whole)

    # The pid of a process that lives and is another one: this one.
    own = os.getpid()
    run.write_status(replace(run.status(), pid=own, pid_started=(process_identity.started(own) or 0) + 1))
    assert listed(inittui, run) == "interrupted"
    refuses(inittui, run, ["stop", run.name], "is not running")
    resumed(inittui, run)
    finish(run, undisturbed(epochs))
    assert psutil.pid_exists(own)


def test_a_run_of_another_host_is_neither_alive_nor_dead(inittui):
    from tests.helpers import preset, write_run

    write_run(inittui.runs_dir, preset(2), until=2.0)
    run = inittui.run_dir()
    elsewhere = replace(run.status(), state="training", host="gpu-box", boot="another", pid=os.getpid(), pid_started=1)
    run.write_status(elsewhere)
    assert listed(inittui, run) == "on gpu-box"
    assert "on gpu-box" in inittui("runs").stdout
    refuses(inittui, run, ["stop", run.name], "belongs to host 'gpu-box'", "stop it there")
    refuses(inittui, run, ["resume", run.name], "belongs to host 'gpu-box'", "resume it there")
    refuses(inittui, run, ["delete", run.name, "--yes"], "gpu-box")


@pytest.mark.slow
def test_a_run_that_was_stopped_on_another_host_goes_on_here(inittui, undisturbed):
    run = started(inittui, *QUICK, "--epochs", str(EPOCHS))
    until(lambda: epochs_done(run) > 0, "an epoch")
    assert inittui("stop", run.name).returncode == 0
    run.write_status(replace(run.status(), host="gpu-box", boot="another"))
    assert listed(inittui, run) == "stopped"
    resumed(inittui, run)
    finish(run, undisturbed(EPOCHS))
    assert run.status().host == process_identity.host()


@pytest.mark.slow
def test_what_the_dead_were_asked_is_not_done_by_the_next(inittui):
    run = started(inittui, *ENDLESS)
    until(lambda: epochs_done(run) > 0, "an epoch")
    family = processes(run)
    family[""].suspend()  # so that it does not hear
    control_requests.ask(run, "stop", ARMS[0])
    kill(family[""])
    until(lambda: all(map(ended, family.values())), "the end")
    resumed(inittui, run)
    until(lambda: all(going(run, arm) for arm in ARMS), "training")
    assert inittui("stop", run.name).returncode == 0
    asked = [event for event in logs.all_whole(run)[""] if isinstance(event, events.Asked)]
    assert [(event.verb, event.arm) for event in asked] == [("stop", "")]


@pytest.mark.slow
def test_of_a_run_that_was_killed_before_its_first_word_the_clock_begins_anew(inittui, plan):
    plan(role=0, deed=1)
    run = started(inittui, *ENDLESS)
    until(lambda: not run.alive(), "the supervisor's end")
    assert not run.log.exists() or not run.log.read_bytes()
    time.sleep(1)  # that nothing runs is not the run's
    plan()
    began = time.monotonic()
    resumed(inittui, run)
    until(lambda: bool(run.log.exists() and logs.whole(run.log)), "the first word")
    assert 0 < logs.whole(run.log)[0].t < time.monotonic() - began
    assert inittui("stop", run.name).returncode == 0


@pytest.mark.slow
def test_an_arm_whose_cost_was_not_finite_has_nothing_to_go_on_with(inittui):
    arms = ("--arm", "normal(std=1e20)", "--arm", ARMS[0])
    run = started(inittui, "--preset", "digits", "--epochs", "100000", *arms)
    sick = run.preset().arms[0].name
    until(lambda: any(arm.failure == "cost" for arm in Follower(run).poll().arms), "the failure")
    refused = inittui("resume", run.name, "--arm", sick)
    assert (refused.returncode, refused.stderr) == (
        2,
        f"inittui: arm '{sick}' has nothing to resume: it is failed\n",
    )
    assert inittui("stop", run.name).returncode == 0


@pytest.mark.slow
def test_two_that_resume_at_once_are_one_supervisor(inittui, undisturbed):
    run = started(inittui, *QUICK, "--epochs", str(EPOCHS))
    until(lambda: epochs_done(run) > 2, "epochs")
    family = processes(run)
    kill(*family.values())
    until(lambda: all(map(ended, family.values())), "the end")
    both = [inittui.start("resume", run.name, "--detach") for _ in range(2)]
    for one in both:
        out, err = one.communicate(timeout=60)
        assert (one.returncode, out) == (0, f"{run.name}\n"), err
    finish(run, undisturbed(EPOCHS))
    told = logs.all_whole(run)
    assert sum(isinstance(event, events.Resumed) for event in told[""]) == 1
    asked = [event for event in told[""] if isinstance(event, events.Asked)]
    lost = f"run '{run.name}' is in the hands of another supervisor"
    # The second one comes too late and asks the first, or its supervisor finds the lock taken. What it asks while the first
    # is yet taking over is thrown away with what was asked of the dead one, and means nothing more then.
    assert len(asked) + (run.path / "supervisor.log").read_text().count(lost) <= 1
