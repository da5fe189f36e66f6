"""The processors that make fields of a text: JSON, CSV, pairs, grok, and the logs that AWS's services write.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Transformation-Configurable.html
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote

import orjson

from windtunnel.services.logs.transform.grok import grok
from windtunnel.services.logs.transform.paths import Document, NotTransformed, find, put

MESSAGE = "@message"
_VPC = "version accountId interfaceId srcAddr dstAddr srcPort dstPort protocol packets bytes start end action logStatus"
_ROUTE53 = "version queryTimestamp hostZoneId queryName queryType responseCode protocol edgeLocation resolverIp ednsClientSubnet"
_CLOUDFRONT = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) "
    "x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher "
    "x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte "
    "x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end"
)
_POSTGRES = re.compile(
    r"(?P<logTime>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \w+):(?P<srcIp>[^:]*):(?P<userName>[^@]*)@(?P<dbName>[^:]*):"
    r"\[(?P<processId>\d+)\]:(?P<logLevel>\w+):.*",
    re.DOTALL,
)
_INTEGER, _DECIMAL = re.compile(r"-?\d+"), re.compile(r"-?\d+\.\d+")


def source_text(document: Document, message: str, options: Mapping[str, Any]) -> str:
    """The text that a parser is to read."""
    source = options.get("source", MESSAGE)
    value = message if source == MESSAGE else find(document, source)
    if not isinstance(value, str):
        raise NotTransformed(f"{source} is no text")
    return value


def parse_json(document: Document, message: str, options: Mapping[str, Any]) -> None:
    text = source_text(document, message, options)
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotTransformed("the text is not JSON") from error
    _place(document, parsed, options)


def parse_grok(document: Document, message: str, options: Mapping[str, Any]) -> None:
    found = grok(options["match"])(source_text(document, message, options))
    if found is None:
        raise NotTransformed("the grok pattern does not match")
    _merge(document, found)


def parse_csv(document: Document, message: str, options: Mapping[str, Any]) -> None:
    delimiter = str(options.get("delimiter", ",")).replace("\\t", "\t").replace("\\s", " ")
    text = source_text(document, message, options)
    row = next(csv.reader([text], delimiter=delimiter, quotechar=options.get("quoteCharacter", '"')), list[str]())
    names = options.get("columns", [])
    columns = {names[at] if at < len(names) else f"column_{at + 1}": value for at, value in enumerate(row)}
    holder: Document = {}
    for name, value in columns.items():
        put(holder, name, value)
    _place(document, holder, options)


def parse_pairs(document: Document, message: str, options: Mapping[str, Any]) -> None:
    found: Document = {}
    prefix, between = options.get("keyPrefix", ""), options.get("keyValueDelimiter", "=")
    for pair in source_text(document, message, options).split(options.get("fieldDelimiter", "&")):
        key, sign, value = pair.partition(between)
        if sign:
            found[prefix + key] = value
        elif "nonMatchValue" in options:
            found[prefix + pair] = options["nonMatchValue"]
    outer = options.get("destination", "")
    for key, value in found.items():
        put(document, f"{outer}.{key}" if outer else key, value, overwrite=options.get("overwriteIfExists", False))


def parse_waf(document: Document, message: str, options: Mapping[str, Any]) -> None:
    """The lists of headers and of labels become maps."""
    parse_json(document, message, options)
    request = document.get("httpRequest")
    if isinstance(request, dict):
        inner = cast("Document", request)
        headers = inner.get("headers")
        if isinstance(headers, list):
            inner["headers"] = {one["name"]: one["value"] for one in cast("list[Document]", headers)}
    labels = document.get("labels")
    if isinstance(labels, list):
        document["labels"] = {name: value for one in cast("list[Document]", labels) for name, value in one.items()}


def parse_postgres(document: Document, message: str, options: Mapping[str, Any]) -> None:
    match = _POSTGRES.fullmatch(source_text(document, message, options))
    if match is None:
        raise NotTransformed("the text is no log line of PostgreSQL")
    document.update(match.groupdict())


def parse_vpc(document: Document, message: str, options: Mapping[str, Any]) -> None:
    document.update(_columns(source_text(document, message, options), _VPC))
    document["accountId"] = str(document["accountId"])


def parse_route53(document: Document, message: str, options: Mapping[str, Any]) -> None:
    document.update(_columns(source_text(document, message, options), _ROUTE53))


def parse_cloudfront(document: Document, message: str, options: Mapping[str, Any]) -> None:
    document.update(_columns(source_text(document, message, options), _CLOUDFRONT))


def _columns(text: str, fields: str) -> Document:
    values, names = text.split(), fields.split()
    if len(values) != len(names):
        raise NotTransformed(f"the text has {len(values)} fields, not {len(names)}")
    return {name: _typed(unquote(value)) for name, value in zip(names, values, strict=True)}


def _typed(value: str) -> Any:
    if _INTEGER.fullmatch(value):
        return int(value)
    return float(value) if _DECIMAL.fullmatch(value) else value


def _place(document: Document, parsed: Any, options: Mapping[str, Any]) -> None:
    if "destination" in options:
        put(document, options["destination"], parsed)
    elif isinstance(parsed, dict):
        document.update(cast("Document", parsed))
    else:
        raise NotTransformed("the text is no JSON object")


def _merge(document: Document, found: Document) -> None:
    for key, value in found.items():
        inner = document.get(key)
        if isinstance(inner, dict) and isinstance(value, dict):
            _merge(cast("Document", inner), cast("Document", value))
        else:
            document[key] = value
