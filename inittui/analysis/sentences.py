"""The sentences about a result document that stand under every table: notes, verdicts, speed, trained models."""

import math
from collections.abc import Sequence

from inittui.analysis import verdict
from inittui.analysis.statistics import LEVEL
from inittui.analysis.verdict import Outcome
from inittui.common import formatting
from inittui.record.result_schema import ArmResult, Comparison, ResultDocument

NAMED = 6  # arms that a sentence names
EVERY_ONE = "Every comparison by itself, with speed and models: 'inittui report --format json'."
_ONE_SEED = "on one seed, which proves nothing,"
# The clause for the swept values at which a comparison has this outcome, in the order of the sentence; b is its subject.
CLAUSES = {
    Outcome.B_HIGHER: "higher",
    Outcome.A_HIGHER: "lower",
    Outcome.NOT_ESTABLISHED: "no difference established",
    Outcome.TOO_FEW_SEEDS: "no difference established",
    Outcome.B_AHEAD: f"ahead {_ONE_SEED}",
    Outcome.A_AHEAD: f"behind {_ONE_SEED}",
    Outcome.LEVEL: f"level {_ONE_SEED}",
    Outcome.A_STUCK: "learns, and {a} stays at chance,",
    Outcome.B_STUCK: "stays at chance, and {a} learns,",
    Outcome.BOTH_STUCK: "both at chance",
    Outcome.NOT_COMPARED: "not compared",
}


def sentences(document: ResultDocument) -> list[str]:
    """All sentences: notes, then verdicts, then asides."""
    return notes(document) + verdicts(document) + asides(document)


def notes(document: ResultDocument) -> list[str]:
    """What a reader must know before the figures: replaced data, failed arms, means over stuck and other seeds."""
    lines = [formatting.sentence(f"Data: {document.data.note}")] if document.data.note else []
    lines += [formatting.sentence(f"{arm.name} {arm.status}: {arm.reason}") for arm in document.arms if arm.reason]
    if document.resumed:
        lines.append(formatting.sentence(f"Resumed from checkpoints, {document.resumed}"))
    if document.reason:
        lines.append(formatting.sentence(f"The run failed: {document.reason}"))
    lines += [words for arm in document.arms if (words := _failures(arm))]
    return lines + _given_up(document)


def _given_up(document: ResultDocument) -> list[str]:
    """One sentence for all arms that were stopped at chance: a sweep may have hundreds of them."""
    after: dict[str, int] = {}
    for arm in document.arms:
        epochs = [replica.given_up for replica in arm.replicas if replica.given_up]
        if epochs:
            seeds = len(arm.replicas)
            after[arm.name + (f" ({len(epochs)} of {seeds} seeds)" if seeds > 1 else "")] = epochs[0]
    if not after:
        return []
    more = f" and {len(after) - NAMED:,} more" if len(after) > NAMED else ""
    return [
        f"Stopped at chance after {formatting.count(max(after.values()), 'epoch')}, with the last result kept: "
        f"{'; '.join(list(after)[:NAMED])}{more}."
    ]


def _failures(arm: ArmResult) -> str:
    """For an arm that learns from some seeds only: how many seeds are stuck, and the mean of the others."""
    failures = arm.failures
    if arm.status != "finished" or not failures or not 0 < failures.at_chance < failures.n:
        return ""
    stuck, count, others = failures.at_chance, failures.n, failures.others
    mean = formatting.percent(others.mean if others else math.nan)  # a file may omit it
    mean += f" ± {100 * others.std:.2f}" if others and others.std is not None else ""
    verb, rest = ("stays" if stuck == 1 else "stay"), count - stuck
    return f"{arm.name}: {stuck} of {count} seeds {verb} at chance; the other{'s' * (rest > 1)} ({rest}): {mean}."


def verdicts(document: ResultDocument) -> list[str]:
    """One sentence per comparison. Arms with one seed share a single sentence, since one per comparison would repeat that a
    seed proves nothing; the comparison of the trained models follows it."""
    comparisons = document.comparisons
    if _is_large_sweep(document):
        return _row_by_row(document) + _corrected(document) + [EVERY_ONE]
    single = {arm.name for arm in document.arms if len(arm.replicas) == 1}
    learning = [
        row for row in comparisons if row.n == 1 and not verdict.outcome(row).stuck and {row.a, row.b} <= single
    ]
    if len(learning) < 2:
        models = [words for row in learning for words in _two_models(document, row.a, row.b)]
        return [_sentence(row) for row in comparisons] + models + _corrected(document)
    names = {name for row in learning for name in (row.a, row.b)}
    ranked = sorted(
        ((arm.test_accuracy.mean, arm.name) for arm in document.arms if arm.name in names and arm.test_accuracy),
        reverse=True,
    )
    (first, best), (second, runner_up), (last, worst) = ranked[0], ranked[1], ranked[-1]
    return [
        f"{best} comes out highest, {100 * (first - second):.2f} points ahead of {runner_up} and "
        f"{100 * (first - last):.2f} ahead of {worst}, on one seed, which proves nothing: add --seeds 10.",
        *_two_models(document, runner_up, best),
        *(_sentence(row) for row in comparisons if row not in learning),
    ]


def _is_large_sweep(document: ResultDocument) -> bool:
    """Whether there are too many comparisons for a sentence each."""
    return bool(document.sweep) and len(document.comparisons) > NAMED


def _row_by_row(document: ResultDocument) -> list[str]:
    """One sentence for every two schemes of a sweep: at which swept values one is higher, lower, or neither."""
    rows = sorted(document.sweep.rows if document.sweep else (), key=len, reverse=True)  # one name may begin another
    values_of: dict[tuple[str, str], dict[str, list[str]]] = {}
    for comparison in document.comparisons:
        (a, value), (b, _) = (_split(name, rows) for name in (comparison.a, comparison.b))
        clause = CLAUSES[verdict.outcome(comparison)]
        values_of.setdefault((a, b), {}).setdefault(clause, []).append(value)
    lines = []
    for (a, b), by_clause in values_of.items():
        clauses = [clause for clause in dict.fromkeys(CLAUSES.values()) if clause in by_clause]
        words = [f"{clause.replace('{a}', a)} at {_some(by_clause[clause])}" for clause in clauses]
        lines.append(f"{b} against {a}: {'; '.join(words)}.")
    pairs = max(comparison.n for comparison in document.comparisons)
    if document.design and 1 < pairs < (needed := document.design.pairs_needed):
        lines.append(f"Indicative only: so many comparisons need {needed} seeds or more, here are {pairs}.")
    return lines


def _split(name: str, rows: Sequence[str]) -> tuple[str, str]:
    """The name of a sweep's arm as its row and its swept values."""
    row = next((row for row in rows if name.startswith(f"{row}, ")), name)
    return row, name[len(row) + 2 :]


def _some(values: Sequence[str]) -> str:
    if len(values) > NAMED:
        return f"{len(values):,} values, {values[0]} to {values[-1]} among them"
    return ", ".join(values) or "one value"


def _corrected(document: ResultDocument) -> list[str]:
    tested = [row for row in document.comparisons if row.p is not None]
    if len(tested) < 2:
        return []
    bases = {row.a for row in document.comparisons}
    if len(bases) == 1:
        against = f"All against {document.comparisons[0].a}"
    elif document.sweep:
        against = "Each scheme against the first one at the same swept values"
    else:
        against = f"All pairs of {len(bases) + 1} arms"
    if any(row.p_holm is None for row in tested):  # from an earlier version
        return [f"{against}; {len(tested)} p-values, not corrected for their number."]
    return [f"{against}; p corrected for {len(tested)} comparisons (Holm)."]


def asides(document: ResultDocument) -> list[str]:
    """What does not decide a verdict: speed, and the trained models two by two."""
    if _is_large_sweep(document):
        return []
    target = document.design.target_cost if document.design else None
    several = [row for row in document.comparisons if row.n > 1 and not verdict.outcome(row).stuck]
    lines = []
    for row in several:
        speed = {of_pair.metric: of_pair for of_pair in document.speed if (of_pair.a, of_pair.b) == (row.a, row.b)}
        if target is not None and len(speed) == 2:
            words = verdict.faster(speed["first_epoch_cost"], speed["epochs_to_cost"], target)
            lines += [f"Speed, p not corrected: {words}."] if words else []
    return lines + [words for row in several for words in _models(document, row.a, row.b)]


def _models(document: ResultDocument, a: str, b: str) -> list[str]:
    """For several seeds: on how many of them the two trained models differ. It is no verdict on the schemes."""
    compared = _model_counts(document, a, b)
    if not compared:
        return []
    significant = [(only_a, only_b) for only_a, only_b, p in compared if p < LEVEL]
    ahead = sum(only_b > only_a for only_a, only_b in significant)
    differ = f"differ on {len(significant) or 'none'} of {len(compared)} seeds"
    who = f", {b} ahead on {ahead} of those" if significant else ""
    return [
        f"As trained models, seed by seed, not as schemes: {a} and {b} {differ} (McNemar's exact p < {LEVEL:g}){who}."
    ]


def _two_models(document: ResultDocument, a: str, b: str) -> list[str]:
    return [
        f"As two trained models, not as schemes: {b} alone is right on {formatting.count(only_b, 'test image')}, "
        f"{a} alone on {only_a:,} (McNemar's exact p = {p:.3g})."
        for only_a, only_b, p in _model_counts(document, a, b)[:1]
    ]


def _model_counts(document: ResultDocument, a: str, b: str) -> list[tuple[int, int, float]]:
    """For each seed the test examples on which only a's, and only b's, model is right, and p. Empty if not compared."""
    for row in document.models:
        if (row.a, row.b) == (a, b):
            return list(zip(row.only_a, row.only_b, row.p, strict=False))  # a file may hold other lengths
        if (row.a, row.b) == (b, a):
            return list(zip(row.only_b, row.only_a, row.p, strict=False))
    return []


def _sentence(comparison: Comparison) -> str:
    words = comparison.verdict
    # The name of an arm keeps its case, also if it begins with a word of ours: `no norm is higher than he_normal`.
    named = words.startswith((f"{comparison.a} ", f"{comparison.b} "))
    return (words if named else words[:1].upper() + words[1:]) + "."
