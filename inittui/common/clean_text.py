"""Makes the texts of a run printable when they are read, so that viewers and exports need not do it.

Own code can put any text into a run, such as an exception's message. Terminals execute control characters, and XML
forbids them.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from inittui.common.errors import printable

T = TypeVar("T")
EXACT = ("data_dir", "fingerprints")  # fields with paths that are opened
_ESCAPES = re.compile(r"\x1b\[[0-9:;<=>?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]")


def printable_lines(text: str) -> str:
    """`text` with its line breaks. Escape sequences are left out, tabs are expanded, and each other character that is not
    printable is a question mark."""
    return "\n".join(printable(line.rstrip()) for line in _ESCAPES.sub("", text).expandtabs().splitlines())


def is_clean(content: bytes) -> bool:
    """Whether no text in the JSON `content` has to be cleaned: it is printable ASCII, without a backslash."""
    return content.isascii() and b"\\" not in content and b"\x7f" not in content


def decode_clean(content: bytes, decode: Callable[[bytes], T]) -> T:
    """`decode(content)` of JSON, its texts cleaned. Most content is ASCII, and is not searched for texts."""
    document = decode(content)
    return document if is_clean(content) else cleaned(document)


def cleaned(value: Any) -> Any:
    """`value` with printable texts, of one line each, also inside structs, tuples and dicts. A struct names its fields of
    several lines in LINES; those in EXACT stay as they are."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, tuple):
        return value if {*map(type, value)} <= {int, float} else tuple(map(cleaned, value))  # a matrix has no texts
    if isinstance(value, dict):
        return {cleaned(key): cleaned(item) for key, item in value.items()}
    if not isinstance(value, Struct):
        return value
    lines = getattr(value, "LINES", ())
    texts = {name: getattr(value, name) for name in value.__struct_fields__ if name not in EXACT}
    return replace(
        value, **{name: (printable_lines if name in lines else cleaned)(text) for name, text in texts.items()}
    )
