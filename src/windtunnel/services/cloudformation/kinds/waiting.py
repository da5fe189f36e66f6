"""Wait conditions: a stack waits until somebody outside says that it can go on.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-waitcondition.html
"""

from __future__ import annotations

import orjson

from windtunnel.fabric import At, Properties
from windtunnel.fabric.resource import Unmade
from windtunnel.services.cloudformation.deploying.signals import signals_of, wait
from windtunnel.services.cloudformation.kinds.answers import parts_of, url_of


async def create_handle(at: At, properties: Properties) -> str:
    return url_of(at.call, "wait", at.stacked.stack_id.rpartition("/")[2], at.stacked.logical_id)


async def create(at: At, properties: Properties) -> str:
    id = f"{at.stacked.stack_id}/{at.stacked.logical_id}"
    await at.made(id)
    if "Handle" in properties:
        at.keep(Data=await _told(at, properties))
    return id


async def _told(at: At, properties: Properties) -> str:
    """What was sent to the handle's URL, once it was sent often enough."""
    uuid, logical = parts_of(str(properties["Handle"]))
    count, deadline = int(properties.get("Count", 1)), at.call.now() + float(properties.get("Timeout", 0))
    while True:
        signals = at.call.read(signals_of, uuid, logical)
        for id, (status, _, reason) in signals.items():
            if status != "SUCCESS":
                raise Unmade(f"WaitCondition received failed message: '{reason}' for uniqueId: {id}")
        if len(signals) >= count:
            return orjson.dumps({id: data for id, (_, data, _) in signals.items()}).decode()
        late = f"WaitCondition timed out. Received {len(signals)} conditions when expecting {count}"
        await wait(at.call, at.stacked.stack_id.rpartition("/")[2], deadline, late)


async def update(at: At, id: str, new: Properties, old: Properties) -> None:
    """What has been waited for stands: AWS refuses to change it."""
    raise Unmade("Update to resource type AWS::CloudFormation::WaitCondition is not supported.")


async def nothing(at: At, id: str, properties: Properties) -> None:
    """There is nothing to remove."""


async def described(at: At, properties: Properties) -> str:
    """What is nothing but a word in a template."""
    return at.name()


async def unchanged(at: At, id: str, new: Properties, old: Properties) -> None:
    """What is nothing but a word in a template changes with it."""
