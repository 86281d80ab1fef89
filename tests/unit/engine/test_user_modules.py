"""A user's files: each imports those beside it, whatever other folders and installed packages call theirs."""

import os
import re
import sys
from pathlib import Path

import pytest

from inittui.common.errors import UserCodeError
from inittui.common.user_code_files import digests
from inittui.common.user_code_refs import DATA, UserFunction
from inittui.engine.networks import user_modules
from inittui.engine.networks.build import build as build_network
from inittui.engine.networks.user_code import UserCode
from inittui.experiment.preset import Model

MINE = """
import json
import model
from model import WIDE as wide
import parts.inner, parts.inner as inner
from parts import tail
from . import model as relative

def build(*, inputs, classes):
    import late
    from torch import nn
    return nn.Linear(inputs[0], classes + sum((model.WIDE, wide, parts.inner.x, inner.x, tail.x, relative.WIDE, late.x)))
"""


def project(folder: Path, number: int) -> Path:
    """A folder whose files import each other by the names that every folder uses."""
    (folder / "parts").mkdir(parents=True)
    (folder / "mine.py").write_text(MINE)
    (folder / "model.py").write_text("import json, late\nassert json.dumps({}) == '{}'\nWIDE = late.x\n")
    (folder / "late.py").write_text(f"x = {number}\n")
    (folder / "parts" / "__init__.py").write_text("")
    (folder / "parts" / "inner.py").write_text("from .tail import x\n")
    (folder / "parts" / "tail.py").write_text("from late import *\n")
    return folder / "mine.py"


def test_the_files_beside_a_file_are_its_own(tmp_path: Path) -> None:
    first, second = project(tmp_path / "data", 1), project(tmp_path / "nets", 100)
    paths = list(sys.path)
    widths = [build_network(Model(factory=f"{path}:build"), (5,), 3, 1).out_features for path in (first, second)]
    assert widths == [3 + 7, 3 + 700]
    assert sys.path == paths
    assert {"model", "late", "parts", "mine"}.isdisjoint(sys.modules)


def test_a_file_beside_is_taken_before_an_installed_module_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "colorsys.py").write_text("x = 4\n")  # as in a script
    (tmp_path / "torch").mkdir()  # a folder without __init__.py is none
    (tmp_path / "apart").mkdir()
    (tmp_path / "apart" / "layer.py").write_text("x = 2\n")
    (tmp_path / "net.py").write_text(
        "import colorsys\nfrom torch import nn\nfrom apart import layer\n"
        "def build(*, inputs, classes): return nn.Linear(inputs[0], classes + colorsys.x + layer.x)\n"
    )
    assert build_network(Model(factory=f"{tmp_path}/net.py:build"), (5,), 3, 1).out_features == 9
    import colorsys

    assert not hasattr(colorsys, "x")


def test_a_package_on_pythons_path_is_the_one_that_all_other_code_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shared_package.py").write_text("x = 1\n")
    (tmp_path / "net.py").write_text("import shared_package\nseen = shared_package\ndef f(): return shared_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    import shared_package  # type: ignore[import-not-found]

    assert UserCode.of(f"{tmp_path}/net.py:f", DATA).call() is shared_package


def test_a_file_that_changed_within_a_second_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):  # bytecode in __pycache__ is chosen by the time and the size of its source
        (tmp_path / "n.py").write_text(f"x = {number}\n")
        os.utime(tmp_path / "n.py", (1e9, 1e9))
        (tmp_path / f"net{number}.py").write_text("import n\ndef f(): return n.x\n")
        for name in [name for name in sys.modules if name.startswith("inittui_own_")]:  # as in another process
            monkeypatch.delitem(sys.modules, name)
        assert UserCode.of(f"{tmp_path}/net{number}.py:f", DATA).call() == number
    assert not list(tmp_path.glob("**/__pycache__"))


@pytest.mark.parametrize("on_path", [True, False])
@pytest.mark.parametrize("name", ["net.py", "name_on_path.py"])
def test_a_file_that_changed_since_the_run_began_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, on_path: bool
) -> None:
    if on_path:  # as PYTHONPATH, or the working folder of `python -m inittui`
        monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "name_on_path.py").write_text("x = 1\n")
    (tmp_path / "net.py").write_text("import name_on_path as n\ndef f(): return n.x\n")
    monkeypatch.setattr(user_modules, "expected", digests([UserFunction(f"{tmp_path}/net.py", "f")]))
    with (tmp_path / name).open("a") as file:
        file.write("# a remark\n")
    words = f"importing it raised ImportError: {tmp_path}/{name} has changed since the run began; put it back as it was"
    with pytest.raises(UserCodeError, match=re.escape(words)):
        UserCode.of(f"{tmp_path}/net.py:f", DATA).call()


def test_a_module_that_changed_since_the_run_began_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net_on_path.py").write_text("def f(): return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(user_modules, "expected", digests([UserFunction("net_on_path", "f")]))
    (tmp_path / "net_on_path.py").write_text("def f(): return 2\n")
    with pytest.raises(UserCodeError, match="has changed since the run began"):
        UserCode.of("net_on_path:f", DATA).call()
