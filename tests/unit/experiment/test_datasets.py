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
import sys
from dataclasses import replace
from types import MappingProxyType

from inittui.experiment import datasets

entry = replace(datasets.DATASETS["kmnist"], name="dropped", title="Dropped", folder="Dropped")
datasets.DATASETS = MappingProxyType({**datasets.DATASETS, "dropped": entry})
datasets.NAMES = (*datasets.NAMES, "dropped")
from inittui.cli.main import main

try:
    sys.exit(main(sys.argv[1:]))
except SystemExit as end:
    sys.exit(end.code)
"""


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--data", "droped", "--dry-run"], "kmnist, digits, dropped. Did you mean 'dropped'?"),
        (["--data", "dropped", "--dry-run"], "Dropped is not in"),
        (["doctor"], "no Dropped"),
        (["completion", "--list", "datasets"], "digits dropped"),
        (["new", "mine.toml"], "digits, dropped"),
    ],
)
def test_a_data_set_is_added_by_one_entry(words: list[str], shown: str, tmp_path: Path) -> None:
    folders = [] if words[0] in ("completion", "new") else ["--data-dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", ENTRY, *words, *folders], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    written = "".join(path.read_text() for path in tmp_path.glob("*.toml"))
    assert shown in " ".join((done.stdout + done.stderr + written).split())
