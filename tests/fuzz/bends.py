"""How what is right is bent: bytes cut, doubled, flipped, swapped for those that parsers stumble over."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NASTY = (
    b"", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"%", b"%zz", b"%00", b"&", b"=", b"&amp;", b"<", b"</a>", b"<![CDATA[", b"<!DOCTYPE a>",
    b"[" * 300, b"{" * 300, b'"', b"\\u0000", b"\\ud800", b"null",
    b"true", b"NaN", b"Infinity", b"-1", b"1e999", b"9" * 400, b"0x10", b"\r\n",
    b"\r\n\r\n", b" ", "é\U0001f600".encode(), b"member.1", b".1.", b"../..", b"${aws:username}", b"*", b"?", b"{}", b"[]", b"()", b"(?<a>",
    b"\xf6\x05\x00",
)  # fmt: skip
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES: st.SearchStrategy[Any] = st.recursive(
    PLAIN | st.sampled_from(["", "*", "a.b", "2012-10-17", "Allow", "-1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
"""Anything that JSON can say."""
BYTES = st.binary(max_size=400) | st.lists(st.sampled_from(NASTY), max_size=12).map(b"".join)
TEXTS = st.text(max_size=120) | BYTES.map(lambda data: data.decode("utf-8", "replace"))


@st.composite
def bent(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes that were right, changed in a few places."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 12)))
        match draw(st.sampled_from(["cut", "end", "double", "flip", "nasty", "random"])):
            case "cut":
                data = data[:at] + data[to:]
            case "end":
                data = data[:at]
            case "double":
                data = data[:to] + data[at:]
            case "flip" if at < len(data):
                data = data[:at] + bytes([data[at] ^ (1 << draw(st.integers(0, 7)))]) + data[at + 1 :]
            case "nasty":
                data = data[:at] + draw(st.sampled_from(NASTY)) + data[to:]
            case _:
                data = data[:at] + draw(st.binary(max_size=8)) + data[to:]
    return data


def bent_text(text: str) -> st.SearchStrategy[str]:
    return bent(text.encode()).map(lambda data: data.decode("utf-8", "replace"))


def woven(words: list[str]) -> st.SearchStrategy[str]:
    """Words of a language in an order of chance, with and without spaces."""
    parts = st.lists(st.sampled_from(words) | st.text(max_size=4), max_size=14)
    return st.tuples(st.sampled_from(["", " "]), parts).map(lambda drawn: drawn[0].join(drawn[1]))
