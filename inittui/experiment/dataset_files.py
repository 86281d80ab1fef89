"""The files of a data set in the data folder: whether they are there, and whether they hold what they should.

The layouts are torchvision's, so that its files are used: extracted files, their archives, or the two files that versions
before 0.9 made. torchvision checks the archives that it downloads, never the extracted files: it loads all-zero images
silently, and neither reads nor replaces an empty file. So everything is checked here, in the same read that loads it.
Imports no torch.
"""

import gzip
import hashlib
import math
import os
import stat
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from inittui.common.errors import DataError
from inittui.experiment import datasets
from inittui.experiment.datasets import RawFile
from inittui.experiment.user_folders import user_folder

BLANKS_ALLOWED = 3  # a 4 KiB page that was never written blanks at least four images of 784 bytes


class DataFilesError(DataError):
    """Files that are damaged or not available. The message is `what` is wrong, then how to fix it."""

    def __init__(self, what: str, fix: str) -> None:
        self.what, self.fix = what, fix
        super().__init__(f"{what}; {fix}")


@dataclass(frozen=True)
class Inspection:
    """Whether the files of a data set are usable: their `state`, `what` is there or is wrong, and the `fix`.

    `contents` are the bytes of the four files, headers included, if they are complete. "converted" are files for torch, which
    are checked when they are loaded.
    """

    state: Literal["complete", "converted", "absent", "damaged"]
    what: str
    fix: str = ""
    contents: Sequence[bytearray] = ()
    partial: bool = False  # absent, but some files or archives are there

    @property
    def detail(self) -> str:
        """`what` and `fix` in one line."""
        return f"{self.what}; {self.fix}" if self.fix else self.what


def default_data_dir() -> Path:
    """The folder `data` in the user's cache folder of inittui. It need not exist. Raises UsageError."""
    return user_folder("cache", "--data-dir") / "data"


def inspect(name: str, data_dir: Path) -> Inspection:
    """Whether data set `name`, a key of DATASETS, is in `data_dir` and undamaged. Reads every byte; never raises OSError.

    Each file may be extracted or an archive. The state is "absent" if files are missing or archives are damaged, and the
    extracted ones are sound: a download completes them. A data set without files is always complete.
    """
    entry = datasets.DATASETS[name]
    raw, classes = entry.raw(data_dir), len(entry.classes)
    fix = "give another --data-dir; the data set is downloaded there"
    contents: list[bytearray] = []
    faults: list[str] = []
    for file in entry.files:
        path = raw / file.name
        try:
            contents.append(check(_read(path, file), file, classes, raw))
        except FileNotFoundError:
            try:
                contents.append(check(_unpacked(raw / file.archive, file), file, classes, raw))
            except FileNotFoundError:
                faults.append(f"{file.name} missing")
            except (ValueError, OSError) as error:
                faults.append(f"{file.archive} damaged ({error})")
        except ValueError as error:
            return Inspection("damaged", f"{path}: {error}", fix)
        except OSError as error:
            what = f"{path}: can't be read ({error.strerror or error})"
            return Inspection("damaged", what, f"make it readable, or {fix}")
    if not faults:
        return Inspection(
            "complete", f"{raw}: {entry.title}, {entry.train:,} and {entry.test:,} images", contents=contents
        )
    if all(os.path.isfile(path) for path in entry.converted(data_dir)):  # noqa: PTH113 - Path's raises PermissionError
        what = f"{entry.converted(data_dir)[0].parent}: {entry.title} in two files for torch; a run checks them"
        return Inspection("converted", what)
    nothing = not contents and all(fault.endswith("missing") for fault in faults)
    what = f"{raw}: {entry.title} is not there" if nothing else f"{raw}: {', '.join(faults)}"
    fix = "run again with a network to download it, or give another --data-dir"
    return Inspection("absent", what, fix, partial=not nothing)


def _read(path: Path, file: RawFile) -> bytearray:
    """All bytes, in a writable buffer as torch wants it. Raises OSError, or ValueError for a wrong size."""
    size = _size(path)
    if size != file.size:
        raise ValueError(f"{size:,} bytes, expected {file.size:,}")
    content = bytearray(size)
    with path.open("rb") as stream:
        stream.readinto(content)
    return content


def _unpacked(archive: Path, file: RawFile) -> bytearray:
    """The content of an archive, at most a byte more than it should have. Raises OSError, or ValueError if it is damaged."""
    _size(archive)
    try:
        with gzip.open(archive) as stream:
            return bytearray(stream.read(file.size + 1))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"no whole gzip archive: {error}") from None


def _size(path: Path) -> int:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would block for ever
        raise ValueError(f"a {'folder' if stat.S_ISDIR(status.st_mode) else 'special file'}, expected a file")
    return status.st_size


def check(content: bytearray, file: RawFile, classes: int, raw: Path) -> bytearray:
    """`content` if it is that of `file`. An archive in `raw` proves it where the file's own digest is unknown. Raises
    ValueError."""
    if len(content) != file.size:
        raise ValueError(f"{len(content):,} bytes{' or more' * (len(content) > file.size)}, expected {file.size:,}")
    if (header := bytes(content[: len(file.header)])) != file.header:
        raise ValueError(f"begins with {header.hex()}, expected the IDX header {file.header.hex()}")
    if file.md5 is not None:
        if (md5 := _md5(content)) != file.md5:
            raise ValueError(f"md5 {md5}, expected {file.md5}")
    elif (original := _archived(raw / file.archive, file)) is not None:
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
