"""The table of data sets, and what follows from it."""

import subprocess
import sys
from pathlib import Path

import pytest

from inittui.experiment.datasets import DATASETS

DOWNLOADED = [entry for entry in DATASETS.values() if entry.files]


def test_the_table_agrees_with_torchvision() -> None:
    torchvision = pytest.importorskip("torchvision")
    for entry in DOWNLOADED:
        kind = getattr(torchvision.datasets, entry.folder)
        assert [(file.archive, file.archive_md5) for file in entry.files] == list(kind.resources)
        assert list(entry.mirrors) == kind.mirrors
        if entry.name != "mnist":
            assert entry.classes == tuple(kind.classes)
        train, test = ((count, entry.rows, entry.columns) for count in (entry.train, entry.test))
        assert [file.shape for file in entry.files] == [train, train[:1], test, test[:1]]
        assert [file.size for file in entry.files] == [47_040_016, 60_008, 7_840_016, 10_008]


# One more entry, put into the table before anything else is imported: nothing else names it.
ENTRY = """
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from inittui.experiment import datasets

entry = replace(datasets.DATASETS["kmnist"], name="dropped", title="Dropped", folder="Dropped")
datasets.DATASETS = MappingProxyType({**datasets.DATASETS, "dropped": entry})
datasets.NAMES = (*datasets.NAMES, "dropped")

from inittui.cli.main import main
from inittui.doctor import folders
from inittui.experiment.overrides import Overrides
from inittui.experiment.preset_files import load

main(["completion", "--list", "datasets"])
main(["new", "mine.toml"])
print(Path("mine.toml").read_text())
main(["--data", "droped", "--dry-run"])
print(load("digits", Overrides(data="dropped")).data)
print(folders.data(Path("none")))
"""


def test_a_data_set_is_added_by_one_entry(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", ENTRY], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "digits\ndropped\n" in done.stdout  # completion
    assert "kmnist, digits, dropped; auto is MNIST" in done.stdout  # the preset to start from
    assert "kmnist, digits, dropped. Did you mean 'dropped'?" in done.stderr
    assert "Data(name='dropped'" in done.stdout
    assert "no Dropped" in done.stdout  # doctor
