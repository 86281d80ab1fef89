from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region

from inittui.tui.draw import palette
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import Row
from inittui.tui.widgets.panel import Panel
from tests.tui.builders import MARKUP, WIDE, screen_text


class Recorder(Panel):
    """A panel that remembers what it asked to be drawn again."""

    asked: list[tuple[Region, ...]]

    def __init__(self, glyphs: Glyphs, bench: "Bench") -> None:
        super().__init__(glyphs)
        self.bench = bench

    def paint(self, width: int, height: int) -> list[Row]:  # noqa: ARG002
        return self.bench.rows

    def title(self, width: int) -> Row:  # noqa: ARG002
        return [(self.bench.heading, "bold")]

    def refresh(self, *regions: Region, **more: Any) -> "Recorder":
        if not hasattr(self, "asked"):
            self.asked = []
        self.asked.append(regions)
        return super().refresh(*regions, **more)


class Borderless(Recorder):
    BORDERED = False


class Bench(App[None]):
    """One panel, that paints `rows`."""

    def __init__(self, rows: list[Row], *, bordered: bool = True, ascii_only: bool = False) -> None:
        super().__init__()
        self.rows = rows
        self.heading = "title"
        self.panel = (Recorder if bordered else Borderless)(Glyphs(ascii=ascii_only), self)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return palette.variables(self.current_theme)

    def compose(self) -> ComposeResult:
        yield self.panel

    def asked_for(self, rows: list[Row]) -> list[tuple[Region, ...]]:
        """What is refreshed when the panel has `rows` to paint."""
        self.panel.asked = []
        self.rows = rows
        self.panel.repaint()
        return self.panel.asked


ROWS: list[Row] = [[(f"row {y}", "arm0")] for y in range(4)]


async def test_only_rows_that_differ_are_sent_again() -> None:
    async with Bench(ROWS).run_test(size=(20, 6)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await pilot.pause()
        assert app.asked_for(list(ROWS)) == []
        assert app.asked_for([*ROWS[:2], [("new", "arm0")], ROWS[3]]) == [(Region(0, 3, 20, 1),)]
        assert app.asked_for([[("row 0", "arm1")], *ROWS[1:]]) == [(Region(0, 1, 20, 1), Region(0, 3, 20, 1))]
        app.heading = "other"
        assert app.asked_for(app.rows) == [(Region(0, 0, 20, 1),)]
        await pilot.pause()
        assert screen_text(app)[:2] == ["╭─ other ──────────╮", "│ row 0            │"]


async def test_what_has_been_painted_is_what_the_screen_shows() -> None:
    async with Bench(ROWS).run_test(size=(20, 6)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await pilot.pause()
        app.asked_for([[(MARKUP, "arm3 bold")], [(WIDE, "#ffffff on #000000")], [("x" * 99, "")]])
        await pilot.pause()
        assert screen_text(app) == [
            "╭─ title ──────────╮",
            "│ [red]x[/]        │",
            "│ 漢字 かな 🙂     │",
            "│ xxxxxxxxxxxxxxx… │",
            "│                  │",
            "╰──────────────────╯",
        ]


async def test_the_ascii_look_sends_nothing_else() -> None:
    async with Bench([[("漢字 ✓ √2 …", "")]], ascii_only=True).run_test(size=(20, 4)) as pilot:
        await pilot.pause()
        lines = screen_text(pilot.app)
        assert all(line.isascii() for line in lines)
        assert lines[1] == "| ???? ? V2 .      |"


@pytest.mark.parametrize("bordered", [False, True])
async def test_every_size_draws_and_another_size_draws_anew(bordered: bool) -> None:
    async with Bench(ROWS, bordered=bordered).run_test(size=(20, 6)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        for size in ((1, 1), (2, 2), (4, 3), (5, 2), (6, 1), (300, 2), (7, 5)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert [len(line) for line in screen_text(app)] == [size[0]] * size[1]
        assert screen_text(app)[1].strip("│ ") == ("ro…" if bordered else "row 1")


async def test_a_widget_that_is_not_on_a_screen_yet_can_be_resized_and_repainted() -> None:
    async with Bench(ROWS).run_test():
        early = Panel(Glyphs())
        early.on_resize()
        early.repaint()


async def test_a_new_theme_draws_every_row_in_its_colours() -> None:
    async with Bench(ROWS).run_test(size=(20, 6)) as pilot:
        app = pilot.app
        assert isinstance(app, Bench)
        await pilot.pause()
        before = app.panel.render_line(1)
        app.theme = "textual-light"
        await pilot.pause()
        app.panel.asked = []
        app.panel.restyle()
        assert app.panel.asked == [()]
        assert app.panel.render_line(1).text == before.text
        assert app.panel.render_line(1) != before
