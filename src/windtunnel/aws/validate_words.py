"""How AWS prints values in its sentences about validation: as Java prints them."""

import re
from typing import Any

from windtunnel.aws.model import Shape

_BUCKETS = 32
_QUOTED = re.compile(r"\\.|\[(?:\\.|[^\]])+\]")
"""What stands for itself in a pattern, or is a class: parentheses in it group nothing."""
UNSEEN = {"PutEventsRequestEntry": ("kmsKeyIdentifier", "internalMetadata")}
"""Members that AWS's own structures have, and that its refusals print, but not the public model."""


def enum_words(words: list[str]) -> list[str]:
    """An enum's words in the order in which AWS lists them.

    They come out of a hash table of 32 buckets, keyed by Java's hash of the text, where each bucket has its newest entry first:
    this order agrees with every answer of API Gateway, CloudWatch, EventBridge, KMS, Lambda, Logs, Step Functions and
    Transcribe that was compared.
    """
    buckets: dict[int, list[str]] = {}
    for word in words:
        buckets.setdefault(_java_hash(word) % _BUCKETS, []).insert(0, word)
    return [word for bucket in sorted(buckets) for word in buckets[bucket]]


def printed(value: Any, shape: Shape) -> str:
    """A value as Java's toString gives it: `[a, b]`, `{k=v}`, `Shape(member=…, other=null)`."""
    kind = shape.type_name
    if value is None:
        return "null"
    if shape.raw.get("sensitive"):
        return "***"
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind == "list":
        return f"[{', '.join([printed(item, shape.member) for item in value])}]"
    if kind == "map":
        return f"{{{', '.join([f'{name}={printed(item, shape.value)}' for name, item in value.items()])}}}"
    if kind == "structure":
        unseen = "".join([f", {name}=null" for name in UNSEEN.get(shape.name, ())])
        members = (f"{name[0].lower()}{name[1:]}={printed(value.get(name), member)}" for name, member in shape.members.items())
        return f"{shape.name}({', '.join(members)}{unseen})"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    if kind in ("float", "double"):
        return str(float(value))
    return str(value)


def _java_hash(text: str) -> int:
    """`String.hashCode`, of which only the lowest bits matter here."""
    number = 0
    for char in text:
        number = (31 * number + ord(char)) & 0xFFFFFFFF
    return number


def pattern_words(pattern: str) -> str:
    """A pattern as services print it: published models wrap alternatives of which each has its own parentheses, `((a)|(b))`, once more."""
    depth, alternatives = 0, False
    for character in _QUOTED.sub("x", pattern)[1:-1]:
        depth += (character == "(") - (character == ")")
        alternatives |= depth == 0 and character == "|"
        if depth < 0:
            return pattern
    return pattern[1:-1] if alternatives and pattern.startswith("((") and pattern.endswith("))") else pattern
