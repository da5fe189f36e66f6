"""Custom resources: a function, or who listens to a topic, makes what CloudFormation doesn't know.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from windtunnel.aws.coerce import plain_text
from windtunnel.fabric import At, Properties, Tx
from windtunnel.fabric import Event as Message
from windtunnel.fabric.resource import Unmade
from windtunnel.services.cloudformation.deploying.signals import wait
from windtunnel.services.cloudformation.kinds.answers import ANSWERS, ASKED, url_of
from windtunnel.services.cloudformation.state import changed_channel
from windtunnel.services.cloudformation.template.parsing import a_list, a_map

SECONDS_MAX = 3_600
SOURCE = "cloudformation.amazonaws.com"


async def create(at: At, properties: Properties) -> str:
    answer = await _asked(at, "Create", properties)
    id = str(answer.get("PhysicalResourceId") or at.name())
    await at.made(id)
    _check(answer)
    at.keep(**_data(answer))
    return id


async def update(at: At, id: str, new: Properties, old: Properties) -> None:
    answer = await _asked(at, "Update", new, PhysicalResourceId=id, OldResourceProperties=_texts(_own(old)))
    _check(answer)
    at.keep(**_data(answer))
    at.become(str(answer.get("PhysicalResourceId") or id))


async def delete(at: At, id: str, properties: Properties) -> None:
    _check(await _asked(at, "Delete", properties, PhysicalResourceId=id))


async def _asked(at: At, kind: str, properties: Properties, **more: Any) -> dict[str, Any]:
    """Sends a request to where the service token says, and waits for its answer."""
    call, stacked, id = at.call, at.stacked, at.call.ids.uuid()
    uuid = stacked.stack_id.rpartition("/")[2]
    request = {
        "RequestType": kind,
        "ServiceToken": properties["ServiceToken"],
        "ResponseURL": url_of(call, "custom", id),
        "StackId": stacked.stack_id,
        "RequestId": id,
        "LogicalResourceId": stacked.logical_id,
        "ResourceType": stacked.type,
        "ResourceProperties": _texts(_own(properties)),
        **more,
    }
    await call.transact(_send, uuid, stacked.logical_id, str(properties["ServiceToken"]), request)
    deadline = call.now() + float(properties.get("ServiceTimeout", SECONDS_MAX))
    late = f"CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [{id}]."
    while (answer := call.read(Tx.get, ANSWERS, id)) is None:
        await wait(call, uuid, deadline, late)
    await call.transact(_forget, uuid, stacked.logical_id)
    return answer


def _own(properties: Properties) -> Properties:
    return {name: value for name, value in properties.items() if name != "ServiceTimeout"}


def _send(tx: Tx, uuid: str, logical: str, target: str, request: dict[str, Any]) -> None:
    _forget(tx, uuid, logical)
    tx.put(ASKED, request["RequestId"], value=[uuid, logical])
    message = Message(orjson.dumps(request).decode(), subject="AWS CloudFormation custom resource request")
    tx.deliver(target, message, source=SOURCE, source_arn=request["StackId"], failed="unasked", context={"request": request["RequestId"]})


def unasked(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: a request could not be delivered."""
    id = payload["context"]["request"]
    asked = tx.get(ASKED, id)
    if asked is not None:
        tx.put(ANSWERS, id, value={"Status": "FAILED", "RequestId": id, "Undelivered": payload["error_message"]})
        tx.wake(*changed_channel(asked[0]))


def _forget(tx: Tx, uuid: str, logical: str) -> None:
    """Nobody waits for an answer any more, nor for one to a request that was cut short."""
    for (id,), _ in list(tx.find(ASKED, "of", uuid, logical)):
        tx.delete(ASKED, id)
        tx.delete(ANSWERS, id)


def _check(answer: Mapping[str, Any]) -> None:
    if "Undelivered" in answer:
        raise Unmade(f"{answer['Undelivered']} (RequestId: {answer['RequestId']})")
    if answer.get("Status") != "SUCCESS":
        told = f"Message returned: {answer.get('Reason', '')} (RequestId: {answer.get('RequestId', '')})"
        raise Unmade(f"Received response status [{answer.get('Status')}] from custom resource. {told}")


def _data(answer: Mapping[str, Any]) -> dict[str, Any]:
    data: Any = answer.get("Data") or {}
    return {str(name): value for name, value in data.items()} if a_map(data) else {}


def _texts(value: Any) -> Any:
    """All scalars are text in a request."""
    if a_map(value):
        return {name: _texts(item) for name, item in value.items()}
    return [_texts(item) for item in value] if a_list(value) else plain_text(value)
