from pathlib import Path

import pytest
import torch

from inittui.common.errors import DataError
from inittui.engine.data.dataset import Dataset
from inittui.engine.data.load import load
from inittui.experiment.preset import Data, DataName


def silent(_title: str, _done: int, _total: int) -> None:
    """A report that nobody reads."""


def unexpected(title: str, done: int, total: int) -> None:
    pytest.fail(f"a download was tried: {title} {done} {total}")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every download is refused at once: its proxy is a port on which nothing listens."""
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "MNIST" / "raw" / "train-labels-idx1-ubyte"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    return tmp_path


def check(dataset: Dataset, images: tuple[int, int, int], test: int) -> None:
    assert (dataset.rows, dataset.columns, dataset.shape) == (images[1], images[2], (1, *images[1:]))
    assert dataset.train_images.shape == images
    assert dataset.test_images.shape == (test, *images[1:])
    assert dataset.train_labels.shape == images[:1]
    assert dataset.test_labels.shape == (test,)
    assert dataset.train_images.dtype == dataset.test_images.dtype == torch.uint8
    assert dataset.train_labels.dtype == dataset.test_labels.dtype == torch.int64
    for labels in (dataset.train_labels, dataset.test_labels):
        assert sorted(set(labels.tolist())) == list(range(len(dataset.classes)))
    assert int(dataset.train_images.max()) == int(dataset.test_images.max()) == dataset.pixel_max


@pytest.mark.parametrize("name", ["mnist", "auto"])
def test_mnist_is_what_torchvision_reads(mnist_dir: Path, name: DataName) -> None:
    torchvision = pytest.importorskip("torchvision")
    dataset = load(Data(name=name), mnist_dir, unexpected)
    check(dataset, (60_000, 28, 28), 10_000)
    assert (dataset.name, dataset.title, dataset.note) == ("mnist", "MNIST", "")
    for train in (True, False):
        theirs = torchvision.datasets.MNIST(mnist_dir, train=train)
        assert torch.equal(dataset.train_images if train else dataset.test_images, theirs.data)
        assert torch.equal(dataset.train_labels if train else dataset.test_labels, theirs.targets)


@pytest.fixture
def converted(mnist_dir: Path, tmp_path: Path) -> Path:
    """A data folder as torchvision left it before version 0.9: two files of tensors, no others."""
    whole = load(Data(name="mnist"), mnist_dir, unexpected)
    folder = tmp_path / "MNIST" / "processed"
    folder.mkdir(parents=True)
    torch.save((whole.train_images, whole.train_labels), folder / "training.pt")
    torch.save((whole.test_images, whole.test_labels), folder / "test.pt", _use_new_zipfile_serialization=False)
    return tmp_path


def test_the_files_that_an_old_torchvision_made_are_used(mnist_dir: Path, converted: Path) -> None:
    torchvision = pytest.importorskip("torchvision")
    whole, dataset = (load(Data(name="auto"), folder, unexpected) for folder in (mnist_dir, converted))
    assert torch.equal(dataset.train_images, whole.train_images)
    assert torch.equal(dataset.test_labels, whole.test_labels)
    assert len(torchvision.datasets.MNIST(converted).targets) == 60_000  # torchvision reads them too


def test_damage_in_the_files_that_an_old_torchvision_made_is_found(converted: Path) -> None:
    path = converted / "MNIST" / "processed" / "test.pt"
    images, labels = torch.load(path)
    labels[7] += 1
    torch.save((images, labels), path)
    with pytest.raises(DataError, match=r"MNIST: .*test\.pt is damaged \(md5 .*; give another --data-dir"):
        load(Data(name="mnist"), converted, unexpected)
    torch.save((images / 255, labels), path)
    with pytest.raises(DataError, match=r"damaged \(values that are not whole numbers from 0 to 255"):
        load(Data(name="mnist"), converted, unexpected)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DataError, match=r"MNIST: .*test\.pt is damaged \("):
        load(Data(name="mnist"), converted, unexpected)


def test_train_limit_takes_the_first_images(mnist_dir: Path) -> None:
    whole = load(Data(name="mnist"), mnist_dir, unexpected)
    limited = load(Data(name="mnist", train_limit=123), mnist_dir, unexpected)
    assert torch.equal(limited.train_images, whole.train_images[:123])
    assert torch.equal(limited.train_labels, whole.train_labels[:123])
    assert torch.equal(limited.test_images, whole.test_images)


def test_digits_are_the_same_for_every_run(tmp_path: Path) -> None:
    dataset = load(Data(name="digits"), tmp_path, unexpected)
    check(dataset, (1500, 8, 8), 297)
    assert (dataset.name, dataset.pixel_max, dataset.note) == ("digits", 16.0, "")
    assert dataset.train_labels.bincount().min() > 140  # stratified: 145 to 153 of each
    torch.manual_seed(5)
    again = load(Data(name="digits"), tmp_path, unexpected)
    assert torch.equal(again.train_images, dataset.train_images)
    assert torch.equal(again.test_labels, dataset.test_labels)
    # The split itself is pinned, so that runs of different versions can be compared.
    assert dataset.train_labels[:10].tolist() == [4, 3, 1, 3, 9, 8, 1, 5, 5, 7]
    assert dataset.test_labels[:10].tolist() == [7, 3, 1, 3, 0, 3, 4, 7, 3, 5]


def test_a_limit_above_the_images_there_are_names_their_number(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load(Data(name="digits", train_limit=1501), tmp_path, unexpected)
    assert "data.train_limit = 1501" in str(caught.value)
    assert "1,500 training images" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(load(Data(name="digits", train_limit=1500), tmp_path, unexpected).train_images) == 1500


def test_damaged_mnist_is_refused_when_it_was_asked_for(damaged: Path) -> None:
    with pytest.raises(DataError) as caught:
        load(Data(name="mnist"), damaged, unexpected)
    assert f"MNIST in {damaged} is damaged (" in str(caught.value)
    assert "train-labels-idx1-ubyte: 0 bytes, expected 60,008); give another --data-dir" in str(caught.value)


def test_auto_takes_digits_for_damaged_mnist_and_says_so(damaged: Path) -> None:
    dataset = load(Data(), damaged, unexpected)
    check(dataset, (1500, 8, 8), 297)
    assert dataset.note.startswith(f"MNIST in {damaged} is damaged (")
    assert dataset.note.endswith("0 bytes, expected 60,008), so these are scikit-learn's 1,797 8x8 digits")


def test_a_limit_meant_for_mnist_does_not_fail_its_stand_in(damaged: Path) -> None:
    dataset = load(Data(train_limit=10_000), damaged, unexpected)
    assert len(dataset.train_images) == 1500
    assert dataset.note.endswith("8x8 digits, of which 1,500 are for training instead of 10,000")
    assert len(load(Data(train_limit=100), damaged, unexpected).train_images) == 100


@pytest.mark.usefixtures("no_network")
def test_without_a_network_auto_takes_digits_and_says_so(tmp_path: Path) -> None:
    dataset = load(Data(), tmp_path, silent)
    assert dataset.name == "digits"
    assert dataset.note.startswith("MNIST could not be downloaded (")
    assert dataset.note.endswith("Connection refused), so these are scikit-learn's 1,797 8x8 digits")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_network")
def test_without_a_network_what_is_wrong_with_the_files_is_told_too(tmp_path: Path) -> None:
    path = tmp_path / "MNIST" / "raw" / "train-labels-idx1-ubyte.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"<html>")
    with pytest.raises(DataError) as caught:
        load(Data(name="mnist"), tmp_path, silent)
    assert "Connection refused); " in str(caught.value)
    assert "train-labels-idx1-ubyte.gz damaged (no whole gzip archive: Not a gzipped file" in str(caught.value)
    assert "copy its files, extracted or as .gz, to" in str(caught.value)


@pytest.mark.usefixtures("no_network")
def test_a_set_that_was_asked_for_has_no_stand_in(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"KMNIST could not be downloaded \(.*Connection refused\); .*--data digits"):
        load(Data(name="kmnist"), tmp_path, silent)
