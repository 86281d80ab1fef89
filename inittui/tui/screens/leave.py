"""Asks before leaving a run that trains."""

from inittui.tui.screens.question import Answer, Question

ANSWERS: tuple[Answer, ...] = (
    ("keep", "k", "leave, and keep it running: 'inittui attach' comes back"),
    ("stop", "s", "stop it: what it has so far is kept, and can be resumed"),
)


class LeaveScreen(Question):
    """Returns `keep` (leave, training goes on), `stop`, or "" (stay)."""

    def __init__(self, *, paused: bool = False) -> None:
        super().__init__("training is paused" if paused else "training is under way", ANSWERS, "stay")
