"""Data sets as tensors, on the CPU, as they are in the files: nothing is scaled here."""

from dataclasses import replace
from pathlib import Path

import torch

from inittui.common.errors import DataError
from inittui.engine.data import user_data
from inittui.engine.data.dataset import Dataset
from inittui.engine.data.download import Report, download
from inittui.experiment import datasets
from inittui.experiment.datasets import DIGITS_TRAIN, DataFilesError
from inittui.experiment.preset import Data


def load(spec: Data, data_dir: Path, report: Report) -> Dataset:
    """The data set that `spec` names, from `data_dir`, downloaded into it when it is absent.

    `auto` is MNIST, or, when that can't be had or is damaged, `digits` with a note that says why. `report` is called with
    the title, the bytes that have arrived and the bytes in all. Raises DataError for files that are damaged or can't be
    had, and for a `train_limit` above the number of training images (`auto` takes all and says so in its note).
    """
    if spec.factory is not None:
        return _limited(user_data.load(spec.factory), spec.train_limit)
    if spec.name == "digits":
        return _limited(_digits(), spec.train_limit)
    if spec.name != "auto":
        return _limited(_idx(spec.name, data_dir, report), spec.train_limit)
    try:
        dataset = _idx("mnist", data_dir, report)
    except DataFilesError as error:
        return _stand_in(error.what, spec.train_limit)
    return _limited(dataset, spec.train_limit)


def _idx(name: str, data_dir: Path, report: Report) -> Dataset:
    found, contents = datasets.read(name, data_dir)
    if found.state == "absent":
        download(name, data_dir, report)
        found, contents = datasets.read(name, data_dir)
    files = datasets.DATASETS[name]
    if found.state != "complete":
        raise DataFilesError(f"{files.title} in {data_dir} is {found.state} ({found.what})", found.mend)
    train_images, train_labels, test_images, test_labels = (
        # The tensor shares the bytes that were checked, so nothing is read twice or copied.
        torch.frombuffer(content, dtype=torch.uint8, offset=len(file.header)).view(file.shape)
        for file, content in zip(files.files, contents, strict=True)
    )
    return Dataset(
        name=name,
        title=files.title,
        train_images=train_images,
        train_labels=train_labels.long(),
        test_images=test_images,
        test_labels=test_labels.long(),
        pixel_max=255.0,
        classes=files.classes,
    )


def _digits() -> Dataset:
    """The same 1,500 training and 297 test images in every run: a split that moved would make runs incomparable."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    train_images, test_images, train_labels, test_labels = map(
        torch.from_numpy,
        train_test_split(
            digits.images.astype("uint8"),
            digits.target.astype("int64"),
            train_size=DIGITS_TRAIN,
            random_state=0,
            stratify=digits.target,
        ),
    )
    return Dataset(
        name="digits",
        title=datasets.DIGITS_TITLE,
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        pixel_max=16.0,
        classes=tuple("0123456789"),
    )


def _limited(dataset: Dataset, limit: int | None) -> Dataset:
    if limit is None:
        return dataset
    available = len(dataset.train_images)
    if limit > available:
        raise DataError(
            f"data.train_limit = {limit}: {dataset.title} has {available:,} training images; "
            f"expected {available} at most, or no limit"
        )
    return replace(dataset, train_images=dataset.train_images[:limit], train_labels=dataset.train_labels[:limit])


def _stand_in(why: str, limit: int | None) -> Dataset:
    """The digits in MNIST's place. A limit meant for MNIST is no fault of the person who has no network."""
    digits = _digits()
    images = len(digits.train_images) + len(digits.test_images)
    note = f"{why}, so these are scikit-learn's {images:,} 8x8 digits"
    if limit is not None and limit > len(digits.train_images):
        note += f", of which {len(digits.train_images):,} are for training instead of {limit:,}"
        limit = None
    return _limited(replace(digits, note=note), limit)
