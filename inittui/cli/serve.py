"""`inittui serve`: the dashboard in a browser, on this machine or through ssh -L."""

import argparse
import contextlib
import getpass
import os
import shlex
import socket
import sys

from inittui.cli.run import runs_dir
from inittui.common.atomic_files import reason
from inittui.common.child_process import child_environment
from inittui.common.errors import RunError, UsageError, printable
from inittui.common.optional_extras import need
from inittui.record.run_directory import RunDir
from inittui.record.run_index import find, runs


def serve(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C. What trains is not touched by that, nor by closing a page."""
    port = _port(arguments.port)
    need("serve", "serve", "textual_serve")
    run = _run(arguments)
    from inittui.web.server import ADDRESS, DashboardServer, listen

    try:
        door = listen(port)
    except OSError as error:
        raise UsageError(
            f"--port {port}: can't listen on {ADDRESS}:{port} ({reason(error)}); expected a free port: give another, "
            "or 0 for any"
        ) from None
    # Pages find the modules that this process finds, wherever it was started.
    os.environ.update(child_environment())
    # A browser shows blocks and all colours, whatever the terminal of this command can do.
    words = [sys.executable, "-m", "inittui", "attach", str(run.path), "--no-ascii", "--theme", arguments.theme]
    server = DashboardServer(shlex.join(words), door, f"inittui {run.name}")
    print(printable(f"{run.name} is on {server.address}"))
    print(f"from another machine, type there: {tunnel(server.port)}")
    print("and open the same address there. Ctrl-C ends serving; training goes on.", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    return 0


def tunnel(port: int) -> str:
    """The command that brings the port to the machine that a person sits at: as they came here, where that is known."""
    host, ssh_port = socket.gethostname(), "22"
    came = os.environ.get("SSH_CONNECTION", "").split()  # client's address and port, this machine's address and port
    if len(came) == 4:
        host, ssh_port = came[2], came[3]
    other = [] if ssh_port == "22" else ["-p", ssh_port]
    return shlex.join(["ssh", *other, "-L", f"{port}:127.0.0.1:{port}", f"{getpass.getuser()}@{host}"])


def _run(arguments: argparse.Namespace) -> RunDir:
    """The run asked for; else the newest that is alive, else the newest. Raises RunError where there is none."""
    folder = runs_dir(arguments)
    if arguments.run:
        return find(folder, arguments.run)
    known = runs(folder)
    if not known:
        raise RunError(
            f"no run in '{folder}'; start one with 'inittui --detach', or give another folder with --runs-dir"
        )
    return next((run for run in known if run.alive()), known[0])


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise UsageError(f"--port {text}: expected a whole number from 1 to 65535, or 0 for any that is free")
    return int(text)
