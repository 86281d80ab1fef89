"""Runs and viewers over an SSH connection to this machine, which may be lost at any time."""

import getpass
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from inittui.common import process_identity
from inittui.record import events
from inittui.record.event_log import Tail
from inittui.record.run_directory import RunDir
from inittui.record.run_index import runs

from . import logs
from .conftest import PATIENCE, missing, until
from .terminal import Terminal

SEED = 20241107
ARMS = ("he_normal", "xavier_normal")
LONG = ["--preset", "digits", "--epochs", "100000", *(word for arm in ARMS for word in ("--arm", arm))]
WAYS = ("SIGKILL", "close", "SIGHUP")  # in which a connection is lost
# Seconds. The documents say 2 for the viewer's end and 1 for the history; these hold on a busy machine as well.
GONE, HISTORY = 10.0, 10.0
Record = Callable[[str, object], None]


class Host:
    """This machine over SSH: an sshd with its own key, port and configuration."""

    def __init__(self, folder: Path) -> None:
        server, self.client = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin"), shutil.which("ssh")
        if server is None or self.client is None:
            missing("OpenSSH's server and client are not both installed")
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd gives up its rights in there
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.key = folder / "user"
        configuration = folder / "sshd_config"
        configuration.write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {folder / 'host'}\nAuthorizedKeysFile {folder / 'user.pub'}\n"
            "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "PermitRootLogin yes\nPrintMotd no\nPrintLastLog no\nMaxSessions 20\nMaxStartups 50\n"
        )
        self._log = folder / "sshd.log"
        with self._log.open("wb") as log:
            self.server = subprocess.Popen(
                [str(server), "-D", "-e", "-f", str(configuration)], stderr=log, start_new_session=True
            )
        try:
            until(self._answers, "sshd")
        except AssertionError:
            self.close()
            missing(f"sshd does not let this user in:\n{self._log.read_text()}")

    def _answers(self) -> bool:
        return subprocess.run(self.words("true", tty=False), capture_output=True, check=False).returncode == 0

    def words(self, remote: str, *, tty: bool) -> list[str]:
        """The command that runs `remote`, a line for the shell over there."""
        options = {
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "GlobalKnownHostsFile": "/dev/null",
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "LogLevel": "ERROR",
        }
        named = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        where = ["-p", str(self.port), f"{getpass.getuser()}@127.0.0.1"]
        return [
            str(self.client),
            "-F",
            "/dev/null",
            "-tt" if tty else "-T",
            "-i",
            str(self.key),
            *named,
            *where,
            remote,
        ]

    def close(self) -> None:
        """The server, and the sessions that it still has."""
        for process in [*psutil.Process(self.server.pid).children(recursive=True), psutil.Process(self.server.pid)]:
            if process.is_running():
                process.kill()
        self.server.wait()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(tmp_path_factory.mktemp("sshd"))
    yield host
    host.close()


class Connection:
    """`inittui` in a pty over there. `viewer` is its pid."""

    def __init__(self, host: Host, runs_dir: Path, pid_file: Path, arguments: list[str]) -> None:
        remote = (
            f"echo $$ >{pid_file}; exec {inittui_there(runs_dir, arguments)}"  # the shell's pid becomes the viewer's
        )
        self.began = time.monotonic()
        self.screen = Terminal([], runs_dir, program=host.words(remote, tty=True))
        until(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"), "the connection")
        self.viewer = int(pid_file.read_text())
        self._started = process_identity.started(self.viewer)
        assert self._started is not None

    @property
    def viewed(self) -> bool:
        return process_identity.started(self.viewer) == self._started

    def lose(self, way: str) -> float:
        """End the client; returns the seconds until the viewer has ended."""
        began = time.monotonic()
        if way == "close":
            self.screen.hang_up()
        else:
            self.screen.child.kill(signal.Signals[way])
        gone = logs.since(began, lambda: not self.viewed, f"the viewer's end after {way}")
        until(lambda: not self.screen.child.isalive(), "the client's end")
        return gone

    def close(self) -> None:
        self.screen.kill()


def inittui_there(runs_dir: Path, arguments: list[str]) -> str:
    """The line for the shell over there. sshd passes on hardly anything of our environment."""
    root = Path(__file__).parents[2]
    variables = {"INITTUI_RUNS_DIR": str(runs_dir), "LANG": "C.UTF-8", "PYTHONPATH": str(root)}
    words = [
        "env",
        *(f"{key}={value}" for key, value in variables.items()),
        sys.executable,
        "-m",
        "inittui",
        *arguments,
    ]
    return shlex.join(words)


Open = Callable[..., Connection]


@pytest.fixture
def connect(host: Host, runs_dir: Path, tmp_path: Path) -> Iterator[Open]:
    """Opens connections, and ends what is left of them."""
    opened: list[Connection] = []

    def open_(*arguments: str) -> Connection:
        opened.append(Connection(host, runs_dir, tmp_path / f"viewer.{len(opened)}", list(arguments)))
        return opened[-1]

    yield open_
    for connection in opened:
        connection.close()


Say = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def say(host: Host, runs_dir: Path) -> Say:
    """Runs a command of `inittui` over there; without a terminal, unless asked for."""

    def run(*arguments: str, tty: bool = False) -> "subprocess.CompletedProcess[str]":
        words = host.words(inittui_there(runs_dir, list(arguments)), tty=tty)
        return subprocess.run(
            words, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, check=False
        )

    return run


def the_run(runs_dir: Path) -> RunDir:
    (run,) = runs(runs_dir)
    return run


def done(run: RunDir) -> list[int]:
    """How many epochs each arm has behind it, by its log."""
    return [sum(isinstance(event, events.Epoch) for event in Tail(run.arm_log(arm)).poll()) for arm in ARMS]


def shown(text: str) -> list[int]:
    """The epoch of each arm on the screen."""
    return [int(number) for number in re.findall(r"epoch +(\d+) of", text)]


def goes_on(run: RunDir) -> None:
    """Training does: every arm ends two epochs more."""
    before = done(run)
    until(lambda: all(now >= then + 2 for now, then in zip(done(run), before, strict=True)), "epochs after the loss")


def complete(run: RunDir) -> None:
    """Of a stopped run: no event is missing in the logs, and the result has every epoch."""
    document = run.result()
    assert document is not None
    assert document.status == "stopped"
    of_run = logs.all_whole(run)
    for arm, of_result in zip(ARMS, document.arms, strict=True):
        ((_, numbers),) = logs.epochs(of_run[arm]).items()
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(of_result.replicas[0].train_cost) == len(numbers)
        assert not {events.Restored, events.Failed} & {type(event) for event in of_run[arm]}
        assert type(of_run[arm][-1]) is events.Stopped


class Figures:
    """The longest that each thing took, for the report."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self.gone: list[float] = []
        self.framed: list[float] = []
        self.told: list[float] = []

    def tell(self) -> None:
        words = {
            "viewer gone after": self.gone,
            "command to first frame": self.framed,
            "first frame to whole history": self.told,
        }
        for what, seconds in words.items():
            if seconds:
                self._record(what, max(seconds))
                middle = sorted(seconds)[len(seconds) // 2]
                print(f"{what}: at most {max(seconds):.2f} s, median {middle:.2f} s, of {len(seconds)}")


def sees_everything(connection: Connection, run: RunDir, figures: Figures) -> None:
    """The first frame has the arms, and soon after all that has happened until it."""
    connection.screen.wait_for_text(*ARMS)
    framed = time.monotonic()
    before = done(run)
    connection.screen.wait_for(
        lambda text: len(shown(text)) == 2 and all(n >= b for n, b in zip(shown(text), before, strict=True)),
        f"{before} epochs",
    )
    figures.framed.append(framed - connection.began)
    figures.told.append(time.monotonic() - framed)
    seen = shown(connection.screen.text)
    # The epoch on the screen is the one under way.
    assert all(number <= behind + 1 for number, behind in zip(seen, done(run), strict=True)), (
        "it shows what has not been"
    )


def lose_again_and_again(connect: Open, say: Say, runs_dir: Path, record: Record, times: int, *, early: int) -> None:
    """Start a run, lose the connection, attach, lose it, …; every `early`th time while the viewer is about to start."""
    chance = random.Random(SEED)
    figures = Figures(record)
    for number in range(times):
        if number == 0:
            connection = connect(*LONG)
            connection.screen.wait_for(lambda text: len(shown(text)) == 2, "training")
        else:  # the newest one, and by a name
            connection = connect("attach", *([the_run(runs_dir).name] if number % 2 else []))
        if number % early == early - 1:
            time.sleep(chance.uniform(0, 0.8))
        else:
            if number:
                sees_everything(connection, the_run(runs_dir), figures)
            time.sleep(chance.uniform(0, 1))
        assert connection.viewed
        figures.gone.append(connection.lose(WAYS[number % len(WAYS)]))
        goes_on(the_run(runs_dir))
    stopped = say("stop", the_run(runs_dir).name)
    assert (stopped.returncode, stopped.stdout.strip()) == (0, f"stopped {the_run(runs_dir).name}"), stopped.stderr
    complete(the_run(runs_dir))
    figures.tell()
    assert max(figures.gone) < GONE
    assert max(figures.told) < HISTORY


def test_two_lost_connections_lose_nothing(connect, say, runs_dir, record_property):
    lose_again_and_again(connect, say, runs_dir, record_property, 2, early=3)


@pytest.mark.slow
def test_twenty_lost_connections_lose_nothing(connect, say, runs_dir, record_property):
    lose_again_and_again(connect, say, runs_dir, record_property, 20, early=4)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_connection_lost_in_the_first_second_of_a_run_leaves_it_alone(connect, say, runs_dir, record_property, way):
    connection = connect(*LONG)
    until(lambda: bool(runs(runs_dir)) and the_run(runs_dir).status().pid is not None, "the supervisor")
    time.sleep(random.Random(way).uniform(0, 1))  # it imports torch meanwhile
    figures = Figures(record_property)
    figures.gone.append(connection.lose(way))
    goes_on(the_run(runs_dir))
    assert say("stop", "last").returncode == 0
    complete(the_run(runs_dir))
    figures.tell()
    assert max(figures.gone) < GONE


@pytest.mark.slow
def test_two_viewers_show_the_same_and_closing_one_changes_nothing(connect, say, runs_dir):
    first = connect(*LONG)
    first.screen.wait_for_text("training", *ARMS)
    second = connect("attach")
    goes_on(the_run(runs_dir))
    assert say("pause", "last").returncode == 0
    run = the_run(runs_dir)
    at_rest = done(run)
    for one in (first, second):  # nothing moves while it is paused, so both can be held against each other
        one.screen.wait_for(
            lambda text: text.count("paused") >= 2 and shown(text) == [behind + 1 for behind in at_rest], "the pause"
        )

    def panels(text: str) -> list[str]:
        return [line for line in text.splitlines() if "│" in line and "CPU" not in line]

    def alike(text: str) -> bool:  # the last parts of a screen may be drawn a moment after the first
        second.screen.read()
        return panels(text) == panels(second.screen.text)

    first.screen.wait_for(alike, f"the same as in the second:\n{second.screen.text}\nbut")
    before = logs.all_whole(run)
    second.lose("close")
    assert first.viewed
    assert logs.all_whole(run) == before
    assert run.alive()
    assert say("resume", "last", "--detach").returncode == 0
    goes_on(run)
    first.screen.wait_for(
        lambda text: len(shown(text)) == 2 and shown(text)[0] > at_rest[0] + 2, "training in the first"
    )
    assert say("stop", "last").returncode == 0
    first.screen.wait_for_text("stopped in")


@pytest.mark.slow
@pytest.mark.parametrize("tty", [False, True])
def test_a_detached_run_goes_on_when_the_connection_has_closed(say, runs_dir, tty):
    started = say(*LONG, "--detach", tty=tty)
    assert started.returncode == 0, started.stderr
    run = the_run(runs_dir)
    assert started.stdout.split() == [run.name]
    goes_on(run)
    assert run.name in say("runs").stdout
    stopped = say("stop", run.name)
    assert (stopped.returncode, stopped.stdout) == (0, f"stopped {run.name}\n")
    complete(run)
