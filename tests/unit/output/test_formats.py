"""A format is one file: the options, the help, completion and the messages follow from it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inittui.cli.main import main
from inittui.output import formats
from inittui.record.run_directory import RunDir
from tests.helpers import preset, write_run

NEW = """
from inittui.output.registry import FileFormat, FolderFormat, PrintedFormat

FORMATS = (
    PrintedFormat("names", lambda report: " ".join(arm.name for arm in report.document.arms) + "\\n"),
    FileFormat(".names", "the names", lambda results: results.board.run.encode()),
    FileFormat(".costly", "more", lambda results: b"", module="no_such_library", extra="costly"),
    FolderFormat("names", "names too", lambda run, folder, follow: f"{folder} {follow}", follows=True),
)
"""


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return write_run(tmp_path / "runs", preset(2, epochs=1))


@pytest.fixture(autouse=True)
def new_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "names.py").write_text(NEW)
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path / "more")])
    yield
    sys.modules.pop("inittui.output.formats.names", None)


def test_it_is_printed_and_written(run: RunDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run.path), "--format", "names"]) == 0
    assert capsys.readouterr().out == "xavier_normal he_normal\n"
    assert main(["export", str(run.path), "--to", str(tmp_path / "a.names"), "--names", str(tmp_path), "--follow"]) == 0
    assert (tmp_path / "a.names").read_text() == run.name
    assert f"{tmp_path} True" in capsys.readouterr().out


def test_help_and_messages_name_it(run: RunDir, capsys: pytest.CaptureFixture[str]) -> None:
    for command, said in (
        ("report", "table, names, md, csv, json or svg"),
        ("export", ".names (the names)"),
        ("export", "--names DIR"),
    ):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert said in " ".join(capsys.readouterr().out.split())
    assert main(["export", str(run.path), "--to", "x.xlsx"]) == 2
    assert ".names" in capsys.readouterr().err
    assert main(["export", str(run.path), "--to", "x.costly"]) == 2
    assert "needs no_such_library, which is not installed; pip install 'inittui[costly]'" in capsys.readouterr().err
    assert main(["export", str(run.path)]) == 2
    assert "--to FILE, --names DIR, --tensorboard DIR or --wandb DIR" in capsys.readouterr().err


def test_a_shell_completes_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert "--names" in script
    assert "names" in script.partition("_shtab_inittui_report___format_choices=")[2].partition("\n")[0]
