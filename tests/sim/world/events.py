"""What the world sees happen, in order, beside what is answered to calls: the auditor reads it after every step."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_SIGNED = re.compile(r"""Signature\W+:\W*[\w+/=]+|'MD5OfBody': '\w+'""")


class Posted(NamedTuple):
    """A POST of a notification, and how it was answered: a status, or the word for why there was none."""

    url: str
    subscription: str
    label: str
    outcome: str


class Began(NamedTuple):
    """A function begins to run with an event. `labels` are the bodies of the queue's messages, or the one event's label."""

    function: str
    request: str
    source: str
    labels: tuple[str, ...]


class Ended(NamedTuple):
    """What came of it: "ok", or another kind of outcome; "killed" where its sandbox was ended."""

    function: str
    request: str
    source: str
    labels: tuple[str, ...]
    outcome: str


class Played(NamedTuple):
    """Something that a run of a durable function does or gets to know: it `begins`, does a `step`, `knows` what it was told, has `kept`
    what it said itself, and `ends`. `amiss` is what it must never see."""

    execution: str
    request: str
    what: str
    operations: tuple[dict[str, Any], ...] = ()


def unsigned(text: str) -> str:
    """All of a text but what a private key gave: no seed gives the same twice."""
    return _SIGNED.sub("", text)
