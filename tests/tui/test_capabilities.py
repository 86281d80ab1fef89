"""What the environment says about the terminal, and what the dashboard makes of it."""

import io
from pathlib import Path

import pytest
from rich.color import Color, ColorSystem
from rich.console import Console
from textual.app import App

from inittui.tui.app import Dashboard
from inittui.tui.draw import palette
from inittui.tui.draw.glyphs import COLOURS, ON_DARK
from inittui.tui.terminal import capabilities
from tests.helpers import running_board
from tests.tui.builders import dashboard, screen_styles, shown

# The environment


@pytest.mark.parametrize(
    ("environment", "blocks"),
    [
        ({}, True),
        ({"LANG": ""}, True),
        ({"LANG": "C"}, False),
        ({"LANG": "POSIX"}, False),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
        ({"LANG": "en_US"}, False),
        ({"LANG": "en_US.UTF-8"}, True),
        ({"LANG": "en_US.utf8"}, True),
        ({"LC_CTYPE": "UTF-8"}, True),
        ({"LANG": "C.UTF-8", "LC_CTYPE": "C"}, False),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
        ({"LANG": "C.UTF-8", "LC_CTYPE": "C.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "C.UTF-8", "LC_ALL": ""}, True),
        ({"LANG": "C.UTF-8", "TERM": "linux"}, False),
        ({"TERM": "linux"}, False),
    ],
    ids=str,
)
def test_blocks_are_for_locales_of_utf8_and_for_none(environment: dict[str, str], blocks: bool) -> None:
    assert capabilities.shows_blocks(environment) == blocks


def test_the_environment_is_the_one_that_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "environ").write_bytes(b"LANG=C\0A=b=c\0ODD=\xff\0rubbish\0\0")
    given = capabilities.given_environment(tmp_path / "environ")
    assert given == {"LANG": "C", "A": "b=c", "ODD": "\udcff", "rubbish": ""}
    monkeypatch.setenv("LANG", "nowhere")
    assert capabilities.given_environment(tmp_path / "no such file")["LANG"] == "nowhere"


@pytest.mark.parametrize("colorterm", [None, "", "truecolor", "24bit", "yes"])
@pytest.mark.parametrize(
    "term",
    [
        "xterm",
        "xterm-256color",
        "screen",
        "screen-256color",
        "tmux-256color",
        "linux",
        "rxvt-16color",
        "xterm-kitty",
        "foot",
    ],
)
def test_as_many_colours_are_announced_as_textual_uses(term: str, colorterm: str | None) -> None:
    environment = {"TERM": term} | ({} if colorterm is None else {"COLORTERM": colorterm})
    announced = capabilities.colours(environment)
    capabilities.prepare(environment)
    used = Console(force_terminal=True, file=io.StringIO(), _environ=environment).color_system
    assert (
        {"truecolor": "24-bit", "256": "256", "standard": "16"}[str(used)]
        == announced
        == capabilities.colours(environment)
    )


def test_no_color_means_greys_unless_it_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    assert capabilities.colours({"NO_COLOR": "1", "COLORTERM": "truecolor"}) == "grey"
    assert capabilities.colours({"NO_COLOR": "", "COLORTERM": "truecolor"}) == "24-bit"
    monkeypatch.setenv("NO_COLOR", "")
    assert App().no_color, "what Textual makes of an empty one by itself"
    assert not dashboard(running_board()).no_color
    monkeypatch.setenv("NO_COLOR", "1")
    assert dashboard(running_board()).no_color


@pytest.mark.parametrize(
    ("choice", "colorfgbg", "expected"),
    [
        ("auto", "", "dark"),
        ("auto", "15;0", "dark"),
        ("auto", "0;15", "light"),
        ("auto", "0;default;7", "light"),
        ("auto", "7;8", "dark"),
        ("auto", "rubbish", "dark"),
        ("dark", "0;15", "dark"),
        ("light", "15;0", "light"),
    ],
)
def test_the_theme_follows_the_choice_or_the_background(choice: str, colorfgbg: str, expected: str) -> None:
    assert capabilities.background(choice, {"COLORFGBG": colorfgbg} if colorfgbg else {}) == expected


@pytest.mark.parametrize("choice", ["dark", "light"])
async def test_the_dashboard_opens_in_the_theme_asked_for(choice: capabilities.Theme) -> None:
    from inittui.board.source import StillSource

    app = Dashboard(StillSource(running_board(), None), theme=choice, watch_machine=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.theme == f"inittui-{choice}"
        assert app.current_theme.dark == (choice == "dark")


# Sixteen colours


@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_in_sixteen_colours_no_two_arms_share_one_and_none_is_the_background(dark: bool) -> None:
    of = palette.palette(dark=dark, few=True)

    def number(colour: str | None) -> int | None:
        return Color.parse(colour or "").downgrade(ColorSystem.STANDARD).number

    colours = palette.variables(of, few=True)
    arms = [number(colours[f"inittui-arm{arm}"]) for arm in range(COLOURS)]
    assert len(set(arms)) == COLOURS
    ground = number(of.background)
    assert ground == number(of.surface)
    readable = [*arms, number(of.foreground), *(number(value) for value in colours.values())]
    assert ground not in readable


def test_a_picture_is_made_in_all_colours_whatever_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLORTERM", raising=False)
    app = dashboard(running_board())
    assert app.console.color_system == "standard"
    assert app.few_colours, "for a terminal"

    async def drawn() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await shown(pilot)
            assert not app.few_colours
            names = {text.strip(): colour for text, colour in screen_styles(app)}
            assert names["xavier_normal"].upper() == ON_DARK[0]

    import asyncio

    asyncio.run(drawn())
