"""The data sets as files: where they lie, what they must hold, and whether they do. Imports no torch.

The layout is torchvision's, so that its files are found. torchvision checks the archives that it downloads, never the
extracted files: all-zero images load silently, and an empty file is neither read nor fetched again. So everything is
checked here, in the same read that loads it.
"""

import gzip
import hashlib
import math
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import platformdirs

from inittui.common.errors import DataError

DIGITS_TITLE = "8x8 digits (scikit-learn)"  # the set that needs no file, since scikit-learn brings it
DIGITS_TRAIN = 1500  # of its 1,797 images; the others are the test
BLANKS_ALLOWED = 3  # a page of 4 KiB that was never written blanks at least four images of 784 bytes


class DataFilesError(DataError):
    """Files that are damaged or can't be had. `what` happened and the `mend`, which the message joins."""

    def __init__(self, what: str, mend: str) -> None:
        self.what = what
        super().__init__(f"{what}; {mend}")


@dataclass(frozen=True)
class RawFile:
    """One IDX file of unsigned bytes: `shape` is (images, rows, columns) or (labels,). Sizes are in bytes.

    `md5` is the extracted file's, None where it is not known.
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
        """What the file begins with: the magic number (8 for bytes, then the dimensions) and the shape, big-endian."""
        return struct.pack(f">{1 + len(self.shape)}I", 0x0800 + len(self.shape), *self.shape)

    @property
    def size(self) -> int:
        return len(self.header) + math.prod(self.shape)


@dataclass(frozen=True)
class DatasetFiles:
    """One data set. `files`, in DIR/`folder`/raw, are training images, training labels, test images, test labels.

    `mirrors` are addresses of folders that hold the archives, in the order in which they are tried.
    """

    name: str
    title: str
    folder: str  # torchvision's name of its class and of the folder
    classes: tuple[str, ...]
    mirrors: tuple[str, ...]
    files: tuple[RawFile, ...]

    @property
    def train(self) -> int:
        return self.files[0].shape[0]

    @property
    def test(self) -> int:
        return self.files[2].shape[0]

    @property
    def rows(self) -> int:
        return self.files[0].shape[1]

    @property
    def columns(self) -> int:
        return self.files[0].shape[2]

    def raw(self, data_dir: Path) -> Path:
        """The folder of the files, whether it exists or not."""
        return data_dir / self.folder / "raw"


@dataclass(frozen=True)
class Found:
    """What lies in a data folder: `state`, `what` was found of what was expected, and the `mend` for it."""

    state: Literal["complete", "absent", "damaged"]
    what: str
    mend: str = ""

    @property
    def detail(self) -> str:
        """Both in one line."""
        return f"{self.what}; {self.mend}" if self.mend else self.what


def default_data_dir() -> Path:
    """The folder `data` in the user's cache folder of inittui. It need not exist."""
    return platformdirs.user_cache_path("inittui", appauthor=False) / "data"


def inspect(name: str, data_dir: Path) -> Found:
    """Whether data set `name`, a key of DATASETS, is in `data_dir` and sound. Reads every byte of it; never raises OSError.

    Files that are missing while the others are sound make it "absent": a download completes it.
    """
    return read(name, data_dir)[0]


def read(name: str, data_dir: Path) -> tuple[Found, list[bytearray]]:
    """As `inspect`, with the bytes of the four files, headers included, when they are complete; else an empty list."""
    files = DATASETS[name]
    raw = files.raw(data_dir)
    mend = "delete it and run again to download it, or give another --data-dir"
    contents: list[bytearray] = []
    missing: list[str] = []
    for file in files.files:
        path = raw / file.name
        try:
            content = _content(path, file)
            _check(path, file, content, len(files.classes))
            contents.append(content)
        except FileNotFoundError:
            missing.append(file.name)
        except ValueError as error:
            return Found("damaged", f"{path}: {error}", mend), []
        except OSError as error:
            what = f"{path}: can't be read ({error.strerror or error})"
            return Found("damaged", what, f"make it readable, or {mend}"), []
    if missing:
        what = f"{raw}: {files.title} is not there" if not contents else f"{raw}: {', '.join(missing)} missing"
        return Found("absent", what, "run again with a network to download it, or give another --data-dir"), []
    return Found("complete", f"{raw}: {files.title}, {files.train:,} and {files.test:,} images"), contents


def _content(path: Path, file: RawFile) -> bytearray:
    """All bytes, writable, since torch wants that. Raises OSError, or ValueError for what can't be the file."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for ever
        raise ValueError(f"a {'folder' if stat.S_ISDIR(found.st_mode) else 'special file'}, expected a file")
    if found.st_size != file.size:
        raise ValueError(f"{found.st_size:,} bytes, expected {file.size:,}")
    content = bytearray(file.size)
    with path.open("rb") as stream:
        done = stream.readinto(content)
    if done != file.size:
        raise ValueError(f"{done:,} bytes could be read, expected {file.size:,}")
    return content


def _check(path: Path, file: RawFile, content: bytearray, classes: int) -> None:
    """Raises ValueError, which says what was found and what was expected, unless the file is sound."""
    header = bytes(content[: len(file.header)])
    if header != file.header:
        raise ValueError(f"begins with {header.hex()}, expected the IDX header {file.header.hex()}")
    if file.md5 is not None:
        if (md5 := _md5(content)) != file.md5:
            raise ValueError(f"md5 {md5}, expected {file.md5}")
    elif (original := _archived(path.with_name(file.archive), file)) is not None:
        if original != content:
            raise ValueError(f"differs from what {file.archive} beside it holds")
    elif len(file.shape) == 1:
        _check_labels(content, file, classes)
    else:
        _check_images(content, file)


def _archived(archive: Path, file: RawFile) -> bytes | None:
    """The content of the archive beside a file; None where there is none or it is not the published one."""
    try:
        packed = archive.read_bytes() if archive.is_file() else b""
    except OSError:
        return None
    return gzip.decompress(packed) if _md5(packed) == file.archive_md5 else None


def _check_labels(content: bytearray, file: RawFile, classes: int) -> None:
    # The sets without known digests are balanced: one changed label unbalances two classes, or leaves the range.
    expected = file.shape[0] // classes
    for label in range(classes):
        if (count := content.count(label, len(file.header))) != expected:
            raise ValueError(f"{count:,} labels are {label}, expected {expected:,}")


def _check_images(content: bytearray, file: RawFile) -> None:
    pixels = math.prod(file.shape[1:])
    plain = [bytes([value]) * pixels for value in range(256)]
    blank = sum(content.startswith(plain[content[at]], at) for at in range(len(file.header), len(content), pixels))
    if blank > BLANKS_ALLOWED:
        raise ValueError(f"{blank:,} images are of one grey, expected {BLANKS_ALLOWED} at most")


def _md5(content: bytes | bytearray) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _files(*archives: tuple[int, str] | tuple[int, str, str]) -> tuple[RawFile, ...]:
    """The four files from each one's archive size, archive md5 and, where it is known, own md5."""
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    # All three sets were made to have MNIST's shape.
    shapes = ((60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,))
    return tuple(RawFile(name, shape, *archive) for name, shape, archive in zip(names, shapes, archives, strict=True))


_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_SETS = (
    DatasetFiles(
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
    DatasetFiles(
        name="fashion_mnist",
        title="Fashion-MNIST",
        folder="FashionMNIST",
        classes=_CLOTHES,
        mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        files=_files(
            (26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            (29_515, "25c81989df183df01b3e8a0aad5dffbe"),
            (4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
            (5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
    ),
    DatasetFiles(
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
)
DATASETS: Mapping[str, DatasetFiles] = MappingProxyType({files.name: files for files in _SETS})
