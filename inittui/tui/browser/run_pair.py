"""Two runs side by side: what is read for them, and how their presets and accuracies differ."""

from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter
from pathlib import Path

from inittui.analysis import result_document, sentences
from inittui.analysis.across_runs import document_of_runs
from inittui.common.errors import RunError
from inittui.experiment.preset import KEYS, Preset
from inittui.record.result_schema import ArmResult, ResultDocument
from inittui.record.run_directory import RunDir
from inittui.record.run_index import RunSummary


@dataclass(frozen=True)
class Side:
    """One of the two runs."""

    summary: RunSummary
    preset: Preset
    document: ResultDocument  # of a run that has not ended: what it has so far

    @property
    def data(self) -> str:
        """What the run trains and tests on; empty if it has not read its data yet."""
        data = self.document.data
        return f"{data.title} {data.train:,}/{data.test:,}" if data.test else ""

    @cached_property
    def arms(self) -> dict[str, ArmResult]:
        return {arm.name: arm for arm in self.document.arms}


@dataclass(frozen=True)
class RunPair:
    """Two runs, and what `inittui compare A B` prints about them."""

    a: Side
    b: Side
    sentences: tuple[str, ...] = ()
    incomparable: str = ""  # why their accuracies can't be compared

    def swapped(self) -> "RunPair":
        return replace(self, a=self.b, b=self.a)


def read_pair(a: RunSummary, b: RunSummary) -> RunPair:
    """Raises RunError if one of the two can't be read."""
    pair = RunPair(_read(a), _read(b))
    try:
        document = document_of_runs([RunDir(Path(run.path)) for run in (a, b)])
    except RunError as error:  # their data differ
        return replace(pair, incomparable=str(error))
    return replace(pair, sentences=tuple(sentences.sentences(document)))


def _read(summary: RunSummary) -> Side:
    run = RunDir(Path(summary.path))
    return Side(summary, run.preset(), result_document.read(run)[0])


def differences(pair: RunPair) -> list[tuple[str, str, str]]:
    """Each setting in which the two runs differ, with A's value and B's."""
    a, b = pair.a, pair.b
    settings = []
    for key in (f"{key.section}.{key.name}" for key in KEYS):
        of_a, of_b = attrgetter(key)(a.preset), attrgetter(key)(b.preset)
        if of_a != of_b:
            settings.append((key, _value(of_a), _value(of_b)))
    arms_a, arms_b = _arm_settings(a.preset), _arm_settings(b.preset)
    facts = [("images", a.data, b.data), ("device", a.summary.device, b.summary.device)]
    facts += [(f"arm {name}", of_arm, arms_b.get(name, "")) for name, of_arm in arms_a.items()]
    return settings + [(name, of_a, of_b) for name, of_a, of_b in facts if of_a and of_b and of_a != of_b]


def _arm_settings(preset: Preset) -> dict[str, str]:
    return {arm.name: "; ".join([arm.init.label, *arm.changes]) for arm in preset.arms}


def _value(value: object) -> str:
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if not isinstance(value, tuple):
        return str(value)
    if len(value) > 8 and value == tuple(range(value[0], value[0] + len(value))):
        return f"{value[0]} to {value[-1]}"
    if len(value) > 8:
        return f"[{', '.join(map(str, value[:3]))}, … {len(value)} in all]"
    return f"[{', '.join(map(str, value))}]"


def gain(pair: RunPair, arm: str) -> float | None:
    """B's mean accuracy minus A's, if `arm` finished in both runs and their accuracies can be compared."""
    both = [side.arms[arm] for side in (pair.a, pair.b) if arm in side.arms]
    means = [of.test_accuracy.mean for of in both if of.test_accuracy and of.status == "finished"]
    return means[1] - means[0] if len(means) == 2 and not pair.incomparable else None


def remarks(pair: RunPair) -> list[str]:
    """What a reader must know before the figures, then the sentences of the comparison."""
    lines = [pair.incomparable] if pair.incomparable else []
    for side, name in ((pair.a, "A"), (pair.b, "B")):
        if missing := [arm.name for arm in side.document.arms if arm.test_accuracy is None]:
            lines.append(f"No accuracy in {name}: {', '.join(missing)}.")
    arms = (*pair.a.document.arms, *pair.b.document.arms)
    if any(arm.test_accuracy is not None and arm.status != "finished" for arm in arms):
        lines.append("* has not finished: its accuracy so far.")
    return [*lines, *pair.sentences]
