"""The grok processor's patterns as regular expressions: `%{NAME:field}` between literal text.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Transformation-Processors.html#Grok-Patterns
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from windtunnel.services.logs.transform.paths import Document, put

MATCH_PATTERNS_MAX = 20
_FEW = 5
"""How often patterns that may match much can be used."""
_MONTH = (
    r"\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|"
    r"Nov(?:ember)?|Dec(?:ember)?)\b"
)
_DAY = r"(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)"
_DAY_OF_MONTH, _MONTH_NUMBER, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:\d{4}|\d{2})"
_HOUR, _MINUTE, _SECOND = r"(?:[01]?\d|2[0-3])", r"[0-5]\d", r"(?:[0-5]?\d|60)(?:[:.,]\d+)?"
_TIME = f"{_HOUR}:{_MINUTE}:{_SECOND}"
_ZONE = rf"(?:Z|[+-]{_HOUR}:?{_MINUTE})"
_ABBREVIATION = r"(?:[PMCE][SD]T|UTC)"
_DATE_US = rf"{_MONTH_NUMBER}[/-]{_DAY_OF_MONTH}[/-]{_YEAR}"
_DATE_EU = rf"{_DAY_OF_MONTH}[./-]{_MONTH_NUMBER}[./-]{_YEAR}"
_NUMBER = r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)"
_IPV4 = r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV6 = rf"(?:(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}(?:{_IPV4}|[0-9A-Fa-f]{{0,4}}))"
_HOST = r"\b[0-9A-Za-z](?:[0-9A-Za-z-]{0,62})(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\.?\b"
_IP_OR_HOST = f"(?:{_IPV6}|{_IPV4}|{_HOST})"
_URI_PATH, _URI_PARAMETERS = r"(?:/[\w.$!*'(){},~:;=@#%&|+-]*)+", r"\?[\w.$!*'(){},~:;=@#%&|/?+\[\]<>-]*"
_WINDOWS_PATH = r"(?:[A-Za-z]+:|\\)(?:\\[^\\?*]*)+"
_UNIX_PATH = r"(?:/[\w_%!$@:.,+~?=&-]*)+"
_PROGRAM = r"[\w./%-]+"
_COMMON_MAC, _WINDOWS_MAC, _CISCO_MAC = (
    r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}",
    r"(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}",
    r"(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}",
)
_LEVEL = (
    r"(?:[Aa]lert|ALERT|[Tt]race|TRACE|[Dd]ebug|DEBUG|[Nn]otice|NOTICE|[Ii]nfo|INFO|[Ww]arn(?:ing)?|WARN(?:ING)?|[Ee]rr(?:or)?|ERR(?:OR)?|"
    r"[Cc]rit(?:ical)?|CRIT(?:ICAL)?|[Ff]atal|FATAL|[Ss]evere|SEVERE|[Ee]merg(?:ency)?|EMERG(?:ENCY)?)"
)
_PATTERNS = {
    "USERNAME": r"[\w.-]+",
    "USER": r"[\w.-]+",
    "INT": r"[+-]?\d+",
    "NUMBER": _NUMBER,
    "BASE10NUM": _NUMBER,
    "BASE16NUM": r"[+-]?(?:0x)?[0-9A-Fa-f]+",
    "POSINT": r"\b[1-9]\d*\b",
    "NONNEGINT": r"\b\d+\b",
    "WORD": r"\b\w+\b",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "DATA": r".*?",
    "GREEDYDATA": r".*",
    "GREEDYDATA_MULTILINE": r"(?s:.*)",
    "QUOTEDSTRING": r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'",
    "UUID": r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "URN": r"urn:[0-9A-Za-z][0-9A-Za-z-]{0,31}:[\w()+,.:=@;$!*'/?#%-]+",
    "ARN": r"arn:(?:aws|aws-cn|aws-us-gov):[^:\s]+:[^:\s]+:\d{12}:[^/:\s]+(?:[/:][^/\s]+){0,5}",
    "CISCOMAC": _CISCO_MAC,
    "WINDOWSMAC": _WINDOWS_MAC,
    "COMMONMAC": _COMMON_MAC,
    "MAC": f"(?:{_CISCO_MAC}|{_WINDOWS_MAC}|{_COMMON_MAC})",
    "IPV6": _IPV6,
    "IPV4": _IPV4,
    "IP": f"(?:{_IPV6}|{_IPV4})",
    "HOSTNAME": _HOST,
    "HOST": _HOST,
    "IPORHOST": _IP_OR_HOST,
    "SYSLOGHOST": _IP_OR_HOST,
    "HOSTPORT": f"{_IP_OR_HOST}:(?P<PORT>[1-9][0-9]*)",
    "URIHOST": f"{_IP_OR_HOST}(?::(?P<port>[1-9][0-9]*))?",
    "UNIXPATH": _UNIX_PATH,
    "WINPATH": _WINDOWS_PATH,
    "PATH": f"(?:{_UNIX_PATH}|{_WINDOWS_PATH})",
    "TTY": r"/dev/(?:pts|tty\w*)(?:/\w+)?",
    "URIPROTO": r"[A-Za-z]+(?:\+[A-Za-z+]+)?",
    "URIPATH": _URI_PATH,
    "URIPARAM": _URI_PARAMETERS,
    "URIPATHPARAM": f"{_URI_PATH}(?:{_URI_PARAMETERS})?",
    "URI": rf"[A-Za-z]+(?:\+[A-Za-z+]+)?://(?:[^\s/@]+@)?{_IP_OR_HOST}(?::[1-9][0-9]*)?(?:{_URI_PATH}(?:{_URI_PARAMETERS})?)?",
    "MONTH": _MONTH,
    "MONTHNUM": _MONTH_NUMBER,
    "MONTHNUM2": r"(?:0[1-9]|1[0-2])",
    "MONTHDAY": _DAY_OF_MONTH,
    "YEAR": _YEAR,
    "DAY": _DAY,
    "HOUR": _HOUR,
    "MINUTE": _MINUTE,
    "SECOND": _SECOND,
    "TIME": _TIME,
    "DATE_US": _DATE_US,
    "DATE_EU": _DATE_EU,
    "DATE": f"(?:{_DATE_US}|{_DATE_EU})",
    "DATESTAMP": f"(?:{_DATE_US}|{_DATE_EU})[ -]{_TIME}",
    "ISO8601_TIMEZONE": _ZONE,
    "ISO8601_SECOND": _SECOND,
    "TIMESTAMP_ISO8601": rf"{_YEAR}-{_MONTH_NUMBER}-{_DAY_OF_MONTH}[T ]{_HOUR}:?{_MINUTE}(?::?{_SECOND})?(?:Z|[+-]?{_HOUR}:?{_MINUTE})?",
    "TZ": _ABBREVIATION,
    "DATESTAMP_RFC822": rf"{_DAY} {_MONTH} {_DAY_OF_MONTH} {_YEAR} {_TIME} {_ABBREVIATION}",
    "DATESTAMP_RFC2822": rf"{_DAY}, {_DAY_OF_MONTH} {_MONTH} {_YEAR} {_TIME} {_ZONE}",
    "DATESTAMP_OTHER": rf"{_DAY} {_MONTH} {_DAY_OF_MONTH} {_TIME} {_ABBREVIATION} {_YEAR}",
    "DATESTAMP_EVENTLOG": rf"{_YEAR}(?:0[1-9]|1[0-2]){_DAY_OF_MONTH}{_HOUR}{_MINUTE}{_SECOND}",
    "LOGLEVEL": _LEVEL,
    "HTTPDATE": rf"{_DAY_OF_MONTH}/{_MONTH}/{_YEAR}:{_TIME} [+-]?\d+",
    "SYSLOGTIMESTAMP": rf"{_MONTH} +{_DAY_OF_MONTH} {_TIME}",
    "PROG": _PROGRAM,
    "SYSLOGPROG": rf"(?P<program>{_PROGRAM})(?:\[(?P<pid>\d+)\])?",
    "SYSLOGFACILITY": r"<(?P<facility>\d+)\.(?P<priority>\d+)>",
}
_MATCHING_MUCH = (
    "NOTSPACE SPACE DATA GREEDYDATA ARN IPV6 IP HOSTNAME HOST IPORHOST HOSTPORT URIHOST WINPATH PATH URIPARAM URIPATHPARAM URI SYSLOGHOST"
)
_LIMITED = {**dict.fromkeys(_MATCHING_MUCH.split(), _FEW), "GREEDYDATA_MULTILINE": 1}
_TOGETHER = frozenset({"URI", "URIPARAM", "URIPATHPARAM", "SPACE", "DATA", "GREEDYDATA", "GREEDYDATA_MULTILINE"})
_APACHE = (
    r"(?P<remote_host>\S+) \S+ (?P<auth_user>\S+) \[(?P<timestamp>[^\]]+)\] "
    r"\"(?P<http_method>\S+) (?P<request>\S+) HTTP/(?P<http_version>[\d.]+)\" (?P<status_code>\d+) (?P<response_size>\d+|-)"
)
_COMMON = {
    "APACHE_ACCESS_LOG": _APACHE,
    "NGINX_ACCESS_LOG": _APACHE + r" \"(?P<referrer>[^\"]*)\" \"(?P<agent>[^\"]*)\"",
    "SYSLOG5424": (
        r"<(?P<pri>\d+)>(?P<version>\d+) (?P<timestamp>\S+) (?P<hostname>\S+) (?P<app>\S+) (?P<proc_id>\S+) (?P<msg_id>\S+) "
        r"(?:-|\[(?P<structured_data>[^\]]*)\])(?: ?(?P<message>.*?))?"
    ),
}
_NUMBERS = frozenset({"status_code", "response_size", "pri", "version"})
_PIECE = re.compile(r"%\{(\w+)(?::([^}:]+))?\}|\\(.)|([^%\\]+|.)", re.DOTALL)


class _Compiled(NamedTuple):
    regex: re.Pattern[str]
    paths: dict[str, str]
    """group of the expression -> path in the event"""
    quoted: frozenset[str]


@lru_cache(maxsize=256)
def grok(match: str) -> Callable[[str], Document | None]:
    """What a grok pattern finds in a text, None where it doesn't fit. Raises ValueError where it is none."""
    compiled = _compile(match)

    def parse(text: str) -> Document | None:
        found = compiled.regex.fullmatch(text)
        if found is None:
            return None
        document: Document = {}
        for group, value in found.groupdict().items():
            if value is None or (value == "-" and group not in compiled.paths):
                continue
            put(document, compiled.paths.get(group, group), value[1:-1] if group in compiled.quoted else _typed(group, value, compiled))
        return document

    return parse


def _compile(match: str) -> _Compiled:
    used: list[str] = []
    paths: dict[str, str] = {}
    quoted: set[str] = set()
    parts: list[str] = []
    for name, field, escaped, literal in _PIECE.findall(match):
        if not name:
            parts.append(re.escape(escaped or literal))
            continue
        pattern = _COMMON.get(name) or _PATTERNS.get(name)
        if pattern is None:
            raise ValueError(f"unknown grok pattern {name}")
        used.append(name)
        if not field:
            parts.append(f"(?:{pattern})")
            continue
        group = f"_{len(used)}"
        paths[group] = field
        quoted |= {group} if name == "QUOTEDSTRING" else set()
        parts.append(f"(?P<{group}>{pattern})")
    _check(used)
    try:
        return _Compiled(re.compile("".join(parts)), paths, frozenset(quoted))
    except re.error as error:
        raise ValueError(f"grok pattern is not valid: {error}") from error


def _check(used: list[str]) -> None:
    counts = Counter(used)
    if not used or len(used) > MATCH_PATTERNS_MAX:
        raise ValueError(f"a grok match has between 1 and {MATCH_PATTERNS_MAX} patterns")
    if any(counts[name] > most for name, most in _LIMITED.items()) or sum(counts[name] for name in _TOGETHER) > _FEW:
        raise ValueError("a grok pattern is used too often")
    if not _COMMON.keys().isdisjoint(used) and (
        used[0] not in _COMMON or len(used) > 2 or not {*used[1:]} <= {"DATA", "GREEDYDATA", "GREEDYDATA_MULTILINE"}
    ):
        raise ValueError("a common log pattern comes first and is followed by nothing but one of DATA, GREEDYDATA and GREEDYDATA_MULTILINE")


def _typed(group: str, value: str, compiled: _Compiled) -> Any:
    """Fields of the common logs have types and times of one form; all others are texts."""
    if group in compiled.paths:
        return value
    if group in _NUMBERS:
        return int(value) if value.isdigit() else value
    if group == "timestamp" and "/" in value:
        return f"{datetime.strptime(value, '%d/%b/%Y:%H:%M:%S %z').astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return value
