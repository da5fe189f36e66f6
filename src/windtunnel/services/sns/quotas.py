"""How many topics, subscriptions and filter policies there may be: https://docs.aws.amazon.com/general/latest/gr/sns.html#limits_sns"""

from __future__ import annotations

from typing import Final

from windtunnel.fabric import Fault, Tx
from windtunnel.services.sns.state import SUBSCRIPTIONS, TOPICS, Subscription, Topic

TOPICS_MAX: Final = {"standard": 100_000, "fifo": 1_000}
SUBSCRIPTIONS_MAX: Final = {"standard": 12_500_000, "fifo": 100}
FILTER_POLICIES_MAX = 200
FILTER_POLICY_BYTES_MAX = 262_144


def check_topics(tx: Tx, kind: str) -> None:
    if tx.count(TOPICS, "kind", kind) >= TOPICS_MAX[kind]:
        raise Fault("TopicLimitExceeded", f"An account has at most {TOPICS_MAX[kind]} {kind} topics")


def check_subscriptions(tx: Tx, topic: Topic) -> None:
    most = SUBSCRIPTIONS_MAX["fifo" if topic.fifo else "standard"]
    if sum(tx.count(SUBSCRIPTIONS, kind, topic.number) for kind in ("confirmed", "pending")) >= most:
        raise Fault("SubscriptionLimitExceeded", f"A topic of this kind has at most {most} subscriptions")


def check_filter_policies(tx: Tx, topic: Topic, one: Subscription, before: str = "") -> None:
    """Refuses a filter policy that is one too many; `before`: the one that the subscription has."""
    if one.filter_policy and not before and tx.count(SUBSCRIPTIONS, "filtered", topic.number) >= FILTER_POLICIES_MAX:
        raise Fault("FilterPolicyLimitExceeded", f"The subscriptions of a topic have at most {FILTER_POLICIES_MAX} filter policies")
