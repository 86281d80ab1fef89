"""The result of a run as a Python object: what `inittui.compare` and `inittui.load` return."""

import html
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from inittui.analysis import accuracy_table, epoch_table, result_document, sentences
from inittui.board.follower import Follower
from inittui.common import formatting
from inittui.common.optional_extras import need
from inittui.output import tables
from inittui.record.result_schema import Comparison, MeanEstimate
from inittui.record.run_directory import RunDir

if TYPE_CHECKING:
    import pandas


class Result:
    """A run's result when it was read; `inittui.load` reads it again. A prompt or a notebook shows its table."""

    def __init__(self, run: RunDir) -> None:
        """Raises RunError if the run can't be read."""
        self._run = run
        self._document, self._final = result_document.read(run)

    @property
    def run(self) -> str:
        """The run's name, for `inittui attach`, `replay`, `report` and `resume`."""
        return self._run.name

    @property
    def path(self) -> Path:
        """The run's directory."""
        return self._run.path

    @property
    def status(self) -> str:
        """finished, failed (an arm failed) or stopped; without a result starting, loading, training or interrupted."""
        return self._document.status

    @property
    def document(self) -> dict[str, Any]:
        """The content of result.json as dicts and lists; for a run without one, what it would contain now."""
        content: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self._document))
        return content

    @property
    def accuracy(self) -> dict[str, MeanEstimate | None]:
        """Per arm the mean final test accuracy over its seeds (a share of 1), with standard deviation and 95 % interval; None
        for an arm without a finished epoch."""
        return {arm.name: arm.test_accuracy for arm in self._document.arms}

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Each finished arm against the first: `difference`, `ci95`, `p`, `p_holm`, `n`, `verdict` and more."""
        return self._document.comparisons

    @property
    def verdict(self) -> list[str]:
        """Sentences: notes first, then whether differences are established."""
        return sentences.sentences(self._document)

    @property
    def table(self) -> "pandas.DataFrame":
        """One row per arm and seed with the final figures. Raises UsageError if pandas is not installed."""
        need("result.table", "pandas", "pandas")
        import pandas

        csv = io.StringIO(tables.comma_separated(self._document))
        return pandas.read_csv(csv, keep_default_na=False, na_values=[""])

    @property
    def epochs(self) -> "pandas.DataFrame":
        """One row per arm, seed and epoch; see `analysis.epoch_table`. Raises UsageError if pandas is not installed."""
        need("result.epochs", "pandas", "pandas")
        import pandas

        rows = epoch_table.rows(Follower(self._run, self._run.liveness).poll())
        return pandas.DataFrame.from_records(rows, columns=list(epoch_table.COLUMNS)).astype(epoch_table.COLUMNS)

    def __repr__(self) -> str:
        means = {name: accuracy.mean if accuracy else None for name, accuracy in self.accuracy.items()}
        arms = ", ".join(f"{name} {formatting.percent(mean)}" for name, mean in means.items())
        return f"<inittui run {self.run}, {self.status}: {arms}>"

    def __str__(self) -> str:
        return self._unfinished() + tables.text(self._document)

    def _repr_html_(self) -> str:
        table = accuracy_table.rows(self._document.arms)
        shown = accuracy_table.columns(table)
        head = "".join(f"<th>{html.escape(accuracy_table.COLUMNS[i])}</th>" for i in shown)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(row[i].strip())}</td>' for i in shown)}</tr>" for row in table)
        items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in self.verdict)
        heading = html.escape(self._unfinished() + accuracy_table.heading(self._document))
        html_table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f"<div><p>{heading}</p>{html_table}<ul>{items}</ul></div>"

    def _unfinished(self) -> str:
        return "" if self._final else f"So far (the run is {self.status}): "
