"""`inittui.compare` and `inittui.load`: start a run from Python, or read one."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from msgspec.structs import replace

from inittui.api.arrays import arrays, store
from inittui.api.result import Result
from inittui.board.follower import Follower
from inittui.board.state import Board
from inittui.common.errors import RunError, UsageError, in_quotes, path_of
from inittui.common.user_code_refs import DATA, named
from inittui.experiment import preset_files
from inittui.experiment.dataset_files import default_data_dir
from inittui.experiment.datasets import AUTO
from inittui.experiment.overrides import Overrides
from inittui.experiment.python_values import plain, shown, table, text
from inittui.launch import process, start_run
from inittui.record.run_directory import DATA_NAME, RunDir
from inittui.record.run_index import default_runs_dir, find, word_for

POLL_SECONDS = 0.2
Row = str | Mapping[str, Any] | Callable[..., Any]


def compare(
    arms: Row | Iterable[Row] = (),
    *,
    preset: str | Path = preset_files.DEFAULT,
    seeds: int | Iterable[int] | None = None,
    epochs: int | None = None,
    data: object = None,
    set: Mapping[str, object] | None = None,
    sweep: Mapping[str, object] | None = None,
    data_dir: str | Path | None = None,
    runs_dir: str | Path | None = None,
    device: str = "auto",
    threads: int = 1,
    on: str | None = None,
    gpus_per_arm: float | None = None,
    progress: bool = True,
) -> Result:
    """Train the same network once per scheme and seed, side by side, and judge the difference.

    It starts the same detached supervisor as the command line, which writes the same run directory; `inittui attach` can
    watch it meanwhile. It shows a progress bar per arm, waits until the run has ended, and returns its result.

    Numbers, arrays and columns may be those of NumPy, pandas or torch. A function must be defined in a Python file.

    arms: schemes such as "he_normal", "normal(std=0.01)" or "./mine.py:my_init", your own functions, or whole rows as in a
        preset, such as {"init": "zeros", "model": {"activation": "tanh"}}; default: the preset's arms
    preset: a shipped preset, one of yours, or a TOML file
    seeds: how many, counted from the preset's first seed, or which
    epochs: default: as in the preset
    data: the name of a data set, your own function, or arrays (train_inputs, train_labels, test_inputs, test_labels), and the
        names of the classes if you like, which are stored in the run; default: as in the preset
    set: any other key of the preset, as in {"model.hidden": [256, 256], "training.optimizer": "sgd"}
    sweep: keys of model and training with their values, as in {"model.depth": [3, 10, 30]}: each arm once per value
    data_dir, runs_dir: where data sets and runs are kept; default: the user's folders
    device, threads: auto, cpu, cuda or cuda:N; threads per worker on a CPU
    on: "ray" for a cluster of this machine alone, "auto" for the one that RAY_ADDRESS names, "ray://HOST:PORT" for one
        behind Ray's client port; default: this machine without Ray
    gpus_per_arm: on Ray, an arm's share of a GPU, as in 0.25; default: a CPU
    progress: whether to show progress bars

    Ctrl-C (in a notebook: interrupt the kernel) stops the run, prints how to resume it, and raises KeyboardInterrupt. If an
    arm fails, nothing is raised: the result's `status` is "failed" and its `verdict` says why. Raises InittuiError for bad
    input.
    """
    if getattr(getattr(sys.modules.get("__main__"), "__spec__", None), "name", "") == "inittui.supervisor.__main__":
        raise UsageError(
            "inittui.compare is called by a file that a run imports; put it under: if __name__ == '__main__'"
        )
    changed = {} if set is None else table(set, "set")
    data = plain(data, "data") if isinstance(data, str) or callable(data) else data
    given = None if data is None or isinstance(data, str) else arrays(data)
    if isinstance(data, str) and named(data, DATA):
        changed, data = {**changed, "data.factory": data}, None
    overrides = Overrides(
        arms=_rows(arms),
        values=changed,
        swept={} if sweep is None else table(sweep, "sweep"),
        epochs=None if epochs is None else text(epochs, "epochs"),
        seeds=_seeds(plain(seeds, "seeds")),
        data=AUTO if given else cast("str | None", data),
        dashes="",
    )
    checked = preset_files.load(text(preset, "preset"), overrides)
    if given:
        checked = replace(checked, data=replace(checked.data, factory=DATA_NAME))
    threads = plain(threads, "threads")
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= 1024:
        raise UsageError(f"threads {text(threads, 'threads')}: expected a whole number from 1 to 1024")
    share = None if gpus_per_arm is None else text(gpus_per_arm, "gpus_per_arm")
    place = start_run.place_of(None if on is None else text(on, "on"), share, python=True)
    with _stopped_by_interrupt() as created:
        run, supervisor = start_run.begin(
            checked,
            runs_dir=_folder(runs_dir, "runs_dir", default_runs_dir),
            data_dir=_folder(data_dir, "data_dir", default_data_dir),
            device=text(device, "device"),
            threads=threads,
            option="device",
            place=place,
            prepare=lambda run: store(run, given) if given else None,
            created=created.append,
        )
        with _bars() if progress else contextlib.nullcontext(lambda _: None) as show:
            board = _watch(Follower(run, run.liveness), show)
    supervisor.wait()  # until it has written everything
    start_run.refuse_if_refused(run, board, supervisor)
    return Result(run)


def load(run: str | Path = "last", *, runs_dir: str | Path | None = None) -> Result:
    """The result of an existing run: its name, the beginning of one, a path, or "last". A run that still trains, or that
    failed, has its results so far. Raises RunError."""
    return Result(find(_folder(runs_dir, "runs_dir", default_runs_dir), text(run, "run")))


@contextlib.contextmanager
def _stopped_by_interrupt() -> Iterator[list[RunDir]]:
    """An interrupt in this context stops the runs that the caller has added to the list, and says how to reach them."""
    created: list[RunDir] = []
    try:
        yield created
    except KeyboardInterrupt:
        for run in created:
            print("stopping the run (interrupt again to leave at once)", file=sys.stderr)
            with contextlib.suppress(RunError):  # the run has ended meanwhile
                process.stop(run)
            _watch(Follower(run, run.liveness), lambda _: None)
            while run.alive():  # until it has written everything
                time.sleep(POLL_SECONDS)
            print(
                f"stopped. inittui.load({word_for(run)!r}) returns the results so far; "
                f"{in_quotes('resume', word_for(run))} continues it",
                file=sys.stderr,
            )
        raise


def _bars() -> contextlib.AbstractContextManager[Callable[[Board], None]]:
    from inittui.api.progress_bars import bars  # imports rich, which `progress=False` does not need

    return bars()


def _watch(follower: Follower, show: Callable[[Board], None]) -> Board:
    while True:
        board = follower.poll()
        show(board)
        if board.ended:
            return board
        time.sleep(POLL_SECONDS)


def _rows(arms: Row | Iterable[Row]) -> list[str | Mapping[str, Any]]:
    one = isinstance(arms, str | Mapping) or callable(arms)
    rows = plain([arms] if one else arms, "arms")
    for row in rows if isinstance(rows, list) else [rows]:
        if not isinstance(row, str | Mapping):
            raise UsageError(
                f"arms: {shown(row)}: expected a scheme such as 'he_normal', or a row such as {{'init': 'zeros'}}"
            )
    return list(rows)


def _seeds(seeds: Any) -> str | None:
    """In the form of the command line: `10` is how many, `1,2,3` and `7,` are which."""
    if seeds is None:
        return None
    return ",".join(text(seed, "seeds") for seed in seeds) + "," if isinstance(seeds, list) else text(seeds, "seeds")


def _folder(given: str | Path | None, where: str, default: Callable[[], Path]) -> Path:
    if given is None:
        return default()
    if not isinstance(given, str | os.PathLike):
        raise UsageError(f"{where}: {shown(given)}: expected the path of a folder")
    return path_of(text(given, where)).absolute()
