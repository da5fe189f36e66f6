"""Policies of advanced parameters: their end, word of it beforehand, and word where nothing has changed; under the region's clock.

https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.ssm.parameters.events import tell_policy
from windtunnel.services.ssm.parameters.rules import POLICIES_MAX
from windtunnel.services.ssm.parameters.state import PARAMETERS, Found, Policy, place_of
from windtunnel.services.ssm.parameters.writing import forget

EXPIRATION = "Expiration"
EXPIRATION_NOTIFICATION = "ExpirationNotification"
NO_CHANGE = "NoChangeNotification"
_SECONDS = {"Days": 86_400, "Hours": 3_600}
_ATTRIBUTES = {EXPIRATION: {"Timestamp"}, EXPIRATION_NOTIFICATION: {"Before", "Unit"}, NO_CHANGE: {"After", "Unit"}}


def policies_of(text: str, now: float) -> list[Policy]:
    """The policies in a request; none where it takes them away. Raises the faults of PutParameter."""
    try:
        given = msgspec.json.decode(text, type=list[dict[str, Any]])
    except msgspec.DecodeError as error:
        raise _wrong("The policies are not a JSON array of policies.") from error
    given = [each for each in given if each]
    if len(given) > POLICIES_MAX:
        raise Fault(
            "PoliciesLimitExceededException",
            f"You specified more than the maximum number of allowed policies for the parameter. The maximum is {POLICIES_MAX}.",
        )
    for each in given:
        _check(each)
    ends = [_timestamp(each["Attributes"]["Timestamp"], now) for each in given if each["Type"] == EXPIRATION]
    if len(ends) > 1:
        raise Fault("IncompatiblePolicyException", "You can't specify two Expiration policies for a parameter.")
    if not ends and any(each["Type"] == EXPIRATION_NOTIFICATION for each in given):
        raise Fault("IncompatiblePolicyException", "An ExpirationNotification policy needs an Expiration policy.")
    return [Policy(each["Type"], msgspec.json.encode(each).decode(), _due(each, ends, now)) for each in given]


def _check(policy: dict[str, Any]) -> None:
    kind, attributes = policy.get("Type"), policy.get("Attributes")
    if kind not in _ATTRIBUTES:
        raise Fault(
            "InvalidPolicyTypeException",
            "The policy type isn't supported. Parameter Store supports the following policy types: Expiration, ExpirationNotification, and"
            " NoChangeNotification.",
        )
    if policy.get("Version") != "1.0":
        raise _wrong(f"The version of the policy {kind} must be 1.0.")
    if not isinstance(attributes, dict) or cast("dict[str, Any]", attributes).keys() != _ATTRIBUTES[kind]:
        raise _wrong(f"The attributes of the policy {kind} must be {' and '.join(sorted(_ATTRIBUTES[kind]))}.")
    if kind != EXPIRATION:
        amount = str(cast("dict[str, Any]", attributes)["Before" if kind == EXPIRATION_NOTIFICATION else "After"])
        if not amount.isdecimal() or not int(amount) or attributes["Unit"] not in _SECONDS:
            raise _wrong(f"The attributes of the policy {kind} must be a number greater than 0, and Days or Hours.")


def _timestamp(text: str, now: float) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise _wrong(f"The timestamp {text} of the policy {EXPIRATION} is neither ISO_INSTANT nor ISO_OFFSET_DATE_TIME.") from error
    due = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if due <= now:
        raise _wrong(f"The timestamp {text} of the policy {EXPIRATION} is over.")
    return due


def _wrong(message: str) -> Fault:
    return Fault("InvalidPolicyAttributeException", message)


def _due(policy: dict[str, Any], ends: list[float], now: float) -> float:
    attributes = policy["Attributes"]
    if policy["Type"] == EXPIRATION:
        return ends[0]
    if policy["Type"] == EXPIRATION_NOTIFICATION:
        return ends[0] - int(attributes["Before"]) * _SECONDS[attributes["Unit"]]
    return now + int(attributes["After"]) * _SECONDS[attributes["Unit"]]


def renewed(policies: list[Policy], now: float) -> list[Policy]:
    """The policies of a parameter that has changed: the time without a change begins anew."""
    return [
        msgspec.structs.replace(policy, due=_due(msgspec.json.decode(policy.text), [], now), done=False)
        if policy.type == NO_CHANGE
        else policy
        for policy in policies
    ]


def schedule(found: Found) -> None:
    """Sets the timers of a parameter's policies, in place of those that it had."""
    policies = found.parameter.latest.policies
    for place in range(POLICIES_MAX):
        name = f"{found.parameter.id}/{place}"
        if place < len(policies) and not policies[place].done:
            payload = {"name": found.parameter.name, "id": found.parameter.id, "place": place}
            found.tx.timer(max(policies[place].due, found.tx.now), "policy", payload, name=name)
        else:
            found.tx.cancel_timer("policy", name)


def act(tx: Tx, payload: Mapping[str, Any]) -> None:
    """A policy's time has come."""
    parameter = tx.get(PARAMETERS, *place_of(payload["name"]))
    if parameter is None or parameter.id != payload["id"]:
        return
    found, place = Found(tx, parameter), int(payload["place"])
    policy = parameter.latest.policies[place]
    tell_policy(found, policy)
    if policy.type == EXPIRATION:
        forget(found)
        return
    policies = [*parameter.latest.policies]
    policies[place] = msgspec.structs.replace(policy, done=True)
    found.put(latest=msgspec.structs.replace(parameter.latest, policies=policies))
