"""What the terminal can show, as far as the environment tells, and a screen that nothing but the dashboard writes on."""

import codecs
import contextlib
import io
import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import IO, Literal

from inittui.common.errors import printable
from inittui.tui.draw.glyphs import Look

Colours = Literal["24-bit", "256", "16", "grey"]
Theme = Literal["auto", "dark", "light"]

TOLD = 4096  # bytes of what others printed that are told afterwards
# They send no COLORTERM through SSH, and their names do not end in a number of colours.
_DIRECT = ("alacritty", "contour", "foot", "ghostty", "kitty", "wezterm", "xterm-ghostty", "xterm-kitty")
_PLAIN_FONT = ("linux", "vt100", "vt102", "vt220")  # the kernel's console has no font with Braille
_ESCAPES = re.compile(r"\x1b\[[0-9:;<=>?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]")


def given_environment(path: Path = Path("/proc/self/environ")) -> dict[str, str]:
    """The environment as this process was given it.

    Under LANG=C Python turns the locale into UTF-8 and sets LC_CTYPE in os.environ, which says nothing of the terminal.
    """
    try:
        pairs = path.read_bytes().split(b"\0")
    except OSError:  # no /proc
        return dict(os.environ)
    return {
        os.fsdecode(name): os.fsdecode(value) for name, _, value in (pair.partition(b"=") for pair in pairs) if name
    }


def locale_of(environment: Mapping[str, str]) -> tuple[str, str]:
    """The variable that decides on the terminal's encoding with its value; two empty strings where none is set."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if value := environment.get(name):
            return name, value
    return "", ""


def shows_blocks(environment: Mapping[str, str]) -> bool:
    """Whether blocks and Braille can be shown: not in a locale that says otherwise, nor on the kernel's own console.

    Where no locale is set at all (`docker exec`, cron) the terminal is most likely one of UTF-8.
    """
    value = locale_of(environment)[1].lower()
    if environment.get("TERM", "") in _PLAIN_FONT:
        return False
    return not value or "utf-8" in value or "utf8" in value


def background(choice: str, environment: Mapping[str, str]) -> Literal["dark", "light"]:
    """The theme for `choice`; `auto` looks at COLORFGBG, which some terminals set to their colours' numbers."""
    if choice == "auto":
        choice = "light" if environment.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15") else "dark"
    return "light" if choice == "light" else "dark"


def colours(environment: Mapping[str, str]) -> Colours:
    """How many colours the dashboard uses: what Textual finds in an environment that went through `prepare`."""
    if environment.get("NO_COLOR"):
        return "grey"
    term = environment.get("TERM", "").strip().lower()
    if environment.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit") or _is_direct(environment):
        return "24-bit"
    return "256" if term.endswith(("-256color", "-kitty")) else "16"


def prepare(environment: MutableMapping[str, str]) -> None:
    """Let Textual see the terminal as it is."""
    if environment.get("NO_COLOR") == "":  # empty means nothing, says no-color.org; Textual takes it for yes
        del environment["NO_COLOR"]
    if _is_direct(environment):
        environment["COLORTERM"] = "truecolor"


def _is_direct(environment: Mapping[str, str]) -> bool:
    return not environment.get("COLORTERM") and environment.get("TERM", "").lower() in _DIRECT


def look(ascii_only: bool | None) -> Look:
    """The signs that are used: those that the environment tells of, unless it is given."""
    return Look(ascii=not shows_blocks(given_environment()) if ascii_only is None else ascii_only)


@contextlib.contextmanager
def alone(*, ascii_only: bool = False) -> Iterator[None]:
    """While it lasts the terminal takes what Textual draws and nothing else, whatever a library prints or C code writes.

    Textual draws on `sys.__stderr__` and asks `sys.__stdout__` for the size: both are a copy of the terminal's descriptor.
    Descriptors 1 and 2 are a file without a name; the end of what it took is printed afterwards. Where standard output
    and standard error are no terminals, nothing is changed, but for a page of `inittui serve`, whose packets are on standard
    output.
    """
    if os.environ.get("TEXTUAL_DRIVER"):
        with _packets():
            yield
        return
    streams = [stream for stream in (sys.__stdout__, sys.__stderr__) if stream is not None and not stream.closed]
    terminal = next((stream.fileno() for stream in streams if stream.isatty()), None)
    if terminal is None:
        yield
        return
    before = sys.__stdout__, sys.__stderr__
    _flush()
    # Something like 2>log was asked for: it stays as it is.
    taken = [stream.fileno() for stream in streams if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)]
    kept = {descriptor: os.dup(descriptor) for descriptor in taken}
    drawn = _writer(os.dup(terminal), ascii_only=ascii_only)
    sink = _sink()
    for descriptor in kept:
        os.dup2(sink.fileno(), descriptor)
    sys.__stdout__ = sys.__stderr__ = drawn  # type: ignore[misc]
    try:
        yield
    finally:
        _flush()
        sys.__stdout__, sys.__stderr__ = before  # type: ignore[misc]
        with contextlib.suppress(OSError):  # the terminal may be gone
            drawn.close()
        for descriptor, copy in kept.items():
            os.dup2(copy, descriptor)
            os.close(copy)
        _tell(_end_of(sink))
        sink.close()


@contextlib.contextmanager
def _packets() -> Iterator[None]:
    """Textual sends its packets on a copy of standard output, and whatever else is printed there, now and after the
    dashboard, goes to standard error: one stray line, and the page would take it for a packet."""
    _flush()
    before, drawn = sys.__stdout__, _writer(os.dup(1), ascii_only=False)
    os.dup2(2, 1)
    sys.__stdout__ = drawn  # type: ignore[misc]
    try:
        yield
    finally:
        sys.__stdout__ = before  # type: ignore[misc]
        with contextlib.suppress(OSError):
            drawn.close()


def _writer(descriptor: int, *, ascii_only: bool) -> io.TextIOWrapper:
    """What Textual draws on. UTF-8 whatever Python made of the locale; or ASCII, every other sign spelled in its width."""
    codecs.register_error("inittui-ascii", _spelled)
    encoding, errors = ("ascii", "inittui-ascii") if ascii_only else ("utf-8", "replace")
    return open(descriptor, "w", encoding=encoding, errors=errors, newline="")


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return Look(ascii=True).spell(error.object[error.start : error.end]), error.end


def _sink() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError:  # no folder that can be written
        return open(os.devnull, "r+b")  # noqa: PTH123


def _end_of(sink: IO[bytes]) -> str:
    """The end of what was printed, from the beginning of a line, as lines that can be shown."""
    try:
        size = os.fstat(sink.fileno()).st_size
        end = os.pread(sink.fileno(), TOLD, max(0, size - TOLD))
    except OSError:  # it was only /dev/null
        return ""
    if size > TOLD:
        end = end.partition(b"\n")[2] or end
    text = _ESCAPES.sub("", end.decode("utf-8", "replace")).expandtabs()
    return "\n".join(printable(line.rstrip()) for line in text.splitlines())


def _tell(text: str) -> None:
    if text.strip() and sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(f"printed while the dashboard was up:\n{text}", file=sys.stderr, flush=True)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # a full disk, a closed stream, none at all
            stream.flush()
