"""What lifecycle rules say of a version, as pure functions: which rules are for it, and what each wants to become of it when.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from windtunnel.services.s3.rules import DAY_SECONDS, nested, several
from windtunnel.services.s3.state import Version

Rule = Mapping[str, Any]
COLDNESS = {
    "STANDARD": 0, "REDUCED_REDUNDANCY": 0, "STANDARD_IA": 1, "INTELLIGENT_TIERING": 2, "ONEZONE_IA": 3, "GLACIER_IR": 4, "GLACIER": 5,
    "DEEP_ARCHIVE": 6,
}  # fmt: skip
"""Objects only ever get colder: https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html"""
SMALL_BYTES = 128 * 1024
"""What is smaller isn't worth moving, unless a rule's filter speaks of sizes itself."""
MINIMUM_SIZE = "all_storage_classes_128K"
SMALL_TAKEN = {MINIMUM_SIZE: frozenset[str](), "varies_by_storage_class": frozenset(("GLACIER", "DEEP_ARCHIVE"))}
"""The classes that take small objects all the same, by TransitionDefaultMinimumObjectSize."""


class Place(msgspec.Struct, frozen=True):
    """Where a version stands among those of its key."""

    newest: bool
    since: float
    """When a newer one took its place."""
    newer: int
    """How many noncurrent versions are newer than it."""
    alone: bool = False
    """A delete marker with nothing beneath."""


class Fate(msgspec.Struct, frozen=True):
    """What a rule wants to become of a version from a moment on: another storage class, or "": it goes."""

    when: float
    storage: str = ""


def midnight_after(moment: float, days: int) -> float:
    """Days are counted from a moment and end at the midnight (UTC) after."""
    return (moment // DAY_SECONDS + days + 1) * DAY_SECONDS


def wanted_of(rule: Rule) -> tuple[str, list[dict[str, Any]], int | None, int | None]:
    """(prefix, tags, larger than, smaller than) of a rule's filter, in whichever form it was written."""
    found = nested(rule, "Filter")
    wanted = found.get("And") or found
    tags = [*several(wanted, "Tags"), *([wanted["Tag"]] if wanted.get("Tag") else [])]
    return wanted.get("Prefix") or rule.get("Prefix") or "", tags, wanted.get("ObjectSizeGreaterThan"), wanted.get("ObjectSizeLessThan")


def applies(rule: Rule, key: str, version: Version) -> bool:
    """Whether a rule is in force and its filter takes a version."""
    if rule["Status"] != "Enabled":
        return False
    prefix, tags, larger, smaller = wanted_of(rule)
    return (
        key.startswith(prefix)
        and all(version.tags.get(tag["Key"]) == tag["Value"] for tag in tags)
        and (larger is None or version.size > larger)
        and (smaller is None or version.size < smaller)
    )


def expiry_of(rule: Rule, version: Version) -> float | None:
    """When a rule that is for a current version expires it."""
    return _when(nested(rule, "Expiration"), version.modified)


def _when(action: Rule, since: float) -> float | None:
    if action.get("Date") is not None:
        return action["Date"]
    return None if action.get("Days") is None else midnight_after(since, action["Days"])


def fates(rules: Iterable[Rule], minimum: str, key: str, version: Version, place: Place) -> Iterator[Fate]:
    """What all rules want to become of one version. `minimum`: the configuration's TransitionDefaultMinimumObjectSize."""
    for rule in rules:
        if not applies(rule, key, version):
            continue
        if not place.newest:
            yield from _noncurrent(rule, minimum, version, place)
        elif not version.marker:
            if (when := expiry_of(rule, version)) is not None:
                yield Fate(when)
            for transition in several(rule, "Transitions"):
                when = _when(transition, version.modified)
                if when is not None and _may_move(rule, minimum, version, transition["StorageClass"]):
                    yield Fate(when, transition["StorageClass"])
        elif place.alone:
            when = 0 if nested(rule, "Expiration").get("ExpiredObjectDeleteMarker") else expiry_of(rule, version)
            if when is not None:
                yield Fate(when)


def _noncurrent(rule: Rule, minimum: str, version: Version, place: Place) -> Iterator[Fate]:
    ending = nested(rule, "NoncurrentVersionExpiration")
    if ending.get("NoncurrentDays") and place.newer >= (ending.get("NewerNoncurrentVersions") or 0):
        yield Fate(midnight_after(place.since, ending["NoncurrentDays"]))
    for transition in [] if version.marker else several(rule, "NoncurrentVersionTransitions"):
        kept = place.newer < (transition.get("NewerNoncurrentVersions") or 0)
        if not kept and _may_move(rule, minimum, version, transition["StorageClass"]):
            yield Fate(midnight_after(place.since, transition.get("NoncurrentDays") or 0), transition["StorageClass"])


def _may_move(rule: Rule, minimum: str, version: Version, storage: str) -> bool:
    if COLDNESS[storage] <= COLDNESS[version.storage]:
        return False
    _, _, larger, smaller = wanted_of(rule)
    return version.size >= SMALL_BYTES or larger is not None or smaller is not None or storage in SMALL_TAKEN[minimum]


def upload_end(rule: Rule, key: str, initiated: float) -> float | None:
    """When a rule gives up an upload that was never completed."""
    days = nested(rule, "AbortIncompleteMultipartUpload").get("DaysAfterInitiation")
    prefix, *_ = wanted_of(rule)
    return None if days is None or rule["Status"] != "Enabled" or not key.startswith(prefix) else midnight_after(initiated, days)


def next_look(rules: Iterable[Rule], now: float) -> float:
    """The midnight by which something may be due that a look taken now does not see: what will be written later, tagged anew, or
    buried under newer versions."""
    soonest = float("inf")
    for rule in rules:
        if rule["Status"] != "Enabled":
            continue
        _, tags, _, _ = wanted_of(rule)
        expiration, ending = nested(rule, "Expiration"), nested(rule, "NoncurrentVersionExpiration")
        later = several(rule, "NoncurrentVersionTransitions")
        actions = [expiration, *several(rule, "Transitions")]
        days = [action["Days"] for action in actions if action.get("Days") is not None]
        days += [action["NoncurrentDays"] for action in (ending, *later) if action.get("NoncurrentDays") is not None]
        if rule.get("AbortIncompleteMultipartUpload"):
            days.append(rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"])
        dates = [action["Date"] for action in actions if action.get("Date") is not None]
        counted = any(action.get("NewerNoncurrentVersions") for action in (ending, *later))
        if tags or counted or expiration.get("ExpiredObjectDeleteMarker") or any(date <= now for date in dates):
            return midnight_after(now, 0)
        soonest = min([soonest, *dates, *(midnight_after(now, number) for number in days)])
    return soonest
