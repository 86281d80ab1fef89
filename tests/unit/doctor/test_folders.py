"""Folders, data sets, presets."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from inittui.doctor import folders
from inittui.experiment.datasets import DATASETS
from tests.helpers import write_run

Mount = Callable[..., None]


@pytest.fixture
def mount(monkeypatch: pytest.MonkeyPatch) -> Mount:
    """Lets these folders be the mount points of file systems of these types."""

    def of(*mounts: tuple[str, str]) -> None:
        partitions = [SimpleNamespace(mountpoint=folder, fstype=kind) for folder, kind in mounts]
        monkeypatch.setattr(psutil, "disk_partitions", lambda **_: partitions)

    return of


def test_runs_are_counted_with_what_they_take_and_nothing_is_changed(mount: Mount, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    assert "not there yet" in folders.runs(folder).finding
    assert not folder.exists()
    write_run(folder)
    (folder / "no run").mkdir()
    (folder / "big").write_bytes(bytes(3_000_000))
    before = sorted(folder.rglob("*"))
    mount(("/", "ext4"))
    check = folders.runs(folder)
    assert check.state == "ok"
    assert f"{folder}: 1 run, 3.0 MB; " in check.finding
    assert check.finding.endswith("GB free, ext4")
    assert sorted(folder.rglob("*")) == before


def test_a_home_that_is_not_to_be_written_to_is_a_fault_for_runs_and_a_note_for_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    for folder in (tmp_path, tmp_path / "not" / "yet"):
        check = folders.runs(folder)
        assert check.state == "fault"
        assert "can't be written by your user" in check.finding
        assert "--runs-dir" in check.fix
        check = folders.data_folder(folder)
        assert check.state == "note"
        assert "--data-dir" in check.fix


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_permission_is_seen(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert folders.runs(tmp_path / "runs").state == "fault"
    tmp_path.chmod(0o700)


def test_a_folder_below_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check = folders.runs(tmp_path / "file" / "runs")
    assert check.state == "fault"
    assert f"{tmp_path / 'file'} is not a folder" in check.finding


@pytest.mark.parametrize("kind", ["nfs4", "nfs", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_noted(mount: Mount, tmp_path: Path, kind: str) -> None:
    mount(("/", "ext4"), (str(tmp_path), "xfs"), (str(tmp_path), kind), ("/proc", "proc"))
    check = folders.runs(tmp_path / "runs")
    assert check.state == "note"
    assert check.finding.endswith(kind)
    assert "local disk" in check.fix


def test_little_room_is_noted_and_no_room_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(tmp_path)

    def of(free_bytes: float, inodes: int = 1000) -> str:
        fields = list(real)
        fields[1], fields[4], fields[5], fields[7] = 1, int(free_bytes), 1000, inodes
        monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result(fields))
        return folders.runs(tmp_path).state

    assert of(2e9) == "ok"
    assert of(5e8) == "note"
    assert of(1e6) == "fault"
    assert of(2e9, inodes=0) == "fault"


def test_absent_data_sets_are_one_line_and_damaged_ones_a_fault_each(tmp_path: Path) -> None:
    (absent,) = folders.data(tmp_path / "nowhere")
    assert absent.state == "note"
    assert all(files.title in absent.finding for files in DATASETS.values() if files.files)
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").touch()
    damaged, absent = folders.data(tmp_path)
    assert damaged.state == "fault"
    assert "0 bytes, expected 47,040,016" in damaged.finding
    assert "give another --data-dir" in damaged.fix
    assert absent.state == "ok"
    assert "no Fashion-MNIST, no KMNIST" in absent.finding


def test_sound_data_are_told_with_their_size(mnist_dir: Path) -> None:
    check = folders.data(mnist_dir)[0]
    assert check.state == "ok"
    assert "60,000 and 10,000 images" in check.finding


def test_presets_that_cannot_be_run_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert "none of yours" in folders.presets().finding
    own = tmp_path / "inittui" / "presets"
    own.mkdir(parents=True)
    (own / "good.toml").write_text('[[arms]]\ninit = "he_normal"\n', "utf-8")
    check = folders.presets()
    assert check.state == "ok"
    assert f"1 of yours in {own}" in check.finding
    (own / "bad.toml").write_text("titel = 1\n", "utf-8")
    check = folders.presets()
    assert check.state == "note"
    assert check.finding.endswith("can't be run: bad")
    assert check.fix == "inittui --preset bad says why"
