"""Continue a run from its last checkpoint: paused, stopped, killed, or after a reboot.

Afterwards the run is shown. On a CPU with the same torch and number of threads the result is bit for bit the same as without
the interruption; a message says whether that holds.
"""

from inittui.cli import options
from inittui.cli.parser import Arguments, Options
from inittui.common.errors import UsageError, in_quotes

ARGUMENTS = "RUN"
EXAMPLES = (
    ("inittui resume last", "continue and show it"),
    ("inittui resume last --detach", "continue, print the name, return"),
    ("inittui resume last --device cuda:1", "on another device"),
    ("inittui resume last --take-over", "if its host has another name now, or is gone"),
    ("inittui resume last --on ray", "on Ray's nodes; --on here: back on this machine"),
)
EXIT_CODES = options.WATCHING_CODES
MOVING = ("--device", "--data-dir", "--notify", "--on", "--gpus-per-arm", "--force")  # options for a run that has ended


def add_options(parser: Options) -> None:
    options.add_run(parser)
    options.add_arm(parser)
    parser.add(
        "--device",
        metavar="NAME",
        help="where it continues (where it was): auto, cpu, cuda or cuda:N",
        completes=options.DEVICES,
    )
    options.add_data_dir(parser, "where they were")
    options.add_cluster(parser, "where it was")
    parser.add(
        "--force",
        action="store_true",
        help="continue with changed data or own code; the result then mixes both versions",
    )
    parser.add(
        "--take-over",
        action="store_true",
        help="continue a run of another host here; it must not train there any more: two supervisors would damage it",
    )
    parser.add("--detach", action="store_true", help="print the run's name and return")
    options.add_notify(parser)
    options.add_screen(parser)
    parser.add("--plain", action="store_true", help="lines instead of the dashboard")


def run(arguments: Arguments) -> int:
    from inittui.board.follower import Follower
    from inittui.cli import arm_requests
    from inittui.cli.farewell import Farewell
    from inittui.cli.watch import watch
    from inittui.launch import notify, process, start_run
    from inittui.record.run_index import word_for

    run_dir = options.run_of(arguments)
    before = run_dir.status()
    on = before.on if arguments.on is None else arguments.on
    share_before = f"{before.gpus_per_arm:g}" if before.gpus_per_arm and on not in ("", "here") else None
    place = start_run.place_of(on, arguments.gpus_per_arm or share_before)
    start_run.check_device(arguments.device or "auto", place=place)
    moving = [option for option in MOVING if getattr(arguments, option.removeprefix("--").replace("-", "_"))]
    if run_dir.alive() and moving:
        raise UsageError(
            f"run '{run_dir.name}' is alive: {' and '.join(moving)} {'are' if len(moving) > 1 else 'is'} for a run that "
            "has ended"
        )
    notify.ask(arguments.notify)
    if arguments.arm is not None:
        if not run_dir.alive():
            raise UsageError(
                f"--arm {arguments.arm}: run '{run_dir.name}' is not alive, and only a whole run can be continued; "
                f"{in_quotes('resume', word_for(run_dir))} does that"
            )
        print(f"{arm_requests.request(run_dir, 'resume', arguments.arm)} goes on")
        return 0
    length = arm_requests.log_length(run_dir)
    with Farewell(run_dir):
        supervisor = process.resume(
            run_dir,
            device=arguments.device,
            data_dir=arguments.data_dir,
            force=arguments.force,
            take_over=arguments.take_over,
            **place._asdict(),
        )
        follower = Follower(run_dir, run_dir.liveness)
        if supervisor is not None:
            arm_requests.wait_for_first_event(follower, length)
        if arguments.detach:
            print(run_dir.name, flush=True)
            return 0
        return watch(follower, arguments, supervisor)
