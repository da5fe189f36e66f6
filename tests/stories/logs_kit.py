"""What the stories of CloudWatch Logs share: services that stand in for others and keep what they are asked for."""

from __future__ import annotations

import gzip
from base64 import b64decode
from typing import Any

import orjson

from tests.stories.here import Here
from windtunnel.aws.arn import Arn
from windtunnel.fabric import Event, Fault, Service, Tx


def heard(here: Here, service: str, operation: str, *, refuses: str = "") -> list[dict[str, Any]]:
    """The requests that come to an operation of a service from now on; it refuses those that hold a text."""
    requests: list[dict[str, Any]] = []

    def act(tx: Tx, req: dict[str, Any]) -> dict[str, Any]:
        if refuses and refuses in str(req):
            raise Fault("ResourceNotFoundException", "There is none.", status=400)
        requests.append(req)
        return {}

    def target(arn: Arn, event: Event) -> tuple[str, dict[str, Any]]:
        place = {"kinesis": {"StreamARN": str(arn)}, "firehose": {"DeliveryStreamName": arn.id}}.get(service, {})
        body = {"FunctionName": str(arn), "Payload": event.body.encode()} if service == "lambda" else {}
        return operation, {**place, **body, **event.parameters}

    stand_in = Service(service, modules=(), targets={service: target})
    stand_in.functions[operation] = act
    here.cloud.services.loaded[service] = stand_in
    return requests


def document(request: dict[str, Any]) -> Any:
    """What a subscription delivered in a request."""
    if "Payload" in request:
        return orjson.loads(gzip.decompress(b64decode(orjson.loads(request["Payload"])["awslogs"]["data"])))
    return orjson.loads(gzip.decompress(request.get("Data") or request["Record"]["Data"]))
