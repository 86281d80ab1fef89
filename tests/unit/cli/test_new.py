"""`inittui new`: a preset to start from."""

import re
import tomllib
from pathlib import Path

import pytest

from inittui.cli.main import main
from inittui.experiment import preset_files
from inittui.experiment.preset import SECTIONS
from inittui.experiment.preset_table import build


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def test_a_name_goes_where_it_needs_no_path(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "mine"]) == 0
    out = capsys.readouterr().out
    assert out == f"wrote {home}/config/inittui/presets/mine.toml\ninittui --preset mine runs it\n"
    assert preset_files.load("mine").title == "mine"
    assert "mine" in preset_files.known()


def test_a_file_goes_where_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "./mine.toml"]) == 0
    assert capsys.readouterr().out == "wrote mine.toml\ninittui --preset ./mine.toml runs it\n"
    assert len(preset_files.load("./mine.toml").arms) == 2


def test_every_key_that_there_is_is_explained_and_what_is_commented_out_is_valid() -> None:
    assert main(["new", "mine.toml"]) == 0
    text = Path("mine.toml").read_text("utf-8")
    for section, kind in SECTIONS.items():
        of_section = text.partition(f"[{section}]")[2].partition("\n[")[0]
        assert re.findall(r"^(?:# )?([a-z_]+) = ", of_section, re.MULTILINE) == list(kind.__struct_fields__)
    everything = re.sub(r"^# (?=[a-z_.]+ = |\[)", "", text, flags=re.MULTILINE)
    # Of a network and data of one's own only the reference is given; the file is not there.
    everything = re.sub(r"^factory = .*$", "", everything, flags=re.MULTILINE)
    preset = build(tomllib.loads(everything), name="mine", source="mine")
    assert [row.name for row in preset.rows] == ["xavier_normal", "he_normal", "small normal, tanh"]
    assert [axis.key for axis in preset.sweep] == ["model.depth"]


def test_a_name_of_ours_is_said_to_be_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "digits"]) == 0
    assert "it hides the preset digits that comes with inittui\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["there.toml"], "'there.toml' is there already, and nothing is overwritten"),
        (["no/where.toml"], "there is no folder 'no'; make it first"),
        (["./mine.txt"], "expected a file that ends in .toml, or a name without a slash"),
        (["two words"], "expected a name of letters, digits, dots, dashes and underscores, or a file"),
        ([""], "expected a name of letters"),
        ([".hidden"], "expected a name of letters"),
        (["a\nb.toml"], "preset 'a?b.toml': expected a name of characters that can be printed"),
        (["./\x1b[2J/x.toml"], "expected a name of characters that can be printed"),
        ([], "the following arguments are required: NAME|FILE"),
    ],
    ids=repr,
)
def test_bad_input_is_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("there.toml").touch()
    assert main(["new", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    assert Path("there.toml").read_text() == ""


def test_the_command_in_the_file_can_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "my $(preset).toml"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "inittui --preset 'my $(preset).toml' runs it"
    assert "\n#     inittui --preset 'my $(preset).toml'\n" in Path("my $(preset).toml").read_text("utf-8")
