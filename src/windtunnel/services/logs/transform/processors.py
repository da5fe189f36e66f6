"""Log transformers: a list of processors, compiled into one function that makes of a message what is stored beside it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Transformation-Create.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, cast

import orjson

from windtunnel.services.logs.dates import format_date, parse_date, zone
from windtunnel.services.logs.transform import parsers
from windtunnel.services.logs.transform.paths import Document, NotTransformed, drop, find, put

EVENT_BYTES_MAX = 512 * 1024
Options = Mapping[str, Any]
Parse = Callable[[Document, str, Options], None]
Mutate = Callable[[Document, Options, Mapping[str, str]], None]

VENDED: dict[str, Parse] = {
    "parseCloudfront": parsers.parse_cloudfront,
    "parsePostgres": parsers.parse_postgres,
    "parseRoute53": parsers.parse_route53,
    "parseVPC": parsers.parse_vpc,
    "parseWAF": parsers.parse_waf,
}
PARSERS: dict[str, Parse] = {
    "parseJSON": parsers.parse_json,
    "grok": parsers.parse_grok,
    "csv": parsers.parse_csv,
    "parseKeyValue": parsers.parse_pairs,
    **VENDED,
}
_DATE_FORMAT = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"


@lru_cache(maxsize=256)
def transformer(config: str) -> Callable[[str, Mapping[str, str]], str]:
    """What the processors of a configuration (as JSON) make of a message and its metadata: JSON. Raises NotTransformed."""
    steps = [next(iter(processor.items())) for processor in orjson.loads(config)]

    def transform(message: str, metadata: Mapping[str, str]) -> str:
        document: Document = {}
        if len(message.encode("utf-8", "surrogatepass")) > EVENT_BYTES_MAX:
            raise NotTransformed("the log event is too large")
        for name, options in steps:
            if name in PARSERS:
                PARSERS[name](document, message, options)
            else:
                _MUTATORS[name](document, options, metadata)
        return orjson.dumps(document).decode()

    return transform


def _texts(change: Callable[[str], Any]) -> Mutate:
    def mutate(document: Document, options: Options, _: Mapping[str, str]) -> None:
        for path in options["withKeys"]:
            value = find(document, path)
            if isinstance(value, str):
                put(document, path, change(value))

    return mutate


def _entries(act: Callable[[Document, Options, Mapping[str, str]], None]) -> Mutate:
    def mutate(document: Document, options: Options, metadata: Mapping[str, str]) -> None:
        for entry in options["entries"]:
            act(document, entry, metadata)

    return mutate


def _split(document: Document, entry: Options, _: Mapping[str, str]) -> None:
    value = find(document, entry["source"])
    if isinstance(value, str):
        put(document, entry["source"], value.split(entry["delimiter"]))


@lru_cache(maxsize=256)
def substitution(pattern: str, replacement: str) -> tuple[re.Pattern[str], str]:
    """Java's `$1` and `${name}` as Python's. Raises ValueError."""
    try:
        compiled = re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", pattern))
        python = re.sub(r"\$(?:(\d)|\{(\w+)\})", lambda found: f"\\g<{found[1] or found[2]}>", replacement.replace("\\", "\\\\"))
        unknown = [name for name in re.findall(r"\\g<(\w+)>", python) if not (name.isdigit() or name in compiled.groupindex)]
    except re.error as error:
        raise ValueError(f"the regular expression is not valid: {error}") from error
    if unknown or any(int(number) > compiled.groups for number in re.findall(r"\\g<(\d+)>", python)):
        raise ValueError("a group that is referred to is not in the regular expression")
    return compiled, python


def _substitute(document: Document, entry: Options, _: Mapping[str, str]) -> None:
    value = find(document, entry["source"])
    if isinstance(value, str):
        pattern, replacement = substitution(entry["from"], entry["to"])
        put(document, entry["source"], pattern.sub(replacement, value))


def _add(document: Document, entry: Options, _: Mapping[str, str]) -> None:
    put(document, entry["key"], entry["value"], overwrite=entry.get("overwriteIfExists", False))


def _copy(document: Document, entry: Options, metadata: Mapping[str, str]) -> None:
    value = metadata[entry["source"]] if entry["source"] in metadata else find(document, entry["source"])
    if value is not None:
        put(document, entry["target"], value, overwrite=entry.get("overwriteIfExists", False))


def _move(document: Document, entry: Options, _: Mapping[str, str]) -> None:
    """Into a map the key goes by its own name, else under the name that is said."""
    value = find(document, entry["source"])
    if value is not None:
        drop(document, entry["source"])
        inside = isinstance(find(document, entry["target"]), dict)
        target = f"{entry['target']}.{entry['source'].rpartition('.')[2]}" if inside else entry["target"]
        put(document, target, value, overwrite=entry.get("overwriteIfExists", False))


def _rename(document: Document, entry: Options, _: Mapping[str, str]) -> None:
    value = find(document, entry["key"])
    if value is not None:
        drop(document, entry["key"])
        put(document, entry["renameTo"], value, overwrite=entry.get("overwriteIfExists", False))


def _convert(document: Document, entry: Options, _: Mapping[str, str]) -> None:
    value = find(document, entry["key"])
    if value is None or isinstance(value, (dict, list)):
        return
    try:
        put(document, entry["key"], _converted(value, entry["type"]))
    except ValueError as error:
        raise NotTransformed(f"{entry['key']} is no {entry['type']}") from error


def _converted(value: Any, kind: str) -> Any:
    if kind == "string":
        return str(value).lower() if isinstance(value, bool) else str(value)
    if kind == "boolean":
        if str(value).lower() not in ("true", "false"):
            raise ValueError(value)
        return str(value).lower() == "true"
    return int(float(value)) if kind == "integer" else float(value)


def _delete(document: Document, options: Options, _: Mapping[str, str]) -> None:
    for path in options["withKeys"]:
        drop(document, path)


def _map(document: Document, options: Options, _: Mapping[str, str]) -> None:
    items = find(document, options["source"])
    if not isinstance(items, list):
        raise NotTransformed(f"{options['source']} is no list")
    lists: dict[str, list[Any]] = {}
    for item in cast("list[Any]", items):
        if isinstance(item, dict) and isinstance(item.get(options["key"]), str):  # pyright: ignore[reportUnknownMemberType]
            one = cast("Document", item)
            lists.setdefault(one[options["key"]], []).append(one.get(options["valueKey"]) if "valueKey" in options else one)
    place = -1 if options.get("flattenedElement") == "last" else 0
    made = {name: values[place] if options.get("flatten") else values for name, values in lists.items()}
    if "target" in options:
        put(document, options["target"], made)
    else:
        document.update(made)


def _date(document: Document, options: Options, _: Mapping[str, str]) -> None:
    value, locale = find(document, options["source"]), options.get("locale", "")
    where = zone(options.get("sourceTimezone", "UTC"))
    found = [moment for pattern in options["matchPatterns"] if (moment := parse_date(str(value), pattern, where, locale)) is not None]
    if not found:
        raise NotTransformed(f"{options['source']} is no date of these patterns")
    moment = found[0].astimezone(zone(options.get("targetTimezone", "UTC")))
    put(document, options["target"], format_date(moment, options.get("targetFormat", _DATE_FORMAT), locale))


_MUTATORS: dict[str, Mutate] = {
    "addKeys": _entries(_add),
    "copyValue": _entries(_copy),
    "dateTimeConverter": _date,
    "deleteKeys": _delete,
    "listToMap": _map,
    "lowerCaseString": _texts(str.lower),
    "moveKeys": _entries(_move),
    "renameKeys": _entries(_rename),
    "splitString": _entries(_split),
    "substituteString": _entries(_substitute),
    "trimString": _texts(str.strip),
    "typeConverter": _entries(_convert),
    "upperCaseString": _texts(str.upper),
}
