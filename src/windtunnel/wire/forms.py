"""Reads multipart/form-data, which browsers post files in.

https://www.rfc-editor.org/rfc/rfc7578
"""

import re
from typing import Final

import msgspec

_BOUNDARY: Final = re.compile(r'boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_PARAMETER: Final = re.compile(r';\s*(name|filename)="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
FILE: Final = "file"


class Form(msgspec.Struct, frozen=True):
    """A form with one file. Fields after the file are not looked at, as S3 doesn't."""

    fields: dict[str, str]
    file: bytes | None = None
    filename: str = ""


def is_form(content_type: str) -> bool:
    return content_type.lower().startswith("multipart/form-data") and _BOUNDARY.search(content_type) is not None


def form_of(content_type: str, body: bytes) -> Form:
    """A posted form. Raises ValueError where it isn't one."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise ValueError(content_type)
    delimiter = b"\r\n--" + (match[1] or match[2]).encode("latin-1")
    fields: dict[str, str] = {}
    _, *parts = (b"\r\n" + body).split(delimiter)
    for part in parts:
        if part.startswith(b"--"):
            break
        head, blank, content = part.partition(b"\r\n\r\n")
        if not blank:
            raise ValueError(part[:40])
        named = _names(head.decode("utf-8", "replace"))
        name = named.get("name", "")
        if name.lower() == FILE:
            return Form(fields, content, named.get("filename", ""))
        fields[name] = content.decode("utf-8", "replace")
    return Form(fields)


def _names(head: str) -> dict[str, str]:
    line = next((line for line in head.split("\r\n") if line.lower().startswith("content-disposition:")), "")
    return {name.lower(): re.sub(r"\\(.)", r"\1", value) for name, value in _PARAMETER.findall(line)}
