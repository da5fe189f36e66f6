"""Where custom resources and wait conditions answer: URLs of the region's own endpoint that take a PUT.

On AWS these are signed URLs of objects in a bucket of CloudFormation's; a client needs to know nothing but the URL.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-responses.html
"""

from __future__ import annotations

from typing import Any

import orjson

from windtunnel.fabric import Answer, Call, Table, Tx, Visit
from windtunnel.services.cloudformation.state import SIGNALS, changed_channel
from windtunnel.services.cloudformation.template.parsing import a_map

PATH = "/_aws/cloudformation/"
ASKED = Table("cloudformation.asked", list[str], indexes={"of": lambda _, asked: tuple(asked)})
"""request id -> [uuid of the stack, logical id], while an answer is waited for"""
ANSWERS = Table("cloudformation.answers", dict[str, Any])
"""request id -> what a custom resource answered"""
_PARTS = 4


def url_of(call: Call, kind: str, *parts: str) -> str:
    """A URL to answer at: `kind` is "custom" (a request's id) or "wait" (a stack's UUID and a handle's logical id)."""
    return f"{call.scope.endpoint}{PATH}{call.region}/{call.account}/{kind}/{'/'.join(parts)}"


def parts_of(url: str) -> list[str]:
    """What `url_of` was given last."""
    return url.partition(PATH)[2].split("/")[3:]


async def serve(call: Call, visit: Visit) -> Answer:
    """A PUT of an answer."""
    parts = visit.path.removeprefix(PATH).split("/")
    if visit.method != "PUT" or len(parts) < _PARTS:
        return Answer(404, [], b"")
    region, account, kind, *rest = parts
    try:
        answer: Any = orjson.loads(visit.body)
    except orjson.JSONDecodeError:
        answer = None
    take = _custom if kind == "custom" else _waited
    if a_map(answer):
        await call.at(account=account, region=region).transact(take, rest, answer)
    return Answer(200, [], b"")


def _custom(tx: Tx, rest: list[str], answer: dict[str, Any]) -> None:
    asked = tx.get(ASKED, rest[0])
    if asked is not None:
        tx.put(ANSWERS, rest[0], value=answer)
        tx.wake(*changed_channel(asked[0]))


def _waited(tx: Tx, rest: list[str], answer: dict[str, Any]) -> None:
    uuid, logical = rest[0], rest[1]
    told = [str(answer.get(name, "")) for name in ("Status", "Data", "Reason")]
    tx.put(SIGNALS, uuid, logical, str(answer.get("UniqueId", "")), value=told)
    tx.wake(*changed_channel(uuid))
