"""Makes the checks of `inittui doctor`, and yields each as soon as it is made."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from inittui.doctor import folders, logout, machine, terminal
from inittui.doctor.check import Check, System


def examine(system: System, runs_dir: Path, data_dir: Path) -> Iterator[Check]:
    """All checks. torch, whose import takes seconds, is imported meanwhile by another process, and its check comes last."""
    gpus = machine.Gpus()

    def gpu() -> Check:
        nonlocal gpus
        gpus = machine.look_for_gpus()
        return machine.gpu(system, gpus)

    with ThreadPoolExecutor() as pool:
        torch = pool.submit(machine.import_torch)
        checks: tuple[tuple[str, Callable[[], Check | list[Check]]], ...] = (
            ("python", machine.python),
            ("packages", machine.packages),
            ("gpu", gpu),
            ("cores", lambda: machine.cores(system)),
            ("memory", lambda: machine.memory(system)),
            ("terminal", lambda: terminal.screen(system)),
            ("locale", lambda: terminal.locale(system)),
            ("logout", lambda: logout.logout(system)),
            ("runs", lambda: folders.runs(runs_dir)),
            ("data-dir", lambda: folders.data_folder(data_dir)),
            ("data", lambda: folders.data(data_dir)),
            ("presets", folders.presets),
            ("torch", lambda: machine.torch(*torch.result(), gpus)),
        )
        for name, check in checks:
            try:
                made = check()
            except Exception as error:  # the other checks go on
                made = Check(name, "note", f"could not be checked: {type(error).__name__}: {error}")
            yield from made if isinstance(made, list) else [made]
