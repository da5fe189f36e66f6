"""What a log transformer must look like: which processors come first, how often, and with what.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Transformation-Create.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import orjson

from windtunnel.fabric import Fault
from windtunnel.services.logs.dates import UnknownLocale, language, zone
from windtunnel.services.logs.rules import invalid
from windtunnel.services.logs.transform.grok import grok
from windtunnel.services.logs.transform.parsers import MESSAGE
from windtunnel.services.logs.transform.paths import DEPTH_MAX
from windtunnel.services.logs.transform.processors import PARSERS, VENDED, Options, substitution

PARSERS_MAX = 5
_ONCE = ("grok", "addKeys", "copyValue")


def checked_transformer(config: Sequence[Any]) -> str:
    """A configuration as it is kept; refuses what is none."""
    try:
        _check_processors(config)
    except ValueError as error:
        raise invalid(f"The transformer configuration is not valid: {error}.") from error
    except NotImplementedError as error:
        raise Fault("NotImplemented", f"windtunnel does not implement {error} in transformers.", status=501) from error
    return orjson.dumps(config).decode()


def _check_processors(config: Sequence[Options]) -> None:
    """Refuses, by a ValueError, what is no transformer; NotImplementedError for what can't be done here."""
    names: list[str] = []
    for processor in config:
        if len(processor) != 1:
            raise ValueError("each entry of a transformer must have exactly one processor")
        names += processor
    counts = Counter(names)
    parsing = [name for name in names if name in PARSERS or name == "parseToOCSF"]
    if not names or names[0] not in parsing:
        raise ValueError("the first processor of a transformer must be a parser")
    if len(parsing) > PARSERS_MAX:
        raise ValueError(f"a transformer has at most {PARSERS_MAX} parsers")
    if any(name in VENDED for name in names[1:]):
        raise ValueError("a parser of vended logs must be the first processor, and the only one of its kind")
    if any(counts[name] > 1 for name in _ONCE):
        raise ValueError("a transformer has at most one grok, one addKeys and one copyValue processor")
    if "parseToOCSF" in names:
        raise NotImplementedError("parseToOCSF")
    for processor in config:
        for name, options in processor.items():
            _check_options(name, options)


def _check_options(name: str, options: Options) -> None:
    if name in VENDED and options.get("source", MESSAGE) != MESSAGE:
        raise ValueError(f"{name} reads nothing but {MESSAGE}")
    entries = cast("list[Options]", options.get("entries", ()))
    listed = [
        one[member] for one in (options, *entries) for member in ("source", "target", "destination", "key", "renameTo") if member in one
    ]
    if any(path.count(".") >= DEPTH_MAX for path in listed):
        raise ValueError(f"a key lies at most {DEPTH_MAX} levels deep")
    if name == "grok":
        grok(options["match"])
    if name == "substituteString":
        for one in entries:
            substitution(one["from"], one["to"])
    if name == "listToMap" and options.get("flatten") and "flattenedElement" not in options:
        raise ValueError("flattenedElement must be specified where flatten is true")
    if name == "dateTimeConverter":
        zone(options.get("sourceTimezone", "UTC"))
        zone(options.get("targetTimezone", "UTC"))
        try:
            language(options.get("locale", ""))
        except UnknownLocale as error:
            raise NotImplementedError(f"the locale {error}") from error
