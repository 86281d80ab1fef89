"""What the tests of the checks may ask for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from inittui.doctor.check import System

MakeSystem = Callable[..., System]
UTF8 = {"LANG": "C.UTF-8", "TERM": "xterm-256color"}


@pytest.fixture
def system(tmp_path: Path) -> MakeSystem:
    """A machine whose files are these; a name that ends in a slash is a folder."""

    def of(files: Mapping[str, str] | None = None, **more: Any) -> System:
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        for name, text in (files or {}).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith("/"):
                path.mkdir(exist_ok=True)
            else:
                path.write_text(text, "utf-8")
        return System(**{"root": root, "user": "ada", "uid": 1000, "environment": UTF8, "terminal": (120, 40), **more})

    return of
