"""Protocols and their endpoints: what a subscription may name, and whether it has to be confirmed."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Fault
from windtunnel.services.sns.rules import invalid

PROTOCOLS = frozenset({"http", "https", "email", "email-json", "sms", "sqs", "application", "lambda", "firehose"})
_ARNS = {
    "sqs": ("sqs", re.compile(".+"), "SQS endpoint ARN"),
    "lambda": ("lambda", re.compile("function:.+"), "Lambda endpoint ARN"),
    "firehose": ("firehose", re.compile("deliverystream/.+"), "Firehose endpoint ARN"),
    "application": ("sns", re.compile("endpoint/[^/]+/[^/]+/[^/]+"), "Application endpoint arn invalid"),
}
"""Service, the form of its resource, and what is said of others."""
_SMS = re.compile(r"\+?[0-9]+([-./ ]?[0-9]+)*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def check_endpoint(protocol: str, endpoint: str, *, fifo: bool) -> None:
    """Raises InvalidParameter for a protocol or endpoint that a topic can't have."""
    if protocol not in PROTOCOLS:
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if fifo and protocol != "sqs":
        raise invalid(f"Invalid parameter: Endpoint Reason: FIFO topics do not support the protocol {protocol}")
    if not endpoint:
        raise invalid("Endpoint")
    if protocol in _ARNS:
        _check_arn(protocol, endpoint, fifo=fifo)
    elif protocol in {"http", "https"}:
        _check_url(protocol, endpoint)
    elif protocol == "sms":
        if not _SMS.fullmatch(endpoint):
            raise Fault("InvalidParameter", f"Invalid SMS endpoint: {endpoint}")
    elif not _EMAIL.fullmatch(endpoint):
        raise invalid("Email address")


def _check_arn(protocol: str, endpoint: str, *, fifo: bool) -> None:
    service, form, words = _ARNS[protocol]
    arn = parse_or_none(endpoint)
    if arn is None or arn.service != service or not form.fullmatch(arn.resource):
        raise invalid(words)
    if protocol == "sqs" and endpoint.endswith(".fifo") and not fifo:
        raise invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")


def _check_url(protocol: str, endpoint: str) -> None:
    if not endpoint.startswith(f"{protocol}://"):
        raise invalid("Endpoint must match the specified protocol")
    try:
        parts = urlsplit(endpoint)
        valid = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or endpoint.split() != [endpoint]:
        raise invalid("Unreachable Endpoint")


def needs_confirmation(protocol: str, endpoint: str, caller: str) -> bool:
    """Whether whoever has the endpoint must say yes: everybody but the caller's own account and phones.

    https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
    """
    if protocol in {"sms", "lambda", "application", "firehose"}:
        return False
    if protocol == "sqs":
        arn = parse_or_none(endpoint)
        return arn is not None and arn.account != caller
    return True
