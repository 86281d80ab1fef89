"""Makes the checks of `inittui doctor`, and yields each as soon as it is made."""

from collections.abc import Callable, Iterator
from pathlib import Path

from inittui.doctor.check import Check, System


def examine(system: System, runs_dir: Path, data_dir: Path, *, with_torch: bool = True) -> Iterator[Check]:
    """All checks. torch, whose import takes seconds, is imported meanwhile by another process, and its check comes last."""
    from inittui.doctor import folders, logout, machine, terminal

    probe = machine.TorchProbe() if with_torch else None
    try:
        yield from _made("python", machine.python)
        yield from _made("packages", machine.packages)
        gpus = machine.Gpus()
        try:
            gpus = machine.look_for_gpus()
        except Exception as error:  # an NVML that raises what it does not document
            yield _failed("gpu", error)
        else:
            yield from _made("gpu", lambda: machine.gpu(system, gpus))
        yield from _made("cores", lambda: machine.cores(system))
        yield from _made("memory", lambda: machine.memory(system))
        yield from _made("terminal", lambda: terminal.screen(system))
        yield from _made("locale", lambda: terminal.locale(system))
        yield from _made("logout", lambda: logout.logout(system))
        yield from _made("runs", lambda: folders.runs(runs_dir, system))
        yield from _made("data-dir", lambda: folders.data_folder(data_dir, system))
        yield from _made("data", lambda: folders.data(data_dir))
        yield from _made("presets", folders.presets)
        if probe is not None:
            answer, last_line = probe.answer()
            yield from _made("torch", lambda: machine.torch(answer, last_line, gpus))
    finally:
        if probe is not None:
            probe.close()


def _made(name: str, make: Callable[[], Check | list[Check]]) -> list[Check]:
    """The checks that `make` returns. If it raises, that is the finding, and the other checks go on."""
    try:
        made = make()
    except Exception as error:
        return [_failed(name, error)]
    return made if isinstance(made, list) else [made]


def _failed(name: str, error: Exception) -> Check:
    return Check(name, "note", f"could not be checked: {type(error).__name__}: {error}")
