"""Messages from the threads to the screens, and from a screen to the application."""

from dataclasses import dataclass

from textual.message import Message

from inittui.board.state import Board
from inittui.record.run_directory import RunDir
from inittui.tui.views.machine import Machine


class State(Message):
    """The whole of something as it is now: it replaces an older message that still waits."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, type(self))


@dataclass
class BoardChanged(State):
    """A new board."""

    board: Board


@dataclass
class MachineChanged(State):
    """A new sample of the machine."""

    machine: Machine


@dataclass
class OpenRun(Message):
    """Show this run on the dashboard."""

    run: RunDir
