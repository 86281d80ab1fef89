"""Of which files a person's code consists, and whether they are the same."""

from pathlib import Path

from inittui.common.user_code_files import digests
from inittui.common.user_code_refs import UserFunction


def names(folder: Path, *functions: str) -> list[str]:
    found = digests(UserFunction(str(folder / name), "f") for name in functions)
    return sorted(str(Path(path).relative_to(folder)) for path in found)


def test_the_files_beside_a_file_that_it_imports_belong_to_it(tmp_path: Path) -> None:
    (tmp_path / "parts" / "deep").mkdir(parents=True)
    sources = {
        "mine.py": "import os, torch\nfrom model import x\nimport parts.deep.tail\ndef f():\n    import late\n",
        "model.py": "from . import beside\n",
        "late.py": "import mine\n",
        "beside.py": "def (:",
        "parts/__init__.py": "",
        "parts/deep/tail.py": "from ..inner import y\nfrom ..... import z\n",
        "parts/inner.py": "",
        "stranger.py": "import model\n",
        "other.py": "",
    }
    for name, source in sources.items():
        (tmp_path / name).write_text(source)
    mine = ["beside.py", "late.py", "mine.py", "model.py", "parts/__init__.py", "parts/deep/tail.py", "parts/inner.py"]
    assert names(tmp_path, "mine.py") == mine
    assert names(tmp_path, "mine.py", "other.py", "gone.py") == sorted([*mine, "other.py"])


def test_of_a_module_its_own_file_counts() -> None:
    own, none, ours = (
        digests([UserFunction(name, "f")]) for name in ("json.decoder", "no_such.module", "inittui.engine.device")
    )
    assert [Path(path).name for path in own] == ["decoder.py"]
    assert none == ours == {}  # ours have a version


def test_a_digest_is_that_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    found = []
    for source in ("x = 1\n", "x = 2\n", "x = 1\n"):
        path.write_text(source)
        found.append(digests([UserFunction(str(path), "f")]))
    assert found[0] == found[2] != found[1]
