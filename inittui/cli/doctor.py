"""`inittui doctor`: what this machine has, and how to fix what is missing."""

import argparse
import os
import sys

from inittui.cli.run import runs_dir
from inittui.common.errors import path_of
from inittui.doctor import render
from inittui.doctor.check import Check, columns, here
from inittui.doctor.examine import examine
from inittui.experiment.dataset_files import default_data_dir


def doctor(arguments: argparse.Namespace) -> int:
    """The command. Exit code 1 where there is a fault."""

    folder = runs_dir(arguments)
    data_dir = path_of(arguments.data_dir).absolute() if arguments.data_dir else default_data_dir()
    checks: list[Check] = []
    colour = (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") not in ("", "dumb")
    )
    for check in examine(here(), folder, data_dir):
        checks.append(check)
        if not arguments.json:
            print("\n".join(render.lines(check, columns(), colour=colour)), flush=True)
    if arguments.json:
        import json
        from dataclasses import asdict

        print(json.dumps([asdict(check) for check in checks], indent=2, ensure_ascii=False))
    else:
        print(f"\n{render.closing(checks)}")
    return 1 if any(check.state == "fault" for check in checks) else 0
