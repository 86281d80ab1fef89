"""A run as an object of Python: what `inittui.compare` and `inittui.load` return."""

import html
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from inittui.analysis import accuracy_table, epoch_table, result_document, sentences
from inittui.board.follower import Follower
from inittui.common import formatting
from inittui.common.errors import printable
from inittui.common.optional_extras import need
from inittui.output import tables
from inittui.record.result_schema import Comparison, MeanEstimate
from inittui.record.run_directory import RunDir

if TYPE_CHECKING:
    import pandas


class Result:
    """A run's result as it stands now; `inittui.load` looks again. At a prompt it shows its table, in a notebook too."""

    def __init__(self, run: RunDir) -> None:
        """Raises RunError where the run can't be read."""
        self._run = run
        self._document, self._final = result_document.read(run)

    @property
    def run(self) -> str:
        """The run's name, which `inittui attach`, `replay`, `report` and `resume` take."""
        return self._run.name

    @property
    def path(self) -> Path:
        """The run's directory."""
        return self._run.path

    @property
    def status(self) -> str:
        """finished, failed (an arm did) or stopped; starting, loading, training or interrupted while there is no result."""
        return self._document.status

    @property
    def document(self) -> dict[str, Any]:
        """The content of result.json as dicts and lists; of a run that has none yet, what it would hold now."""
        content: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self._document))
        return content

    @property
    def accuracy(self) -> dict[str, MeanEstimate | None]:
        """Of each arm the mean final test accuracy over its seeds (a share of 1), its deviation and its 95 % interval; None
        where an arm has no epoch behind it."""
        return {arm.name: arm.test_accuracy for arm in self._document.arms}

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Every arm that finished against the first: `difference`, `ci95`, `p`, `p_holm`, `n`, `verdict` and more."""
        return self._document.comparisons

    @property
    def verdict(self) -> list[str]:
        """What is to be said, in sentences: notes first, then whether differences are established."""
        return [printable(sentence) for sentence in sentences.sentences(self._document)]

    @property
    def table(self) -> "pandas.DataFrame":
        """One row per arm and seed: its final figures. Raises UsageError where pandas is not installed."""
        need("result.table", "pandas", "pandas")
        import pandas

        return pandas.read_csv(
            io.StringIO(tables.comma_separated(self._document)), keep_default_na=False, na_values=[""]
        )

    @property
    def epochs(self) -> "pandas.DataFrame":
        """One row per arm, seed and epoch; see `analysis.epoch_table`. Raises UsageError where pandas is not installed."""
        need("result.epochs", "pandas", "pandas")
        return epoch_table.frame(Follower(self._run, self._run.liveness).poll())

    def __repr__(self) -> str:
        of_arms = ", ".join(
            f"{name} {formatting.percent(accuracy.mean if accuracy else None)}"
            for name, accuracy in self.accuracy.items()
        )
        return printable(f"<inittui run {self.run}, {self.status}: {of_arms}>")

    def __str__(self) -> str:
        return self._unfinished() + tables.text(self._document)

    def _repr_html_(self) -> str:
        table = accuracy_table.rows(self._document.arms)
        shown = accuracy_table.columns(table)
        head = "".join(f"<th>{html.escape(accuracy_table.COLUMNS[i])}</th>" for i in shown)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(row[i].strip())}</td>' for i in shown)}</tr>" for row in table)
        told = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in self.verdict)
        heading = html.escape(self._unfinished() + accuracy_table.heading(self._document))
        return f"<div><p>{heading}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><ul>{told}</ul></div>"

    def _unfinished(self) -> str:
        return "" if self._final else f"So far (the run is {self.status}): "
