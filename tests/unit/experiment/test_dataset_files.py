"""The files of data sets: present, absent or damaged."""

import gzip
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inittui.experiment import datasets
from inittui.experiment.dataset_files import inspect
from inittui.experiment.datasets import DATASETS, RawFile

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = (file.name for file in DATASETS["mnist"].files)


@pytest.fixture
def linked(mnist_dir: Path, tmp_path: Path) -> Path:
    """A data folder whose files are links to the real ones: put another in the place of one."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in DATASETS["mnist"].files:
        (raw / file.name).symlink_to(mnist_dir / "MNIST" / "raw" / file.name)
    return tmp_path


def put(data_dir: Path, name: str, content: bytes) -> None:
    path = data_dir / "MNIST" / "raw" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def test_real_mnist_is_complete(mnist_dir: Path) -> None:
    inspection = inspect("mnist", mnist_dir)
    assert (inspection.state, inspection.fix) == ("complete", "")
    assert "60,000 and 10,000 images" in inspection.detail
    assert [len(content) for content in inspection.contents] == [file.size for file in DATASETS["mnist"].files]


def test_nothing_there_is_absent(tmp_path: Path) -> None:
    inspection = inspect("mnist", tmp_path / "nowhere")
    assert inspection.state == "absent"
    assert "MNIST is not there" in inspection.detail
    assert "--data-dir" in inspection.detail


def test_a_missing_file_among_sound_ones_is_absent(linked: Path) -> None:
    (linked / "MNIST" / "raw" / TEST_LABELS).unlink()
    inspection = inspect("mnist", linked)
    assert inspection.state == "absent"
    assert f"{TEST_LABELS} missing" in inspection.detail
    assert TRAIN_LABELS not in inspection.detail


def test_a_missing_file_among_a_wrong_one_is_damaged(tmp_path: Path) -> None:
    put(tmp_path, TEST_LABELS, b"")
    assert inspect("mnist", tmp_path).state == "damaged"


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        (TRAIN_IMAGES, lambda content: content[:16] + bytes(len(content) - 16), "expected 6bbc9ace898e"),  # all black
        (TRAIN_LABELS, lambda _: b"", "0 bytes, expected 60,008"),  # torchvision neither reads nor fetches it again
        (TEST_IMAGES, lambda content: content[:-1], "7,840,015 bytes, expected 7,840,016"),
        (TEST_LABELS, lambda content: content + b"\0", "10,009 bytes, expected 10,008"),
        (
            TEST_IMAGES,
            lambda content: bytes(16) + content[16:],
            "expected the IDX header 00000803000027100000001c0000001c",
        ),
        (TEST_LABELS, lambda content: content[:-1] + bytes([content[-1] ^ 1]), "expected 27ae3e4e0951"),
    ],
)
def test_a_damaged_file_is_named_with_the_fault_and_the_fix(
    linked: Path, mnist_dir: Path, name: str, damage: Callable[[bytes], bytes], words: str
) -> None:
    put(linked, name, damage((mnist_dir / "MNIST" / "raw" / name).read_bytes()))
    inspection = inspect("mnist", linked)
    assert (inspection.state, inspection.contents) == ("damaged", ())
    assert str(linked / "MNIST" / "raw" / name) in inspection.detail
    assert words in inspection.detail
    assert "give another --data-dir; the data set is downloaded there" in inspection.detail
    assert "\n" not in inspection.detail


def test_a_folder_a_pipe_and_a_loop_in_a_files_place_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "MNIST" / "raw" / TRAIN_IMAGES
    path.mkdir(parents=True)
    assert "a folder, expected a file" in inspect("mnist", tmp_path).detail
    path.rmdir()
    os.mkfifo(path)
    assert "a special file, expected a file" in inspect("mnist", tmp_path).detail
    path.unlink()
    path.symlink_to(path)
    inspection = inspect("mnist", tmp_path)
    assert inspection.state == "damaged"
    assert "can't be read (" in inspection.detail


def test_a_file_in_the_folders_place_is_damage(tmp_path: Path) -> None:
    (tmp_path / "MNIST").write_text("")
    assert inspect("mnist", tmp_path).state == "damaged"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_damage(tmp_path: Path) -> None:
    put(tmp_path, TEST_LABELS, bytes(10_008))
    (tmp_path / "MNIST" / "raw" / TEST_LABELS).chmod(0)
    assert "can't be read (Permission denied)" in inspect("mnist", tmp_path).detail


def test_a_broken_link_counts_as_missing(tmp_path: Path) -> None:
    put(tmp_path, TEST_LABELS, b"")
    path = tmp_path / "MNIST" / "raw" / TEST_LABELS
    path.unlink()
    path.symlink_to(tmp_path / "gone")
    assert inspect("mnist", tmp_path).state == "absent"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_change_to_a_label_file_passes(mnist_dir: Path, tmp_path: Path, data: st.DataObject) -> None:
    original = (mnist_dir / "MNIST" / "raw" / TEST_LABELS).read_bytes()
    at = data.draw(st.integers(0, len(original)), label="at")
    removed = data.draw(st.integers(0, 5) | st.integers(0, len(original)), label="removed")
    inserted = data.draw(st.binary(max_size=20) | st.just(original[at : at + removed][::-1]), label="inserted")
    changed = original[:at] + inserted + original[at + removed :]
    put(tmp_path, TEST_LABELS, changed)
    # The other three are missing, so a sound file leaves the set absent.
    assert inspect("mnist", tmp_path).state == ("absent" if changed == original else "damaged")


# The sets whose own digests nobody has published, in small: 40 training and 20 test images of 2x3 pixels.


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a sound small set in the place of KMNIST, without archives. Returns the raw folder."""
    contents: list[bytes] = []
    files: list[RawFile] = []
    shapes = ((40, 2, 3), (40,), (20, 2, 3), (20,))
    for file, shape in zip(DATASETS["kmnist"].files, shapes, strict=True):
        body = bytes(at % 10 for at in range(shape[0])) if len(shape) == 1 else bytes(range(240))[: shape[0] * 6]
        content = replace(file, shape=shape).header + body
        archive = gzip.compress(content, mtime=0)
        contents.append(content)
        files.append(replace(file, shape=shape, archive_md5=hashlib.md5(archive).hexdigest()))
    kmnist = replace(DATASETS["kmnist"], files=tuple(files))
    monkeypatch.setattr(datasets, "DATASETS", {"kmnist": kmnist})
    raw = kmnist.raw(tmp_path)
    raw.mkdir(parents=True)
    for file, content in zip(files, contents, strict=True):
        (raw / file.name).write_bytes(content)
    return raw


def damage(path: Path, at: int, content: bytes) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + content + whole[at + len(content) :])


@pytest.mark.usefixtures("small")
def test_a_balanced_set_of_lively_images_is_complete(tmp_path: Path) -> None:
    assert inspect("kmnist", tmp_path).state == "complete"


@given(at=st.integers(0, 47), value=st.integers(0, 255))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_changed_byte_of_labels_is_found_without_a_digest(small: Path, tmp_path: Path, at: int, value: int) -> None:
    path = small / TRAIN_LABELS
    original = path.read_bytes()
    try:
        damage(path, at, bytes([value]))
        inspection = inspect("kmnist", tmp_path)
        assert inspection.state == ("complete" if path.read_bytes() == original else "damaged")
    finally:
        path.write_bytes(original)


def test_unbalanced_labels_are_counted(small: Path, tmp_path: Path) -> None:
    damage(small / TRAIN_LABELS, 8, b"\x01")
    assert f"{TRAIN_LABELS}: 3 labels are 0, expected 4" in inspect("kmnist", tmp_path).detail


def test_images_of_one_grey_are_counted(small: Path, tmp_path: Path) -> None:
    damage(small / TEST_IMAGES, 16, bytes(3 * 6))  # three could be in the set as it was published
    assert inspect("kmnist", tmp_path).state == "complete"
    damage(small / TEST_IMAGES, 16, bytes(4 * 6))
    assert f"{TEST_IMAGES}: 4 images are of one grey, expected 3 at most" in inspect("kmnist", tmp_path).detail


def test_the_archive_beside_a_file_proves_it(small: Path, tmp_path: Path) -> None:
    path = small / TEST_IMAGES
    archive = small / f"{TEST_IMAGES}.gz"
    archive.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    assert inspect("kmnist", tmp_path).state == "complete"
    damage(path, 100, b"\xff")
    inspection = inspect("kmnist", tmp_path)
    assert inspection.state == "damaged"
    assert f"differs from what {TEST_IMAGES}.gz beside it holds" in inspection.detail


@pytest.mark.parametrize(
    "archive",
    [b"", b"not an archive", gzip.compress(b"another content", mtime=0)],
    ids=["empty", "no archive", "another"],
)
def test_an_archive_that_is_not_the_published_one_says_nothing(small: Path, tmp_path: Path, archive: bytes) -> None:
    (small / f"{TEST_IMAGES}.gz").write_bytes(archive)
    assert inspect("kmnist", tmp_path).state == "complete"


def packed(small: Path, *names: str, level: int = 9) -> None:
    """Archives in place of these files; with a `level` of one's own they are not the published ones."""
    for name in names or [path.name for path in small.iterdir()]:
        content = (small / name).read_bytes()
        (small / f"{name}.gz").write_bytes(gzip.compress(content, level, mtime=0))
        (small / name).unlink()


@pytest.mark.parametrize("names", [(), (TRAIN_LABELS,), (TRAIN_IMAGES, TEST_LABELS)], ids=["all", "one", "two"])
@pytest.mark.parametrize("level", [9, 1], ids=["published", "packed again"])
def test_an_archive_takes_the_place_of_its_file(
    small: Path, tmp_path: Path, names: tuple[str, ...], level: int
) -> None:
    sound = inspect("kmnist", tmp_path)
    packed(small, *names, level=level)
    inspection = inspect("kmnist", tmp_path)
    assert (inspection.state, inspection.contents) == ("complete", sound.contents)


def test_the_four_archives_of_mnist_are_complete(linked: Path) -> None:
    for name in (TRAIN_LABELS, TEST_LABELS):
        path = linked / "MNIST" / "raw" / name
        path.with_name(f"{name}.gz").write_bytes(gzip.compress(path.read_bytes(), 1))
        path.unlink()
    assert inspect("mnist", linked).state == "complete"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda _: b"", "0 bytes, expected 28"),
        (lambda content: content[:-9], "no whole gzip archive: "),
        (lambda _: b"<html>not found</html>", "no whole gzip archive: Not a gzipped file"),
        (lambda _: gzip.compress(bytes(10_000)), "29 bytes or more, expected 28"),
    ],
    ids=["empty", "cut", "a page", "another"],
)
def test_a_damaged_archive_counts_as_missing_and_is_named(
    small: Path, tmp_path: Path, spoil: Callable[[bytes], bytes], words: str
) -> None:
    packed(small)
    path = small / f"{TEST_LABELS}.gz"
    path.write_bytes(spoil(path.read_bytes()))
    inspection = inspect("kmnist", tmp_path)
    assert inspection.state == "absent"  # a download may put a sound one there
    assert f"{small}: {TEST_LABELS}.gz damaged (" in inspection.detail
    assert words in inspection.detail


def test_the_default_folder_is_in_the_users_cache(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    script = (
        "import sys, inittui.experiment.dataset_files as d;"
        "print(d.default_data_dir(), {'torch', 'numpy', 'sklearn'} & {*sys.modules})"
    )
    out = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    folder, loaded = out.stdout.strip().rsplit(" ", 1)
    assert Path(folder).is_relative_to(tmp_path)
    assert (Path(folder).name, loaded) == ("data", "set()")
