"""Commands in a locale that lacks characters which they print."""

import io
import sys
from pathlib import Path

import pytest

from inittui.cli.main import main
from tests.helpers import preset, write_run

pytestmark = pytest.mark.usefixtures("nothing_starts")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
@pytest.mark.parametrize(
    "words",
    [
        ["schemes"],
        ["schemes", "he_normal"],
        ["presets"],
        ["runs"],
        ["report", "last"],
        ["report", "last", "--format", "md"],
        ["replay", "last"],
        ["attach", "last", "--plain"],
    ],
    ids=" ".join,
)
def test_a_character_that_a_locale_lacks_is_spelled_in_another_way(
    words: list[str], encoding: str, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(runs_dir, preset([{"init": "he_normal"}, {"name": "漢字−é", "init": "zeros"}], seeds=8))
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding))
    assert main(words) == 0
    printed = out.getvalue().decode(encoding)
    assert words[0] in ("schemes", "presets") or "????-" in printed
