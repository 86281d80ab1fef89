"""What is said about a result document, sentence by sentence: under every table, whoever draws it."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from inittui.analysis import verdict
from inittui.analysis.statistics import LEVEL

NAMED = 6  # arms that a sentence names
EVERY_ONE = "Every comparison by itself, with speed and models: 'inittui report --format json'."
_STUCK = re.compile("does not learn: it stays at chance|learns: both stay at chance")


def sentences(document: Mapping[str, Any]) -> list[str]:
    """Everything: notes first, then the verdicts, then what stands beside them."""
    return notes(document) + verdicts(document) + asides(document)


def notes(document: Mapping[str, Any]) -> list[str]:
    """What has to be known before believing a figure: other data than asked for, what failed, means that hide two kinds."""
    found = [f"Data: {document['data']['note']}."] if document["data"]["note"] else []
    found += [f"{arm['name']} {arm['status']}: {arm['reason']}." for arm in document["arms"] if arm["reason"]]
    if document.get("resumed"):
        found.append(f"Resumed from checkpoints, {document['resumed']}.")
    if document.get("reason"):
        found.append(f"The run failed: {document['reason']}.")
    found += [words for arm in document["arms"] if (words := _failures(arm))]
    return found + _given_up(document)


def _given_up(document: Mapping[str, Any]) -> list[str]:
    """What was trained no further: in one sentence, since a sweep may have hundreds of them."""
    after: dict[str, int] = {}
    for arm in document["arms"]:
        epochs = [replica["given_up"] for replica in arm["replicas"] if replica.get("given_up")]
        if epochs:
            seeds = len(arm["replicas"])
            after[arm["name"] + (f" ({len(epochs)} of {seeds} seeds)" if seeds > 1 else "")] = epochs[0]
    if not after:
        return []
    names, longest = list(after), max(after.values())
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    told = "; ".join(names[:NAMED])
    return [
        f"Stopped at chance after {longest} epoch{'s' if longest > 1 else ''}, and counted as they stood: {told}{more}."
    ]


def _failures(arm: Mapping[str, Any]) -> str:
    """Of an arm that learns from some seeds and not from others: how many, and what the mean of those that do is."""
    failures = arm.get("failures")
    if arm["status"] != "finished" or not failures or not 0 < failures["at_chance"] < failures["n"]:
        return ""
    stuck, count = failures["at_chance"], failures["n"]
    others = failures["others"] or {"mean": math.nan, "std": None}  # a file may say what it likes
    mean = f"{100 * others['mean']:.2f} %" + (f" ± {100 * others['std']:.2f}" if others["std"] is not None else "")
    verb, rest = ("stays" if stuck == 1 else "stay"), count - stuck
    return f"{arm['name']}: {stuck} of {count} seeds {verb} at chance; the other{'s' * (rest > 1)} ({rest}): {mean}."


def verdicts(document: Mapping[str, Any]) -> list[str]:
    """A sentence a comparison; with one seed a single one for all, since more would only repeat what it proves, and beside
    it what is known of the two trained models."""
    comparisons = document["comparisons"]
    if _is_large_sweep(document):
        return _row_by_row(document) + _corrected(comparisons, swept=True) + [EVERY_ONE]
    single = {arm["name"] for arm in document["arms"] if len(arm["replicas"]) == 1}
    learning = [row for row in comparisons if row["n"] == 1 and not _is_stuck(row) and {row["a"], row["b"]} <= single]
    if len(learning) < 2:
        told = [_sentence(row["verdict"]) for row in comparisons]
        told += [words for row in learning if (words := _two_models(document, row["a"], row["b"]))]
        return told + _corrected(comparisons, swept=bool(document.get("sweep")))
    names = {name for row in learning for name in (row["a"], row["b"])}
    ranked = sorted(
        ((arm["test_accuracy"]["mean"], arm["name"]) for arm in document["arms"] if arm["name"] in names), reverse=True
    )
    (first, best), (second, runner_up), (last, worst) = ranked[0], ranked[1], ranked[-1]
    told = [
        f"{best} comes out highest, {100 * (first - second):.2f} points ahead of {runner_up} and "
        f"{100 * (first - last):.2f} ahead of {worst}, on one seed, which proves nothing: add --seeds 10."
    ]
    told += [words] if (words := _two_models(document, runner_up, best)) else []
    return told + [_sentence(row["verdict"]) for row in comparisons if row not in learning]


def _is_large_sweep(document: Mapping[str, Any]) -> bool:
    """Whether a sentence a comparison would bury what they say together."""
    return bool(document.get("sweep")) and len(document["comparisons"]) > NAMED


def _row_by_row(document: Mapping[str, Any]) -> list[str]:
    """A sentence for every two schemes of a sweep: at which of its values the one is higher, the other, or neither."""
    rows = sorted(document["sweep"]["rows"], key=len, reverse=True)  # a name may begin with another
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for one in document["comparisons"]:
        (a, value), (b, _) = (_parted(one[side], rows) for side in ("a", "b"))
        found.setdefault((a, b), {}).setdefault(_outcome(one), []).append(value)
    told = []
    for (a, b), outcomes in found.items():
        words = [f"{OUTCOMES[kind].format(a=a)} at {_some(outcomes[kind])}" for kind in OUTCOMES if kind in outcomes]
        told.append(f"{b} against {a}: {'; '.join(words)}.")
    pairs, needed = max(row["n"] for row in document["comparisons"]), document["design"]["pairs_needed"]
    if 1 < pairs < needed:
        told.append(f"Indicative only: so many comparisons need {needed} seeds or more, here are {pairs}.")
    return told


def _parted(name: str, rows: Sequence[str]) -> tuple[str, str]:
    """An arm of a sweep as its row and what it was swept to."""
    row = next((row for row in rows if name.startswith(f"{row}, ")), name)
    return row, name[len(row) + 2 :]


# What a comparison of a sweep comes to, in the order in which it is told, of `b` against `a`.
OUTCOMES = {
    "higher": "higher",
    "lower": "lower",
    "open": "no difference established",
    "ahead": "ahead on one seed, which proves nothing,",
    "behind": "behind on one seed, which proves nothing,",
    "level": "level on one seed, which proves nothing,",
    "learns": "learns, and {a} stays at chance,",
    "stuck": "stays at chance, and {a} learns,",
    "neither": "both at chance",
    "none": "not compared",
}


def _outcome(row: Mapping[str, Any]) -> str:
    count, difference, stuck = row["n"], row["difference"], row["at_chance"]
    if not count:
        return "none"
    if count in (stuck["a"], stuck["b"]):
        return "neither" if stuck["a"] == stuck["b"] else "learns" if stuck["a"] == count else "stuck"
    if count == 1:
        return "ahead" if difference > 0 else "behind" if difference < 0 else "level"
    if not verdict.established(row):
        return "open"
    return "higher" if difference > 0 else "lower"


def _some(values: Sequence[str]) -> str:
    named = (
        ", ".join(values) if len(values) <= NAMED else f"{len(values):,} values, {values[0]} to {values[-1]} among them"
    )
    return named or "one value"


def _corrected(comparisons: list[Mapping[str, Any]], *, swept: bool) -> list[str]:
    tested = sum(row["p"] is not None for row in comparisons)
    if tested < 2:
        return []
    bases = {row["a"] for row in comparisons}
    against = f"All against {comparisons[0]['a']}" if len(bases) == 1 else f"All pairs of {len(bases) + 1} arms"
    if swept and len(bases) > 1:
        against = "Each scheme against the first one at the same swept values"
    if any(row.get("p_holm") is None for row in comparisons if row["p"] is not None):  # by an earlier version
        return [f"{against}; {tested} p-values, not corrected for their number."]
    return [f"{against}; p corrected for {tested} comparisons (Holm)."]


def asides(document: Mapping[str, Any]) -> list[str]:
    """What stands beside the verdicts and decides nothing: speed, and the trained models two by two."""
    if _is_large_sweep(document):
        return []
    design, speed = document.get("design"), document.get("speed", ())
    several = [row for row in document["comparisons"] if row["n"] > 1 and not _is_stuck(row)]
    found = []
    for row in several:
        of_pair = {one["metric"]: one for one in speed if (one["a"], one["b"]) == (row["a"], row["b"])}
        if design and design["target_cost"] is not None and len(of_pair) == 2:
            words = verdict.faster(of_pair["first_epoch_cost"], of_pair["epochs_to_cost"], design["target_cost"])
            found += [f"Speed, p not corrected: {words}."] if words else []
    return found + [words for row in several if (words := _models(document, row["a"], row["b"]))]


def _models(document: Mapping[str, Any], a: str, b: str) -> str:
    """Of several seeds: on how many of them the two trained models differ, which is no verdict on the schemes."""
    duel = _duel(document, a, b)
    if duel is None:
        return ""
    (a, b), rows = duel
    sure = [(only_a, only_b) for only_a, only_b, p in rows if p < LEVEL]
    ahead = sum(only_b > only_a for only_a, only_b in sure)
    found = f"differ on {len(sure)} of {len(rows)} seeds" if sure else f"differ on none of {len(rows)} seeds"
    who = f", {b} ahead on {ahead} of those" if sure else ""
    return f"As trained models, seed by seed, not as schemes: {a} and {b} {found} (McNemar's exact p < {LEVEL:g}){who}."


def _two_models(document: Mapping[str, Any], a: str, b: str) -> str:
    found = _duel(document, a, b)
    if found is None:
        return ""
    (a, b), ((only_a, only_b, p), *_) = found
    return (
        f"As two trained models, not as schemes: {b} alone is right on {only_b:,} test images, {a} alone on {only_a:,} "
        f"(McNemar's exact p = {p:.3g})."
    )


def _duel(document: Mapping[str, Any], a: str, b: str) -> tuple[tuple[str, str], list[tuple[int, int, float]]] | None:
    for row in document.get("models", ()):
        if {row["a"], row["b"]} == {a, b} and row["p"]:
            counts = list(zip(row["only_a"], row["only_b"], row["p"], strict=False))  # read from a file
            return ((a, b), counts) if row["a"] == a else ((a, b), [(right, left, p) for left, right, p in counts])
    return None


def _is_stuck(row: Mapping[str, Any]) -> bool:
    return _STUCK.search(row["verdict"]) is not None


def _sentence(words: str) -> str:
    # An arm's name keeps its case: only the verdicts that begin with a word of ours are capitalised.
    ours = words.startswith(("no ", "indicative", "not ", "neither "))
    return (words[0].upper() + words[1:] if ours else words) + "."
