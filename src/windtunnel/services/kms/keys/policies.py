"""Key policies. Every key has one, named "default"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.fabric import Fault, Tx
from windtunnel.services.kms.access import default_policy
from windtunnel.services.kms.keys.documents import checked_policy
from windtunnel.services.kms.places import key_of
from windtunnel.services.kms.state import check_state

if TYPE_CHECKING:
    from windtunnel.aws.types import kms as t

NAME = "default"


def get_key_policy(tx: Tx, req: t.GetKeyPolicyRequest) -> t.GetKeyPolicyResponse:
    found = key_of(tx, req, "GetKeyPolicy")
    if req.get("PolicyName", NAME) != NAME:
        raise Fault("NotFoundException", "No such policy exists")
    return {"Policy": found.key.policy or default_policy(found.tx), "PolicyName": NAME}


def put_key_policy(tx: Tx, req: t.PutKeyPolicyRequest) -> None:
    found = key_of(tx, req, "PutKeyPolicy")
    if req.get("PolicyName", NAME) != NAME:
        raise Fault("NotFoundException", "No such policy exists")
    check_state(found, disabled=True, importing=True, deleting=True)
    found.put(policy=checked_policy(found, req))


def list_key_policies(tx: Tx, req: t.ListKeyPoliciesRequest) -> t.ListKeyPoliciesResponse:
    key_of(tx, req, "ListKeyPolicies")
    return {"PolicyNames": [NAME], "Truncated": False}
