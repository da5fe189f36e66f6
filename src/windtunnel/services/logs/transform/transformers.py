"""Log transformers of groups: kept, tried out on messages; what they do is in `processors`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from windtunnel.fabric import Fault, Tx
from windtunnel.services.logs import group_policies
from windtunnel.services.logs.rules import MILLISECONDS
from windtunnel.services.logs.state import TRANSFORMER, GroupPolicy
from windtunnel.services.logs.transform.check import checked_transformer
from windtunnel.services.logs.transform.paths import NotTransformed
from windtunnel.services.logs.transform.processors import transformer

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t


def put_transformer(tx: Tx, req: t.PutTransformerRequest) -> None:
    config = checked_transformer(req["transformerConfig"])
    name, _ = group_policies.named(tx, req, standard=True)
    now = int(tx.now * MILLISECONDS)
    old = group_policies.kept(tx, req, TRANSFORMER)
    group_policies.keep(tx, name, TRANSFORMER, GroupPolicy(old.created if old is not None else now, now, config))


def get_transformer(tx: Tx, req: t.GetTransformerRequest) -> t.GetTransformerResponse:
    policy = group_policies.kept(tx, req, TRANSFORMER)
    if policy is None:
        raise _none()
    shown: dict[str, Any] = {
        "logGroupIdentifier": req["logGroupIdentifier"],
        "creationTime": policy.created,
        "lastModifiedTime": policy.updated,
        "transformerConfig": orjson.loads(policy.document),
    }
    return shown  # pyright: ignore[reportReturnType]


def delete_transformer(tx: Tx, req: t.DeleteTransformerRequest) -> None:
    if group_policies.kept(tx, req, TRANSFORMER) is None:
        raise _none()
    group_policies.forget(tx, req, TRANSFORMER)


def test_transformer(tx: Tx, req: t.TestTransformerRequest) -> t.TestTransformerResponse:
    """What becomes of each message; one that can't be transformed has no transformed version."""
    transform = transformer(checked_transformer(req["transformerConfig"]))
    found: list[dict[str, Any]] = []
    for number, message in enumerate(req["logEventMessages"], 1):
        record: dict[str, Any] = {"eventNumber": number, "eventMessage": message}
        try:
            record["transformedEventMessage"] = transform(message, {"@accountId": tx.account, "@regionName": tx.region})
        except NotTransformed:
            pass
        found.append(record)
    return {"transformedLogs": found}  # pyright: ignore[reportReturnType]


def _none() -> Fault:
    return Fault("ResourceNotFoundException", "The specified transformer does not exist.")
