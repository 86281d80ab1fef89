"""Checksums inside files, so that damage is detected: each file has a checksum of the rest of its content.

A JSON document ends with a member `crc`, a resolved preset begins with a comment, a checkpoint has a SHA-256 in its metadata.
All three stay valid: jq, a TOML reader and any safetensors reader can read them. A checksum detects accidents, not forgery.
Readers check the types too, and no file that is read can execute code.
"""

import hashlib
import zlib
from typing import Any

import msgspec

DIGEST_HEAD = b'"sha256":"'
NO_DIGEST = b"0" * 64
_TOML_HEAD = b"# CRC-32 of what follows: "


class Damaged(ValueError):
    """The checksum does not match, or is missing."""


def encode_json(document: object) -> bytes:
    """`document` as JSON. Half a surrogate pair, which texts of a user's code may contain and UTF-8 can't, becomes `?`."""
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:
        return msgspec.json.encode(_in_utf8(msgspec.to_builtins(document)))


def _in_utf8(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_in_utf8(key): _in_utf8(item) for key, item in value.items()}
    return [_in_utf8(item) for item in value] if isinstance(value, list | tuple) else value


def seal_json(document: object, *, compact: bool = False) -> bytes:
    """A JSON object, indented or compact, whose last member `crc` is the CRC-32 of the bytes before it."""
    encoded = encode_json(document)
    body = encoded.removesuffix(b"}") if compact else msgspec.json.format(encoded, indent=2).removesuffix(b"\n}")
    return body + _json_end(body)


def unseal_json(content: bytes) -> bytes:
    """The JSON object in `content`, without its checksum. Raises Damaged."""
    body = content.rpartition(b'"crc":')[0].rstrip(b"\n ").removesuffix(b",")
    if not body or content != body + _json_end(body):
        raise Damaged("the checksum does not match")
    return body + b"}"


def _json_end(body: bytes) -> bytes:
    form = b',\n  "crc": "%08x"\n}\n' if body.startswith(b"{\n") else b',"crc":"%08x"}\n'
    return form % zlib.crc32(body)


def seal_toml(text: str) -> bytes:
    """`text` under a comment with its checksum."""
    body = text.encode()
    return _TOML_HEAD + b"%08x\n" % zlib.crc32(body) + body


def unseal_toml(content: bytes) -> str:
    """The text under the comment. Raises Damaged."""
    head, _, body = content.partition(b"\n")
    if head != _TOML_HEAD + b"%08x" % zlib.crc32(body):
        raise Damaged("the checksum in its first line does not match")
    return body.decode()


def seal_tensors(content: bytes | bytearray) -> bytearray:
    """The safetensors file `content` with its digest in place of the zeros of `"sha256":"000…"` in its metadata."""
    at = _digest_offset(content)
    sealed = bytearray(content)
    sealed[at : at + len(NO_DIGEST)] = hashlib.sha256(content).hexdigest().encode()
    return sealed


def check_tensors(content: bytes | bytearray) -> None:
    """Raises Damaged if the digest is not that of all other bytes."""
    at = _digest_offset(content)
    if seal_tensors(content[:at] + NO_DIGEST + content[at + len(NO_DIGEST) :]) != content:
        raise Damaged("the digest does not match")


def _digest_offset(content: bytes | bytearray) -> int:
    """The offset of the digest in the header. The first eight bytes are the length of the header."""
    header = 8 + int.from_bytes(content[:8], "little")
    at = content.find(DIGEST_HEAD, 8, min(header, len(content)))
    if at < 0 or at + len(DIGEST_HEAD) + len(NO_DIGEST) > len(content):
        raise Damaged("it has no digest")
    return at + len(DIGEST_HEAD)
