"""Which events of a bucket go where. A configuration is taken only if its destinations are there.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-enable-disable-notification-intro.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.fabric import Call, Event, Fault, Tx
from windtunnel.services.s3.notifications.events import SOURCE, SUBJECT, test_event
from windtunnel.services.s3.notifications.rules import KINDS, RULES_MAX, check_overlaps, rule_of
from windtunnel.services.s3.places import bucket_of
from windtunnel.services.s3.rules import several
from windtunnel.services.s3.state import BUCKET, BUCKETS, Rule

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t


async def put_bucket_notification_configuration(call: Call, req: t.PutBucketNotificationConfigurationRequest) -> None:
    rules = call.read(_rules_of, req)
    if not req.get("SkipDestinationValidation"):
        await _check_destinations(call, rules)
    await call.transact(_put, req, rules)


def _rules_of(tx: Tx, req: Mapping[str, Any]) -> tuple[Rule, ...]:
    bucket = bucket_of(tx, req)
    wanted = req["NotificationConfiguration"]
    rules: list[Rule] = []
    for kind in KINDS:
        for item in several(wanted, kind.member):
            fresh = b64encode(tx.new_id().encode()).decode()
            rules.append(rule_of(kind, item, bucket.region, fresh))
    if len(rules) > RULES_MAX:
        raise Fault("InvalidArgument", f"A bucket can have at most {RULES_MAX} notification configurations")
    if len({rule.id for rule in rules}) != len(rules):
        raise Fault("InvalidArgument", "Same ID used for multiple configurations. IDs must be unique", ArgumentName="Id")
    check_overlaps(rules)
    return tuple(rules)


async def _check_destinations(call: Call, rules: tuple[Rule, ...]) -> None:
    """Asks every destination whether it is there, and names all that aren't in one fault."""
    missing: dict[str, Any] = {}
    for rule in rules:
        name, value = await _missing(call, rule)
        if value:
            number = len(missing) // 2 + 1
            missing[f"ArgumentName{number}"], missing[f"ArgumentValue{number}"] = name, value
    if missing:
        raise Fault("InvalidArgument", "Unable to validate the following destination configurations", **missing)


async def _missing(call: Call, rule: Rule) -> tuple[str, str]:
    """How S3 names a destination that isn't there, and why; ("", "") where it is."""
    arn = parse(rule.target)
    place = call.at(account=arn.account, region=arn.region)
    try:
        if rule.kind == "Queue":
            await place.aws.sqs.get_queue_url({"QueueName": arn.resource, "QueueOwnerAWSAccountId": arn.account})
        elif rule.kind == "Topic":
            await place.aws.sns.get_topic_attributes({"TopicArn": rule.target})
        else:
            await place.aws.lambda_.get_function({"FunctionName": rule.target})
    except Fault:
        if rule.kind == "CloudFunction":
            return f"{rule.target}, null", f"Not authorized to invoke function [{rule.target}]"
        return rule.target, f"The destination {rule.kind.lower()} does not exist"
    return "", ""


def _put(tx: Tx, req: Mapping[str, Any], rules: tuple[Rule, ...]) -> None:
    bucket = bucket_of(tx, req)
    name = req["Bucket"]
    bridge = req["NotificationConfiguration"].get("EventBridgeConfiguration") is not None
    tx.put(BUCKETS, name, value=msgspec.structs.replace(bucket, rules=rules, event_bridge=bridge))
    place = tx.at(account=bucket.account, region=bucket.region)
    arn = BUCKET.arn_of(bucket.account, bucket.region, name)
    for rule in rules:
        if rule.kind != "CloudFunction":
            place.deliver(rule.target, Event(body=test_event(tx, name), subject=SUBJECT), source=SOURCE, source_arn=arn)


def get_bucket_notification_configuration(tx: Tx, req: t.GetBucketNotificationConfigurationRequest) -> t.NotificationConfiguration:
    bucket = bucket_of(tx, req)
    result: Any = {}
    for kind in KINDS:
        shown = [_shown(rule, kind.arn_member) for rule in bucket.rules if rule.kind == kind.name]
        if shown:
            result[kind.member] = shown
    if bucket.event_bridge:
        result["EventBridgeConfiguration"] = {}
    return result


def _shown(rule: Rule, arn_member: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"Id": rule.id, arn_member: rule.target, "Events": list(rule.events)}
    if rule.filters:
        shown["Filter"] = {"Key": {"FilterRules": [{"Name": name, "Value": value} for name, value in rule.filters]}}
    return shown
