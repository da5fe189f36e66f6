"""Resource policies of tables and streams.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/access-control-resource-based.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.state import POLICIES
from windtunnel.services.dynamodb.tables.granting import check_revision, keep_policy, no_policy, placed

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t


def put_resource_policy(tx: Tx, req: t.PutResourcePolicyInput) -> t.PutResourcePolicyOutput:
    tx = placed(tx, req["ResourceArn"])
    check_revision(tx, req["ResourceArn"], req.get("ExpectedRevisionId"))
    return {"RevisionId": keep_policy(tx, req["ResourceArn"], req["Policy"])}


def get_resource_policy(tx: Tx, req: t.GetResourcePolicyInput) -> t.GetResourcePolicyOutput:
    tx = placed(tx, req["ResourceArn"])
    kept = tx.get(POLICIES, req["ResourceArn"])
    if kept is None:
        raise no_policy(req["ResourceArn"])
    return {"Policy": kept[0], "RevisionId": kept[1]}


def delete_resource_policy(tx: Tx, req: t.DeleteResourcePolicyInput) -> t.DeleteResourcePolicyOutput:
    tx = placed(tx, req["ResourceArn"])
    check_revision(tx, req["ResourceArn"], req.get("ExpectedRevisionId"))
    kept = tx.get(POLICIES, req["ResourceArn"])
    if kept is None:
        return {}
    tx.delete(POLICIES, req["ResourceArn"])
    return {"RevisionId": kept[1]}
