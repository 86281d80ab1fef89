"""Keeps the terminal for what Textual draws: what libraries and C code print meanwhile goes to a file.

C code writes to descriptors 1 and 2, so redirecting `sys.stdout` is not enough: the descriptors themselves are replaced.
"""

import codecs
import contextlib
import io
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

from inittui.common.clean_text import printable_lines
from inittui.tui.draw.glyphs import spell_error
from inittui.tui.terminal.textual_private import drawing_on

REPORTED_BYTES = 4096  # of what others printed, shown when the dashboard has closed


@contextlib.contextmanager
def exclusive_output(*, ascii_only: bool = False) -> Iterator[None]:
    """Only Textual writes to the terminal in this context.

    Textual draws on a copy of the terminal's descriptor. Descriptors 1 and 2 are a temporary file; its end is printed to
    standard error afterwards. A descriptor that is redirected to a file (`2>log`) stays as it is. Nothing changes where
    neither standard output nor standard error is a terminal.

    Under `inittui serve` standard output carries Textual's packets for the browser; see `_packets_only`.
    """
    if os.environ.get("TEXTUAL_DRIVER"):
        with _packets_only():
            yield
        return
    streams = [stream for stream in (sys.__stdout__, sys.__stderr__) if stream is not None and not stream.closed]
    terminal = next((stream.fileno() for stream in streams if stream.isatty()), None)
    if terminal is None:
        yield
        return
    _flush()
    replaced = [stream.fileno() for stream in streams if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)]
    copies = {descriptor: os.dup(descriptor) for descriptor in replaced}
    screen = _text_writer(os.dup(terminal), ascii_only=ascii_only)
    printed = _temporary_file()
    for descriptor in copies:
        os.dup2(printed.fileno(), descriptor)
    try:
        with drawing_on(screen):
            yield
    finally:
        _flush()
        with contextlib.suppress(OSError):  # the terminal may be gone
            screen.close()
        for descriptor, copy in copies.items():
            os.dup2(copy, descriptor)
            os.close(copy)
        _report(printed)
        printed.close()


@contextlib.contextmanager
def _packets_only() -> Iterator[None]:
    """Textual sends its packets on a copy of standard output. Descriptor 1 becomes standard error, also after this context:
    the browser would take one stray line for a packet."""
    _flush()
    packets = _text_writer(os.dup(1), ascii_only=False)
    os.dup2(2, 1)
    try:
        with drawing_on(packets, web=True):
            yield
    finally:
        with contextlib.suppress(OSError):
            packets.close()


def _text_writer(descriptor: int, *, ascii_only: bool) -> io.TextIOWrapper:
    """Writes UTF-8 whatever the locale is; or ASCII, each other character replaced by as many as it has cells."""
    codecs.register_error("inittui-ascii", spell_error)
    encoding, errors = ("ascii", "inittui-ascii") if ascii_only else ("utf-8", "replace")
    return open(descriptor, "w", encoding=encoding, errors=errors, newline="")


def _temporary_file() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError:  # no folder can be written
        return open(os.devnull, "r+b")  # noqa: PTH123


def _report(printed: IO[bytes]) -> None:
    """Print the last lines of `printed`, at most REPORTED_BYTES, without escape sequences."""
    size = os.fstat(printed.fileno()).st_size
    end = os.pread(printed.fileno(), REPORTED_BYTES, max(0, size - REPORTED_BYTES))
    if size > REPORTED_BYTES:
        end = end.partition(b"\n")[2] or end
    lines = printable_lines(end.decode("utf-8", "replace"))
    if lines.strip() and sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(f"printed while the dashboard was up:\n{lines}", file=sys.stderr, flush=True)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # a full disk, a closed stream, no stream
            stream.flush()
