"""A test image, its label and each arm's prediction: the likeliest classes of one replica, or the answers of several
replicas."""

from dataclasses import dataclass
from functools import partial

from rich.cells import cell_len

from inittui.board.state import Board
from inittui.record.gallery import Gallery, Picture
from inittui.tui.draw.charts import bar
from inittui.tui.draw.glyphs import Glyphs, arm_style
from inittui.tui.draw.image import image
from inittui.tui.draw.rows import Row, fit, pad, width_of, wrap
from inittui.tui.keys import Key
from inittui.tui.views import confusion
from inittui.tui.widgets.board_view import BoardPanel
from inittui.tui.widgets.panel import drawn

KINDS = ("random", "disputed", "mistaken")
Answers = list[tuple[int, float, str]]  # class, share from 0 to 1, share as text


_image_key = partial(Key, group="Sample", rank=90, rank_ended=25)  # before the end there are no images to choose from


@dataclass(frozen=True)
class SampleViewState:
    """Which image of which kind is shown, or which arm's confusions."""

    kind: str = "random"
    number: int = 0
    confused: int | None = None


class SamplePanel(BoardPanel):
    """The image that is watched during training; after the end any image of the gallery, or an arm's confusion matrix."""

    NAME = "sample"
    TAKES = ("board", "gallery")
    KEYS = (
        _image_key("n,right", "image(1)", "another test image", "next image"),
        _image_key("b,left", "image(-1)", "the image before"),
        _image_key(
            "d", "kind('disputed')", "only images on which the arms disagree; again: any image", "disagreements"
        ),
        _image_key("m", "kind('mistaken')", "only images that an arm gets wrong; again: any image", "mistakes"),
        _image_key(
            "f",
            "confusion",
            "the confusion matrix of each arm in turn, then the image again",
            "confusions",
        ),
        Key("3", "zoom", "the sample prediction alone; again: everything", "sample", group="Layout", rank=40),
    )
    gallery: drawn[Gallery | None] = drawn(None)
    state = drawn(SampleViewState())

    def title(self, width: int) -> Row:  # noqa: ARG002
        return [(title(self.board, self.gallery, self.state), "bold")]

    def paint(self, width: int, height: int) -> list[Row]:
        return sample(self.board, self.gallery, self.state, width, height, self.glyphs)

    async def action_image(self, by: int) -> None:
        await self._turn(SampleViewState(self.state.kind, max(0, self.state.number + by)))

    async def action_kind(self, kind: str) -> None:
        again = self.state.kind == kind and self.state.confused is None
        await self._turn(SampleViewState("random" if again else kind))

    async def action_confusion(self) -> None:
        """The confusion matrix of the first arm, then of the next one, and after the last one the image again."""
        following = 0 if self.state.confused is None else self.state.confused + 1
        confused = following if following < len(self.board.arms) else None
        await self._turn(SampleViewState(self.state.kind, self.state.number, confused))

    async def _turn(self, state: SampleViewState) -> None:
        self.state = state if self.gallery is not None else SampleViewState()
        if self.gallery is None and not self.board.ended:
            self.notify("More test images come with the end of the run.", timeout=3)
        if not self.display:
            await self.come_forward()


def picture(board: Board, gallery: Gallery | None, state: SampleViewState) -> Picture | None:
    """The image of the gallery or, without a gallery, the image that is watched during training."""
    if gallery is not None:
        pictures = gallery.only(state.kind)
        return pictures[state.number % len(pictures)] if pictures else None
    if board.sample is None:
        return None
    live = tuple(arm.replicas[0].sample if arm.replicas else () for arm in board.arms)
    return Picture(board.sample.index, board.sample.label, board.sample.pixels, live)


def title(board: Board, gallery: Gallery | None, state: SampleViewState) -> str:
    """`test image 8,431, label 8`"""
    if state.confused is not None:
        return confusion.title(board, state.confused)
    shown = picture(board, gallery, state)
    return f"test image {shown.index:,}, label {_name(board, shown.label)}" if shown else "sample prediction"


def sample(
    board: Board, gallery: Gallery | None, state: SampleViewState, width: int, height: int, glyphs: Glyphs
) -> list[Row]:
    """The image above or beside the predictions, and the number of images of its kind; or an arm's confusions."""
    if state.confused is not None:
        return confusion.confusion(board, gallery, state.confused, width, height, glyphs)
    shown = picture(board, gallery, state)
    if shown is None:
        return [[(fit(_nothing(board, gallery, state), width), "dim")]]
    grid = (gallery.rows, gallery.columns) if gallery else _shape(board)
    lines = 3 if height >= 16 else 2 if height >= 12 else 1 if height >= 4 else 0
    footer: list[Row] = [[(line, "dim")] for line in wrap(_counter(board, gallery, state), width, lines)]
    room = height - len(footer)
    beside = width >= 44
    drawn = image(
        bytes.fromhex(shown.pixels), *grid, min(width // (2 if beside else 1), 40), _image_rows(room, beside), glyphs
    )
    if beside:
        rows = _beside(board, gallery, shown, drawn, width, room, glyphs)
    else:
        left = (width - width_of(drawn[0])) // 2 if drawn else 0
        rows = [[(" " * left, ""), *row] for row in drawn]
        rows += [[], *_predictions(board, gallery, shown, width, room - len(drawn) - 1, glyphs)]
    rows = rows[:room]
    return [pad(row, width) for row in rows + [[]] * (room - len(rows)) + footer]


def _shape(board: Board) -> tuple[int, int]:
    return (board.sample.rows, board.sample.columns) if board.sample else (1, 1)


def _image_rows(room: int, beside: bool) -> int:
    return max(1, room if beside else min(14, room * 3 // 5) if room >= 8 else 0)


def _beside(
    board: Board, gallery: Gallery | None, shown: Picture, drawn: list[Row], width: int, room: int, glyphs: Glyphs
) -> list[Row]:
    wide = width_of(drawn[0]) if drawn else 0
    texts = _predictions(board, gallery, shown, width - wide - 3, room, glyphs)
    blank: Row = [(" " * wide, "")]
    return [
        [(" ", ""), *(drawn[y] if y < len(drawn) else blank), ("  ", ""), *(texts[y] if y < len(texts) else [])]
        for y in range(min(room, max(len(drawn), len(texts))))
    ]


def _predictions(
    board: Board, gallery: Gallery | None, shown: Picture, width: int, room: int, glyphs: Glyphs
) -> list[Row]:
    """The label, and each arm's answers with bars for their shares."""
    arms = len(board.arms)
    # The title names the label too, so the arms get its line where lines are few.
    rows: list[Row] = [[("label ", "dim"), (_name(board, shown.label), "bold")]] if room > arms else []
    each = max(1, min(3, (room - 1) // arms - (1 if (room - 1) // arms > 2 else 0)))
    for arm_index in range(min(arms, len(shown.predictions))):
        if each > 1 and arms * (each + 1) < room:
            rows.append([])
        rows += _arm(board, arm_index, _answers(gallery, shown, arm_index), shown.label, each, width, glyphs)
    return [pad(row, width) for row in rows[:room]]


def _answers(gallery: Gallery | None, shown: Picture, arm_index: int) -> Answers:
    if gallery is None or not gallery.several:
        return [(number, share, f" {100 * share:5.1f} %") for number, share in shown.predictions[arm_index]]
    tally = shown.tally(arm_index)
    count = sum(votes for _, votes in tally)
    return [(number, votes / count, f" {votes:>{len(str(count))}} of {count}") for number, votes in tally]


def _arm(
    board: Board, arm_index: int, answers: Answers, label: int, most: int, width: int, glyphs: Glyphs
) -> list[Row]:
    arm = board.arms[arm_index]
    style = arm_style(arm_index)
    name_width = min(max(cell_len(one.name) for one in board.arms), max(6, width - 22))
    head: Row = [(f"{glyphs.marker(arm_index)} ", style), (fit(arm.name, name_width), f"{style} bold"), (" ", "")]
    if not answers:
        why = f"no prediction: {arm.state}" if arm.state in ("failed", "stopped") else "waiting"
        return [[*head, (why, "dim")]]
    class_width = max(cell_len(_name(board, number)) for number, _, _ in answers[:most])
    rows: list[Row] = []
    for rank, (number, share, text) in enumerate(answers[:most]):
        right = number == label
        sign = (glyphs.tick if right else glyphs.cross) if rank == 0 else " " * len(glyphs.tick)
        lead: Row = head if rank == 0 else [(" " * width_of(head), "")]
        verdict = ("good" if right else "bad") if rank == 0 else "dim"
        name: Row = [
            (f"{_name(board, number):>{class_width}} ", "bold" if rank == 0 else "dim"),
            (sign, verdict),
            (" ", ""),
        ]
        room = width - width_of(lead) - width_of(name) - len(text)
        rows.append([*lead, *name, *(bar(share, room, glyphs, style) if room > 2 else []), (text, "")])
    return rows


def _name(board: Board, number: int) -> str:
    """The name of a class, or its number if the network has more outputs than there are classes."""
    classes = board.data.classes if board.data else ()
    return classes[number] if number < len(classes) else str(number)


def _nothing(board: Board, gallery: Gallery | None, state: SampleViewState) -> str:
    if gallery is not None:
        return {
            "disputed": "the arms agree on every test image",
            "mistaken": "no arm is mistaken on any test image",
        }.get(state.kind, "no picture")
    if board.ended:
        return "no prediction: no arm finished an epoch"
    return "a test image, as soon as training begins"


def _counter(board: Board, gallery: Gallery | None, state: SampleViewState) -> str:
    if gallery is None and board.ended:
        return ""
    if gallery is None:
        return "after the last epoch: n next, d disagreements, m mistakes"
    pictures = gallery.only(state.kind)
    here = state.number % len(pictures) + 1 if pictures else 0
    kind = {
        "random": f"random image {here} of {len(pictures)}",
        "disputed": f"disagreement {here} of {_of(len(pictures), gallery.disputed_in_all)}",
        "mistaken": f"mistake {here} of {_of(len(pictures), gallery.mistaken_in_all)}",
    }[state.kind]
    rest = []
    if state.kind != "disputed":
        rest.append(f"{gallery.disputed_in_all:,} disagreements")
    if state.kind != "mistaken":
        rest.append(f"{gallery.mistaken_in_all:,} mistakes")
    words = f"{kind}; {', '.join(rest)} in {gallery.test:,}"
    return f"{words}; {_seeds(gallery)}" if gallery.several else words


def _seeds(gallery: Gallery) -> str:
    """For several seeds: the number of images on which arms differ consistently, and the seeds that do not count."""
    words = f"arms differ by half of their seeds or more on {gallery.split_in_all:,}"
    names = [f"{name} {count}" for name, count in zip(gallery.arms, gallery.left_out, strict=False) if count]
    return f"{words}; seeds at chance left out: {', '.join(names)}" if names else words


def _of(kept: int, everything: int) -> str:
    return f"{kept}" if kept == everything else f"{kept} kept, {everything:,} in all"
