"""Check device, terminal, locale, data and folders, and say how to fix each fault.

The memory is checked too, and whether training outlives your logout.
"""

import os
import shutil
import sys

from inittui.cli import options
from inittui.cli.parser import Arguments, Options

ARGUMENTS = ""
EXAMPLES = (
    ("inittui doctor", "for people"),
    ("inittui doctor --json | jq '.[] | select(.state != \"ok\")'", "the faults and notes"),
)
EXIT_CODES = "0 no fault, 1 there is a fault, 2 bad input"


def add_options(parser: Options) -> None:
    options.add_runs_dir(parser)
    options.add_data_dir(parser)
    parser.add("--json", action="store_true", help="a list of objects with name, state, found and mend")


def run(arguments: Arguments) -> int:
    import json

    from inittui.doctor import render
    from inittui.doctor.check import here
    from inittui.doctor.examine import examine

    width = max(40, min(100, shutil.get_terminal_size().columns))
    colour = (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") not in ("", "dumb")
    )
    checks = []
    for check in examine(here(), options.runs_dir(arguments), options.data_dir(arguments)):
        checks.append(check)
        if not arguments.json:
            print("\n".join(render.lines(check, width, colour=colour)), flush=True)
    if arguments.json:
        rows = [
            {"name": check.name, "state": check.state, "found": check.finding, "mend": check.fix} for check in checks
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        print(f"\n{render.closing(checks)}")
    return 1 if any(check.state == "fault" for check in checks) else 0
