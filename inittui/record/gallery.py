"""RUN/gallery.json: test images with the predictions of every arm, drawn at random and chosen by errors and disagreement.

With several seeds the question is how *consistently* arms disagree, since one replica may err by chance. So the answers of
all replicas count. The dispute of two arms on an image is the total variation between the shares of their answers, ½·Σ|share
in a - share in b| over the classes: 0 if the replicas of both answer alike, 1 if they have no answer in common.

The file is written once, at the end of the run. It is plain JSON, so that reading it executes nothing and needs no numpy.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from inittui.common.atomic_files import replace
from inittui.common.checksums import seal_json
from inittui.record.run_directory import RunDir

DRAWN = 200  # images drawn at random
CHOSEN = 400  # images at most that arms get wrong or disagree on
FEW_ARMS = 50  # with more arms there are fewer images, since a viewer holds every prediction of every arm
MATRIX_CELLS = 500_000  # of all arms' confusion matrices: 4 MB in a viewer. A screen has room for a hundred classes
FREQUENT = 200  # confusions that are kept of each arm if there are no matrices
ANSWERS = 5  # that are kept of a tally


def sizes(arms: int) -> tuple[int, int]:
    """The numbers of images drawn at random, and chosen by errors and disagreement."""
    return DRAWN * FEW_ARMS // max(FEW_ARMS, arms), CHOSEN * FEW_ARMS // max(FEW_ARMS, arms)


def keeps_matrices(arms: int, classes: int) -> bool:
    """Whether the gallery has the whole confusion matrices, and not only the most frequent confusions."""
    return arms * classes * (classes + 1) <= MATRIX_CELLS


Class = Annotated[int, Meta(ge=0)]
# (class, probability), the most probable first; empty if the arm has none
Prediction = tuple[tuple[Class, Annotated[float, Meta(ge=0, le=1)]], ...]
# (class, replicas that answer it), most first, at most ANSWERS; empty if the arm has none
Tally = tuple[tuple[Class, Annotated[int, Meta(ge=1)]], ...]


Matrix = tuple[tuple[Annotated[int, Meta(ge=0)], ...], ...]


class Picture(Struct, frozen=True):
    """A test image, grey values 0 to 255 row by row in hexadecimal, and the predictions of each arm, in the arms' order. A
    large image is reduced.

    `predictions` are those of an arm's first replica; `tallies` count the replicas, and are empty if each arm has one.
    """

    index: int
    label: int
    pixels: str
    predictions: tuple[Prediction, ...]
    tallies: tuple[Tally, ...] = ()

    def tally(self, arm: int) -> Tally:
        if self.tallies:
            return self.tallies[arm]
        prediction = self.predictions[arm]
        return ((prediction[0][0], 1),) if prediction else ()


class Confusions(Struct, frozen=True):
    """The mistakes of an arm, over the replicas that count, in place of a matrix."""

    answers: Annotated[int, Meta(ge=0)]  # of all images and replicas
    right: Annotated[int, Meta(ge=0)]
    # (label, answer, how often, answers to images with that label), the most frequent first. An answer beyond the classes is
    # the number of classes.
    frequent: tuple[tuple[Class, Class, Annotated[int, Meta(ge=1)], Annotated[int, Meta(ge=1)]], ...] = ()
    kinds: int = 0  # pairs of a label and a wrong answer, of which `frequent` are the first

    @classmethod
    def of(cls, matrix: Matrix) -> "Confusions":
        """All mistakes of a confusion matrix."""
        frequent = [
            (label, answer, count, sum(row))
            for label, row in enumerate(matrix)
            for answer, count in enumerate(row)
            if count and label != answer
        ]
        frequent.sort(key=lambda mistake: -mistake[2])
        right = sum(row[label] for label, row in enumerate(matrix))
        return cls(sum(map(sum, matrix)), right, tuple(frequent), len(frequent))


class Gallery(Struct, frozen=True):
    """The first `drawn` pictures are a random sample. The totals count the whole test set."""

    format: int
    rows: int
    columns: int
    arms: tuple[str, ...]
    pictures: tuple[Picture, ...]
    drawn: int
    disputed_in_all: int  # images on which arms differ at all
    mistaken_in_all: int  # images that a replica gets wrong
    test: int
    judges: tuple[int, ...] = ()  # indexes of the arms whose answers count; all if empty
    replicas: tuple[int, ...] = ()  # per arm, how many replicas the tallies count; one each if empty
    # Per arm, replicas that do not count because they are at chance while others are not.
    left_out: tuple[int, ...] = ()
    split_in_all: int = 0  # images with a dispute of a half or more
    # The confusion matrix of each arm over the replicas that count: a row per true class, a column per answer. A network with
    # more outputs than classes has a last column for all of these. Empty if there are too many classes: see `keeps_matrices`.
    confusion: tuple[Matrix, ...] = ()
    confusions: tuple[Confusions, ...] = ()  # in place of matrices

    # Indexes of the pictures of a kind, the most consistent first; None in files of the first versions.
    disputed: tuple[int, ...] | None = None
    mistaken: tuple[int, ...] | None = None

    @property
    def several(self) -> bool:
        """Whether an arm has several replicas that count."""
        return any(count > 1 for count in self.replicas)

    def confusions_of(self, arm: int) -> Confusions | None:
        """The mistakes of an arm; None if it has no predictions."""
        if arm < len(self.confusions):
            known = self.confusions[arm]
        else:
            known = Confusions.of(self.confusion[arm] if arm < len(self.confusion) else ())
        return known if known.answers else None

    def only(self, kind: str) -> tuple[Picture, ...]:
        """The pictures of a kind: `random`; or `disputed` or `mistaken`, the most consistent first."""
        if kind == "random":
            return self.pictures[: self.drawn]
        indexes = self.disputed if kind == "disputed" else self.mistaken
        return self.pictures[self.drawn :] if indexes is None else tuple(self.pictures[i] for i in indexes)


def write(run: RunDir, gallery: Gallery) -> None:
    replace(run.path / "gallery.json", seal_json(gallery, compact=True))


def read(run: RunDir) -> Gallery | None:
    """The run's gallery, or None if there is none. Raises RunError if it is damaged."""
    return run.read_json("gallery.json", _decode)


def _decode(content: bytes) -> Gallery:
    """Raises ValueError if figures contradict each other."""
    gallery = msgspec.json.decode(content, type=Gallery)
    arms, pictures = len(gallery.arms), len(gallery.pictures)
    for picture in gallery.pictures:
        whole = len(bytes.fromhex(picture.pixels)) == gallery.rows * gallery.columns
        if not whole or len(picture.predictions) != arms or len(picture.tallies) not in (0, arms):
            raise ValueError(f"picture {picture.index}: expected all pixels and predictions of {arms} arms")
    if any(not 0 <= arm < arms for arm in gallery.judges):
        raise ValueError(f"judges {gallery.judges}: expected indexes of {arms} arms")
    if any(not 0 <= i < pictures for i in (*(gallery.disputed or ()), *(gallery.mistaken or ()))):
        raise ValueError(f"disputed or mistaken: expected indexes of {pictures} pictures")
    if {len(gallery.replicas), len(gallery.left_out), len(gallery.confusion), len(gallery.confusions)} - {0, arms}:
        raise ValueError(f"figures per arm: expected {arms} or none")
    for matrix in gallery.confusion:
        widths = {len(row) for row in matrix}
        if len(widths) > 1 or widths - {len(matrix), len(matrix) + 1}:
            raise ValueError("a confusion matrix: expected equal rows, with a column per class or one more")
    return gallery
