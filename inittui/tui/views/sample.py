"""A test image, its label and each arm's prediction: the likeliest classes of one replica, or the answers of several
replicas."""

from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from rich.cells import cell_len

from inittui.common import formatting
from inittui.record.gallery import Gallery, Picture
from inittui.tui.draw.charts import bar
from inittui.tui.draw.glyphs import arm_style
from inittui.tui.draw.image import image
from inittui.tui.draw.rows import Row, fit, pad, width_of, wrap
from inittui.tui.keys import Key
from inittui.tui.views.confusion import class_name, confusion
from inittui.tui.widgets.board_view import BoardPanel
from inittui.tui.widgets.panel import drawn

KINDS = {"random": "random image", "disputed": "disagreement", "mistaken": "mistake"}
Answers = list[tuple[int, float, str]]  # class, share from 0 to 1, share as text

_image_key = partial(Key, group="Sample", rank=90, rank_ended=25)  # before the end there are no images to choose from


@dataclass(frozen=True)
class SampleViewState:
    """Which image of which of `KINDS` is shown, or which arm's confusions."""

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
        _image_key("f", "confusion", "the confusion matrix of each arm in turn, then the image again", "confusions"),
        Key("3", "zoom", "the sample prediction alone; again: everything", "sample", group="Layout", rank=40),
    )
    gallery: drawn[Gallery | None] = drawn(None)
    state = drawn(SampleViewState())

    def title(self, width: int) -> Row:  # noqa: ARG002
        if self.state.confused is not None:
            return [(f"confusions of {self.board.arms[self.state.confused].name}", "bold")]
        shown = self._picture()
        if shown is None:
            return [("sample prediction", "bold")]
        return [(f"test image {shown.index:,}, label {class_name(self.board, shown.label)}", "bold")]

    def paint(self, width: int, height: int) -> list[Row]:
        """The image above or beside the predictions, and the number of images of its kind; or an arm's confusions."""
        if self.state.confused is not None:
            return confusion(self.board, self.gallery, self.state.confused, width, height, self.glyphs)
        shown, images = self._picture(), self.gallery or self.board.sample
        if shown is None or images is None:
            return [[(fit(self._nothing(), width), "dim")]]
        lines = 3 if height >= 16 else 2 if height >= 12 else 1 if height >= 4 else 0
        footer: list[Row] = [[(line, "dim")] for line in wrap(self._counter(), width, lines)]
        room, beside = height - len(footer), width >= 44
        image_width = min(width // 2 if beside else width, 40)
        image_height = max(1, room if beside else min(14, room * 3 // 5) if room >= 8 else 0)
        pixels = bytes.fromhex(shown.pixels)
        drawn = image(pixels, images.rows, images.columns, image_width, image_height, self.glyphs)
        wide = width_of(drawn[0]) if drawn else 0
        if beside:
            texts = self._predictions(shown, width - wide - 3, room)
            none: Row = []
            rows = [
                [(" ", ""), *pad(pixels_row, wide), ("  ", ""), *text]
                for pixels_row, text in zip_longest(drawn, texts, fillvalue=none)
            ]
        else:
            rows = [[(" " * ((width - wide) // 2), ""), *pixels_row] for pixels_row in drawn]
            rows += [[], *self._predictions(shown, width, room - len(drawn) - 1)]
        return [pad(row, width) for row in rows[:room] + [[]] * (room - len(rows)) + footer]

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

    def _picture(self) -> Picture | None:
        """The image of the gallery or, without a gallery, the image that is watched during training."""
        if self.gallery is not None:
            pictures = self.gallery.only(self.state.kind)
            return pictures[self.state.number % len(pictures)] if pictures else None
        sample = self.board.sample
        if sample is None:
            return None
        live = tuple(arm.replicas[0].sample if arm.replicas else () for arm in self.board.arms)
        return Picture(sample.index, sample.label, sample.pixels, live)

    def _predictions(self, shown: Picture, width: int, room: int) -> list[Row]:
        """The label, and each arm's answers with bars for their shares."""
        arms = len(self.board.arms)
        # The title names the label too, so the arms get its line where lines are few.
        rows: list[Row] = [[("label ", "dim"), (class_name(self.board, shown.label), "bold")]] if room > arms else []
        lines = (room - 1) // arms
        each = max(1, min(3, lines - (lines > 2)))
        for arm_index in range(min(arms, len(shown.predictions))):
            if each > 1 and arms * (each + 1) < room:
                rows.append([])
            rows += self._arm(arm_index, self._answers(shown, arm_index)[:each], shown.label, width)
        return [pad(row, width) for row in rows[:room]]

    def _answers(self, shown: Picture, arm_index: int) -> Answers:
        if self.gallery is None or not self.gallery.several:
            return [(number, share, f" {100 * share:5.1f} %") for number, share in shown.predictions[arm_index]]
        tally = shown.tally(arm_index)
        count = self.gallery.replicas[arm_index]  # the tally has the most frequent answers only
        return [(number, votes / count, f" {votes:>{len(str(count))}} of {count}") for number, votes in tally]

    def _arm(self, arm_index: int, answers: Answers, label: int, width: int) -> list[Row]:
        """A line per answer, the first one with the arm's name."""
        arm, glyphs, style = self.board.arms[arm_index], self.glyphs, arm_style(arm_index)
        name_width = min(max(cell_len(arm.name) for arm in self.board.arms), max(6, width - 22))
        head: Row = [(f"{glyphs.marker(arm_index)} ", style), (fit(arm.name, name_width), f"{style} bold"), (" ", "")]
        if not answers:
            return [
                [*head, (f"no prediction: {arm.state}" if arm.state in ("failed", "stopped") else "waiting", "dim")]
            ]
        class_width = max(cell_len(class_name(self.board, number)) for number, _, _ in answers)
        rows: list[Row] = []
        for rank, (number, share, text) in enumerate(answers):
            name = f"{class_name(self.board, number):>{class_width}} "
            if rank:
                row: Row = [(" " * width_of(head), ""), (name, "dim"), (" " * len(glyphs.tick), "")]
            else:
                row = [*head, (name, "bold"), (glyphs.tick, "good") if number == label else (glyphs.cross, "bad")]
            row.append((" ", ""))
            room = width - width_of(row) - len(text)
            rows.append([*row, *(bar(share, room, glyphs, style) if room > 2 else []), (text, "")])
        return rows

    def _nothing(self) -> str:
        if self.gallery is not None:
            return {
                "disputed": "the arms agree on every test image",
                "mistaken": "no arm is mistaken on any test image",
            }.get(self.state.kind, "no picture")
        if self.board.ended:
            return "no prediction: no arm finished an epoch"
        return "a test image, as soon as training begins"

    def _counter(self) -> str:
        """`disagreement 2 of 4; 6 mistakes in 297`; with several seeds also the number of images on which arms differ
        consistently, and the seeds that do not count."""
        gallery, kind = self.gallery, self.state.kind
        if gallery is None:
            return "" if self.board.ended else "after the last epoch: n next, d disagreements, m mistakes"
        count = len(gallery.only(kind))
        totals = {"disputed": gallery.disputed_in_all, "mistaken": gallery.mistaken_in_all}
        total = totals.pop(kind, count)
        of = f"{count}" if count == total else f"{count} kept, {total:,} in all"
        rest = ", ".join(formatting.count(total, KINDS[other]) for other, total in totals.items())
        words = f"{KINDS[kind]} {self.state.number % count + 1} of {of}; {rest} in {gallery.test:,}"
        if not gallery.several:
            return words
        words += f"; arms differ by half of their seeds or more on {gallery.split_in_all:,}"
        left_out = [f"{name} {count}" for name, count in zip(gallery.arms, gallery.left_out, strict=False) if count]
        return words + (f"; seeds at chance left out: {', '.join(left_out)}" if left_out else "")
