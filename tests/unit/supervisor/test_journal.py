"""What a supervisor writes, from two threads, to a folder that is moved, and to one that can't be written."""

import threading
from pathlib import Path

import pytest

from inittui.record import events
from inittui.record.disk_room import NotWritable
from inittui.record.event_log import Tail
from inittui.record.run_directory import RunDir
from inittui.supervisor.journal import Journal, pinned
from tests.helpers import empty_run


def journal_of(run: RunDir) -> Journal:
    return Journal(run, run.status(), lambda: False)


def phases(run: RunDir) -> list[str]:
    return [event.phase for event in Tail(run.log).poll() if isinstance(event, events.Phase)]


def test_two_threads_write_the_status_one_after_the_other(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    journal, over = journal_of(run), threading.Event()
    faults: list[NotWritable] = []

    def flush() -> None:
        while not over.is_set():
            try:
                journal.flush()
            except NotWritable as error:
                faults.append(error)

    thread = threading.Thread(target=flush)
    thread.start()
    try:
        for number in range(200):
            journal.save(reason=str(number))
    finally:
        over.set()
        thread.join()
    assert (faults, run.status().reason) == ([], "199")
    journal.close()


def test_a_pinned_run_is_written_where_it_is_moved_and_has_its_name(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    here = pinned(run)
    journal = journal_of(here)
    moved = RunDir(run.path.rename(tmp_path / "moved"))
    run.path.mkdir()
    journal.phase("training")
    journal.close()
    assert (here.name, moved.status().state, phases(moved)) == (run.name, "training", ["training"])
    assert not list(run.path.iterdir())


def test_the_end_is_written_as_far_as_it_can_be(tmp_path: Path) -> None:
    run = empty_run(tmp_path)
    journal = journal_of(run)
    (run.path / "status.json").unlink()
    (run.path / "status.json").mkdir()
    with pytest.raises(NotWritable, match=r"^the run's folder can't be written: is a directory$"):
        journal.phase("training")
    journal.end("failed", "why")
    journal.close()
    assert phases(run) == ["failed"]
