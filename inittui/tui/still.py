"""The dashboard's first frame, painted before Textual is imported, which takes longer than all that comes before it.

The still has the alternate screen until Textual's own first frame overwrites it, sign for sign the same; Textual must not
enter that screen a second time, which would clear it (`terminal.alone`). Keys that are pressed meanwhile wait for Textual.
"""

import contextlib
import os
import select
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

from rich.color import Color, ColorSystem, blend_rgb
from rich.style import Style

from inittui.board import Board
from inittui.tui import faces, terminal
from inittui.tui.faces import MOST_PANELS, Face
from inittui.tui.feed import Feed
from inittui.tui.frame import filled, framed, style_of
from inittui.tui.layout import Plan, Region, Zoom
from inittui.tui.look import Look, Row, width_of
from inittui.tui.palette import palette, variables
from inittui.tui.views import chart
from inittui.tui.views.layers import Looking
from inittui.tui.views.matrix import Turned
from inittui.tui.views.sample import Shown

HIDE_CURSOR, SHOW_CURSOR, LEAVE = "\x1b[?25l", "\x1b[?25h", "\x1b[?1049l"
# Without colours Textual shows greys of its own making: then there is no still.
SYSTEMS = {"24-bit": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT, "16": ColorSystem.STANDARD}
DIM = 0.66  # of a colour against its background
PATIENCE = 0.5  # seconds, for a terminal that takes nothing: what is left of the still is Textual's
Block = tuple[Region, list[Row]]


@dataclass(frozen=True)
class First:
    """How the dashboard begins: see `faces.State`."""

    feed: Feed
    board: Board
    look: Look
    gallery: None = None
    measured: None = None
    chosen: None = None
    metric: str = chart.METRICS[0]
    log_scale: bool = True
    each_seed: bool = False
    top: int = 0
    shown: Shown = field(default_factory=Shown)
    looking: Looking = field(default_factory=Looking)
    turned: Turned = field(default_factory=Turned)

    @property
    def zoom(self) -> Zoom:
        return faces.first_zoom(self.board)


class Still:
    """`up` while the still, and nothing else, has the alternate screen."""

    def __init__(self) -> None:
        self.up = False

    def taken_over(self) -> None:
        self.up = False


@contextlib.contextmanager
def painted(feed: Feed, board: Board, look: Look, theme: terminal.Theme) -> Iterator[Still]:
    """Paint, where there is a terminal that can show it. Whatever happens before somebody takes the screen over, it is as it
    was afterwards."""
    still, out = Still(), terminal.drawn_on()
    lines = [] if out is None or not _is_ours(out) else _frame(First(feed, board, look), out, theme)
    if out is None or not lines:
        yield still
        return
    still.up = True
    try:
        _write(out, lines)
        yield still
    finally:
        if still.up:
            _write(out, [SHOW_CURSOR + LEAVE])


def _is_ours(out: int) -> bool:
    """Whether we are in the foreground of our terminal, and Textual will find the size and the colours that we do."""
    if any(os.environ.get(name) for name in ("COLUMNS", "LINES", "TEXTUAL_COLOR_SYSTEM")):
        return False
    try:
        return os.tcgetpgrp(out) == os.getpgrp()
    except OSError:  # a terminal that does not control us
        return False


def _frame(of: First, out: int, theme: terminal.Theme) -> list[str]:
    """All that has to be written, line by line; nothing where nothing useful could be seen."""
    system = SYSTEMS.get(terminal.colours(os.environ))
    try:
        width, height = os.get_terminal_size(out)
    except OSError:
        return []
    lines = rows(of, width, height)
    if system is None or lines is None:
        return []
    dark = terminal.background(theme, terminal.given_environment()) == "dark"
    style = styles(dark=dark, few=system is ColorSystem.STANDARD)
    drawn = (
        f"\x1b[{y};1H" + "".join(style(key).render(of.look.final(text), color_system=system) for text, key in line)
        for y, line in enumerate(lines, 1)
    )
    return [terminal.ENTER + HIDE_CURSOR, *drawn]


def styles(*, dark: bool, few: bool) -> Callable[[str], Style]:
    """Of the keys of spans, on the background; `few`: for a terminal of 16 colours."""
    colours = palette(dark=dark, few=few)
    named = variables(colours, few=few)
    base = Style(color=colours.foreground, bgcolor=colours.background)

    @cache
    def style(key: str) -> Style:
        found = base + style_of(key, named)
        if not found.dim or found.color is None or found.bgcolor is None:
            return found
        # As Textual does: terminals do not agree on what dim is.
        behind, front = found.bgcolor.get_truecolor(), found.color.get_truecolor()
        return found + Style(color=Color.from_triplet(blend_rgb(behind, front, DIM)), dim=False)

    return style


def rows(of: faces.State, width: int, height: int) -> list[Row] | None:
    """The dashboard's first frame, `height` rows of `width` cells; None where it says that it needs more room."""
    found = faces.planned(of, width, height)
    if found is None:
        return None
    parts = faces.faces(of)
    blocks: list[Block] = []
    for name, region in found.regions.items():
        if name == "arms":
            blocks += _arms(of, found, region, parts["lines"])
        else:
            blocks.append((region, _rows_of(parts[name], region.width, region.height, of.look)))
    return [_line(blocks, y, width) for y in range(height)]


def _arms(of: faces.State, found: Plan, region: Region, lines: Face) -> Iterator[Block]:
    """The arms as far as they can be seen, beside a scrollbar's place where that is not all."""
    count = len(of.board.arms)
    as_panels = found.arms_as == "panels" and count <= MOST_PANELS
    columns, high = (found.columns, found.panel_height) if as_panels else (1, count)
    width = region.width - (high * -(-(count if as_panels else 1) // columns) > region.height)
    if not as_panels:
        yield region, filled(lines.paint, width, count)[: region.height]
        return
    for place in range(count):
        down, across = divmod(place, columns)
        left, right, top = across * width // columns, (across + 1) * width // columns, down * high
        if top < region.height:
            panel = Region(region.x + left, region.y + top, right - left, min(high, region.height - top))
            yield panel, _rows_of(faces.arm_face(of, place), right - left, high, of.look)[: panel.height]


def _rows_of(face: Face, width: int, height: int, look: Look) -> list[Row]:
    if face.title is None:
        return filled(face.paint, width, height)
    return framed(face.title, face.paint, width, height, look)


def _line(blocks: list[Block], y: int, width: int) -> Row:
    """What the blocks have on line `y`, from left to right, with blanks between them."""
    line: Row = []
    for region, lines in sorted(blocks, key=lambda block: block[0].x):
        if region.y <= y < region.y + len(lines):
            line += [(" " * (region.x - width_of(line)), ""), *lines[y - region.y]]
    return [*line, (" " * (width - width_of(line)), "")]


def _write(out: int, lines: list[str]) -> None:
    """As far as the terminal takes them: it may stand still, or be gone."""
    end = time.monotonic() + PATIENCE
    with contextlib.suppress(OSError):
        for line in lines:
            left = line.encode("utf-8", "replace")
            while left:
                if not select.select([], [out], [], max(0.0, end - time.monotonic()))[1]:
                    return
                left = left[os.write(out, left) :]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keys that are pressed are not echoed, into a still for one, and wait for whoever reads them. Ctrl-C works as ever;
    Ctrl-Z waits too: the shell would write over the still."""
    try:
        keyboard = sys.__stdin__.fileno()  # type: ignore[union-attr]
        before = termios.tcgetattr(keyboard)
    except (termios.error, OSError, ValueError, AttributeError):
        yield
        return
    silent = [*before]
    silent[3] &= ~(termios.ECHO | termios.ICANON)
    silent[6] = [*before[6]]
    silent[6][termios.VSUSP] = b"\0"  # no key
    try:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(keyboard, termios.TCSANOW, silent)
        yield
    finally:
        with contextlib.suppress(termios.error):  # the terminal may be gone
            termios.tcsetattr(keyboard, termios.TCSANOW, before)
