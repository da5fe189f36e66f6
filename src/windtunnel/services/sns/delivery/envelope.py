"""The texts that subscribers get: the envelope of a notification, a Lambda function's event, the confirmations.

Everything that is the same for all subscribers of a message is built once; a subscription adds its ARN. The layout is AWS's to the
space: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from windtunnel.services.sns.delivery.signing import CERTIFICATE_PREFIX, CERTIFICATE_SUFFIX, UNSIGNED

Attributes = Mapping[str, Mapping[str, Any]]


class Notification(msgspec.Struct, frozen=True):
    """A published message, before any subscription has a part in it."""

    id: str
    topic_arn: str
    subject: str
    time: str
    endpoint: str
    signer: str
    """The id of the certificate; "" where nothing is signed: FIFO topics don't."""
    version: str
    sequence: str
    attributes: Attributes
    replayed: bool = False
    """Whether it comes from the topic's archive."""


def timestamp(now: float) -> str:
    """2026-01-01T00:00:00.000Z"""
    second, micro = divmod(round(now * 1_000_000), 1_000_000)
    return f"{_second(second)}.{micro // 1_000:03d}Z"


@lru_cache(16)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().removesuffix("+00:00")


def certificate_url(endpoint: str, signer: str) -> str:
    return f"{endpoint}{CERTIFICATE_PREFIX}{signer}{CERTIFICATE_SUFFIX}"


def unsubscribe_url(endpoint: str, subscription_arn: str) -> str:
    return f"{endpoint}/?Action=Unsubscribe&SubscriptionArn={subscription_arn}"


def envelope(one: Notification, message: str) -> tuple[str, str]:
    """A notification as SQS, HTTP and e-mail get it, in two pieces: between them stands the subscription's ARN."""
    lines = ['{\n  "Type" : "Notification",\n', f'  "MessageId" : "{one.id}",\n']
    if one.sequence:
        lines.append(f'  "SequenceNumber" : "{one.sequence}",\n')
    lines.append(f'  "TopicArn" : "{one.topic_arn}",\n')
    if one.subject:
        lines.append(f'  "Subject" : {_quoted(one.subject)},\n')
    lines.append(f'  "Message" : {_quoted(message)},\n  "Timestamp" : "{one.time}",\n')
    if one.replayed:
        lines.append('  "Replayed" : true,\n')
    if one.signer:
        lines.append(
            f'  "SignatureVersion" : "{one.version}",\n  "Signature" : "{UNSIGNED}{one.version}",\n'
            f'  "SigningCertURL" : "{certificate_url(one.endpoint, one.signer)}",\n'
        )
    lines.append(f'  "UnsubscribeURL" : "{unsubscribe_url(one.endpoint, "")}')
    if not one.attributes:
        return "".join(lines), '"\n}'
    inner = ",\n".join(
        f'    {_quoted(name)} : {{"Type":{_quoted(value["DataType"])},"Value":{_quoted(_text_of(value))}}}'
        for name, value in one.attributes.items()
    )
    return "".join(lines), f'",\n  "MessageAttributes" : {{\n{inner}\n  }}\n}}'


def lambda_event(one: Notification, message: str) -> tuple[str, str, str]:
    """A notification as a function gets it, in three pieces: between them stands the subscription's ARN, twice.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
    """
    sns = {
        "Type": "Notification",
        "MessageId": one.id,
        "TopicArn": one.topic_arn,
        "Subject": one.subject or None,
        "Message": message,
        "Timestamp": one.time,
        # Functions are told of version 1 whatever the topic's attribute says, and yet sent its signature, as AWS's recorded events show.
        "SignatureVersion": "1",
        "Signature": UNSIGNED + one.version,
        "SigningCertUrl": certificate_url(one.endpoint, one.signer),
        "UnsubscribeUrl": unsubscribe_url(one.endpoint, ""),
    }
    attributes = {name: {"Type": value["DataType"], "Value": _text_of(value)} for name, value in one.attributes.items()}
    # The last member is written by hand: the ARN stands at the end of the text before it.
    head = orjson.dumps(sns).decode().removesuffix('"}')
    return (
        '{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"',
        f'","Sns":{head}',
        f'","MessageAttributes":{orjson.dumps(attributes).decode()}}}}}]}}',
    )


def envelope_of_event(event: str) -> str:
    """The envelope of a notification that went to a function, as its dead-letter queue gets it."""
    sns = orjson.loads(event)["Records"][0]["Sns"]
    certificate, unsubscribe, attributes = sns.pop("SigningCertUrl"), sns.pop("UnsubscribeUrl"), sns.pop("MessageAttributes")
    if sns["Subject"] is None:
        del sns["Subject"]
    lines = [f"  {_quoted(name)} : {_quoted(value)}" for name, value in sns.items()]
    lines += [f'  "SigningCertURL" : "{certificate}"', f'  "UnsubscribeURL" : "{unsubscribe}"']
    if attributes:
        inner = ",\n".join(f"    {_quoted(name)} : {orjson.dumps(value).decode()}" for name, value in attributes.items())
        lines.append(f'  "MessageAttributes" : {{\n{inner}\n  }}')
    return "{\n" + ",\n".join(lines) + "\n}"


def confirmation(kind: str, id: str, token: str, topic_arn: str, message: str, now: float, endpoint: str, signer: str) -> str:
    """A SubscriptionConfirmation or an UnsubscribeConfirmation."""
    members = {
        "Type": kind,
        "MessageId": id,
        "Token": token,
        "TopicArn": topic_arn,
        "Message": message,
        "SubscribeURL": confirm_url(endpoint, topic_arn, token),
        "Timestamp": timestamp(now),
        "SignatureVersion": "1",
        "Signature": f"{UNSIGNED}1",
        "SigningCertURL": certificate_url(endpoint, signer),
    }
    return "{\n" + ",\n".join(f'  "{name}" : {_quoted(value)}' for name, value in members.items()) + "\n}"


def confirm_url(endpoint: str, topic_arn: str, token: str) -> str:
    return f"{endpoint}/?Action=ConfirmSubscription&TopicArn={topic_arn}&Token={token}"


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def _text_of(attribute: Mapping[str, Any]) -> str:
    binary = attribute.get("BinaryValue")
    return b64encode(binary).decode() if binary is not None else attribute["StringValue"]
