"""Commands in messages, pasted into a shell."""

import re
import subprocess
from pathlib import Path

import pytest

import inittui
from inittui.cli.main import names
from inittui.common.errors import command, in_quotes

NAMES = (
    "digits-20260101-000000",
    "$(touch x)",
    "`touch x`",
    "it's",
    'a"b',
    "two words",
    "; touch x",
    "~root",
    "*",
    "!!",
)


def pasted(line: str, folder: Path) -> list[str]:
    """The words that `inittui` gets of a line."""
    script = f'inittui() {{ printf "%s\\n" "$@"; }}\n{line}\n'
    done = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60)
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_reaches_the_command_as_it_is_and_nothing_in_it_is_executed(name: str, tmp_path: Path) -> None:
    assert pasted(command("attach", name), tmp_path) == ["attach", name]
    pasted(in_quotes("attach", name), tmp_path)  # as it stands in a sentence, with the quotes that are there
    assert list(tmp_path.iterdir()) == []


def test_a_plain_command_is_quoted_as_a_whole_in_a_sentence() -> None:
    assert in_quotes("report", "mine") == "'inittui report mine'"
    assert in_quotes("report", "my run") == "inittui report 'my run'"


def test_no_message_puts_a_name_into_a_command_by_itself() -> None:
    by_hand = re.compile(rf"inittui (?:{'|'.join(names())}|--\w+) \{{(?!shlex)")
    files = Path(inittui.__file__).parent.rglob("*.py")
    found = [f"{file}: {match[0]}" for file in files for match in by_hand.finditer(file.read_text("utf-8"))]
    assert found == []
