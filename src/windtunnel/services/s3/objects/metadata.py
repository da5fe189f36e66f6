"""User metadata in headers: anything but ASCII travels encoded as mail does.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html and RFC 2047
"""

from __future__ import annotations

import quopri
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping

_WORD = re.compile(r"=\?UTF-8\?([BQ])\?([^?]*)\?=", re.IGNORECASE)
_PLAIN = re.compile(r"[\t\x20-\x7e]*")
_AS_THEY_ARE = frozenset(range(0x21, 0x7F)) - frozenset(b"=_?")
"""The bytes that the Q encoding leaves alone."""


def decoded(metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata as it is kept: its names in lower case, its values decoded."""
    return {name.lower(): _decoded(value) if "=?" in value else value for name, value in metadata.items()}


def _decoded(value: str) -> str:
    match = _WORD.fullmatch(value.strip())
    if match is None:
        return value
    try:
        data = b64decode(match[2], validate=True) if match[1] in "Bb" else quopri.decodestring(match[2].encode("ascii"), header=True)
        return data.decode()
    except (NotBase64, ValueError):
        return value


def shown(metadata: Mapping[str, str]) -> Mapping[str, str]:
    """Metadata as it is told: values with more than printable ASCII are encoded, by whichever of two ways keeps more letters legible."""
    if all(_PLAIN.fullmatch(value) for value in metadata.values()):
        return metadata
    return {name: value if _PLAIN.fullmatch(value) else _encoded(value) for name, value in metadata.items()}


def _encoded(value: str) -> str:
    data = value.encode("utf-8", "surrogatepass")
    legible = sum(1 for letter in value if _PLAIN.fullmatch(letter))
    if 2 * legible <= len(value):
        return f"=?UTF-8?B?{b64encode(data).decode()}?="
    text = "".join("_" if byte == 0x20 else chr(byte) if byte in _AS_THEY_ARE else f"={byte:02X}" for byte in data)
    return f"=?UTF-8?Q?{text}?="
