"""Scan ranges of S3 Select: only the records that begin within some bytes of an object are looked at.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/selecting-content-from-objects.html#selecting-content-from-objects-using-byte-range
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Fault
from windtunnel.services.s3.rules import nested

NEWLINE = "\n"


def within(data: bytes, source: Mapping[str, Any], wanted: Mapping[str, Any]) -> bytes:
    """The records that begin in a range, whole, and a CSV file's header before them. Without a start the last bytes are meant."""
    form = nested(source, "CSV")
    lines = source.get("CSV") is not None or nested(source, "JSON").get("Type") == "LINES"
    if not lines or form.get("AllowQuotedRecordDelimiter") or (source.get("CompressionType") or "NONE") != "NONE":
        raise Fault("UnsupportedScanRangeInput", "Scan range queries are not supported on this type of object.")
    start, end = wanted.get("Start"), wanted.get("End")
    if start is None:
        start, end = max(len(data) - (end or 0), 0), len(data) - 1
    last = len(data) - 1 if end is None else end
    if start < 0 or last < start:
        raise Fault("InvalidScanRange", "The value of a parameter in the scan range is not valid.")
    delimiter = str(form.get("RecordDelimiter") or NEWLINE).encode()
    begin = _beginning(data, delimiter, start)
    records = data[begin : _beginning(data, delimiter, last + 1)]
    if begin and (form.get("FileHeaderInfo") or "NONE") != "NONE":
        return data[: _beginning(data, delimiter, 1)] + records
    return records


def _beginning(data: bytes, delimiter: bytes, at: int) -> int:
    """Where the first record begins that doesn't begin before a place."""
    if at <= 0:
        return 0
    found = data.find(delimiter, max(at - len(delimiter), 0))
    return len(data) if found < 0 else found + len(delimiter)
