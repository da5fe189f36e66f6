"""Calls of any operation come to the default bus as `AWS API Call via CloudTrail`, where some rule may want to hear of them.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html; what is in such an event:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html. A call costs one look at a
counter where no rule of its region's default bus wants such events. AWS makes them where a trail is on; there is none here that could
be switched on, so they are for rules that ask for a detail type, and not for those that take whatever comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.model import Shape, operation_model, service_model
from windtunnel.fabric import Principal, Tx
from windtunnel.fabric.trail import HIDDEN, TrailEvent, shown
from windtunnel.services.events.event import Coming, iso, make_event
from windtunnel.services.events.routing.sending import route
from windtunnel.services.events.state import ALL_CALLS, DEFAULT, MATCHED, TRAIL, WRITES

VERSION = "1.11"
GLOBAL = frozenset({"iam", "cloudfront", "organizations", "route53"})
"""Services whose calls are told of in one region alone."""
GLOBAL_REGION = "us-east-1"
READS = ("BatchGet", "Describe", "Filter", "Get", "Head", "List", "Lookup", "Search", "Simulate", "Test")
BY_ITSELF_SECONDS = 1.0
"""What a service does by itself is told of later, so that a rule that sets itself off can't hold the clock."""
BUCKET = {"bucket": "bucketName"}
"""As CloudTrail names it, in calls of S3."""


def trailed(tx: Tx, event: TrailEvent, result: Mapping[str, Any]) -> None:
    """A management call was made: it becomes an event once it is kept."""
    place = tx.at(region=GLOBAL_REGION) if event.service in GLOBAL else tx
    if not place.count(MATCHED, "trail"):
        return
    by_itself = event.principal.kind == "AWSService"
    place = place.at()
    place.service = "events"
    payload = {"detail": _detail(place, event, result), "by_itself": by_itself}
    place.timer(tx.now + BY_ITSELF_SECONDS if by_itself else tx.now, "api_call", payload)


def api_call(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: a call comes to the default bus."""
    detail = payload["detail"]
    source = f"aws.{detail['eventSource'].removesuffix('.amazonaws.com')}"
    route(tx, DEFAULT, Coming(make_event(tx, source, TRAIL, detail, []), tx.now, heard_by=ALL_CALLS if detail["readOnly"] else WRITES))


def _detail(tx: Tx, event: TrailEvent, result: Mapping[str, Any]) -> dict[str, Any]:
    model = operation_model(event.service, event.operation)
    prefix = service_model(event.service).metadata["endpointPrefix"]
    read_only = event.operation.startswith(READS)
    by_itself = event.principal.kind == "AWSService"
    request = _camel(event.request, model.input_shape)
    if event.service == "s3":
        request = {BUCKET.get(name, name): value for name, value in request.items()}
    response = None if read_only or event.error_code else _camel(shown(dict(result)), model.output_shape)
    detail: dict[str, Any] = {
        "eventVersion": VERSION,
        "userIdentity": _identity(event.principal),
        "eventTime": iso(event.time),
        "eventSource": f"{prefix}.amazonaws.com",
        "eventName": event.operation,
        "awsRegion": tx.region,
        "sourceIPAddress": event.principal.name if by_itself else event.source_ip,
        "userAgent": event.principal.name if by_itself else event.user_agent,
        "requestParameters": request or None,
        "responseElements": response or None,
        "requestID": event.request_id,
        "eventID": tx.new_id(),
        "readOnly": read_only,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": tx.account,
        "eventCategory": "Management",
    }
    if event.error_code:
        detail |= {"errorCode": event.error_code, "errorMessage": event.error_message}
    return detail


def _identity(principal: Principal) -> dict[str, Any]:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html"""
    if principal.kind == "AWSService":
        return {"type": "AWSService", "invokedBy": principal.name}
    if principal.kind == "Anonymous":
        return {"type": "AWSAccount", "principalId": "", "accountId": principal.account}
    told: dict[str, Any] = {"type": principal.kind, "principalId": principal.id, "arn": principal.arn, "accountId": principal.account}
    if principal.access_key:
        told["accessKeyId"] = principal.access_key
    if principal.kind == "IAMUser":
        told["userName"] = principal.name
    role = parse_or_none(principal.issuer)
    if role is not None:
        issuer = {"type": "Role", "principalId": principal.id.partition(":")[0], "arn": principal.issuer, "accountId": role.account}
        told["sessionContext"] = {
            "sessionIssuer": {**issuer, "userName": role.name},
            "attributes": {"mfaAuthenticated": "true" if principal.mfa_at else "false"},
        }
    return told


def _camel(value: Any, shape: Shape | None) -> Any:
    """Members of structures begin with a small letter there, keys of maps stay as they are, and secrets are not shown."""
    if shape is not None and shape.raw.get("sensitive"):
        return HIDDEN
    if isinstance(value, list) and shape is not None and shape.type_name == "list":
        return [_camel(item, shape.member) for item in cast("list[Any]", value)]
    if not isinstance(value, dict) or shape is None or shape.type_name not in ("structure", "map"):
        return cast("Any", value)
    members = cast("dict[str, Any]", value)
    if shape.type_name == "map":
        return {name: _camel(item, shape.value) for name, item in members.items()}
    known = shape.members
    return {name[:1].lower() + name[1:]: _camel(item, known.get(name)) for name, item in members.items()}
