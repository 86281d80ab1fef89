"""Data sets as tensors, on the CPU, as they are in the files: nothing is scaled here."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from inittui.common import formatting
from inittui.common.atomic_files import one_line
from inittui.common.errors import DataError
from inittui.engine.data import user_data
from inittui.engine.data.dataset import Dataset
from inittui.engine.data.download import Report, download
from inittui.experiment import dataset_files, datasets
from inittui.experiment.dataset_files import DataFilesError
from inittui.experiment.datasets import AUTO, STAND_IN, DatasetEntry
from inittui.experiment.preset import Data


def load(spec: Data, data_dir: Path, report: Report) -> Dataset:
    """The data set that `spec` names, from `data_dir`, downloaded into it when it is absent.

    `auto` is MNIST or, if its files are damaged or not available, `digits` with a note that gives the reason. `report` is
    called with the title, the bytes that have arrived and the bytes in all. Raises DataError for files that are damaged or
    not available, and for a `train_limit` above the number of training images (the stand-in takes all and says so in its
    note).
    """
    if spec.factory is not None:
        return _limited(user_data.load(spec.factory), spec.train_limit)
    try:
        return _limited(_dataset(datasets.entry(spec.name), data_dir, report), spec.train_limit)
    except DataFilesError as error:
        if spec.name != AUTO:
            raise
        return _stand_in(error.what, spec.train_limit)


def _dataset(entry: DatasetEntry, data_dir: Path, report: Report) -> Dataset:
    tensors = _scikit_learn(entry) if entry.loader == "scikit-learn" else _idx(entry, data_dir, report)
    train_images, train_labels, test_images, test_labels = tensors
    return Dataset(
        name=entry.name,
        title=entry.title,
        train_images=train_images,
        train_labels=train_labels.long(),
        test_images=test_images,
        test_labels=test_labels.long(),
        pixel_max=entry.pixel_max,
        classes=entry.classes,
    )


def _idx(entry: DatasetEntry, data_dir: Path, report: Report) -> list[Tensor]:
    files = dataset_files.inspect(entry.name, data_dir)
    if files.state == "absent":
        try:
            download(entry.name, data_dir, report)
        except DataFilesError as error:
            raise DataFilesError(f"{error.what}; {files.what}", error.fix) if files.partial else error from None
        files = dataset_files.inspect(entry.name, data_dir)
    contents = _converted(entry, data_dir) if files.state == "converted" else files.contents
    if not contents:
        raise DataFilesError(f"{entry.title} in {data_dir} is {files.state} ({files.what})", files.fix)
    return [
        # The tensor shares the bytes that were checked, so nothing is read twice or copied.
        torch.frombuffer(content, dtype=torch.uint8, offset=len(file.header)).view(file.shape)
        for file, content in zip(entry.files, contents, strict=True)
    ]


def _converted(entry: DatasetEntry, data_dir: Path) -> list[bytearray]:
    """What the files of the data set hold, from the two files that torchvision made of them. Raises DataFilesError."""
    contents = []
    for path, files in zip(entry.converted(data_dir), (entry.files[:2], entry.files[2:]), strict=True):
        try:
            for file, tensor in zip(files, torch.load(path, "cpu", weights_only=True), strict=True):
                if not torch.equal(tensor, tensor.to(torch.uint8)):
                    raise ValueError("values that are not whole numbers from 0 to 255")
                content = bytearray(file.header + tensor.to(torch.uint8).numpy().tobytes())
                contents.append(dataset_files.check(content, file, len(entry.classes), entry.raw(data_dir)))
        except Exception as error:  # of any kind: torch raises many for a damaged file
            fix = "give another --data-dir; the data set is downloaded there"
            raise DataFilesError(f"{entry.title}: {path} is damaged ({one_line(error)})", fix) from None
    return contents


def _scikit_learn(entry: DatasetEntry) -> list[Tensor]:
    """The same 1,500 training and 297 test images in every run: a split that moved would make runs incomparable."""
    import sklearn.datasets
    from sklearn.model_selection import train_test_split

    bunch = getattr(sklearn.datasets, f"load_{entry.name}")()
    images, labels = bunch.images.astype("uint8"), bunch.target
    parts = train_test_split(images, labels, train_size=entry.train, random_state=0, stratify=labels)
    train_images, test_images, train_labels, test_labels = map(torch.from_numpy, parts)
    return [train_images, train_labels, test_images, test_labels]


def _limited(dataset: Dataset, limit: int | None) -> Dataset:
    if limit is None:
        return dataset
    available = len(dataset.train_images)
    if limit > available:
        raise DataError(
            f"data.train_limit = {limit}: {dataset.title} has {formatting.count(available, 'training image')}; "
            f"expected {available} at most, or no limit"
        )
    return replace(dataset, train_images=dataset.train_images[:limit], train_labels=dataset.train_labels[:limit])


def _stand_in(why: str, limit: int | None) -> Dataset:
    """The digits instead of MNIST. A limit meant for MNIST is no error here: the user may only lack a network."""
    digits = _dataset(STAND_IN, Path(), lambda *_: None)
    note = f"{why}, so these are scikit-learn's {STAND_IN.train + STAND_IN.test:,} 8x8 digits"
    if limit is not None and limit > STAND_IN.train:
        note += f", of which {STAND_IN.train:,} are for training instead of {limit:,}"
        limit = None
    return _limited(replace(digits, note=note), limit)
