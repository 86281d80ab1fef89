"""A measured figure beside what it is measured against, and tables of them."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from inittui.common.cores import usable_cores


@dataclass(frozen=True)
class Figure:
    """`ratio` is that of this figure to `against`, as the unit makes it: speeds ours to theirs, times theirs to ours where
    `wanted` is a least, ours to theirs where it is a most."""

    what: str
    value: float
    unit: str
    ratio: float | None = None
    against: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool | None:
        if self.ratio is None or (self.least is None and self.most is None):
            return None
        return self.ratio >= (self.least or 0) and (self.most is None or self.ratio <= self.most)

    def row(self) -> list[str]:
        wanted = f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}" if self.most is not None else ""
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        verdict = {True: "yes", False: "NO", None: ""}[self.met]
        return [self.what, f"{self.value:,.4g} {self.unit}", ratio, self.against, wanted, verdict]


HEAD = ["figure", "value", "ratio", "against", "wanted", "met"]


def tell(figures: Sequence[Figure]) -> None:
    """Print them as one Markdown table."""
    rows = [HEAD, *(figure.row() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:
        print("| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) + " |")


def machine() -> dict[str, object]:
    """What the figures depend on."""
    name = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "processor": name,
        "cores": usable_cores(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "torch": torch.__version__,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def write(path: Path, figures: Sequence[Figure]) -> None:
    document = {"machine": machine(), "figures": [asdict(figure) | {"met": figure.met} for figure in figures]}
    path.write_text(json.dumps(document, indent=2) + "\n")
