"""Show the dashboard in a browser, on 127.0.0.1 only, for ssh -L: --port.

It requires the token in the address that it prints; for another machine it prints the ssh -L command to type there. Closing
the page does not affect training.
"""

import os
import sys

from inittui.cli import options
from inittui.cli.parser import Arguments, Options
from inittui.common.errors import UsageError

ARGUMENTS = "[RUN]"
EXAMPLES = (
    ("inittui serve", "the newest run that is alive"),
    ("inittui serve last --port 8080", "on another port"),
)
EXIT_CODES = "0 after Ctrl-C, 2 bad input, or a port in use"


def add_options(parser: Options) -> None:
    options.add_optional_run(parser)
    parser.add(
        "--port",
        metavar="N",
        default=8000,
        type=options.whole(range(65536)),
        expected="a whole number from 1 to 65535, or 0 for any free port",
        help="port to listen on; 0 takes any free port (8000)",
    )
    options.add_theme(parser)


def run(arguments: Arguments) -> int:
    import contextlib
    import shlex
    import socket

    from inittui.cli.farewell import what_became_of
    from inittui.common.child_process import child_environment
    from inittui.common.optional_extras import need
    from inittui.record.run_index import find

    need("serve", "serve", "textual_serve")
    run_dir = options.run_or_newest_alive(arguments) or find(options.runs_dir(arguments), "last")
    from inittui.web.server import ADDRESS, DashboardServer

    port = arguments.port
    try:
        listener = socket.create_server((ADDRESS, port))
    except OSError as error:
        why = os.strerror(error.errno or 0).lower()
        raise UsageError(
            f"--port {port}: can't listen on {ADDRESS}:{port} ({why}); expected a free port: give another, or 0 for any"
        ) from None
    # Pages import the modules that this process imports, wherever it was started.
    os.environ.update(child_environment())
    # A browser shows blocks and all colours, whatever the terminal of this command can show.
    viewer = [sys.executable, "-m", "inittui", "attach", str(run_dir.path), "--no-ascii", "--theme", arguments.theme]
    server = DashboardServer(shlex.join(viewer), listener, f"inittui {run_dir.name}")
    print(f"{run_dir.name} is on {server.address}")
    print(f"from another machine, type there: {_tunnel(server.port)}")
    print("and open the same address there. Ctrl-C ends serving; training goes on.", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    print(what_became_of(run_dir), file=sys.stderr)
    return 0


def _tunnel(port: int) -> str:
    """The ssh command that forwards the port to the person's machine, with the address of their present connection."""
    import contextlib
    import getpass
    import shlex
    import socket

    host, ssh_port = socket.gethostname(), "22"
    connection = os.environ.get("SSH_CONNECTION", "").split()  # address and port of the client, then of this machine
    if len(connection) == 4:
        host, ssh_port = connection[2:]
    other_port = [] if ssh_port == "22" else ["-p", ssh_port]
    user = ""
    with contextlib.suppress(KeyError, OSError):  # the user id has no entry in passwd, as in many containers
        user = f"{getpass.getuser()}@"
    return shlex.join(["ssh", *other_port, "-L", f"{port}:127.0.0.1:{port}", f"{user}{host}"])
