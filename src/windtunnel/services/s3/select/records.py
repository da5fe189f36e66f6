"""Objects as records for S3 Select, and rows as CSV or JSON.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_InputSerialization.html
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from windtunnel.fabric import Fault
from windtunnel.services.s3.select.values import MISSING, field, printed

QUOTE, COMMA, NEWLINE = '"', ",", "\n"


def unpacked(data: bytes, kind: str) -> bytes:
    try:
        return gzip.decompress(data) if kind == "GZIP" else bz2.decompress(data) if kind == "BZIP2" else data
    except (OSError, EOFError, ValueError, zlib.error):
        raise Fault("InvalidCompressionFormat", "The file is not in a supported compression format.") from None


def read(data: bytes, source: Mapping[str, Any], path: Iterable[str]) -> Iterator[Any]:
    """The records of an object, each a dict where it has fields."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Fault("InvalidTextEncoding", "Invalid encoding type. Only UTF-8 encoding is supported.") from None
    if source.get("CSV") is not None:
        yield from _csv(text, source["CSV"])
        return
    for document in _documents(text):
        yield from _within(document, tuple(path))


def _csv(text: str, form: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    delimiter, comment = form.get("RecordDelimiter") or NEWLINE, form.get("Comments") or "#"
    escape = form.get("QuoteEscapeCharacter") or QUOTE
    quote = form.get("QuoteCharacter", QUOTE) or None
    if form.get("AllowQuotedRecordDelimiter"):
        lines: Iterable[str] = io.StringIO(text if delimiter == NEWLINE else text.replace(delimiter, NEWLINE), newline="")
    else:
        lines = text.removesuffix(delimiter).split(delimiter) if text else ()
    reader = csv.reader(
        (line for line in lines if not line.startswith(comment)),
        delimiter=form.get("FieldDelimiter") or COMMA,
        quotechar=quote,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        doublequote=escape == quote,
        escapechar=None if escape == quote else escape,
    )
    names: list[str] = []
    header = form.get("FileHeaderInfo") or "NONE"
    try:
        for number, values in enumerate(reader):
            if number == 0 and header != "NONE":
                names = values if header == "USE" else []
                continue
            yield {names[at] if at < len(names) else f"_{at + 1}": value for at, value in enumerate(values)}
    except csv.Error:
        raise Fault("CSVParsingError", "Encountered an error parsing the CSV file. Check the file and try again.") from None


def _documents(text: str) -> Iterator[Any]:
    """JSON values one after the other, on lines of their own or not."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            document, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            raise Fault("JSONParsingError", "Encountered an error parsing the JSON file. Check the file and try again.") from None
        yield document


def _within(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if not path:
        yield value
    elif path[0] != "*":
        inner = field(value, path[0], quoted=False)
        if inner is not MISSING:
            yield from _within(inner, path[1:])
    else:
        for one in cast("list[Any]", value) if isinstance(value, list) else (value,):
            yield from _within(one, path[1:])


def _json(value: Any) -> str:
    return json.dumps(value, default=printed, ensure_ascii=False, separators=(",", ":"))


def writer_of(target: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bytes]:
    """What writes one row."""
    if target.get("JSON") is not None:
        end = (target["JSON"].get("RecordDelimiter") or NEWLINE).encode()
        return lambda row: _json({name: value for name, value in row.items() if value is not MISSING}).encode("utf-8", "replace") + end
    form = target["CSV"]
    quote, escape = form.get("QuoteCharacter") or QUOTE, form.get("QuoteEscapeCharacter") or QUOTE
    lines = io.StringIO()
    writer = csv.writer(
        lines,
        delimiter=form.get("FieldDelimiter") or COMMA,
        quotechar=quote,
        quoting=csv.QUOTE_ALL if form.get("QuoteFields") == "ALWAYS" else csv.QUOTE_MINIMAL,
        doublequote=escape == quote,
        escapechar=None if escape == quote else escape,
        lineterminator=form.get("RecordDelimiter") or NEWLINE,
    )

    def write(row: Mapping[str, Any]) -> bytes:
        writer.writerow([_json(value) if isinstance(value, dict | list) else printed(value) for value in row.values()])
        data = lines.getvalue().encode("utf-8", "replace")
        lines.seek(0)
        lines.truncate()
        return data

    return write
