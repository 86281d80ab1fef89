import errno
import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from msgspec.structs import replace

from inittui.common.errors import RunError
from inittui.record.delete_run import check, delete
from inittui.record.run_directory import RunDir
from inittui.record.run_index import find, runs
from tests.helpers import empty_run, make_alive, write_run


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(RunError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def said(run: RunDir, **changes: Any) -> RunDir:
    run.write_status(replace(run.status(), **changes))
    return run


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file that is nobody's to delete, whatever points to it."""
    path = tmp_path / "outside" / "file"
    path.parent.mkdir()
    path.touch()
    return path


def test_a_run_that_ended_is_deleted_with_all_that_is_in_it(tmp_path: Path) -> None:
    run, other = write_run(tmp_path), write_run(tmp_path)
    (run.path / "mine").mkdir()
    (run.path / "mine" / "notes").touch()
    delete(run)
    assert [one.path for one in runs(tmp_path)] == [other.path]
    assert not run.path.exists()


@pytest.mark.parametrize("file", ["status.json", "result.json", "preset.toml"])
def test_a_damaged_or_interrupted_run_can_be_deleted(tmp_path: Path, file: str) -> None:
    run = said(write_run(tmp_path), state="training", pid=1, pid_started=1)
    (run.path / file).write_bytes(b"{")
    delete(run)
    assert not run.path.exists()


def test_a_run_that_lives_is_not_deleted(tmp_path: Path) -> None:
    run = make_alive(empty_run(tmp_path))
    assert "is alive; it can be deleted when it has ended" in refusal(lambda: delete(run))
    assert run.preset()


def test_a_run_of_another_host_is_deleted_only_once_it_has_ended(tmp_path: Path) -> None:
    run = said(empty_run(tmp_path), state="training", host="box7", boot="another", pid=1)
    assert "belongs to host 'box7', where it may be alive" in refusal(lambda: delete(run))
    assert run.preset()
    delete(said(run, state="failed"))
    assert not run.path.exists()


def test_a_run_whose_workers_still_write_is_not_deleted(tmp_path: Path) -> None:
    run = said(write_run(tmp_path), state="training", pid=1, pid_started=1)
    with (run.path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "a process of it still writes" in refusal(lambda: delete(run))
    assert run.preset()
    delete(run)
    assert not run.path.exists()


def test_of_a_linked_run_the_link_alone_is_deleted(tmp_path: Path) -> None:
    run = write_run(tmp_path / "there")
    make_alive(run)
    (tmp_path / "runs").mkdir()
    link = tmp_path / "runs" / "link"
    for word in ("link", "last", str(link), f"{link}/", f"{link}/."):
        link.symlink_to(run.path)
        delete(find(tmp_path / "runs", word))
        assert not link.is_symlink()
        assert run.result() is not None


def test_nothing_is_deleted_through_links_in_a_run(tmp_path: Path, outside: Path) -> None:
    run = write_run(tmp_path / "runs")
    (run.path / "a").symlink_to(outside.parent)
    (run.path / "arms" / "b").symlink_to(outside.parent)
    (run.path / "c").symlink_to(outside)
    (run.path / "d").symlink_to("nowhere")
    delete(run)
    assert not run.path.exists()
    assert outside.exists()


def test_a_folder_that_only_holds_a_preset_is_not_taken_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "preset.toml").touch()
    (tmp_path / "thesis.tex").touch()
    assert "may be no run of inittui; remove it by hand" in refusal(lambda: delete(RunDir(tmp_path)))
    assert (tmp_path / "thesis.tex").exists()


def test_what_cant_be_deleted_is_said_and_stays_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(tmp_path)

    def refused(*_: object) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(shutil, "rmtree", refused)
    message = refusal(lambda: delete(run))
    assert message == f"run '{run.name}' can't be deleted (permission denied); what is left is in '{run.path}'"
    assert [one.name for one in runs(tmp_path)] == [run.name]
    monkeypatch.undo()
    delete(run)
    assert runs(tmp_path) == []


def test_a_run_that_somebody_else_deletes_meanwhile_is_said_too(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    check(run)
    shutil.rmtree(run.path)
    assert run.name in refusal(lambda: delete(run))
