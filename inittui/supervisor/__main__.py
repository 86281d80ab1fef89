"""`python -m inittui.supervisor RUN` trains the run in the folder RUN."""

import os
import sys
from pathlib import Path

from inittui.supervisor.process import main

if __name__ == "__main__":
    code = main(Path(sys.argv[1]))
    sys.stderr.flush()
    os._exit(code)  # all is on disk: taking torch down in order takes a second in which the run would still look alive
