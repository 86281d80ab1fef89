"""Which weight initialisation, why, and is the difference real? Trains the same network once per scheme, side by side, and
shows the costs live.
"""

from inittui import __version__
from inittui.cli import options
from inittui.cli.parser import Arguments, Options
from inittui.common.errors import UsageError, printable

ARGUMENTS = ""  # this is `inittui` without a command
EXAMPLES = (
    ("inittui", "Xavier against He on MNIST, 15 epochs"),
    ("inittui --preset digits", "seconds, on any machine, no download"),
    ("inittui --preset deep5 --seeds 10", "ten seeds per arm, and a verdict"),
    ("inittui --arm he_normal --arm 'normal(std=0.01)' --set 'model.hidden=[256,256]'", ""),
    ("inittui --preset digits --sweep model.depth=3,10,30", "each arm at three depths"),
    ("inittui --preset deep20 --on ray", "arms on Ray's nodes: docs/ray.md"),
    ("inittui --preset digits --json | jq .arms", "only the result, for a program"),
)
EXIT_CODES = options.WATCHING_CODES
MOST_THREADS = 1024
CHANGES = (
    "set",
    "sweep",
    "epochs",
    "stop_stuck",
    "precision",
    "seeds",
    "seed",
    "data",
)  # options that change the preset


def add_options(parser: Options) -> None:
    parser.add("--version", action="version", version=f"inittui {__version__}")
    what = parser.group("what to train")
    what.add(
        "--preset",
        metavar="NAME|FILE",
        help="a shipped preset, one of yours, or a TOML file (mnist3)",
        completes="presets",
    )
    what.add(
        "--arm",
        metavar="SCHEME",
        action="append",
        default=[],
        help="repeatable: replaces the preset's arms",
        completes="schemes",
    )
    what.add("--set", metavar="KEY=VALUE", action="append", default=[], help="repeatable: changes any preset key")
    what.add(
        "--sweep",
        metavar="KEY=A,B,C",
        action="append",
        default=[],
        help="repeatable: trains each arm once per value, as in model.depth=3,10,30",
    )
    what.add("--epochs", metavar="N", help="passes over the training images")
    what.add(
        "--stop-stuck",
        metavar="N",
        help="stops arms and seeds that are still at chance after N epochs and keeps their last result (default: trains all)",
    )
    what.add("--seeds", metavar="N|A,B,C", help="N seeds, from the preset's first seed on; or these seeds")
    what.add("--seed", metavar="S", help="one seed")
    what.add(
        "--precision",
        metavar="NAME",
        help="of matrix products: float32, bf16, or tf32 on a GPU (float32)",
        completes=("float32", "bf16", "tf32"),
    )
    what.add(
        "--data",
        metavar="NAME",
        help="auto, or a data set, as in mnist or digits; docs/presets.md lists them",
        completes="datasets",
    )
    where = parser.group("where")
    options.add_data_dir(where)
    where.add(
        "--device",
        metavar="NAME",
        default="auto",
        help="auto, cpu, cuda or cuda:N (auto)",
        completes=options.DEVICES,
    )
    where.add(
        "--threads",
        metavar="N",
        default=1,
        type=options.whole(range(1, MOST_THREADS + 1)),
        expected=f"a whole number from 1 to {MOST_THREADS}",
        help="threads per worker on a CPU (1)",
    )
    options.add_cluster(where, "this machine")
    options.add_runs_dir(where)
    how = parser.group("how it is shown")
    how.add("--plain", action="store_true", help="no dashboard: one line per epoch and arm, then the table")
    how.add("--json", action="store_true", help="as --plain, but standard output has only the result document")
    how.add(
        "--dry-run",
        action="store_true",
        help="shows the number of trainings and steps and the estimated time, and starts nothing",
    )
    how.add("--detach", action="store_true", help="starts the run, prints its name, returns")
    how.add(
        "--tensorboard",
        metavar="DIR",
        help="also writes the curves as TensorBoard event files during training, to DIR/RUN",
        completes="folder",
    )
    options.add_notify(how)
    options.add_screen(how)


def run(arguments: Arguments) -> int:
    from inittui.board.follower import Follower
    from inittui.cli.farewell import Farewell
    from inittui.cli.watch import watch
    from inittui.experiment import preset_files
    from inittui.experiment.overrides import Overrides
    from inittui.launch import notify, start_run
    from inittui.output import tensorboard_events
    from inittui.output.formats.tensorboard import TENSORBOARD

    overrides = Overrides(arms=arguments.arm, **{name: getattr(arguments, name) for name in CHANGES})
    if arguments.detach and arguments.json:
        raise UsageError(
            "--detach and --json: expected one of the two; 'inittui report RUN --format json' prints it later"
        )
    preset = preset_files.load(arguments.preset or preset_files.DEFAULT, overrides)
    data_dir, runs_dir, threads = options.data_dir(arguments), options.runs_dir(arguments), arguments.threads
    place = start_run.place_of(arguments.on, arguments.gpus_per_arm)
    event_files = TENSORBOARD.path(arguments.tensorboard) if arguments.tensorboard else None
    if arguments.dry_run:
        from inittui.launch import estimate

        lines = estimate.lines_of(
            preset, runs_dir=runs_dir, data_dir=data_dir, device=arguments.device, threads=threads, place=place
        )
        print("\n".join(map(printable, lines)))
        return 0
    notify.ask(arguments.notify)
    with Farewell() as farewell:
        run_dir, supervisor = start_run.begin(
            preset,
            runs_dir=runs_dir,
            data_dir=data_dir,
            device=arguments.device,
            threads=threads,
            place=place,
            created=farewell.about,
        )
        if event_files is not None:
            tensorboard_events.start(run_dir, event_files)
        if arguments.detach:
            print(run_dir.name, flush=True)
            return 0
        return watch(Follower(run_dir, run_dir.liveness), arguments, supervisor)
