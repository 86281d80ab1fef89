"""The machine in one line: GPU, cores, load and memory."""

from dataclasses import dataclass

from inittui.common import formatting
from inittui.tui.draw.charts import bar
from inittui.tui.draw.glyphs import Glyphs
from inittui.tui.draw.rows import Row, width_of
from inittui.tui.widgets.board_view import BoardPanel
from inittui.tui.widgets.panel import drawn


@dataclass(frozen=True)
class Gpu:
    """One sample of a GPU, through NVML. Shares are 0 to 1, memory in bytes; None where the driver gives no value."""

    utilisation: float | None
    memory_used: int
    memory_total: int
    memory_ours: int | None
    watts: float | None
    celsius: int | None


@dataclass(frozen=True)
class Machine:
    """One sample of the machine. `load` is the mean of runnable processes over a minute."""

    cpu: float
    cores: int
    load: float
    memory_used: int
    memory_total: int
    memory_ours: int
    gpu: Gpu | None = None


class MachinePanel(BoardPanel):
    """Without a border."""

    NAME = "machine"
    TAKES = ("machine",)
    BORDERED = False
    machine: drawn[Machine | None] = drawn(None)

    def paint(self, width: int, height: int) -> list[Row]:  # noqa: ARG002
        """The values that fit, the GPU first."""
        machine = self.machine
        if machine is None:
            return [[(" ", "")]]
        groups: list[Row] = []
        gpu = machine.gpu
        if gpu is not None:
            if gpu.utilisation is not None:
                groups.append(_meter("GPU", gpu.utilisation, self.glyphs, wide=width >= 110))
            groups.append(_memory("GPU memory", gpu.memory_used, gpu.memory_total, gpu.memory_ours))
            if gpu.watts is not None and gpu.celsius is not None:
                groups.append([(f"{gpu.watts:.0f} W {gpu.celsius} °C", "")])
        cores = formatting.count(machine.cores, "core")
        groups.append(_meter(f"CPU {cores}", machine.cpu, self.glyphs, wide=width >= 76))
        groups.append([("load ", "dim"), (f"{machine.load:.1f}", "")])
        groups.append(_memory("memory", machine.memory_used, machine.memory_total, machine.memory_ours))
        row: Row = [(" ", "")]
        for group in groups:
            if width_of(row) + width_of(group) + 3 > width:
                break
            row += [*group, ("   ", "")]
        return [row]


def _meter(name: str, share: float, glyphs: Glyphs, *, wide: bool) -> Row:
    gauge = [*bar(share, 10, glyphs, "accent"), (" ", "")] if wide else []
    return [(f"{name} ", "dim"), *gauge, (f"{100 * share:3.0f} %", "")]


def _memory(name: str, used: int, total: int, ours: int | None) -> Row:
    of_run = f" ({formatting.gigabytes(ours)} ours)" if ours is not None else ""
    return [(f"{name} ", "dim"), (f"{formatting.gigabytes(used)} of {formatting.gigabytes(total)} GB{of_run}", "")]
