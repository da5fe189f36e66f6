"""How long a group keeps its events: as long as it says, or as long as the account's retention policies say, which go before.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any, Final, Literal, NamedTuple

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.logs.criteria import selected
from windtunnel.services.logs.rules import DAY_MILLISECONDS, MILLISECONDS, RETENTION_DAYS, invalid
from windtunnel.services.logs.state import ACCOUNT_POLICIES, GROUPS, STORED, AccountPolicy, Group

KIND: Final = "RETENTION_POLICY"
NEVER: Final = "NEVER_EXPIRE"
DAYS_MIN = 30
HOLDS_AFTER_SECONDS = 24 * 3600
"""So long after it was made or changed a policy takes effect."""
IMPACTED_MAX = 20
DELIVERY: Final = "DELIVERY"
DELIVERY_DAYS = 1.0
"""Groups of this class keep events for a day, whatever is said: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html"""


class Rule(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """The document of a retention policy."""

    retention_in_days: int | Literal["NEVER_EXPIRE"]
    enforcement_mode: Literal["NEW_ONLY", "RETROACTIVE"]


class Holding(NamedTuple):
    """A policy as it holds, or is to hold, of groups."""

    name: str
    created: int
    days: float
    criteria: str
    new_only: bool

    def is_for(self, name: str, group: Group) -> bool:
        return selected(self.criteria, name) and (not self.new_only or group.created >= self.created)


def check(text: str) -> None:
    try:
        rule = msgspec.json.decode(text, type=Rule)
    except msgspec.DecodeError as error:
        raise invalid("The policyDocument must have retentionInDays and an enforcementMode of NEW_ONLY or RETROACTIVE.") from error
    days = rule.retention_in_days
    if days != NEVER and (days not in RETENTION_DAYS or days < DAYS_MIN):
        raise invalid(f"The retentionInDays must be {NEVER} or one of {', '.join(str(one) for one in RETENTION_DAYS if one >= DAYS_MIN)}.")


def holding(name: str, policy: AccountPolicy, now: float) -> Holding | None:
    """A policy as it holds by now: for a day as it was before."""
    document, criteria = policy.document, policy.criteria
    if now * MILLISECONDS < policy.updated + HOLDS_AFTER_SECONDS * MILLISECONDS:
        if not policy.before:
            return None
        document, criteria = policy.before
    rule = msgspec.json.decode(document, type=Rule)
    days = inf if rule.retention_in_days == NEVER else float(rule.retention_in_days)
    return Holding(name, policy.created, days, criteria, rule.enforcement_mode == "NEW_ONLY")


def all_holding(tx: Tx, now: float) -> list[Holding]:
    found = (holding(str(key[1]), policy, now) for key, policy in tx.scan(ACCOUNT_POLICIES, KIND))
    return [one for one in found if one is not None]


def days_of(name: str, group: Group, policies: Iterable[Holding]) -> tuple[float, str]:
    """For how many days a group keeps events (infinity: for ever), and the name of the policy that says so."""
    if group.kind == DELIVERY:
        return DELIVERY_DAYS, ""
    chosen = min((one for one in policies if one.is_for(name, group)), key=lambda one: (-one.days, one.created), default=None)
    return (chosen.days, chosen.name) if chosen is not None else (float(group.retention or inf), "")


def retention(tx: Tx, name: str, group: Group) -> tuple[float, str]:
    return days_of(name, group, all_holding(tx, tx.now) if tx.count(ACCOUNT_POLICIES, "all") else ())


def cutoff(tx: Tx, name: str, group: Group) -> int:
    """The time before which a group's events are gone."""
    days, _ = retention(tx, name, group)
    return 0 if days == inf else int(tx.now * MILLISECONDS - days * DAY_MILLISECONDS)


def impact(tx: Tx, changed: str, policy: AccountPolicy | None) -> dict[str, Any]:
    """What would come of a policy being as given, or of its deletion: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DryRunResult.html"""
    later = tx.now + HOLDS_AFTER_SECONDS
    now = all_holding(tx, later)
    then = [one for one in now if one.name != changed]
    scope = [one for one in now if one.name == changed]
    if policy is not None and (becomes := holding(changed, policy, later)) is not None:
        then.append(becomes)
        scope = [becomes]
    counts = {"increased": 0, "decreased": 0, "unchanged": 0}
    impacts: list[dict[str, Any]] = []
    for key, group in tx.scan(GROUPS):
        name = str(key[0])
        if group.kind == DELIVERY or not any(one.is_for(name, group) for one in scope):
            continue
        before, after = days_of(name, group, now)[0], days_of(name, group, then)[0]
        counts["unchanged" if before == after else "increased" if after > before else "decreased"] += 1
        stored = int(tx.amount(STORED, group.id))
        shown = {"currentRetention": _shown(before), "proposedRetention": _shown(after)}
        impacts.append({"logGroupName": name, **shown, "storedBytes": stored})
    impacts.sort(key=lambda one: -one["storedBytes"])
    return {
        "totalMatchedLogGroups": len(impacts),
        **{f"{word}RetentionLogGroupCount": count for word, count in counts.items()},
        "failedAnalysisCount": 0,
        "topLogGroupsImpacted": impacts[:IMPACTED_MAX],
    }


def _shown(days: float) -> str:
    return NEVER if days == inf else str(int(days))
