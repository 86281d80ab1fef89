"""A measured figure, what it is compared with, and a table of figures."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from inittui.common.cores import usable_cores


@dataclass(frozen=True)
class Figure:
    """A measured value. `ratio` compares it with `against`, so that more is better for a speed, less for a cost.

    `least` and `most` are targets for the ratio, or for the value when there is no ratio.
    """

    what: str
    value: float
    unit: str
    ratio: float | None = None
    against: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.least is None and self.most is None:
            return None
        judged = self.value if self.ratio is None else self.ratio
        return (self.least is None or judged >= self.least) and (self.most is None or judged <= self.most)

    def row(self) -> list[str]:
        target = f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}" if self.most is not None else ""
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        met = {True: "yes", False: "NO", None: ""}[self.met]
        return [self.what, f"{self.value:,.4g} {self.unit}", ratio, self.against, target, met]


def compared(
    what: str,
    value: float,
    unit: str,
    baseline: float,
    against: str,
    *,
    least: float | None = None,
    most: float | None = None,
) -> Figure:
    """The figure `value` over `baseline`, which was measured in turn with it."""
    ratio = value / baseline if baseline else None
    return Figure(what, value, unit, ratio, f"{against}: {baseline:.3g} {unit}", least, most)


HEAD = ["figure", "value", "ratio", "against", "target", "met"]


def show(figures: Sequence[Figure]) -> None:
    """Print them as one Markdown table."""
    rows = [HEAD, *(figure.row() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:
        print("| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) + " |")


def machine(*, with_torch: bool = True) -> dict[str, object]:
    """What the figures depend on. Without `with_torch` torch is not imported: a small process forks faster."""
    cpus = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in cpus.read_text().splitlines() if line.startswith("model name")]
    described: dict[str, object] = {
        "processor": names[0] if names else platform.machine(),
        "cores": usable_cores(),
        "load": round(os.getloadavg()[0], 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{name: version(name) for name in ("textual", "msgspec", "torch")},
    }
    if with_torch:
        import torch

        described["instructions"] = torch.backends.cpu.get_cpu_capability()
        described["gpu"] = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return described


def heading(described: dict[str, object]) -> str:
    return ", ".join(f"{key} {value}" for key, value in described.items() if value is not None)


def write(path: Path, figures: Sequence[Figure], described: dict[str, object]) -> None:
    document = {"machine": described, "figures": [asdict(figure) | {"met": figure.met} for figure in figures]}
    path.write_text(json.dumps(document, indent=2) + "\n")
