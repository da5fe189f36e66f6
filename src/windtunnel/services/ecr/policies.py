"""Policies of repositories.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/set-repository-policy.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.ecr.documents import checked
from windtunnel.services.ecr.places import check_access, find_repository
from windtunnel.services.ecr.state import Found

if TYPE_CHECKING:
    from windtunnel.aws.types import ecr as t


def set_repository_policy(tx: Tx, req: t.SetRepositoryPolicyRequest) -> t.SetRepositoryPolicyResponse:
    text = checked(req["policyText"])
    found = find_repository(tx, req, "SetRepositoryPolicy").put(policy=text)
    if not req.get("force"):
        _check_open(found)
    return {**found.named, "policyText": text}  # pyright: ignore[reportReturnType]


def _check_open(found: Found) -> None:
    """Raises InvalidParameterException where who sets a policy could set no other any more."""
    try:
        check_access(found, "SetRepositoryPolicy")
    except Fault as fault:
        why = "The policy would prevent you from setting another policy; it has to be forced"
        message = f"Invalid parameter at 'PolicyText' failed to satisfy constraint: '{why}'"
        raise Fault("InvalidParameterException", message) from fault


def get_repository_policy(tx: Tx, req: t.GetRepositoryPolicyRequest) -> t.GetRepositoryPolicyResponse:
    return _policy(find_repository(tx, req, "GetRepositoryPolicy"))


def delete_repository_policy(tx: Tx, req: t.DeleteRepositoryPolicyRequest) -> t.DeleteRepositoryPolicyResponse:
    found = find_repository(tx, req, "DeleteRepositoryPolicy")
    told = _policy(found)
    found.put(policy="")
    return told


def _policy(found: Found) -> Any:
    if not found.repository.policy:
        why = f"Repository policy does not exist for the repository with name '{found.name}' in the registry with id '{found.tx.account}'"
        raise Fault("RepositoryPolicyNotFoundException", why)
    return {**found.named, "policyText": found.repository.policy}
