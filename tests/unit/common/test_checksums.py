"""Checksums inside files."""

import json
import tomllib
import zlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from inittui.common.checksums import (
    DIGEST_HEAD,
    NO_DIGEST,
    Damaged,
    check_tensors,
    seal_json,
    seal_tensors,
    seal_toml,
    unseal_json,
    unseal_toml,
)
from tests.helpers import steady

DOCUMENT = {"format": 1, "run": 'größe "crc":', "arms": [{"name": "a", "cost": [0.5, None]}], "last": "}\n"}
TABLE = {"title": "größe", "training": {"epochs": 3}, "arms": [{"init": "he_normal", "name": "# CRC-32"}]}


def tensors(payload: bytes = bytes(range(24)), digest: bytes = NO_DIGEST, words: str = "") -> bytes:
    """What safetensors would write: the header's length, the header, the numbers."""
    header = b'{"__metadata__":{"inittui":%b,"sha256":"%b"},"w":{"dtype":"F32","shape":[6],"data_offsets":[0,24]}}' % (
        json.dumps(words).encode(),
        digest,
    )
    return len(header).to_bytes(8, "little") + header + payload


def unseal_tensors(content: bytes) -> bytes:
    check_tensors(content)
    return content


SEALED: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "indented JSON": (seal_json(DOCUMENT), unseal_json),
    "compact JSON": (seal_json(DOCUMENT, compact=True), unseal_json),
    "JSON of one member": (seal_json({"a": 1}), unseal_json),
    "TOML": (seal_toml(tomli_w.dumps(TABLE)), unseal_toml),
    "tensors": (bytes(seal_tensors(tensors())), unseal_tensors),
}
every_kind = pytest.mark.parametrize("kind", SEALED)


def changed(content: bytes, at: int, byte: int) -> bytes:
    return content[:at] + bytes([byte]) + content[at + 1 :]


@every_kind
def test_what_was_sealed_is_accepted_as_often_as_it_is_read(kind: str) -> None:
    content, unseal = SEALED[kind]
    assert unseal(content) == unseal(content)


@every_kind
def test_every_bit_that_flips_is_noticed(kind: str) -> None:
    content, unseal = SEALED[kind]
    for at in range(len(content)):
        for bit in range(8):
            with pytest.raises(Damaged):
                unseal(changed(content, at, content[at] ^ 1 << bit))


@every_kind
@pytest.mark.parametrize("byte", [b"\0", b" ", b"\n", b"\r", b"0", b'"', b"}", b"\xff"])
def test_every_byte_that_becomes_another_is_noticed(kind: str, byte: bytes) -> None:
    content, unseal = SEALED[kind]
    for at in range(len(content)):
        if content[at : at + 1] != byte:
            with pytest.raises(Damaged):
                unseal(changed(content, at, byte[0]))


@every_kind
def test_wherever_it_is_cut_at_its_end_or_its_beginning_it_is_noticed(kind: str) -> None:
    content, unseal = SEALED[kind]
    for at in range(len(content)):
        with pytest.raises(Damaged):
            unseal(content[:at])
        with pytest.raises(Damaged):
            unseal(content[at + 1 :])


@every_kind
def test_a_byte_that_is_lost_or_doubled_or_added_is_noticed(kind: str) -> None:
    content, unseal = SEALED[kind]
    for at in range(len(content)):
        for damaged in (content[:at] + content[at + 1 :], content[:at] + content[at : at + 1] + content[at:]):
            with pytest.raises(Damaged):
                unseal(damaged)
    for damaged in (content + b"\n", content + b"\0", b"\n" + content, content + content):
        with pytest.raises(Damaged):
            unseal(damaged)


@every_kind
@steady
@given(st.data())
def test_bytes_that_go_wrong_in_any_number_of_places_are_noticed(kind: str, data: st.DataObject) -> None:
    content, unseal = SEALED[kind]
    damaged = bytearray(content)
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=20, unique=True)):
        damaged[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Damaged):
        unseal(bytes(damaged))


@pytest.mark.parametrize("unseal", [unseal_json, unseal_toml, check_tensors])
@steady
@given(content=st.binary(max_size=100))
def test_bytes_that_nobody_sealed_are_refused(unseal: Callable[[bytes], object], content: bytes) -> None:
    with pytest.raises(Damaged):
        unseal(content)


# JSON

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | text
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(['"crc":', ',\n  "crc": "', "}", "\n}", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
documents = st.dictionaries(text, values, min_size=1, max_size=4)


@pytest.mark.parametrize("compact", [False, True])
@steady
@given(document=documents)
def test_a_document_comes_back_as_it_was(compact: bool, document: dict[str, Any]) -> None:
    sealed = seal_json(document, compact=compact)
    assert msgspec.json.decode(unseal_json(sealed)) == document
    assert (b"\n" in sealed[:-1]) != compact


@pytest.mark.parametrize("compact", [False, True])
@steady
@given(document=documents)
def test_a_sealed_document_is_json_that_ends_in_the_checksum_of_what_is_before_it(
    compact: bool, document: dict[str, Any]
) -> None:
    sealed = seal_json(document, compact=compact)
    read = json.loads(sealed)
    assert list(read)[-1] == "crc" or "crc" in document
    before, _, _ = sealed.rpartition(b'"crc":')
    assert read.pop("crc") == f"{zlib.crc32(before.rstrip().removesuffix(b',')):08x}"
    assert read == {key: value for key, value in document.items() if key != "crc"}


@pytest.mark.parametrize("compact", [False, True])
def test_a_typed_document_is_sealed_like_a_plain_one(compact: bool) -> None:
    class Typed(msgspec.Struct):
        a: int = 1
        b: tuple[str, ...] = ("x",)

    assert seal_json(Typed(), compact=compact) == seal_json({"a": 1, "b": ["x"]}, compact=compact)


# TOML


@steady
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_comes_back_as_it_was(text: str) -> None:
    assert unseal_toml(seal_toml(text)) == text


@steady
@given(
    table=st.dictionaries(text, text | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.lists(text), max_size=4)
)
def test_a_sealed_table_is_toml_under_a_comment(table: dict[str, Any]) -> None:
    sealed = seal_toml(tomli_w.dumps(table))
    assert tomllib.loads(sealed.decode()) == table
    assert sealed.startswith(b"# CRC-32 of what follows: ")


# Tensors


@steady
@given(payload=st.binary(max_size=200), words=text)
def test_a_digest_is_put_in_its_place_and_nothing_else_changes(payload: bytes, words: str) -> None:
    before = tensors(payload, words=words)
    sealed = bytes(seal_tensors(before))
    check_tensors(sealed)
    at = before.index(DIGEST_HEAD) + len(DIGEST_HEAD)
    assert len(sealed) == len(before)
    assert (sealed[:at], sealed[at + 64 :]) == (before[:at], before[at + 64 :])
    assert sealed[at : at + 64] != NO_DIGEST
    assert int(sealed[at : at + 64], 16)


def test_a_digest_that_stands_among_the_numbers_is_none() -> None:
    header = b'{"w":{"dtype":"U8","shape":[75],"data_offsets":[0,75]}}'
    content = len(header).to_bytes(8, "little") + header + DIGEST_HEAD + NO_DIGEST + b'"'
    for call in (check_tensors, seal_tensors):
        with pytest.raises(Damaged, match="no digest"):
            call(content)


@pytest.mark.parametrize("length", [0, 7, 8, 2**32, 2**64 - 1])
def test_a_header_of_an_impossible_length_is_refused(length: int) -> None:
    content = seal_tensors(tensors())
    with pytest.raises(Damaged):
        check_tensors(length.to_bytes(8, "little") + content[8:])


def test_damage_is_a_value_error_of_one_line() -> None:
    for content, unseal in SEALED.values():
        with pytest.raises(ValueError, match=r"\A[^\n]+\Z"):
            unseal(content[:-1])
