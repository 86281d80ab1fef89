"""What each part of the dashboard shows of the main screen's state."""

from typing import TYPE_CHECKING, NamedTuple

from inittui.board.source import ReplaySource
from inittui.tui import keys
from inittui.tui.draw.frame import Paint, Title
from inittui.tui.draw.glyphs import Row
from inittui.tui.draw.layout import Plan, plan
from inittui.tui.draw.render_cache import Memo, epochs
from inittui.tui.views import arm, chart, header, keyline, layers, machine, matrix, result, sample

if TYPE_CHECKING:
    from inittui.tui.screens.main import MainScreen

MOST_PANELS = 60  # of arms; more of them are a line each


class Face(NamedTuple):
    """How a part is painted; without a title it has no frame."""

    paint: Paint
    title: Title | None = None


def planned(of: "MainScreen", width: int, height: int) -> Plan | None:
    """Where its parts go in a terminal of this size; None where nothing useful fits."""
    board = of.board
    return plan(
        width,
        height,
        len(board.arms),
        table=lambda inside: result.rows_needed(board, inside),
        ended=board.ended,
        zoom=of.zoom,
        note=header.has_note(board),
    )


def faces(of: "MainScreen") -> dict[str, Face]:
    """By the parts' names; of the arms' panels see `arm_face`."""
    look = of.look
    drawn, tabled = Memo[list[Row]](), Memo[list[Row]]()

    def curves(width: int, height: int) -> list[Row]:
        board, metric, log = of.board, of.metric, of.log_scale
        return drawn(
            (width, height, metric, log, *epochs(board)),
            lambda: chart.chart(board, width, height, look, metric=metric, log=log),
        )

    def table(width: int, height: int) -> list[Row]:
        board, alone, each_seed, top = of.board, of.zoom == "result", of.each_seed, of.top
        return tabled(
            (width, height, alone, each_seed, top, *epochs(board)),
            lambda: (
                result.whole(board, width, height, look, each_seed=each_seed, top=top)
                if alone
                else result.table(board, width, height, look)
            ),
        )

    def lines(width: int, _height: int) -> list[Row]:
        return [
            arm.line(of.board, place, width, look, log=of.log_scale, chosen=place == of.chosen)
            for place in range(len(of.board.arms))
        ]

    return {
        "header": Face(lambda w, h: header.header(of.board, of.source.now(of.board), w, h, look, of.source.tag)),
        "lines": Face(lines),
        "chart": Face(curves, lambda _w: [(chart.title(of.metric, log=of.log_scale), "bold")]),
        "result": Face(table, lambda _w: [(result.title(of.board), "good bold" if of.board.ended else "bold")]),
        "sample": Face(
            lambda w, h: sample.sample(of.board, of.gallery, of.shown, w, h, look),
            lambda _w: [(sample.title(of.board, of.gallery, of.shown), "bold")],
        ),
        "layers": Face(
            lambda w, h: layers.layers(of.board, of.looking, w, h, look),
            lambda _w: [(layers.title(of.board, of.looking), "bold")],
        ),
        "matrix": Face(
            lambda w, h: matrix.matrix(of.board, of.turned, w, h, look),
            lambda _w: [(matrix.title(of.board, of.turned), "bold")],
        ),
        "alone": Face(
            lambda w, h: arm.panel(of.board, of.chosen or 0, w, h, look, log=of.log_scale),
            lambda w: arm.title(of.board.arms[of.chosen or 0], of.chosen or 0, look, w),
        ),
        "machine": Face(lambda w, _h: [machine.line(of.measured, w, look)]),
        "footer": Face(lambda w, _h: [key_line(of).row(w)]),
    }


def arm_face(of: "MainScreen", place: int) -> Face:
    return Face(
        lambda w, h: arm.panel(of.board, place, w, h, of.look, log=of.log_scale),
        lambda w: arm.title(of.board.arms[place], place, of.look, w),
    )


def key_line(of: "MainScreen") -> keyline.Line:
    meant = [key for key in keys.KEYS if key.group != "Matrix" or of.board.preset.sweep]
    return keyline.Line(meant, replay=isinstance(of.source, ReplaySource), ended=of.board.ended, view=of.zoom)
