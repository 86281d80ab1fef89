"""Asks before runs are deleted."""

from collections.abc import Sequence

from textual.widgets import OptionList

from inittui.common import formatting
from inittui.record.run_index import RunSummary
from inittui.tui.screens.question import Question


class DeleteScreen(Question):
    """Returns `delete`, or "". Enter alone keeps them: what is deleted is gone."""

    def __init__(self, runs: Sequence[RunSummary]) -> None:
        size = formatting.size(sum(run.size for run in runs))
        one = len(runs) == 1
        heading = f"delete {runs[0].name}?" if one else f"delete {len(runs)} runs?"
        listed = "" if one else ": " + ", ".join(run.name for run in runs[:3]) + (", …" if len(runs) > 3 else "")
        super().__init__(
            heading, [("delete", "y", f"delete {size} for good{listed}")], "keep it" if one else "keep them"
        )

    def on_mount(self) -> None:
        choices = self.query_one(OptionList)
        choices.highlighted = choices.option_count - 1
