"""An event as one line of a log: JSON with a checksum.

The last member of a line, `crc`, is the CRC-32 of the bytes before it, in eight hexadecimal digits: it tells a whole line
from a torn or damaged one.
"""

import contextlib
import functools
import operator
import re
import zlib

import msgspec

from inittui.common.checksums import encode_json
from inittui.common.clean_text import decode_clean, is_clean
from inittui.record.events import Event

_CRC = b',"crc":"'
_CRC_BYTES = len(_CRC) + 10  # from there to the end of a line, without its newline
_OF_SEED = re.compile(rb'\{"type":"(progress|epoch)","seed":(-?\d+)')  # how `encode` begins these lines

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(functools.reduce(operator.or_, Event.__subclasses__()))


def encode(event: Event) -> bytes:
    """The event's line, with the checksum and the newline."""
    body = encode_json(event)[:-1]
    return b'%b%b%08x"}\n' % (body, _CRC, zlib.crc32(body))


def is_report(line: bytes) -> bool:
    return line.startswith(b'{"type":"progress",')


def decode(line: bytes) -> Event:
    """The event of a whole line, with or without its newline; its texts are cleaned. Raises ValueError for a damaged, forged
    or unknown one."""
    line = line.removesuffix(b"\n")
    body, mark, rest = line.rpartition(_CRC)
    if not mark or rest != b'%08x"}' % zlib.crc32(body):
        raise ValueError("the checksum does not match")
    try:
        return decode_clean(body + b"}", _decoder.decode)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"no event of this version: {error}") from None


def decode_block(block: bytes, *, reports: bool = True) -> tuple[list[Event], list[tuple[int, ValueError]]]:
    """The events of whole lines, each with its newline; and for each damaged line its number, from 1, and the error.

    The same as `decode` of each line, in half the time. Without `reports`, the reports of an epoch whose end is in the block
    too are left out, except the last one of each seed: they are nearly all of a long log. Their checksums are checked too.
    """
    lines = block.split(b"\n")[:-1]  # not splitlines: a damaged byte may become a carriage return
    whole = [line for line in lines if line[-_CRC_BYTES:] == b'%b%08x"}' % (_CRC, zlib.crc32(line[:-_CRC_BYTES]))]
    if len(whole) == len(lines):
        with contextlib.suppress(msgspec.DecodeError, RecursionError):
            # The decoder skips the member `crc`, which no event has.
            decode_line = (
                _decoder.decode if is_clean(block) else functools.partial(decode_clean, decode=_decoder.decode)
            )
            return [decode_line(line) for line in (lines if reports else _without_old_reports(lines))], []
    decoded, faults = [], []
    for number, line in enumerate(lines, 1):
        try:
            decoded.append(decode(line))
        except ValueError as error:
            faults.append((number, error))
    return decoded, faults


def _without_old_reports(lines: list[bytes]) -> list[bytes]:
    kept: list[bytes] = []
    report_kept: dict[bytes, bool] = {}  # by seed: whether its next ended epoch has a report that is kept
    for line in reversed(lines):
        if match := _OF_SEED.match(line):
            kind, seed = match.groups()
            if kind == b"progress" and report_kept.get(seed):
                continue
            if kind == b"epoch" or seed in report_kept:
                report_kept[seed] = kind == b"progress"
        kept.append(line)
    return kept[::-1]
