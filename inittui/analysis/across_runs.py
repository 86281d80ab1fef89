"""The arms of several runs, compared as those of one run are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from inittui.analysis import comparisons
from inittui.analysis.reading import document_of
from inittui.common.errors import RunError
from inittui.experiment.preset import Arm, Preset
from inittui.record.run_directory import RunDir


def of_runs(runs: Sequence[RunDir], *, baseline: str | None = None, all_pairs: bool = False) -> dict[str, Any]:
    """A result document of all arms of `runs`, with comparisons of their own. What an arm's network and training have
    otherwise than the first arm's is among its changes.

    Raises RunError where a run can't be read, or has other images than the first.
    """
    documents = [document_of(run)[0] for run in runs]
    presets = [run.preset() for run in runs]
    first = documents[0]
    for run, document, preset in zip(runs, documents, presets, strict=True):
        if len(document["arms"]) != len(preset.arms):
            raise RunError(f"run '{run.name}': result.json is of another run: it has other arms")
    for run, document, preset in zip(runs[1:], documents[1:], presets[1:], strict=True):
        ours, theirs = _images(first, presets[0]), _images(document, preset)
        if ours != theirs:
            raise RunError(
                f"run '{run.name}' has {theirs}, run '{runs[0].name}' {ours}: their accuracies can't be compared; "
                "expected runs on the same images"
            )
    arms = _arms(runs, documents, presets)
    targets = {(document.get("design") or {}).get("target_cost") for document in documents}
    compared = comparisons.compared(
        arms,
        chance=(first.get("design") or {}).get("chance", 0.0),
        target=targets.pop() if len(targets) == 1 else None,  # two targets can't be timed to
        baseline=baseline,
        all_pairs=all_pairs,
    )
    for row in compared["comparisons"]:
        if not row["n"]:
            row["verdict"] = f"{row['a']} and {row['b']} are not compared: they share no seed"
    return {
        **first,
        "run": " and ".join(run.name for run in runs),
        "title": "runs compared",
        "status": "finished" if all(document["status"] == "finished" for document in documents) else "mixed",
        "reason": "",
        "resumed": "",
        "device": " and ".join(dict.fromkeys(document["device"] for document in documents if document["device"])),
        "seconds": round(sum(document["seconds"] for document in documents), 3),
        "arms": arms,
        **compared,
        "models": [],
    }


def _images(document: Mapping[str, Any], preset: Preset) -> str:
    """What a run was trained and tested on, in words; the same words mean the same images."""
    data = document["data"]
    own = f" of {preset.data.factory}" if preset.data.factory else ""
    unscaled = "" if preset.data.scale_test else ", test pixels not scaled"
    return f"{data['title']}{own}, {data['train']:,} training and {data['test']:,} test images{unscaled}"


def _arms(
    runs: Sequence[RunDir], documents: Sequence[Mapping[str, Any]], presets: Sequence[Preset]
) -> list[dict[str, Any]]:
    of_first = presets[0].arms[0]
    names = Counter(arm["name"] for document in documents for arm in document["arms"])
    return [
        {
            **arm,
            "name": f"{arm['name']}@{run.name}" if names[arm["name"]] > 1 else arm["name"],
            "changes": _changes(of_first, of_preset),
        }
        for run, document, preset in zip(runs, documents, presets, strict=True)
        for arm, of_preset in zip(document["arms"], preset.arms, strict=True)
    ]


def _changes(first: Arm, other: Arm) -> list[str]:
    """What the network and the training of `other` have otherwise than those of `first`, as keys of a preset."""
    found = []
    for section in ("model", "training"):
        ours, theirs = (msgspec.to_builtins(getattr(arm, section)) for arm in (first, other))
        found += [
            f"{section}.{key} = {msgspec.json.encode(value).decode()}"
            for key, value in theirs.items()
            if value != ours.get(key) and key not in ("seeds", "target_cost")
        ]
    return found
