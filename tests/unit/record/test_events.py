import json
import math
import types
import typing
import zlib
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from inittui.common.clean_text import cleaned
from inittui.record import event_lines, events
from inittui.record.event_lines import decode, encode
from inittui.record.events import finite
from inittui.record.layer_probe import QUANTITIES, LayerProbe
from tests.helpers import steady

KINDS = tuple(events.Event.__subclasses__())
OLD_LOGS = sorted((Path(__file__).parents[2] / "fixtures" / "runs").rglob("events.jsonl"))
# The fields without a default in version 0.1, whose logs all have them.
REQUIRED = {
    "Phase": "phase",
    "Download": "name done total",
    "DataReady": "name title train test rows columns classes",
    "DeviceReady": "device label threads workers",
    "Gone": "arm",
    "Asked": "verb",
    "Resumed": "arms",
    "Hello": "arm pid",
    "Begin": "arm seeds epochs steps batch_size parameters layers stds",
    "Sample": "index label rows columns pixels",
    "Progress": "seed epoch step cost samples_per_second",
    "Epoch": "seed epoch train_cost test_cost test_accuracy seconds test_seconds",
    "Probe": "seed epoch images layers",
    "Paused": "",
    "Continued": "",
    "Saved": "seconds bytes",
    "Restored": "places",
    "Stacked": "together seeds",
    "AtChance": "seed epoch",
    "Finished": "seconds",
    "Failed": "kind reason",
    "Stopped": "",
}

EPOCH = events.Epoch(
    seq=3, t=1.5, seed=777, epoch=2, train_cost=0.5, test_cost=None, test_accuracy=0.9, seconds=1.0, test_seconds=0.1,
    sample=((8, 0.75), (3, 0.25)),
)  # fmt: skip


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value that JSON can hold of a field's type."""
    kind, inside = typing.get_origin(hint), get_args(hint)
    if kind is typing.Literal:
        return st.sampled_from(inside)
    if kind in (typing.Union, types.UnionType):
        return st.one_of(*map(values, inside))
    if kind is tuple and inside[-1] is ...:
        return st.lists(values(inside[0]), max_size=3).map(tuple)
    if kind is tuple:
        return st.tuples(*map(values, inside))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return of_kind(hint)
    return {
        bool: st.booleans(),
        int: st.integers(-(2**63), 2**63 - 1),
        float: st.floats(allow_nan=False, allow_infinity=False),
        str: st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
        type(None): st.none(),
    }[hint]


def of_kind(kind: type[Any]) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{field.name: values(field.type) for field in msgspec.structs.fields(kind)})


any_event = st.one_of(*map(of_kind, KINDS))


@pytest.mark.parametrize("kind", KINDS)
@steady
@given(st.data())
def test_a_line_is_read_back_as_the_event_it_was(kind: type[events.Event], data: st.DataObject) -> None:
    event = data.draw(of_kind(kind))
    line = encode(event)
    assert decode(line) == decode(line[:-1]) == cleaned(event)
    assert event_lines.decode_block(line) == ([cleaned(event)], [])
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1


@steady
@given(any_event)
def test_a_line_is_plain_json_that_ends_in_the_checksum_of_what_is_before_it(event: events.Event) -> None:
    line = encode(event)
    record = json.loads(line)
    assert (record["type"], record["seq"], record["t"]) == (type(event).__name__.lower(), event.seq, event.t)
    assert list(record)[-1] == "crc"
    assert int(record["crc"], 16) == zlib.crc32(line[: line.rindex(b',"crc"')])


def test_every_change_of_a_single_byte_is_refused() -> None:
    line = encode(EPOCH)
    for at in range(len(line)):
        for byte in range(256):
            if byte != line[at]:
                with pytest.raises(ValueError, match="checksum"):
                    decode(line[:at] + bytes([byte]) + line[at + 1 :])


@steady
@given(any_event, st.data())
def test_a_changed_byte_never_gives_another_event(event: events.Event, data: st.DataObject) -> None:
    line = bytearray(encode(event))
    line[data.draw(st.integers(0, len(line) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match="checksum"):
        decode(bytes(line))


@steady
@given(any_event)
def test_a_line_cut_short_is_refused(event: events.Event) -> None:
    line = encode(event)
    for length in range(len(line) - 1):  # without the newline alone it is still whole
        with pytest.raises(ValueError, match="checksum"):
            decode(line[:length])


@steady
@given(st.binary(max_size=64))
def test_bytes_that_are_no_line_are_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="checksum"):
        decode(line)


def checked(body: bytes) -> bytes:
    return b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(body))


@pytest.mark.parametrize(
    "body",
    [b'{"type":"later","seq":0,"t":0', b'{"type":"finished","seq":0,"t":0,"seconds":"x"', b'{"seq":0', b"", b"\xff"],
)
def test_a_whole_line_of_no_known_event_is_refused_as_a_value(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        decode(checked(body))


def test_what_a_later_version_adds_to_an_event_is_passed_over() -> None:
    assert decode(checked(b'{"type":"finished","seq":1,"t":2.0,"seconds":3.0,"more":[1]')) == events.Finished(
        seq=1, t=2.0, seconds=3.0
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_cost_that_is_not_finite_becomes_null(value: float) -> None:
    event = events.Progress(seed=1, epoch=1, step=1, cost=finite(value), samples_per_second=1.0)
    assert json.loads(encode(event))["cost"] is None
    assert decode(encode(event)) == event
    assert finite(0.25) == 0.25


@steady
@given(
    st.lists(st.sampled_from(KINDS).flatmap(of_kind), max_size=6),
    st.dictionaries(st.integers(0, 2000), st.binary(max_size=2), max_size=3),
)
def test_a_block_of_lines_is_decoded_as_each_of_them_alone(told: list[Any], damage: dict[int, bytes]) -> None:
    block = b"".join(map(encode, told))
    for at, what in damage.items():
        block = block[:at] + what + block[at + 1 :]
    block = block[: block.rfind(b"\n") + 1]
    found, faults = [], []
    for number, line in enumerate(block.split(b"\n")[:-1], 1):
        try:
            found.append(decode(line))
        except ValueError as error:
            faults.append((number, str(error)))
    assert (found, [(number, str(error)) for number, error in event_lines.decode_block(block)[1]]) == (
        event_lines.decode_block(block)[0],
        faults,
    )


FORGED = [b"", b"{", b"[1", b'{"type":"finished","seconds":1}', b'{"type":"who"', b'{"type":"finished"', b"[" * 100_000]


@pytest.mark.parametrize("body", FORGED, ids=range(len(FORGED)))
def test_in_a_block_a_line_with_a_checksum_that_is_no_event_is_told_as_alone(body: bytes) -> None:
    line = b'%b,"crc":"%08x"}' % (body, zlib.crc32(body))
    with pytest.raises(ValueError, match="no event of this version") as alone:
        decode(line)
    found, ((number, error),) = event_lines.decode_block(encode(EPOCH) + line + b"\n")
    assert (found, number, str(error)) == ([EPOCH], 2, str(alone.value))


@pytest.mark.parametrize("log", OLD_LOGS, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_logs_of_version_0_1_are_read(log: Path) -> None:
    decoded, faults = event_lines.decode_block(log.read_bytes())
    assert faults == []
    assert [event.seq for event in decoded] == [*range(len(decoded))]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.__name__ in REQUIRED], ids=lambda kind: kind.__name__)
def test_fields_that_old_logs_do_not_have_have_a_default(kind: type[events.Event]) -> None:
    required = {field.name for field in msgspec.structs.fields(kind) if field.required}
    assert required <= set(REQUIRED[kind.__name__].split())


def test_every_quantity_of_a_layer_has_a_default_and_a_row_in_the_table() -> None:
    fields = {field.name: field for field in msgspec.structs.fields(LayerProbe)}
    quantities = set(fields) - {"name", "fan_in", "fan_out", "low", "high", "bins"}
    assert {quantity.field for quantity in QUANTITIES} == quantities
    assert all(fields[name].default is None for name in quantities)
    layer = replace(LayerProbe("1", 2, 3), **dict.fromkeys(quantities, 0.5))
    assert [quantity.value(layer) for quantity in QUANTITIES] == [0.5] * len(QUANTITIES)
