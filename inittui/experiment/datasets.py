"""The data sets that exist: one entry each. Options, help, completion, checks, downloads and loading follow from the table.

An entry is all that a new data set needs, if one of the loaders of `engine/data/load.py` reads it. Imports no torch.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

AUTO = "auto"  # MNIST, or the stand-in if MNIST is not available

# How an entry is loaded. `idx`: four downloaded IDX files; `scikit-learn`: the images that this library contains.
Loader = Literal["idx", "scikit-learn"]


@dataclass(frozen=True)
class RawFile:
    """One IDX file of unsigned bytes: `shape` is (images, rows, columns) or (labels,). Sizes are in bytes.

    `md5` is the digest of the extracted file, None if nobody has published it.
    """

    name: str
    shape: tuple[int, ...]
    archive_size: int
    archive_md5: str
    md5: str | None = None

    @property
    def archive(self) -> str:
        """The name of the file that is downloaded."""
        return f"{self.name}.gz"

    @property
    def header(self) -> bytes:
        """The first bytes of the file: the magic number (8 for bytes, then the dimensions) and the shape, big-endian."""
        return struct.pack(f">{1 + len(self.shape)}I", 0x0800 + len(self.shape), *self.shape)

    @property
    def size(self) -> int:
        return len(self.header) + math.prod(self.shape)


@dataclass(frozen=True)
class DatasetEntry:
    """One data set of `train` and `test` gray images of `rows` x `columns` pixels; the pixel value `pixel_max` becomes 1.

    `files`, in DIR/`folder`/raw, are training images, training labels, test images, test labels; empty if the data set needs
    no file. `mirrors` are the addresses of folders that hold the archives, in the order in which they are tried.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    loader: Loader = "idx"
    train: int = 60_000
    test: int = 10_000
    rows: int = 28
    columns: int = 28
    pixel_max: float = 255.0
    folder: str = ""  # the name of torchvision's class and of its folder, so that torchvision's files are used
    mirrors: tuple[str, ...] = ()
    files: tuple[RawFile, ...] = ()

    def raw(self, data_dir: Path) -> Path:
        """The folder of the files, whether it exists or not."""
        return data_dir / self.folder / "raw"

    def converted(self, data_dir: Path) -> tuple[Path, Path]:
        """The files of training and of test that torchvision before 0.9 made, each with images and labels as tensors."""
        folder = data_dir / self.folder / "processed"
        return folder / "training.pt", folder / "test.pt"


def _files(*archives: tuple[int, str] | tuple[int, str, str]) -> tuple[RawFile, ...]:
    """The four files of a data set with the shape of MNIST, from the size and the md5 of each archive, and the md5 of the
    extracted file if it is known."""
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    shapes = ((60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,))
    return tuple(RawFile(name, shape, *archive) for name, shape, archive in zip(names, shapes, archives, strict=True))


_ENTRIES = (
    DatasetEntry(
        name="mnist",
        title="MNIST",
        folder="MNIST",
        classes=tuple("0123456789"),
        mirrors=("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
        files=_files(
            (9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
            (28_881, "d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
            (1_648_877, "9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
            (4_542, "ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
        ),
    ),
    DatasetEntry(
        name="fashion_mnist",
        title="Fashion-MNIST",
        folder="FashionMNIST",
        classes=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        files=_files(
            (26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            (29_515, "25c81989df183df01b3e8a0aad5dffbe"),
            (4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
            (5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
    ),
    DatasetEntry(
        name="kmnist",
        title="KMNIST",
        folder="KMNIST",
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        files=_files(
            (18_165_135, "bdb82020997e1d708af4cf47b453dcf7"),
            (29_497, "e144d726b3acfaa3e44228e80efcd344"),
            (3_041_136, "5c965bf0a639b31b8f53240b1b52f4d7"),
            (5_120, "7320c461ea6c1c855c0b718fb2a4b134"),
        ),
    ),
    DatasetEntry(
        name="digits",
        title="8x8 digits (scikit-learn)",
        classes=tuple("0123456789"),
        loader="scikit-learn",
        train=1500,
        test=297,
        rows=8,
        columns=8,
        pixel_max=16.0,
    ),
)
DATASETS: Mapping[str, DatasetEntry] = {entry.name: entry for entry in _ENTRIES}
NAMES = (AUTO, *DATASETS)  # what data.name and --data may be
STAND_IN = DATASETS["digits"]  # what `auto` takes where MNIST is not available; it needs no file


def entry(name: str) -> DatasetEntry:
    """The entry of `name`, one of NAMES; that of MNIST for `auto`."""
    return DATASETS["mnist" if name == AUTO else name]
