"""What lifecycle rules have to keep to.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

from windtunnel.fabric import Fault
from windtunnel.services.s3.lifecycle.ageing import wanted_of
from windtunnel.services.s3.rules import DAY_SECONDS, malformed, nested, several

ID_LENGTH_MAX = 255
AND_PARTS_MIN = 2
NEWER_VERSIONS_MAX = 100
INFREQUENT = ("STANDARD_IA", "ONEZONE_IA")
INFREQUENT_DAYS_MIN = 30
COLDER = ("STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
"""Objects move this way only: https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html"""
KEPT_DAYS_MIN = {"STANDARD_IA": 30, "ONEZONE_IA": 30, "GLACIER_IR": 90, "GLACIER": 90}
ACTIONS = ("Expiration", "Transitions", "NoncurrentVersionTransitions", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
FILTERS = ("Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "And")


def check_rule(rule: Mapping[str, Any]) -> None:
    """Refuse a rule that S3 would."""
    found = rule.get("Filter")
    if (found is None) == (rule.get("Prefix") is None) or not any(rule.get(action) for action in ACTIONS):
        raise malformed()
    if len(rule.get("ID") or "") > ID_LENGTH_MAX:
        message = f"ID length should not exceed allowed limit of {ID_LENGTH_MAX}"
        raise Fault("InvalidArgument", message, ArgumentName="ID", ArgumentValue=rule["ID"])
    if found is not None:
        if len([name for name in FILTERS if found.get(name) is not None]) > 1:
            raise malformed()
        if found.get("And") is not None:
            _check_both(found["And"])
    if rule.get("Expiration") is not None:
        _check_expiration(rule)
    for transition in several(rule, "Transitions"):
        if not transition.get("StorageClass") or (transition.get("Date") is None) == (transition.get("Days") is None):
            raise malformed()
        _check_when(transition, "Transition")
    _check_order(rule, "Transition", "Transitions", "Expiration", "Days")
    _check_noncurrent(rule)
    _check_order(rule, "NoncurrentVersionTransition", "NoncurrentVersionTransitions", "NoncurrentVersionExpiration", "NoncurrentDays")
    _check_abort(rule)


def _check_both(both: Mapping[str, Any]) -> None:
    keys = [tag["Key"] for tag in several(both, "Tags")]
    if len(set(keys)) != len(keys):
        raise Fault("InvalidRequest", "Duplicate Tag Keys are not allowed.")
    if len(keys) + len([name for name in FILTERS if both.get(name) is not None]) < AND_PARTS_MIN:
        raise malformed()
    larger, smaller = both.get("ObjectSizeGreaterThan"), both.get("ObjectSizeLessThan")
    if larger is not None and smaller is not None and larger >= smaller:
        raise Fault("InvalidRequest", "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")


def _check_expiration(rule: Mapping[str, Any]) -> None:
    expiration = rule["Expiration"]
    if len([name for name in ("Date", "Days", "ExpiredObjectDeleteMarker") if expiration.get(name) is not None]) != 1:
        raise malformed()
    _check_when(expiration, "Expiration")
    if expiration.get("ExpiredObjectDeleteMarker") and wanted_of(rule)[1]:
        raise Fault("InvalidRequest", "ExpiredObjectDeleteMarker cannot be specified with Tags.")


def _check_when(action: Mapping[str, Any], name: str) -> None:
    date, days = action.get("Date"), action.get("Days")
    if date is not None and date % DAY_SECONDS:
        shown = datetime.fromtimestamp(date, UTC).isoformat().replace("+00:00", "Z")
        raise Fault("InvalidArgument", "'Date' must be at midnight GMT", ArgumentName="Date", ArgumentValue=shown)
    least = 1 if name == "Expiration" else 0
    if days is not None and days < least:
        message = f"'Days' for {name} action must be a {'positive' if least else 'nonnegative'} integer"
        raise Fault("InvalidArgument", message, ArgumentName="Days", ArgumentValue=str(days))


def _check_order(rule: Mapping[str, Any], name: str, member: str, ending: str, unit: str) -> None:
    """Transitions of one rule: each class once, none before its time, and all before the end."""
    moves, end = several(rule, member), nested(rule, ending)
    prefix = f"filter '(prefix={wanted_of(rule)[0]})'"
    if len({move["StorageClass"] for move in moves}) != len(moves):
        raise Fault("InvalidRequest", f"'StorageClass' must be different for '{name}' actions in same 'Rule' with {prefix}")
    for move in moves:
        days = move.get(unit)
        if days is not None and days < INFREQUENT_DAYS_MIN and move["StorageClass"] in INFREQUENT:
            least = f"must be greater than or equal to {INFREQUENT_DAYS_MIN} for storageClass '{move['StorageClass']}'"
            raise Fault("InvalidArgument", f"'{unit}' in {name} action {least}", ArgumentName=unit, ArgumentValue=str(days))
    if len({move.get("Date") is None for move in moves}) > 1:
        raise Fault("InvalidRequest", f"Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for {prefix}")
    _check_descent(moves, name, unit, prefix)
    for move in moves:
        if (end.get("Date") is not None and move.get("Date") is None) or (end.get("Days") is not None and move.get("Date") is not None):
            message = f"Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for {prefix}"
            raise Fault("InvalidRequest", message)
        word = unit if move.get("Date") is None else "Date"
        if end.get(word) is not None and end[word] <= (move.get(word) or 0):
            message = f"'{word}' in the {ending} action for {prefix} must be greater than '{word}' in the {name} action"
            raise Fault("InvalidArgument", message, ArgumentName=word, ArgumentValue=str(end[word]))


def _check_descent(moves: Sequence[Mapping[str, Any]], name: str, unit: str, prefix: str) -> None:
    """Each class keeps an object for its time before a colder one may have it."""
    for warm, cold in combinations(sorted(moves, key=lambda move: COLDER.index(move["StorageClass"])), 2):
        word, day = (unit, 1) if warm.get("Date") is None else ("Date", DAY_SECONDS)
        least = KEPT_DAYS_MIN.get(warm["StorageClass"], 0)
        if cold[word] - warm[word] < least * day:
            message = (
                f"'{word}' in the '{name}' action for StorageClass '{cold['StorageClass']}' for {prefix} must be {least} days more than"
                f" '{prefix}' in the '{name}' action for StorageClass '{warm['StorageClass']}'"
            )
            raise Fault("InvalidArgument", message, ArgumentName=word, ArgumentValue=str(cold[word]))


def _check_noncurrent(rule: Mapping[str, Any]) -> None:
    ending = rule.get("NoncurrentVersionExpiration")
    if ending is not None and ending.get("NoncurrentDays") is None:
        raise malformed()
    if ending is not None and ending["NoncurrentDays"] < 1:
        message = "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer"
        raise Fault("InvalidArgument", message, ArgumentName="NoncurrentDays", ArgumentValue=str(ending["NoncurrentDays"]))
    moves = several(rule, "NoncurrentVersionTransitions")
    if any(not move.get("StorageClass") or move.get("NoncurrentDays") is None for move in moves):
        raise malformed()
    for action in (nested(rule, "NoncurrentVersionExpiration"), *moves):
        newer = action.get("NewerNoncurrentVersions")
        if newer is not None and not 1 <= newer <= NEWER_VERSIONS_MAX:
            message = f"'NewerNoncurrentVersions' must be a positive integer not greater than {NEWER_VERSIONS_MAX}"
            raise Fault("InvalidArgument", message, ArgumentName="NewerNoncurrentVersions", ArgumentValue=str(newer))


def _check_abort(rule: Mapping[str, Any]) -> None:
    abort = rule.get("AbortIncompleteMultipartUpload")
    if abort is None:
        return
    days = abort.get("DaysAfterInitiation")
    if days is None:
        raise malformed()
    if days < 1:
        message = "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer"
        raise Fault("InvalidArgument", message, ArgumentName="DaysAfterInitiation", ArgumentValue=str(days))
    _, tags, larger, smaller = wanted_of(rule)
    if tags or larger is not None or smaller is not None:
        raise Fault("InvalidRequest", f"AbortIncompleteMultipartUpload cannot be specified with {'Tags' if tags else 'Object Size'}.")
