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
    """The events of whole lines, each with its newline; and for each damaged line its number, from 1, and the error.

    The same as `decode` of each line, in half the time. Without `reports`, the reports of an epoch whose end is in the block
    too are left out, except the last one of each seed: they are nearly all of a long log. Their checksums are checked too.
    """
    lines = block.split(b"\n")[:-1]  # not splitlines: a damaged byte may become a carriage return
    whole = [line for line in lines if line[-_CRC_BYTES:] == b'%b%08x"}' % (_CRC, zlib.crc32(line[:-_CRC_BYTES]))]
    if len(whole) == len(lines):
        with contextlib.suppress(msgspec.DecodeError, RecursionError):
            # The decoder skips the member `crc`, which no event has.
            return [_decoder.decode(line) for line in (lines if reports else _without_old_reports(lines))], []
    decoded, faults = [], []
    for number, line in enumerate(lines, 1):
        try:
            decoded.append(decode(line))
        except ValueError as error:
            faults.append((number, error))
    return decoded, faults


def _without_old_reports(lines: list[bytes]) -> list[bytes]:
    kept: list[bytes] = []
    ended: dict[bytes, bool] = {}  # seeds whose epoch ends further on; whether its last report was met
    dropped = b""  # how the reports begin that are left out
    for line in reversed(lines):
        if dropped and line.startswith(dropped):
            continue
        if line.startswith(_REPORT):
            seed = line[len(_REPORT) : line.find(b",", len(_REPORT)) + 1]
            if ended.get(seed):
                dropped = _REPORT + seed
                continue
            if seed in ended:
                ended[seed] = True
        else:
            dropped = b""
            if line.startswith(_EPOCH):
                ended[line[len(_EPOCH) : line.find(b",", len(_EPOCH)) + 1]] = False
            elif not line.startswith(_ASIDES):
                ended.clear()  # for example a resume, which rewinds to before some reports
        kept.append(line)
    return kept[::-1]
