"""What SNS remembers, and under which keys: a publish reads one topic and one range of subscriptions.

A topic has a number that it gets anew whenever it is created: its subscriptions lie under `(number, id)`. Deleting a topic takes its
name away and nothing else, so it costs the same for one subscription as for a million; what is orphaned is removed in slices later, as
AWS does. Until then an orphan can still be looked at.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Fault, Table, Tx
from windtunnel.services.sns.rules import arn_parts, invalid

replace = msgspec.structs.replace
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Topic(msgspec.Struct, frozen=True, array_like=True):
    """A topic. `texts` holds the attributes that are kept as they were written, by AWS's names."""

    number: int
    created: float
    fifo: bool = False
    content_deduplication: bool = False
    group_scope: bool = False
    """Whether deduplication ids and order hold within a message group only (FifoThroughputScope)."""
    signature: str = "1"
    delivery_policy: str = ""
    """As GetTopicAttributes prints it."""
    policy: str = ""
    """"" while it is the one that every new topic has."""
    texts: dict[str, str] = {}
    archived_days: int = 0
    """How long its messages stay in its archive; 0: it has none."""
    archived_since: float = 0.0
    protected: bool = False
    """Whether it has a data protection policy."""


class Subscription(msgspec.Struct, frozen=True, array_like=True):
    """A subscription. It lies with its topic; `owner` is the account that made it."""

    topic: str
    """The topic's name."""
    protocol: str
    endpoint: str
    owner: str
    principal: str
    """The ARN of who subscribed."""
    confirmed: bool
    authenticated: bool = True
    """Whether the confirmation was signed."""
    raw: bool = False
    filter_policy: str = ""
    scope: str = "MessageAttributes"
    dead_letter: str = ""
    delivery_policy: str = ""
    token: str = ""
    """What confirms it."""
    unsubscribe_authenticated: bool = False
    texts: dict[str, str] = {}
    """Attributes that are kept as they were written."""
    replay: Literal["", "Pending", "In progress", "Completed", "Failed"] = ""
    replay_number: int = 0
    """The number of the message in the archive that the replay goes on from."""
    replay_end: float = 0.0
    """Until when messages go to the subscription; 0: for ever."""

    def listens(self, now: float) -> bool:
        """Whether it gets what is published now: not before it was confirmed, nor while it gets what the archive has, nor after its end."""
        if not self.replay:
            return self.confirmed
        return self.replay == "Completed" and (not self.replay_end or now <= self.replay_end)


class Application(msgspec.Struct, frozen=True):
    """A platform application; its credentials are not kept."""

    attributes: dict[str, str]


class Device(msgspec.Struct, frozen=True):
    """A platform endpoint."""

    attributes: dict[str, str]


class Paced(msgspec.Struct, frozen=True, array_like=True):
    """The last second that has messages for a subscription, and how many."""

    second: int
    messages: int


class Ended(msgspec.Struct, frozen=True, array_like=True):
    """A subscription that was ended without a signature, and may be brought back."""

    number: int
    id: str
    one: Subscription


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """What a deduplication id stands for."""

    at: float
    id: str
    sequence: str


class Archived(msgspec.Struct, frozen=True, array_like=True):
    """A message in a FIFO topic's archive."""

    id: str
    at: float
    message: str
    subject: str
    attributes: dict[str, dict[str, Any]]
    structured: bool
    """Whether it has a text for each protocol."""
    group: str
    deduplication: str
    sequence: str


class Signer(msgspec.Struct, frozen=True):
    """The key that signs messages, and the certificate of it that verifiers fetch."""

    id: str
    key: str = ""
    certificate: str = ""


def _endpoint(key: tuple[Any, ...], one: Subscription) -> tuple[Any, ...]:
    return (key[0], one.protocol, one.endpoint)


def _id(key: tuple[Any, ...], one: Subscription) -> tuple[Any, ...]:
    return (key[1],)


def _filtered(key: tuple[Any, ...], one: Subscription) -> tuple[Any, ...] | None:
    return (key[0],) if one.filter_policy else None


def _pending(key: tuple[Any, ...], one: Subscription) -> tuple[Any, ...] | None:
    return None if one.confirmed else (key[0],)


def _confirmed(key: tuple[Any, ...], one: Subscription) -> tuple[Any, ...] | None:
    return (key[0],) if one.confirmed else None


TOPICS = Table("sns.topics", Topic, hot=True, counters={"kind": lambda key, topic: ("fifo" if topic.fifo else "standard",)})
"""name -> Topic"""
SUBSCRIPTIONS = Table(
    "sns.subscriptions",
    Subscription,
    hot=True,
    indexes={"endpoint": _endpoint, "id": _id},
    counters={"confirmed": _confirmed, "pending": _pending, "filtered": _filtered},
)
"""(topic's number, id) -> Subscription"""
PACED = Table("sns.paced", Paced)
"""(topic's number, subscription's id) -> Paced, of URLs that take so many messages a second"""
OWNED = Table("sns.owned", str)
"""(topic's account, topic's name, id) -> the subscription's ARN, in the account of its owner"""
TOKENS = Table("sns.tokens", str)
"""confirmation token -> the subscription's id"""
ENDED = Table("sns.ended", Ended)
"""token of the UnsubscribeConfirmation -> Ended"""
APPLICATIONS = Table("sns.applications", Application)
"""(platform, name) -> Application"""
DEVICES = Table("sns.devices", Device, indexes={"token": lambda key, device: (*key[:2], device.attributes["Token"])})
"""(platform, application's name, id) -> Device"""
DELETED = Table("sns.deleted", int)
"""topic's number -> how many subscriptions were taken from it"""
LAST = Table("sns.last", int)
"""topic's number -> the number of the message that came last, of FIFO topics"""
DEDUPLICATION = Table("sns.deduplication", Sent)
"""(topic's number, group or "", deduplication id) -> Sent"""
AGES = Table("sns.ages", bool)
"""(topic's number, sent at, group or "", deduplication id), to forget them in time"""
ARCHIVE = Table("sns.archive", Archived)
"""(topic's number, message's number) -> Archived; the number says when it was published, so that a time is a place in it"""
DATA_PROTECTION = Table("sns.data-protection", str)
"""topic's number -> its data protection policy"""
SMS_SETTINGS = Table("sns.sms-settings", dict[str, str])
"""() -> what SetSMSAttributes was told"""
OPTED_OUT = Table("sns.opted-out", bool)
"""phone number -> True, of those whose owners want no texts"""
OPTED_IN = Table("sns.opted-in", float)
"""phone number -> when it was last opted in"""
SIGNERS = Table("sns.signers", Signer, scope="global", hot=True)
"""() -> the Signer of this region's process"""


class Found(msgspec.Struct, frozen=True):
    """A topic, and the transaction as seen from its account."""

    tx: Tx
    arn: str
    name: str
    topic: Topic


class Subscribed(msgspec.Struct, frozen=True):
    """A subscription, and the transaction as seen from its topic's account."""

    tx: Tx
    key: tuple[Any, ...]
    arn: str
    one: Subscription


def place_of(tx: Tx, arn: str, parameter: str = "TopicArn") -> tuple[Tx, str]:
    """The transaction in the account of a topic's ARN, and the topic's name. Raises where the ARN is none of this region's."""
    parts = arn_parts(arn, parameter)
    if parts[3] != tx.region and tx.scope.principal.kind != "Anonymous":
        raise invalid(parameter)
    if parts[3] != tx.region or parts[4] != tx.account:
        tx = tx.at(account=parts[4], region=parts[3])
    if ":" in parts[5] or "/" in parts[5]:  # a subscription's, or an endpoint's
        raise invalid(parameter)
    return tx, parts[5]


def find_topic(tx: Tx, arn: str, parameter: str = "TopicArn") -> Found:
    tx, name = place_of(tx, arn, parameter)
    topic = tx.get(TOPICS, name)
    if topic is None:
        raise Fault("NotFound", "Topic does not exist")
    return Found(tx, arn, name, topic)


def find_subscription(tx: Tx, arn: str) -> Subscribed | None:
    """The subscription of an ARN, also of a topic that was deleted lately. Raises where the ARN is none of a subscription."""
    parts = arn_parts(arn, "SubscriptionArn")
    name, _, id = parts[5].partition(":")
    if not _ID.fullmatch(id):
        raise invalid("SubscriptionId")
    if parts[3] != tx.region and tx.scope.principal.kind != "Anonymous":
        raise invalid("SubscriptionArn")
    tx = tx.at(account=parts[4], region=parts[3])
    for key, one in tx.find(SUBSCRIPTIONS, "id", id, limit=1):
        if one.topic == name:
            return Subscribed(tx, key, arn, one)
    return None


def put_subscription(tx: Tx, number: int, id: str, one: Subscription) -> None:
    """Writes a new subscription's rows; `tx` is in its topic's account."""
    tx.put(SUBSCRIPTIONS, number, id, value=one)
    arn = f"{arn_of(tx.region, tx.account, one.topic)}:{id}"
    tx.at(account=one.owner).put(OWNED, tx.account, one.topic, id, value=arn)


def forget_subscription(tx: Tx, key: tuple[Any, ...], one: Subscription) -> None:
    """Removes a subscription's rows; `tx` is in its topic's account."""
    tx.delete(SUBSCRIPTIONS, *key)
    tx.delete(PACED, *key)
    if one.token:
        tx.delete(TOKENS, one.token)
    tx.at(account=one.owner).delete(OWNED, tx.account, one.topic, key[1])


def sms_settings(tx: Tx) -> dict[str, str]:
    """How an account sends texts."""
    return {"MonthlySpendLimit": "1", **(tx.get(SMS_SETTINGS) or {})}


@lru_cache(maxsize=4096)
def arn_of(region: str, account: str, name: str) -> str:
    return f"arn:{partition_of(region)}:sns:{region}:{account}:{name}"
