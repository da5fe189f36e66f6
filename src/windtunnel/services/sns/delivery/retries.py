"""When a failed delivery is tried again: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate, groupby
from typing import Any

import orjson

from windtunnel.fabric import Retry
from windtunnel.services.sns.rules import invalid

AWS_MANAGED = Retry(phases=((3, 0, 0), (2, 1, 1), (10, 1, 20), (100_000, 20, 20)))
"""Of SQS, Lambda and Firehose: 100,015 attempts over 23 days."""
DEFAULT_POLICY: dict[str, Any] = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
DEFAULT_CONTENT_TYPE = "text/plain; charset=UTF-8"
RETRIES_MAX = 100
DELAY_SECONDS_MAX = 3_600
RETRYING_SECONDS_MAX = 3_600.0
"""All retries of a URL together: what would come later doesn't come."""
BACK_OFFS = frozenset({"linear", "arithmetic", "geometric", "exponential"})
_COUNTS = ("numRetries", "numMaxDelayRetries", "numNoDelayRetries", "numMinDelayRetries")


def effective_policy(topic: str) -> dict[str, Any]:
    """A topic's EffectiveDeliveryPolicy: its own on top of SNS's."""
    own: dict[str, Any] = orjson.loads(topic)["http"] if topic else {}
    return {
        "http": {
            "defaultHealthyRetryPolicy": {**DEFAULT_POLICY, **own.get("defaultHealthyRetryPolicy", {})},
            "disableSubscriptionOverrides": own.get("disableSubscriptionOverrides", False),
            **({"defaultThrottlePolicy": own["defaultThrottlePolicy"]} if own.get("defaultThrottlePolicy") else {}),
            "defaultRequestPolicy": {"headerContentType": DEFAULT_CONTENT_TYPE, **own.get("defaultRequestPolicy", {})},
        }
    }


def subscription_policy(topic: str, subscription: str) -> dict[str, Any]:
    """An HTTP subscription's EffectiveDeliveryPolicy under the two policies' texts: its own where the topic lets it have one."""
    http = effective_policy(topic)["http"]
    own: dict[str, Any] = orjson.loads(subscription) if subscription and not http["disableSubscriptionOverrides"] else {}
    return {
        "healthyRetryPolicy": {**http["defaultHealthyRetryPolicy"], **(own.get("healthyRetryPolicy") or {})},
        "sicklyRetryPolicy": own.get("sicklyRetryPolicy"),
        "throttlePolicy": own.get("throttlePolicy") or http.get("defaultThrottlePolicy"),
        "requestPolicy": own.get("requestPolicy") or http["defaultRequestPolicy"],
        "guaranteed": own.get("guaranteed", False),
    }


@lru_cache(maxsize=1024)
def http_retry(topic: str, subscription: str) -> Retry:
    return Retry(phases=_phases(subscription_policy(topic, subscription)["healthyRetryPolicy"]))


@lru_cache(maxsize=1024)
def content_type(topic: str, subscription: str) -> str:
    given = subscription_policy(topic, subscription)["requestPolicy"].get("headerContentType")
    return given or effective_policy(topic)["http"]["defaultRequestPolicy"]["headerContentType"]


@lru_cache(maxsize=1024)
def receives_per_second(topic: str, subscription: str) -> int:
    """How many messages a second a URL takes; 0: any number."""
    policy: Mapping[str, int] = subscription_policy(topic, subscription)["throttlePolicy"] or {}
    return policy.get("maxReceivesPerSecond") or 0


def _phases(policy: Mapping[str, Any]) -> tuple[tuple[int, float, float], ...]:
    first, last = float(policy["minDelayTarget"]), float(policy["maxDelayTarget"])
    immediate, before, after = policy["numNoDelayRetries"], policy["numMinDelayRetries"], policy["numMaxDelayRetries"]
    between = max(policy["numRetries"] - immediate - before - after, 0)
    rising = [_back_off(policy["backoffFunction"], first, last, step, between) for step in range(between)]
    delays: list[float] = [0.0] * immediate + [first] * before + rising + [last] * after
    kept = [delay for delay, total in zip(delays, accumulate(delays), strict=True) if total <= RETRYING_SECONDS_MAX]
    return tuple((len(list(same)), delay, delay) for delay, same in groupby(kept))


def _back_off(function: str, first: float, last: float, step: int, steps: int) -> float:
    """The delay of a step between the first and the last one."""
    if steps < 2:
        return first
    part = step / (steps - 1)
    if function == "linear":
        return first + (last - first) * part
    if function == "arithmetic":  # the steps themselves grow evenly
        return first + (last - first) * part * (part + 1) / 2
    if function == "geometric":
        return first + (last - first) * part**2
    return first * (last / first) ** part


def kept_topic_policy(text: str, prefix: str) -> str:
    """A topic's DeliveryPolicy as it is kept and shown. Raises InvalidParameter."""
    http = _object(_parsed(text, prefix).get("http", {}), prefix)
    kept: dict[str, Any] = {}
    for name in ("defaultHealthyRetryPolicy", "defaultThrottlePolicy", "defaultRequestPolicy"):
        if http.get(name) is not None:
            kept[name] = _object(http[name], prefix)
    if "defaultHealthyRetryPolicy" in kept:
        _check_retries(kept["defaultHealthyRetryPolicy"], f"{prefix}: http.defaultHealthyRetryPolicy")
    if "defaultThrottlePolicy" in kept:
        _check_throttle(kept["defaultThrottlePolicy"], f"{prefix}: http.defaultThrottlePolicy")
    if "defaultRequestPolicy" in kept:
        _check_request(kept["defaultRequestPolicy"], f"{prefix}: http.defaultRequestPolicy")
    shown = {key: kept[key] for key in ("defaultHealthyRetryPolicy",) if key in kept}
    shown["disableSubscriptionOverrides"] = bool(http.get("disableSubscriptionOverrides", False))
    shown |= {key: kept[key] for key in ("defaultThrottlePolicy", "defaultRequestPolicy") if key in kept}
    return orjson.dumps({"http": shown}).decode()


def kept_subscription_policy(text: str, prefix: str) -> str:
    """A subscription's DeliveryPolicy as it is kept and shown. Raises InvalidParameter."""
    policy = _parsed(text, prefix)
    retries = policy.get("healthyRetryPolicy")
    if retries is not None:
        _check_retries(_object(retries, prefix), f"{prefix}: healthyRetryPolicy")
        retries = {**DEFAULT_POLICY, **retries}
    throttle = policy.get("throttlePolicy")
    if throttle is not None:
        _check_throttle(_object(throttle, prefix), f"{prefix}: throttlePolicy")
    request = policy.get("requestPolicy")
    if request is not None:
        _check_request(_object(request, prefix), f"{prefix}: requestPolicy")
    kept = {
        "healthyRetryPolicy": retries,
        "sicklyRetryPolicy": policy.get("sicklyRetryPolicy"),
        "throttlePolicy": throttle,
        "requestPolicy": request,
        "guaranteed": bool(policy.get("guaranteed", False)),
    }
    return orjson.dumps(kept).decode()


def _parsed(text: str, prefix: str) -> dict[str, Any]:
    try:
        return _object(orjson.loads(text), prefix)
    except orjson.JSONDecodeError as error:
        raise invalid(f"{prefix}: failed to parse JSON.") from error


def _object(value: Any, prefix: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(f"{prefix}: policy must be a JSON object")
    return value  # pyright: ignore[reportUnknownVariableType]


def _check_throttle(policy: Mapping[str, Any], prefix: str) -> None:
    rate = policy.get("maxReceivesPerSecond")
    if rate is not None and (not isinstance(rate, int) or rate < 1):
        raise invalid(f"{prefix}.maxReceivesPerSecond must be an integer of 1 or more")


def _check_request(policy: Mapping[str, Any], prefix: str) -> None:
    if not isinstance(policy.get("headerContentType", ""), str):
        raise invalid(f"{prefix}.headerContentType must be a string")


def _check_retries(policy: Mapping[str, Any], prefix: str) -> None:
    whole = {**DEFAULT_POLICY, **policy}
    for name in _COUNTS:
        if not isinstance(whole[name], int) or not 0 <= whole[name] <= RETRIES_MAX:
            raise invalid(f"{prefix}.{name} must be an integer between 0 and {RETRIES_MAX}")
    for name in ("minDelayTarget", "maxDelayTarget"):
        if not isinstance(whole[name], int) or not 0 < whole[name] <= DELAY_SECONDS_MAX:
            raise invalid(f"{prefix}.{name} must be between 1 and {DELAY_SECONDS_MAX}")
    if whole["minDelayTarget"] > whole["maxDelayTarget"]:
        raise invalid(f"{prefix}.maxDelayTarget must be greater than or equal to minDelayTarget")
    if sum(whole[name] for name in _COUNTS[1:]) > whole["numRetries"]:
        total = "total of numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries"
        raise invalid(f"{prefix}.numRetries must be greater than or equal to {total}")
    if str(whole["backoffFunction"]) not in BACK_OFFS:
        raise invalid(f"{prefix}.backoffFunction must be one of {', '.join(sorted(BACK_OFFS))}")
