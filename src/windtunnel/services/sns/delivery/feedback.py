"""Delivery status logs: what became of messages, written to CloudWatch Logs where a topic or an account asks for it.

https://docs.aws.amazon.com/sns/latest/dg/topics-attrib.html, of texts https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import md5
from typing import Any

import orjson

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.sns.delivery.envelope import timestamp
from windtunnel.services.sns.state import sms_settings

KINDS = {"http": "HTTP", "https": "HTTP", "sqs": "SQS", "lambda": "Lambda", "firehose": "Firehose", "application": "Application"}
PERCENT = 100
DIRECT = "DirectPublishToPhoneNumber"
OK, FORBIDDEN, GONE = 200, 403, 410


def asked(tx: Tx, texts: Mapping[str, str], topic: str, arn: str, protocol: str, endpoint: str, id: str, message: str) -> dict[str, Any]:
    """What the log of a delivery to an endpoint will be made of; {} where the topic wants none."""
    if not texts and protocol != "sms":
        return {}
    if protocol == "sms":
        settings = sms_settings(tx)
        failures = bool(settings.get("DeliveryStatusIAMRole"))
        successes = failures and _sampled(tx, settings.get("DeliveryStatusSuccessSamplingRate", "0"))
    else:
        kind = KINDS.get(protocol, "")
        failures = f"{kind}FailureFeedbackRoleArn" in texts
        successes = f"{kind}SuccessFeedbackRoleArn" in texts and _sampled(tx, texts.get(f"{kind}SuccessFeedbackSampleRate", "0"))
    if not (failures or successes):
        return {}
    digest = md5(message.encode(), usedforsecurity=False).hexdigest()
    time = timestamp(tx.now).replace("T", " ").removesuffix("Z")
    told = {"messageMD5Sum": digest, "messageId": id, "topicArn": arn, "timestamp": time}
    return {
        "failures": failures,
        "successes": successes,
        "group": f"sns/{tx.region}/{tx.account}/{topic}",
        "protocol": protocol,
        "destination": endpoint,
        "began": tx.now,
        "notification": told if arn else {"messageId": id, "timestamp": time},
    }


def _sampled(tx: Tx, rate: str) -> bool:
    return int(rate) >= PERCENT or tx.ids.fraction() * PERCENT < int(rate)


def tell(tx: Tx, log: Mapping[str, Any], response: str, status: int = OK) -> None:
    """Writes the log of what was not delivered by the courier."""
    if log:
        tx.timer(tx.now, "feedback", {"context": {"log": log}, "attempts": 1, "response": response, "error_status": status})


def audit(tx: Tx, arn: str, id: str, principal: str, audits: list[dict[str, Any]]) -> None:
    """Writes what a data protection policy's audit found."""
    for one in audits:
        entry = {
            "messageId": id,
            "auditTimestamp": timestamp(tx.now),
            "callerPrincipal": principal,
            "resourceArn": arn,
            "dataIdentifiers": one["found"],
        }
        tx.timer(tx.now, "audit", {"group": one["group"], "message": orjson.dumps(entry).decode()})


async def write_audit(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: an audit's entry goes to its log group."""
    await _write(call, payload["group"], payload["message"])


async def feedback(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: a delivery has ended."""
    log = payload["context"]["log"]
    status = payload.get("error_status", OK)
    failed = "error_code" in payload or status != OK
    if not log["failures" if failed else "successes"]:
        return
    answer: Mapping[str, Any] = payload.get("answer") or {}
    entry = {
        "notification": log["notification"],
        "delivery": {
            "deliveryId": call.ids.uuid(),
            "destination": log["destination"],
            "providerResponse": payload.get("response") or payload.get("error_message") or _response(log["protocol"], answer),
            "dwellTimeMs": int((call.now() - log["began"]) * 1000),
            **({} if log["protocol"] == "lambda" else {"attempts": payload["attempts"]}),
            **({"token": log["token"]} if "token" in log else {}),
            "statusCode": status if failed else answer.get("StatusCode", OK),
        },
        "status": "FAILURE" if failed else "SUCCESS",
    }
    await _write(call, f"{log['group']}{'/Failure' if failed else ''}", orjson.dumps(entry).decode())


def _response(protocol: str, answer: Mapping[str, Any]) -> str:
    """What the target said, in the words that the logs have for it."""
    if protocol == "lambda":
        return orjson.dumps({"lambdaRequestId": answer["RequestId"]}).decode()
    if protocol == "sqs":
        return orjson.dumps({"sqsRequestId": answer["RequestId"], "sqsMessageId": answer["MessageId"]}).decode()
    if protocol == "firehose":
        return orjson.dumps({"firehoseRequestId": answer["RequestId"]}).decode()
    return "OK"


async def _write(call: Call, group: str, message: str) -> None:
    """Writes an event into the group's stream of the day; both are made where they are missing."""
    logs: Any = call.aws.logs
    stream = md5(f"{group}/{int(call.now()) // 86_400}".encode(), usedforsecurity=False).hexdigest()
    event = {"timestamp": int(call.now() * 1000), "message": message}
    for make, request in (
        (logs.create_log_group, {"logGroupName": group}),
        (logs.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
        (logs.put_log_events, {"logGroupName": group, "logStreamName": stream, "logEvents": [event]}),
    ):
        try:
            await make(request)
        except Fault as fault:
            if fault.code != "ResourceAlreadyExistsException":
                raise
