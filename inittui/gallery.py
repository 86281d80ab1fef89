"""Test images with what every arm makes of them: drawn at random, and those on which arms err or disagree.

RUN/gallery.json, written once at the end. Plain JSON, so that reading a run can execute nothing and needs no numpy.
"""

from collections.abc import Callable

import msgspec
from msgspec import Struct
from msgspec.structs import replace as replaced

from inittui.errors import RunError
from inittui.rundir import FORMAT, RunDir, one_line, replace

DRAWN = 200  # images drawn at random
CHOSEN = 400  # at most, of those that arms get wrong or disagree on

Prediction = tuple[tuple[int, float], ...]  # (class, probability), the likeliest first; empty for an arm that has none


class Picture(Struct, frozen=True):
    """A test image, grey values 0..255 row by row in hexadecimal, and a prediction an arm, in the arms' order."""

    index: int
    label: int
    pixels: str
    predictions: tuple[Prediction, ...]

    @property
    def answers(self) -> tuple[int, ...]:
        """Each arm's likeliest class, of the arms that have one."""
        return tuple(prediction[0][0] for prediction in self.predictions if prediction)

    @property
    def disputed(self) -> bool:
        """Whether the arms disagree."""
        return len(set(self.answers)) > 1

    @property
    def mistaken(self) -> bool:
        """Whether an arm is wrong."""
        return any(answer != self.label for answer in self.answers)


class Gallery(Struct, frozen=True):
    """The first `drawn` pictures are a random sample; the totals count the whole test set."""

    format: int
    rows: int
    columns: int
    arms: tuple[str, ...]
    pictures: tuple[Picture, ...]
    drawn: int
    disputed_in_all: int
    mistaken_in_all: int
    test: int
    judges: tuple[int, ...] = ()  # the arms whose answers count, by place; all of them where it is empty

    def only(self, kind: str) -> tuple[Picture, ...]:
        """The pictures of a kind: `random`, `disputed` or `mistaken`."""
        if kind == "random":
            return self.pictures[: self.drawn]
        wanted: Callable[[Picture], bool] = (lambda p: p.disputed) if kind == "disputed" else (lambda p: p.mistaken)
        return tuple(picture for picture in self.pictures if wanted(self._judged(picture)))

    def _judged(self, picture: Picture) -> Picture:
        """The picture with the judges' predictions alone: an arm that has learnt nothing disputes everything."""
        if not self.judges:
            return picture
        return replaced(picture, predictions=tuple(picture.predictions[place] for place in self.judges))


def write(run: RunDir, gallery: Gallery) -> None:
    replace(run.gallery, msgspec.json.encode(gallery) + b"\n")


def read(run: RunDir) -> Gallery | None:
    """The run's gallery, or None where there is none. Raises RunError when it is damaged."""
    try:
        gallery = msgspec.json.decode(run.gallery.read_bytes(), type=Gallery)
        pixels = gallery.rows * gallery.columns
        if gallery.format != FORMAT:
            raise ValueError(f"not of format {FORMAT}")
        for picture in gallery.pictures:
            if len(bytes.fromhex(picture.pixels)) != pixels or len(picture.predictions) != len(gallery.arms):
                raise ValueError(f"picture {picture.index} is not whole")
        if any(not 0 <= place < len(gallery.arms) for place in gallery.judges):
            raise ValueError(f"judges {gallery.judges} are no arms")
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise RunError(f"run '{run.name}': gallery.json can't be read: {one_line(error)}") from None
    return gallery
