"""An event as one line of a log: JSON with a checksum.

The last member of a line, `crc`, is the CRC-32 of the bytes before it, in eight hexadecimal digits: it tells a whole line
from a torn or damaged one.
"""

import contextlib
import zlib

import msgspec

from inittui.record.events import AnyEvent, Event

_CRC = b',"crc":"'
_CRC_BYTES = len(_CRC) + 10  # from there to the end of a line, without its newline
# How lines begin that `encode` wrote. Lines that begin as in _ASIDES do not say how far the training is.
_REPORT, _EPOCH = b'{"type":"progress","seed":', b'{"type":"epoch","seed":'
_ASIDES = (b'{"type":"saved",', b'{"type":"probe",')

_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_encoder = msgspec.json.Encoder()


def encode(event: Event) -> bytes:
    """The event's line, with the checksum and the newline."""
    body = _encoder.encode(event)[:-1]
    return b'%b%b%08x"}\n' % (body, _CRC, zlib.crc32(body))


def decode(line: bytes) -> AnyEvent:
    """The event of a whole line, with or without its newline. Raises ValueError for a damaged, forged or unknown one."""
    line = line.removesuffix(b"\n")
    body, mark, rest = line.rpartition(_CRC)
    if not mark or rest != b'%08x"}' % zlib.crc32(body):
        raise ValueError("the checksum does not match")
    try:
        return _decoder.decode(body + b"}")
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"no event of this version: {error}") from None


def decode_block(block: bytes, *, reports: bool = True) -> tuple[list[AnyEvent], list[tuple[int, ValueError]]]:
    """The events of whole lines, each with its newline, and of those that are none their number, from 1, and the error.

    As `decode` of one after the other, in half the time. Without `reports`, those of an epoch whose end is in the block as
    well are left out but for each seed's last, which says all that is left of them: nearly all of a long log. Their checksums
    are checked all the same.
    """
    lines = block.split(b"\n")[:-1]  # not splitlines: a damaged byte may be a carriage return
    whole = [line for line in lines if line[-_CRC_BYTES:] == b'%b%08x"}' % (_CRC, zlib.crc32(line[:-_CRC_BYTES]))]
    if len(whole) == len(lines):
        with contextlib.suppress(msgspec.DecodeError, RecursionError):
            # The member `crc` is left in: to the decoder it is one that no event knows, and passed over.
            return [_decoder.decode(line) for line in (lines if reports else _without_old_reports(lines))], []
    found, faults = [], []
    for number, line in enumerate(lines, 1):
        try:
            found.append(decode(line))
        except ValueError as error:
            faults.append((number, error))
    return found, faults


def _without_old_reports(lines: list[bytes]) -> list[bytes]:
    kept: list[bytes] = []
    over: dict[bytes, bool] = {}  # seeds of which an epoch ends further on; whether its last report has been met
    head = b""  # how reports begin that go
    for line in reversed(lines):
        if head and line.startswith(head):
            continue
        if line.startswith(_REPORT):
            seed = line[len(_REPORT) : line.find(b",", len(_REPORT)) + 1]
            if over.get(seed):
                head = _REPORT + seed
                continue
            if seed in over:
                over[seed] = True
        else:
            head = b""
            if line.startswith(_EPOCH):
                over[line[len(_EPOCH) : line.find(b",", len(_EPOCH)) + 1]] = False
            elif not line.startswith(_ASIDES):
                over.clear()  # a resume, for one, goes back to what was reported before it
        kept.append(line)
    return kept[::-1]
