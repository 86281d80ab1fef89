"""The folders of inittui in a user's home."""

from pathlib import Path
from typing import Literal

import platformdirs

from inittui.common.errors import UsageError


def user_folder(kind: Literal["config", "data", "cache"], instead: str) -> Path:
    """The folder for files of a kind; it need not exist. Raises UsageError if the home folder is unknown: no HOME, and a user
    id without an entry in passwd, as in many containers. The message advises to give `instead`."""
    try:
        path = Path(getattr(platformdirs, f"user_{kind}_dir")("inittui", appauthor=False))
    except RuntimeError:
        path = Path("~")
    if path.parts[:1] == ("~",):  # older versions of platformdirs raise no error
        raise UsageError(f"the home folder is unknown, and with it the folder for {kind}: set HOME, or give {instead}")
    return path
