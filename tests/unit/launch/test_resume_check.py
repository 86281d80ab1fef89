import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from inittui.board.follower import Follower
from inittui.board.state import Board
from inittui.common.checksums import NO_DIGEST, seal_tensors
from inittui.common.errors import RunError
from inittui.experiment.preset_table import build
from inittui.launch import process, resume_check
from inittui.launch.resume_check import check, exactness, refuse_changes, unfinished
from inittui.record import control_requests, events
from inittui.record.run_directory import RunDir, Status
from tests.helpers import (
    board_of,
    canned_events,
    empty_run,
    finished_board,
    preset,
    running_board,
    write_events,
    write_run,
)

NOT_FINITE = events.Failed(kind="cost", reason="cost not finite (nan) at step 3 of 6 in epoch 2, seed 777")
NO_MEMORY = events.Failed(kind="memory", reason="out of GPU memory")
DAMAGED = events.Failed(kind="checkpoint", reason="checkpoint 'x' can't be used")
STOPPED = events.Stopped(reason="stopped by hand")
KILLED = events.Gone(arm="", reason="killed by signal 9 (SIGKILL)")


def refusal(run: RunDir, board: Board | None = None) -> str:
    board = board or Follower(run).poll()
    with pytest.raises(RunError) as caught:
        check(run, board)
    words = str(caught.value)
    assert words.isprintable()
    assert words.startswith(f"run '{run.name}'")
    return words


@pytest.fixture
def stopped(tmp_path: Path) -> RunDir:
    """A run that was stopped in both arms, each with a checkpoint of two seeds."""
    run = write_run(tmp_path, preset(2, seeds=2), endings={0: STOPPED, 1: STOPPED})
    for folder in ("xavier_normal", "he_normal"):
        for seed in (777, 778):
            (run.arm(folder) / f"checkpoint.{seed}.safetensors").write_bytes(checkpoint())
    return run


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "start", lambda run, _: pytest.fail(f"started {run.name}"))


def checkpoint() -> bytes:
    header = b'{"__metadata__":{"sha256":"%b"},"w":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}' % NO_DIGEST
    return bytes(seal_tensors(len(header).to_bytes(8, "little") + header + b"012345678"))


# Which arms


@pytest.mark.parametrize(
    ("ending", "goes_on"),
    [(NOT_FINITE, False), (NO_MEMORY, True), (DAMAGED, True), (STOPPED, True), (KILLED, True)],
    ids=["cost", "memory", "checkpoint", "stopped", "killed"],
)
def test_an_arm_goes_on_unless_that_would_come_out_again(ending: Any, goes_on: bool) -> None:
    board = finished_board(3, endings={1: ending})
    assert [arm.name for arm in unfinished(board)] == (["he_normal"] if goes_on else [])


def test_every_arm_of_an_interrupted_run_goes_on_but_those_that_are_trained() -> None:
    board = running_board(3)
    assert unfinished(board) == list(board.arms)
    assert unfinished(finished_board(3)) == []
    told = [*canned_events(preset(3), until=2.0), (events.Finished(t=2.1, seconds=1), 0)]
    assert [arm.name for arm in unfinished(board_of(preset(3), told))] == ["he_normal", "orthogonal"]


# Whether the files can be trusted


def test_a_run_whose_checkpoints_are_whole_may_go_on(stopped: RunDir) -> None:
    board = Follower(stopped).poll()
    check(stopped, board)
    assert len(unfinished(board)) == 2


def test_a_run_without_checkpoints_may_go_on_from_its_start(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    write_events(run, canned_events(preset(), until=2.0))
    board = Follower(run).poll()
    check(run, board)
    assert not list(run.path.rglob("checkpoint*"))


def test_a_run_that_died_between_its_last_arms_end_and_its_result_goes_on(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    write_events(run, canned_events(preset())[:-1])
    board = Follower(run).poll()
    assert unfinished(board) == []
    check(run, board)
    result = finished_board().result
    assert result is not None
    run.write_result(result)
    write_events(run, canned_events(preset())[-1:])
    assert "(it has finished)" in refusal(run)


@pytest.mark.parametrize(
    ("story", "why"),
    [
        ({}, "(it has finished)"),
        ({"endings": {1: NOT_FINITE}}, f"(he_normal: {NOT_FINITE.reason}; that would happen again)"),
    ],
    ids=["finished", "cost"],
)
def test_a_run_that_has_nothing_to_go_on_with_is_refused(tmp_path: Path, story: dict[str, Any], why: str) -> None:
    run = write_run(tmp_path, **story)
    assert refusal(run) == (
        f"run '{run.name}' has nothing to resume {why}; 'inittui report {run.path}' shows its table"
    )


@pytest.mark.parametrize("damage", [lambda c: c[:-1], lambda c: b"", lambda c: c[:50] + b"x" + c[51:]], ids="tex")
@pytest.mark.parametrize("which", ["xavier_normal/checkpoint.777", "he_normal/checkpoint.778"])
def test_a_damaged_checkpoint_is_refused_with_its_mend(
    stopped: RunDir, which: str, damage: Callable[[bytes], bytes]
) -> None:
    path = stopped.path / "arms" / f"{which}.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    words = refusal(stopped)
    assert f"checkpoint {which}.safetensors is damaged (" in words
    assert words.endswith("; move it out of the run, and this seed is trained from its start")
    path.unlink()
    board = Follower(stopped).poll()
    check(stopped, board)


def test_a_checkpoint_that_cant_be_read_is_refused(stopped: RunDir) -> None:
    path = stopped.arm("he_normal") / "checkpoint.777.safetensors"
    path.unlink()
    path.mkdir()
    assert "he_normal/checkpoint.777.safetensors can't be read: is a directory" in refusal(stopped)


def test_what_an_arm_left_that_is_trained_is_not_looked_at(tmp_path: Path) -> None:
    run = write_run(tmp_path, endings={1: STOPPED})
    (run.arm("xavier_normal") / "checkpoint.777.safetensors").write_bytes(b"damaged")
    board = Follower(run).poll()
    check(run, board)
    assert [arm.name for arm in unfinished(board)] == ["he_normal"]


@pytest.mark.parametrize("which", ["arms", "arms/he_normal"])
@pytest.mark.parametrize("there", ["link", "file", "nothing"])
def test_a_folder_that_is_none_of_ones_own_is_refused(stopped: RunDir, tmp_path: Path, which: str, there: str) -> None:
    board = Follower(stopped).poll()
    folder = stopped.path / which
    folder.rename(tmp_path / "elsewhere")
    if there == "link":
        folder.symlink_to(tmp_path / "elsewhere")
    elif there == "file":
        folder.touch()
    words = refusal(stopped, board)
    if there == "nothing":
        assert f"folder '{folder.name}' can't be used: no such file or directory" in words
    else:
        assert f"'{folder.name}' is not a folder of your own; copy the run and resume the copy" in words


def test_a_run_that_is_a_link_is_refused(stopped: RunDir, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(stopped.path)
    assert "'link' is not a folder of your own" in refusal(RunDir(link), Follower(stopped).poll())


def test_a_run_of_somebody_elses_is_refused(stopped: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume_check, "os", SimpleNamespace(geteuid=lambda: os.geteuid() + 1))
    assert f"'{stopped.name}' is not a folder of your own; copy the run and resume the copy" in refusal(stopped)


@pytest.mark.parametrize(
    "name",
    [
        "control",
        "arms/he_normal/.predictions.npz",
        "arms/he_normal/checkpoint.779.safetensors",
        "arms/he_normal/events.jsonl.old",
        "disk-full",
    ],
)
def test_a_run_that_would_write_through_a_link_is_refused(stopped: RunDir, tmp_path: Path, name: str) -> None:
    board = Follower(stopped).poll()
    (stopped.path / name).symlink_to(tmp_path)
    words = refusal(stopped, board)
    assert f"'{name}' is a link; replace it by a copy of its target" in words


# Whether data and own code are those that it was trained with


@pytest.fixture
def own(tmp_path: Path) -> tuple[RunDir, Path]:
    """A stopped run with own code, and a file that its network imports."""
    for name, source in (("data", "x = 1"), ("net", "import part"), ("part", "x = 1"), ("init", "x = 1")):
        (tmp_path / f"{name}.py").write_text(source)
    table = {"data": {"factory": f"{tmp_path}/data.py:f"}, "model": {"factory": f"{tmp_path}/net.py:f"}}
    of = build(
        {**table, "arms": [{"init": "he_normal"}, {"init": f"{tmp_path}/init.py:f"}]}, name="own", source="canned"
    )
    run = write_run(tmp_path / "runs", of, endings={0: STOPPED, 1: STOPPED})
    run.write_status(replace(run.status(), fingerprints={"data": "1", **resume_check.own_code(of)}))
    return run, tmp_path / "part.py"


@pytest.mark.parametrize("name", ["data.py", "net.py", "part.py", "init.py"])
@pytest.mark.parametrize(
    "change", [lambda path: path.write_text("x = 2"), lambda path: path.unlink()], ids=["new", "gone"]
)
@pytest.mark.usefixtures("nothing_starts")
def test_own_code_that_changed_is_refused_by_name(
    own: tuple[RunDir, Path], name: str, change: Callable[[Path], None]
) -> None:
    run, path = own
    check(run, Follower(run).poll())
    before = path.with_name(name).read_text()
    change(path.with_name(name))
    words = refusal(run)
    assert words.startswith(f"run '{run.name}': {name}")
    assert words.endswith(
        f"changed since it was trained; expected the same: put it back as it was, or 'inittui resume {run.name} --force', "
        "whose result mixes both versions"
    )
    with pytest.raises(RunError, match="changed since it was trained"):
        process.resume(run)
    check(run, Follower(run).poll(), force=True)
    path.with_name(name).write_text(before)
    check(run, Follower(run).poll())


@pytest.mark.parametrize("force", [True, False])
def test_a_supervisor_learns_that_it_is_forced(stopped: RunDir, monkeypatch: pytest.MonkeyPatch, force: bool) -> None:
    monkeypatch.setattr(process, "start", lambda run, _: run.status().force)
    stopped.write_status(replace(stopped.status(), force=not force))
    assert process.resume(stopped, force=force) is force  # type: ignore[comparison-overlap]


def test_data_that_changed_are_refused_and_with_force_the_note_says_it() -> None:
    before, now = status(fingerprints={"data": "1", "/a/net.py": "2"}), {"data": "3", "/a/net.py": "2"}
    with pytest.raises(RunError, match="run 'x': data changed since it was trained; expected the same"):
        refuse_changes("x", before, now, force=False)
    refuse_changes("x", before, now, force=True)
    refuse_changes("x", before, {"/a/net.py": "2"}, force=False)  # before the data are loaded
    assert exactness(before, status(fingerprints=now), on_cpu=True) == (
        False,
        "not bit for bit, because this changed: data",
    )
    two = status(fingerprints={"data": "3", "/a/net.py": "4"})
    assert exactness(before, two, on_cpu=True)[1] == "not bit for bit, because this changed: data, net.py"


def test_a_run_of_a_version_that_took_no_fingerprints_goes_on(own: tuple[RunDir, Path]) -> None:
    run, path = own
    run.write_status(replace(run.status(), fingerprints={}))
    path.write_text("x = 2")
    check(run, Follower(run).poll())
    refuse_changes("x", run.status(), {"data": "3"}, force=False)


@pytest.mark.usefixtures("nothing_starts")
def test_nothing_starts_that_is_refused(stopped: RunDir) -> None:
    before = stopped.status()
    (stopped.arm("he_normal") / "checkpoint.777.safetensors").write_bytes(b"x")
    with pytest.raises(RunError, match="is damaged"):
        process.resume(stopped, device="cuda:7", data_dir=Path("/nowhere"))
    assert stopped.status() == before


# How it is let go on


def test_an_ended_run_is_started_again_on_what_it_was_and_what_is_asked_for(
    stopped: RunDir, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[Status] = []
    monkeypatch.setattr(process, "start", lambda run, _: started.append(run.status()))
    before = stopped.status()
    process.resume(stopped)
    process.resume(stopped, device="cuda:1")
    process.resume(stopped, data_dir=tmp_path)
    assert started == [
        before,
        replace(before, requested_device="cuda:1"),
        replace(before, requested_device="cuda:1", data_dir=str(tmp_path)),
    ]


def test_what_was_asked_of_the_dead_is_not_meant_for_those_who_come_after(
    stopped: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    control_requests.ask(stopped, "stop")
    monkeypatch.setattr(process, "start", lambda run, _: control_requests.take(run, ["he_normal"]))
    assert process.resume(stopped) == []  # type: ignore[comparison-overlap]


def test_the_clock_of_a_run_that_has_said_nothing_begins_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped: RunDir
) -> None:
    monkeypatch.setattr(process, "start", lambda run, _: run.status().monotonic)
    monkeypatch.setattr(process, "time", SimpleNamespace(monotonic=lambda: 12345.0))
    assert process.resume(empty_run(tmp_path)) == 12345.0  # type: ignore[comparison-overlap]
    assert process.resume(stopped) == stopped.status().monotonic != 12345.0  # type: ignore[comparison-overlap]


def is_asked(run: RunDir) -> bool:
    assert process.resume(run) is None
    return [verb for verb, _, _ in control_requests.take(run, ())] == ["resume"]


@pytest.mark.usefixtures("nothing_starts")
def test_a_living_run_is_asked_to_go_on(stopped: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunDir, "liveness", lambda _: "alive")
    assert is_asked(stopped)


@pytest.mark.usefixtures("nothing_starts")
def test_a_run_that_somebody_else_has_taken_up_in_the_meantime_is_asked_too(
    stopped: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["dead", "alive"])
    monkeypatch.setattr(RunDir, "liveness", lambda _: next(answers))
    assert is_asked(stopped)


@pytest.mark.parametrize("state", ["starting", "loading", "training", "paused"])
@pytest.mark.usefixtures("nothing_starts")
def test_a_run_that_may_still_live_on_another_host_is_resumed_there(stopped: RunDir, state: str) -> None:
    stopped.write_status(replace(stopped.status(), state=state, host="gpu7", boot="another", pid=1, pid_started=1))
    with pytest.raises(RunError, match="belongs to host 'gpu7', where it may still be alive; resume it there"):
        process.resume(stopped)


@pytest.mark.parametrize("state", ["failed", "stopped"])
def test_a_run_that_has_ended_on_another_host_goes_on_here(
    stopped: RunDir, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    started: list[str] = []
    monkeypatch.setattr(process, "start", lambda run, _: started.append(run.name))
    stopped.write_status(replace(stopped.status(), state=state, host="gpu7", boot="another", pid=1, pid_started=1))
    process.resume(stopped)
    assert started == [stopped.name]


# Bit for bit, or not


def status(**changes: Any) -> Status:
    given: dict[str, Any] = {
        "versions": {"torch": "2.14.1", "instructions": "avx512", "python": "3.11.7"},
        "device": "cpu (2 cores)",
        "threads": 1,
    }
    return Status(1, "run", "training", "", 0.0, "host", "boot", **(given | changes))


@pytest.mark.parametrize("threads", [1, 4])
def test_on_the_same_cpu_it_goes_on_bit_for_bit(threads: int) -> None:
    before = status(threads=threads)
    exact, note = exactness(before, before, on_cpu=True)
    assert exact
    assert note == f"bit for bit: the same torch, instructions and {threads} thread(s)"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"versions": {"torch": "2.15.0", "instructions": "avx512"}}, "torch 2.14.1 → 2.15.0"),
        ({"versions": {"torch": "2.14.1", "instructions": "avx2"}}, "instructions avx512 → avx2"),
        ({"device": "cuda:0 NVIDIA H200"}, "device cpu (2 cores) → cuda:0 NVIDIA H200"),
        (
            {"versions": {"torch": "2.15.0", "instructions": "avx2"}, "device": "cpu (64 cores)"},
            "torch 2.14.1 → 2.15.0, instructions avx512 → avx2, device cpu (2 cores) → cpu (64 cores)",
        ),
    ],
    ids=["torch", "instructions", "device", "all"],
)
@pytest.mark.parametrize("on_cpu", [True, False])
def test_what_is_different_is_named(changes: dict[str, Any], told: str, on_cpu: bool) -> None:
    exact, note = exactness(status(), status(**changes), on_cpu=on_cpu)
    assert not exact
    assert note == f"not bit for bit, because this changed: {told}"


def test_another_version_of_inittui_may_compute_otherwise() -> None:
    before, now = (status(versions={"inittui": version}) for version in "12")
    assert exactness(before, now, on_cpu=True) == (False, "not bit for bit, because this changed: inittui 1 → 2")


def test_on_a_gpu_it_goes_on_as_exactly_as_that_allows() -> None:
    same = status(device="cuda:0 NVIDIA H200")
    exact, note = exactness(same, same, on_cpu=False)
    assert not exact
    assert note == "as close as cuda:0 NVIDIA H200 allows: its kernels may add in another order"


def test_what_was_never_known_is_no_difference() -> None:
    exact, _ = exactness(status(versions={}, device=""), status(), on_cpu=True)
    assert exact
    exact, _ = exactness(status(), status(versions={"torch": "2.14.1", "instructions": "avx512"}), on_cpu=True)
    assert exact  # another Python changes no bit
