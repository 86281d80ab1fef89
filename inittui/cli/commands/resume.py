"""`inittui resume`: continues a run that is paused, stopped or interrupted."""

import argparse

from inittui.cli import options
from inittui.cli.parser import Options
from inittui.common.errors import RunError, UsageError, path_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from inittui.board.follower import Follower
    from inittui.launch.start_run import Place
    from inittui.record.run_directory import RunDir

ARGUMENTS = "RUN"
SUMMARY = "continue a run from its last checkpoint: paused, stopped, killed, or after a reboot"
DESCRIPTION = (
    "Continue a run from its last checkpoint, and show it. The run may be paused, stopped, killed, or have ended with a "
    "reboot. On a CPU with the same torch and number of threads the result is bit for bit the same as without the "
    f"interruption; a message says whether that holds. {options.RUN}"
)
EXAMPLES = (
    ("inittui resume last", "continue and show it"),
    ("inittui resume last --detach", "continue, print the name, return"),
    ("inittui resume last --device cuda:1", "on another device"),
    ("inittui resume last --on ray", "on Ray's nodes; --on here: back on this machine"),
)
EXIT_CODES = options.WATCHING_CODES
MOVING = ("--device", "--data-dir", "--notify", "--on", "--gpus-per-arm")  # options for a run that has ended
FIRST_EVENT_SECONDS = 15.0


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
    parser.add("--detach", action="store_true", help="print the run's name and return")
    options.add_notify(parser)
    options.add_screen(parser)
    parser.add("--plain", action="store_true", help="lines instead of the dashboard")


def run(arguments: argparse.Namespace) -> int:
    from inittui.board.follower import Follower
    from inittui.cli import arm_requests
    from inittui.cli.watch import watch
    from inittui.launch import notify, process, start_run

    run_dir = options.run_of(arguments)
    refresh = options.refresh(arguments)
    place = _place(run_dir, arguments)
    start_run.check_device(arguments.device or "auto", place=place)
    data_dir = path_of(arguments.data_dir).absolute() if arguments.data_dir else None
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
                f"'inittui resume {run_dir.name}' does that"
            )
        arm_requests.request(run_dir, "resume", arguments.arm)
        print(f"{arm_requests.described(run_dir, arguments.arm)} goes on")
        return 0
    supervisor = process.resume(run_dir, device=arguments.device, data_dir=data_dir, **place._asdict())
    if arguments.detach:
        print(run_dir.name)
        return 0
    follower = Follower(run_dir, run_dir.liveness)
    if supervisor is not None:
        _wait_for_first_event(run_dir, follower)
    return watch(run_dir, follower, arguments, refresh, supervisor)


def _place(run_dir: "RunDir", arguments: argparse.Namespace) -> "Place":
    """Where the run continues: where it was, unless the options say otherwise."""
    from inittui.launch import start_run

    status = run_dir.status()
    on = arguments.on if arguments.on is not None else status.on
    share_before = f"{status.gpus_per_arm:g}" if status.gpus_per_arm and on not in ("", "here") else None
    return start_run.place_of(on, arguments.gpus_per_arm or share_before)


def _wait_for_first_event(run_dir: "RunDir", follower: "Follower") -> None:
    """Wait for the new supervisor's first event. Until then the logs end with the old supervisor's end, and a viewer would
    exit."""
    from inittui.cli import arm_requests

    def resumed() -> bool:
        if not follower.poll().ended:
            return True
        if not run_dir.alive():
            raise RunError(f"run '{run_dir.name}' could not be resumed: {run_dir.last_words()}")
        return False

    if not arm_requests.wait_until(resumed, FIRST_EVENT_SECONDS):
        raise RunError(
            f"run '{run_dir.name}': its supervisor writes no event; 'inittui attach {run_dir.name}' looks again"
        )
