"""The `pattern` command of Logs Insights: messages of one form become one row, with tokens for what varies in them.

What is a number, an address, a time or an id is a token by its form; messages of as many words that agree in most of them are of one
pattern, and the words in which they don't agree are tokens as well.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Pattern.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from windtunnel.services.logs.insights.expression import Expression
from windtunnel.services.logs.insights.values import Row, printed

COLUMNS: tuple[str, ...] = ("@pattern", "@ratio", "@sampleCount", "@severityLabel")
_ALIKE_MIN = 0.6
"""The share of words in which messages of one pattern agree."""
_FORMS = {
    "Date": r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?",
    "Time": r"\d\d:\d\d:\d\d(?:[.,]\d+)?",
    "UUID": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "IP": r"\d{1,3}(?:\.\d{1,3}){3}",
    "Email": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "Hex": r"0x[0-9a-fA-F]+",
    "Number": r"-?\d+(?:\.\d+)?",
}
TOKEN = "<Token>"
_NAMES = frozenset({*_FORMS, TOKEN.strip("<>")})
_TOKEN = re.compile("|".join(rf"(?P<{name}>(?<![\w.]){form}(?![\w]))" for name, form in _FORMS.items()))
_WORD = re.compile(r"<\w+>|[^\s<>]+|\s+|[<>]")
_SEVERITY = re.compile(r"\b(FATAL|CRITICAL|ERROR|EXCEPTION|WARN(?:ING)?|INFO|DEBUG|TRACE)\b", re.IGNORECASE)
_LABELS = {"FATAL": "Fatal", "CRITICAL": "Fatal", "ERROR": "Error", "EXCEPTION": "Error", "WARN": "Warning", "WARNING": "Warning"}


def patterns(rows: Sequence[Row], source: Expression) -> list[Row]:
    """The patterns of rows, the most frequent first."""
    counts = Counter(words_of(text) for row in rows if (text := printed(source(row))) is not None)
    clusters: dict[int, list[tuple[list[str], int]]] = {}
    for words, count in counts.most_common():
        same = clusters.setdefault(len(words), [])
        at = next((at for at, (known, _) in enumerate(same) if alike(known, words)), None)
        if at is None:
            same.append((list(words), count))
        else:
            known, before = same[at]
            same[at] = ([one if one == other else TOKEN for one, other in zip(known, words, strict=True)], before + count)
    found = sorted((cluster for same in clusters.values() for cluster in same), key=lambda one: -one[1])
    total = sum(counts.values())
    return [_row("".join(words), count, total) for words, count in found]


def words_of(text: str) -> tuple[str, ...]:
    """A message's words, with tokens for what is one by its form."""
    return tuple(_WORD.findall(_TOKEN.sub(lambda match: f"<{match.lastgroup}>", text)))


def raw_words_of(text: str) -> list[str]:
    """The same words as they stand in the message."""
    found: list[str] = []
    at = 0
    for match in _TOKEN.finditer(text):
        found += (*_WORD.findall(text[at : match.start()]), match[0])
        at = match.end()
    return found + _WORD.findall(text[at:])


def alike(known: list[str], words: tuple[str, ...]) -> bool:
    """Whether a message of as many words is of a pattern."""
    pairs = [(one, other) for one, other in zip(known, words, strict=True) if not one.isspace()]
    same = sum(one == other for one, other in pairs)
    # Where nothing but tokens would be left there is no pattern in common.
    return same == len(pairs) or (len(pairs) > 2 and same / len(pairs) >= _ALIKE_MIN and pairs[0][0] == pairs[0][1])


def _row(text: str, count: int, total: int) -> Row:
    numbers = iter(range(1, len(text) + 1))
    pattern = re.sub(r"<(\w+)>", lambda match: f"<{match[1]}-{next(numbers)}>", text)
    return {"@pattern": pattern, "@ratio": count / total, "@sampleCount": count, "@severityLabel": severity_of(text)}


def severity_of(text: str) -> str | None:
    """How severe a message says it is."""
    severity = _SEVERITY.search(text)
    found = severity[1].upper() if severity is not None else ""
    return _LABELS.get(found, found.capitalize()) or None


def is_token(word: str) -> bool:
    """Whether a word of a pattern stands for what varies."""
    return word.startswith("<") and word.strip("<>") in _NAMES
