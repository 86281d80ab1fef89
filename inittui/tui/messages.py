"""Messages from the threads to the screens, and from a screen to the application."""

from textual.message import Message

from inittui.board.state import Board
from inittui.record.run_directory import RunDir
from inittui.tui.views.machine import Machine


class BoardChanged(Message):
    """A new board. It replaces an older message that still waits, because each has the whole board."""

    def __init__(self, board: Board) -> None:
        super().__init__()
        self.board = board

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, BoardChanged)


class MachineChanged(Message):
    """A new sample of the machine."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, MachineChanged)


class OpenRun(Message):
    """Show this run on the dashboard."""

    def __init__(self, run: RunDir) -> None:
        super().__init__()
        self.run = run
