"""`python -m inittui.supervisor RUN LOCK` trains the run in the folder RUN, and runs the user's command at its end.

LOCK is the descriptor of the run's lock, which `launch/process.py` holds and hands over. Standard input delivers a byte, or
ends, when that process writes nothing more into the run.
"""

import os
import sys
from pathlib import Path

from inittui.common import file_lock
from inittui.common.atomic_files import print_what_fits
from inittui.common.errors import InittuiError
from inittui.launch import notify
from inittui.record.run_directory import RunDir
from inittui.supervisor.process import Supervisor

if __name__ == "__main__":
    os.umask(0o077)
    print_what_fits()
    file_lock.adopt(int(sys.argv[2]))
    os.read(0, 1)
    try:
        supervisor = Supervisor(RunDir(Path(sys.argv[1])))
        code = supervisor.main()
        notify.run_command(supervisor.run, supervisor.status.state)
    except InittuiError as error:  # the run can't be read
        print(error, flush=True)
        code = error.exit_code
    sys.stderr.flush()
    os._exit(code)  # everything is on disk: an orderly end of torch takes a second in which the run would look alive
