"""The arms of several runs as one result document, compared as the arms of one run are."""

from collections import Counter
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from inittui.analysis import comparisons, result_document
from inittui.common import formatting
from inittui.common.errors import RunError
from inittui.experiment.preset import Arm, Preset
from inittui.record.result_schema import ResultDocument
from inittui.record.run_directory import RunDir


def document_of_runs(runs: Sequence[RunDir], *, baseline: str | None = None, all_pairs: bool = False) -> ResultDocument:
    """One document with all arms of `runs` and comparisons between them. An arm's `changes` are the differences between its
    network and training and those of the first arm. A name that several runs have becomes `ARM@RUN`.

    Raises RunError if a run can't be read or has other data than the first, UsageError if `baseline` is no arm.
    """
    documents = [result_document.read(run)[0] for run in runs]
    presets = [run.preset() for run in runs]
    for run, document, preset in zip(runs, documents, presets, strict=True):
        if len(document.arms) != len(preset.arms):
            raise RunError(f"run '{run.name}': result.json is of another run: it has other arms")
    digests = [run.status().fingerprints.get("data", "") for run in runs]
    known = digests if all(digests) else [""] * len(runs)  # runs of earlier versions have none
    expected, *others = map(_examples, documents, presets, known)
    for run, examples in zip(runs[1:], others, strict=True):
        if examples != expected:
            raise RunError(
                f"run '{run.name}' has {examples}, run '{runs[0].name}' {expected}: their accuracies can't be compared; "
                "expected runs on the same images"
            )
    names = Counter(arm.name for document in documents for arm in document.arms)
    arms = tuple(
        replace(
            arm,
            name=f"{arm.name}@{run.name}" if names[arm.name] > 1 else arm.name,
            changes=_changes(presets[0].arms[0], of_preset),
        )
        for run, document, preset in zip(runs, documents, presets, strict=True)
        for arm, of_preset in zip(document.arms, preset.arms, strict=True)
    )
    first = documents[0]
    targets = {document.design.target_cost if document.design else None for document in documents}
    compared = comparisons.compared(
        arms,
        chance=first.design.chance if first.design else 0.0,
        target=targets.pop() if len(targets) == 1 else None,  # arms can't be timed to two targets
        baseline=baseline,
        all_pairs=all_pairs,
    )
    return replace(
        first,
        run=" and ".join(run.name for run in runs),
        title="runs compared",
        status="finished" if all(document.status == "finished" for document in documents) else "mixed",
        reason="",
        resumed="",
        device=" and ".join(dict.fromkeys(document.device for document in documents if document.device)),
        seconds=round(sum(document.seconds for document in documents), 3),
        arms=arms,
        design=compared.design,
        comparisons=tuple(
            row if row.n else replace(row, verdict=f"{row.a} and {row.b} are not compared: they share no seed")
            for row in compared.comparisons
        ),
        speed=compared.speed,
        models=(),
    )


def _examples(document: ResultDocument, preset: Preset, digest: str) -> str:
    """The examples of training and test, in words. Equal words mean equal examples. Of a user's own data the SHA-256 `digest`
    decides, if there is one, since a file can change."""
    data = document.data
    own = f" of {preset.data.factory}" if preset.data.factory else ""
    if own and digest:
        own = f" with SHA-256 {digest[:12]}…"
    unscaled = "" if preset.data.scale_test else ", test pixels not scaled"
    return f"{data.title}{own}, {data.train:,} training and {formatting.count(data.test, 'test image')}{unscaled}"


def _changes(first: Arm, other: Arm) -> tuple[str, ...]:
    """The differences between the network and training of `other` and those of `first`, as keys of a preset."""
    return tuple(
        f"{section}.{key} = {msgspec.json.encode(theirs).decode()}"
        for section in ("model", "training")
        for key, theirs in msgspec.to_builtins(getattr(other, section)).items()
        if theirs != msgspec.to_builtins(getattr(getattr(first, section), key)) and key not in ("seeds", "target_cost")
    )
