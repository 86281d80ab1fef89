"""The files of a data set in the data folder: whether they are there, and whether they hold what they should.

The layout is torchvision's, so that its files are used. torchvision checks the archives that it downloads, never the
extracted files: it loads all-zero images silently, and neither reads nor replaces an empty file. So everything is checked
here, in the same read that loads it. Imports no torch.
"""

import gzip
import hashlib
import math
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from inittui.common.errors import DataError
from inittui.experiment import datasets
from inittui.experiment.datasets import RawFile

BLANKS_ALLOWED = 3  # a 4 KiB page that was never written blanks at least four images of 784 bytes


class DataFilesError(DataError):
    """Files that are damaged or not available. The message is `what` is wrong, then how to fix it."""

    def __init__(self, what: str, fix: str) -> None:
        self.what = what
        super().__init__(f"{what}; {fix}")


@dataclass(frozen=True)
class Inspection:
    """Whether the files of a data set are usable: their `state`, `what` is there or is wrong, and the `fix`.

    `contents` are the bytes of the four files, headers included, if they are complete.
    """

    state: Literal["complete", "absent", "damaged"]
    what: str
    fix: str = ""
    contents: Sequence[bytearray] = ()

    @property
    def detail(self) -> str:
        """`what` and `fix` in one line."""
        return f"{self.what}; {self.fix}" if self.fix else self.what


def default_data_dir() -> Path:
    """The folder `data` in the user's cache folder of inittui. It need not exist."""
    return platformdirs.user_cache_path("inittui", appauthor=False) / "data"


def inspect(name: str, data_dir: Path) -> Inspection:
    """Whether data set `name`, a key of DATASETS, is in `data_dir` and undamaged. Reads every byte; never raises OSError.

    The state is "absent" if files are missing and the others are undamaged: a download completes them. A data set without
    files is always complete.
    """
    entry = datasets.DATASETS[name]
    raw = entry.raw(data_dir)
    fix = "give another --data-dir; the data set is downloaded there"
    contents: list[bytearray] = []
    missing: list[str] = []
    for file in entry.files:
        path = raw / file.name
        try:
            contents.append(_content(path, file, len(entry.classes)))
        except FileNotFoundError:
            missing.append(file.name)
        except ValueError as error:
            return Inspection("damaged", f"{path}: {error}", fix)
        except OSError as error:
            what = f"{path}: can't be read ({error.strerror or error})"
            return Inspection("damaged", what, f"make it readable, or {fix}")
    if missing:
        what = f"{raw}: {entry.title} is not there" if not contents else f"{raw}: {', '.join(missing)} missing"
        return Inspection("absent", what, "run again with a network to download it, or give another --data-dir")
    what = f"{raw}: {entry.title}, {entry.train:,} and {entry.test:,} images"
    return Inspection("complete", what, contents=contents)


def _content(path: Path, file: RawFile, classes: int) -> bytearray:
    """All bytes, in a writable buffer as torch wants it. Raises OSError, or ValueError if the file is damaged."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would block for ever
        raise ValueError(f"a {'folder' if stat.S_ISDIR(status.st_mode) else 'special file'}, expected a file")
    if status.st_size != file.size:
        raise ValueError(f"{status.st_size:,} bytes, expected {file.size:,}")
    content = bytearray(file.size)
    with path.open("rb") as stream:
        stream.readinto(content)
    if (header := bytes(content[: len(file.header)])) != file.header:
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
    return content


def _archived(archive: Path, file: RawFile) -> bytes | None:
    """The content of the archive beside a file; None if there is none or it is not the published one."""
    try:
        packed = archive.read_bytes() if archive.is_file() else b""
    except OSError:
        return None
    return gzip.decompress(packed) if _md5(packed) == file.archive_md5 else None


def _check_labels(content: bytearray, file: RawFile, classes: int) -> None:
    # The data sets without known digests are balanced: one changed label unbalances two classes, or is out of range.
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
