"""Data protection policies: what a group hides of the messages that come in, from whoever doesn't ask for it unmasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Tx
from windtunnel.services.logs import group_policies
from windtunnel.services.logs.protection.check import check_protection
from windtunnel.services.logs.rules import MILLISECONDS
from windtunnel.services.logs.state import PROTECTION, GroupPolicy

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t


def put_data_protection_policy(tx: Tx, req: t.PutDataProtectionPolicyRequest) -> t.PutDataProtectionPolicyResponse:
    check_protection(req["policyDocument"])
    name, _ = group_policies.named(tx, req)
    policy = GroupPolicy(int(tx.now * MILLISECONDS), int(tx.now * MILLISECONDS), req["policyDocument"])
    group_policies.keep(tx, name, PROTECTION, policy)
    return _shown(req["logGroupIdentifier"], policy)


def get_data_protection_policy(tx: Tx, req: t.GetDataProtectionPolicyRequest) -> t.GetDataProtectionPolicyResponse:
    policy = group_policies.kept(tx, req, PROTECTION)
    if policy is None:
        return {"logGroupIdentifier": req["logGroupIdentifier"]}
    return _shown(req["logGroupIdentifier"], policy)


def delete_data_protection_policy(tx: Tx, req: t.DeleteDataProtectionPolicyRequest) -> None:
    group_policies.forget(tx, req, PROTECTION)


def _shown(identifier: str, policy: GroupPolicy) -> Any:
    return {"logGroupIdentifier": identifier, "policyDocument": policy.document, "lastUpdatedTime": policy.updated}
