"""Random stories of a run, told as a supervisor and its workers would log them. For tests of the fold and its readers."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.board.fold import fold
from inittui.board.state import Board, begin
from inittui.record import events
from inittui.record.events import ENDED, Event, Position
from tests.helpers import Canned, canned_events, preset

FOLDERS = ("xavier_normal", "he_normal", "orthogonal", "lecun_normal")


def folded(board: Board, *told: tuple[Event, int | None]) -> Board:
    for event, place in told:
        board = fold(board, event, place)
    return board


def epoch_of(epoch: int, *, seed: int = 777, t: float = 0.0) -> events.Epoch:
    return events.Epoch(
        t=t, seed=seed, epoch=epoch, train_cost=1 / epoch, test_cost=None, test_accuracy=0.5, seconds=1, test_seconds=0
    )


@dataclass
class Worked:
    """What is true of an arm, whatever the logs make of it."""

    state: str = "waiting"
    worker: bool = False
    epochs: int = 0
    saved: int = 0
    hopeless: bool = False  # its cost was not finite: it is not taken up again


@dataclass
class Story:
    """A run in which anything may happen, told as a supervisor and its workers would log it."""

    board: Board
    told: Canned = field(default_factory=list)
    t: float = 1.0
    phase: str = "training"
    arms: list[Worked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.arms = [Worked() for _ in self.board.arms]
        self.say(None, events.Phase(phase="training"))

    def say(self, place: int | None, event: Any) -> None:
        self.t = round(self.t + 0.125, 4)
        self.told.append((replace(event, t=self.t), place))

    def do(self, action: str, place: int) -> None:
        arm = self.arms[place]
        if action in ("crash", "end"):
            getattr(self, action)()
        elif action in ("pause", "resume", "stop"):
            self.say(None, events.Asked(verb=action, arm=FOLDERS[place]))  # type: ignore[arg-type]
            getattr(self, action)(place, arm)
        elif arm.worker or action == "start":
            getattr(self, action)(place, arm)

    def start(self, place: int, arm: Worked) -> None:
        if arm.state != "waiting":
            return
        if arm.worker:
            self.say(place, events.Continued())
        else:
            self.say(place, events.Hello(arm=FOLDERS[place], pid=len(self.told)))
            if arm.saved:
                self.say(place, events.Restored(places=(Position(seed=777, epochs=arm.saved),)))
            else:
                self.say(place, BEGIN)
            arm.epochs = arm.saved
        arm.worker, arm.state = True, "training"

    def epoch(self, place: int, arm: Worked) -> None:
        if arm.state == "training":
            arm.epochs += 1
            self.say(place, events.Progress(seed=777, epoch=arm.epochs, step=9, cost=0.5, samples_per_second=1.0))
            self.say(place, epoch_of(arm.epochs))

    def save(self, place: int, arm: Worked) -> None:
        if arm.state == "training":  # one that is held has saved before it was
            arm.saved = arm.epochs
            self.say(place, events.Saved(seconds=0.1, bytes=9))

    def pause(self, place: int, arm: Worked) -> None:
        if arm.state == "training":
            self.save(place, arm)
            self.say(place, events.Paused())
        if arm.state in ("training", "waiting"):
            arm.state = "paused"

    def resume(self, place: int, arm: Worked) -> None:
        if arm.state == "paused":
            arm.state = "waiting"  # for room
        elif arm.state in ENDED and arm.state != "finished" and not arm.hopeless:
            self.say(None, events.Resumed(arms=(FOLDERS[place],)))
            arm.state = "waiting"

    def stop(self, place: int, arm: Worked) -> None:
        if arm.worker:
            self.save(place, arm)
            self.leave(place, arm, "stopped", events.Stopped(reason="stopped by hand"))
        elif arm.state in ("waiting", "paused"):
            arm.state = "stopped"

    def kill(self, place: int, arm: Worked) -> None:
        self.leave(place, arm, "failed", None, "killed by signal 9")

    def fail(self, place: int, arm: Worked) -> None:
        arm.hopeless = True
        self.leave(place, arm, "failed", events.Failed(kind="cost", reason="not finite"), "ended with exit code 1")

    def finish(self, place: int, arm: Worked) -> None:
        if arm.state == "training":
            self.leave(place, arm, "finished", events.Finished(seconds=1.0))

    def leave(self, place: int, arm: Worked, state: str, word: Event | None, reason: str = "") -> None:
        if word is not None:
            self.say(place, word)
        self.say(None, events.Gone(arm=FOLDERS[place], reason=reason))
        arm.worker, arm.state = False, state

    def crash(self) -> None:
        """The supervisor is killed; its workers notice and save, but for the first, which is killed as well."""
        for place, arm in enumerate(self.arms):
            if arm.worker and place:
                self.save(place, arm)
                self.say(place, events.Stopped(reason="the supervisor is gone"))
        self.take_up()

    def end(self) -> None:
        """The run is stopped as a whole, and taken up again."""
        for place, arm in enumerate(self.arms):
            if arm.worker:
                self.stop(place, arm)
        self.say(None, events.Phase(phase="stopped"))
        self.take_up()

    def take_up(self) -> None:
        going_on = [place for place, arm in enumerate(self.arms) if arm.state != "finished" and not arm.hopeless]
        for place in going_on:
            self.arms[place].worker, self.arms[place].state = False, "waiting"
        self.say(None, events.Phase(phase="starting"))
        self.say(None, events.Resumed(arms=tuple(FOLDERS[place] for place in going_on)))
        self.say(None, events.Phase(phase="training"))


BEGIN = next(event for event, _ in canned_events(preset(1, epochs=99)) if isinstance(event, events.Begin))
ACTIONS = ("start", "epoch", "save", "pause", "resume", "stop", "kill", "fail", "finish", "crash", "end")
# What happens most of the time in a run comes up as often as all the rest.
actions = st.lists(
    st.tuples(st.sampled_from((*ACTIONS, "start", "start", "epoch", "epoch", "resume", "pause")), st.integers(0, 2)),
    max_size=30,
)


def story_of(acts: list[tuple[str, int]]) -> Story:
    story = Story(begin(preset(3, epochs=99)))
    for action, place in acts:
        story.do(action, place)
    return story
