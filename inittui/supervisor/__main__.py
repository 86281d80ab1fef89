"""`python -m inittui.supervisor RUN` trains the run in the folder RUN, and runs the user's command at its end."""

import os
import sys
from pathlib import Path

from inittui.common.atomic_files import print_what_fits
from inittui.common.errors import InittuiError
from inittui.launch import notify
from inittui.record.run_directory import RunDir
from inittui.supervisor.process import Supervisor

if __name__ == "__main__":
    os.umask(0o077)
    print_what_fits()
    try:
        supervisor = Supervisor(RunDir(Path(sys.argv[1])))
        code = supervisor.main()
        notify.run_command(supervisor.run, supervisor.status.state)
    except InittuiError as error:  # another supervisor has the run, or it can't be read
        print(error, flush=True)
        code = error.exit_code
    sys.stderr.flush()
    os._exit(code)  # everything is on disk: an orderly end of torch takes a second in which the run would look alive
