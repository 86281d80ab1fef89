"""README.md and docs/ document every scheme, preset, preset key, data set, command, option, output format and key of the
dashboard, and every file that a page names exists."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.screen import Screen

from inittui.board.source import ReplaySource
from inittui.experiment import datasets
from inittui.experiment.preset import SECTIONS, SHAPE
from inittui.experiment.preset_files import shipped_dir
from inittui.output import registry
from inittui.record.layer_probe import QUANTITIES
from inittui.schemes.catalogue import SCHEMES
from inittui.tui.browser.compare_screen import CompareScreen
from inittui.tui.browser.screen import BrowserScreen
from tests.helpers import preset, write_run
from tests.tui.builders import dashboard, press

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "inittui"
FOLDERS = sorted({str(path.parent.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")} - {"."})
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SIGNS = {"slash": "/", "escape": "Esc"}  # keys that Textual names by other words


@cache
def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


@cache
def help_of(*command: str) -> str:
    """What a person reads who asks for help."""
    words = [sys.executable, "-m", "inittui", *command, "--help"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def commands() -> list[str]:
    listed = help_of().partition("\ncommands")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z]+)\b", listed, re.MULTILINE)


def rows(text: str) -> set[str]:
    """The names in code type in the first cells of its tables."""
    cells = re.findall(r"^\|((?:[^|\\]|\\.)*)\|", text, re.MULTILINE)  # \| is a sign of a cell, not its end
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_scheme_has_a_row() -> None:
    assert set(SCHEMES) <= rows(page("schemes.md"))


@pytest.mark.parametrize("name", SCHEMES)
def test_every_parameter_of_a_scheme_is_beside_it(name: str) -> None:
    (cell,) = re.findall(rf"^\| `{name}`([^|]*)\|", page("schemes.md"), re.MULTILINE)
    assert set(SCHEMES[name].parameters) == set(re.findall(r"`(\w+)`", cell))


def test_every_shipped_preset_has_a_row_and_no_other_name_has_one() -> None:
    table = page("presets.md").partition("\n## The shipped presets")[2].partition("\n## ")[0]
    assert rows(table) == {path.stem for path in shipped_dir().glob("*.toml")}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_preset_key_has_a_row_in_its_section_and_no_other_key_has_one(section: str) -> None:
    table = page("presets.md").partition(f"\n### `[{section}]`")[2].partition("\n### ")[0]
    known = {*SECTIONS[section].__struct_fields__, *(SHAPE if section == "model" else ())}
    assert rows(table) == known


def test_every_data_set_is_documented() -> None:
    table = page("presets.md").partition("\n### `[data]`")[2].partition("\n### ")[0]
    (cell,) = re.findall(r"^\| `name` \|([^|]*)\|", table, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", cell)) == set(datasets.NAMES)


def test_every_output_format_is_documented() -> None:
    text = page("exports.md")
    assert {ending for ending in registry.files() if ending not in text} == set()
    assert {name for name in registry.folders() if f"--{name}" not in text} == set()
    (listed,) = re.findall(r"^inittui report last --format .*#(.*)$", text, re.MULTILINE)
    assert set(registry.printed()) <= set(re.findall(r"\w+", listed))


def test_every_quantity_of_a_layer_has_a_row() -> None:
    table = page("screen-and-keys.md").partition("\n| quantity |")[2].partition("\n\n")[0]
    names = {cell.strip() for cell in re.findall(r"^\|([^|]*)\|", table, re.MULTILINE)} - {"---"}
    assert names == {quantity.key for quantity in QUANTITIES}


def test_every_command_has_a_row() -> None:
    found = commands()
    assert {"attach", "report", "doctor"} <= set(found)
    documented = {name.split()[1] for name in rows(page("commands.md")) if name.startswith("inittui ")}
    assert documented - {"[OPTIONS]"} == set(found)


@pytest.mark.parametrize("command", ["", *commands()])
def test_every_option_is_documented(command: str) -> None:
    lines = re.findall(r"^  (-.+?)(?:  |$)", help_of(*command.split()), re.MULTILINE)
    options = {option for line in lines for option in re.findall(r"--[a-z-]+", line)}
    assert "--help" in options
    documented = "\n".join(path.read_text("utf-8") for path in PAGES)
    assert {option for option in options if not re.search(rf"{option}(?![\w-])", documented)} <= {"--help", "--version"}


async def test_every_key_of_the_dashboard_has_a_row(tmp_path: Path) -> None:
    app = dashboard(ReplaySource(write_run(tmp_path, preset(2))))  # a replay has the most keys
    async with app.run_test(size=(160, 120)) as pilot:
        text = await press(pilot, "question_mark")
    keys = set(re.findall(r"^\W*?(?:│ *)+(\S{1,9})  +\w", text, re.MULTILINE))
    assert {"n", "q", "?", "Esc", "."} <= keys, text
    assert keys <= rows(page("screen-and-keys.md").partition("\n## Keys")[2])


@pytest.mark.parametrize(("screen", "heading"), [(BrowserScreen, "The runs"), (CompareScreen, "Two runs side by side")])
def test_every_key_of_the_other_screens_has_a_row(screen: type[Screen[None]], heading: str) -> None:
    keys = {SIGNS.get(binding.key, binding.key) for binding in Binding.make_bindings(screen.BINDINGS)}
    assert keys
    assert keys <= rows(page("screen-and-keys.md").partition(f"\n### {heading}")[2].partition("\n#")[0])


def test_links_lead_somewhere() -> None:
    missing = [
        f"{path.name}: {target}"
        for path in (*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md")
        for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)", path.read_text("utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert not missing


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_files_and_folders_that_are_named_are_there(name: str) -> None:
    named = set(re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`", (ROOT / name).read_text("utf-8")))
    assert named
    assert {path for path in named if not any((at / path).exists() for at in (PACKAGE, ROOT))} == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_scripts_tests_and_pictures_that_are_named_are_there(path: Path) -> None:
    named = re.findall(r"\b(?:tests|benchmarks|screenshots)/[\w./-]+\.(?:py|png)\b", path.read_text("utf-8"))
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_benchmark_is_described() -> None:
    assert {path.name for path in (ROOT / "benchmarks").glob("*.py")} <= set(
        re.findall(r"\w+\.py", page("benchmarks.md"))
    )


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_of_the_package_says_what_is_in_it(folder: str) -> None:
    text = (PACKAGE / folder / "README.md").read_text("utf-8")
    named = re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py|(?:[a-z_]+/)+)`", text.partition("\n")[2])
    assert {path for path in named if not any((at / path).exists() for at in (PACKAGE / folder, PACKAGE))} == set()


def test_the_readme_is_one_page() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 1500
