"""Roles that are linked to a service: the service names them, and only it may change them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags
from windtunnel.services.iam.policies.managed import LINKED_PATH, LINKED_POLICY
from windtunnel.services.iam.rules import moment, new_id
from windtunnel.services.iam.state import ATTACHED, DELETIONS, ROLES, Role, arn_of, role_named
from windtunnel.services.iam.views import shown_role

if TYPE_CHECKING:
    from windtunnel.aws.types import iam as t


class Linked(msgspec.Struct, frozen=True):
    """A service's role: its name, the policy it has, and whether there may be several, told apart by a suffix."""

    name: str
    policy: str
    suffix: bool = False


class _File(msgspec.Struct, frozen=True):
    services: dict[str, Linked]


@cache
def _linked() -> dict[str, Linked]:
    return msgspec.json.decode(files("windtunnel").joinpath("data/service_linked_roles.json").read_bytes(), type=_File).services


def create_service_linked_role(tx: Tx, req: t.CreateServiceLinkedRoleRequest) -> t.CreateServiceLinkedRoleResponse:
    service, suffix = req["AWSServiceName"], req.get("CustomSuffix")
    known = _linked().get(service)
    if known is None:
        raise Fault("InvalidInput", f"Service-linked roles are not supported for {service}; it is not one of the services known here.")
    if suffix and not known.suffix:
        raise Fault("InvalidInput", f"Custom suffix is not allowed for {service}")
    name = f"{known.name}_{suffix}" if suffix else known.name
    if tx.get(ROLES, name.lower()) is not None:
        raise Fault("InvalidInput", f"Service role name {name} has been taken in this account, please try a different suffix.")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    role = Role(
        id=new_id(tx, "AROA"),
        name=name,
        path=f"{LINKED_PATH}{service}/",
        created=moment(tx.now),
        trust=msgspec.json.encode(trust).decode(),
        description=req.get("Description"),
        linked_to=service,
    )
    tx.put(ROLES, name.lower(), value=role)
    tx.put(ATTACHED, role.id, f"{LINKED_POLICY}{known.policy}", value=known.policy)
    result = shown_role(tx, role)
    del result["MaxSessionDuration"]
    return {"Role": result}


def delete_service_linked_role(tx: Tx, req: t.DeleteServiceLinkedRoleRequest) -> t.DeleteServiceLinkedRoleResponse:
    """The role goes at once: no service here is asked whether it still needs it."""
    role = role_named(tx, req["RoleName"])
    if not role.linked_to:
        raise Fault("NoSuchEntity", f"The role with name {role.name} cannot be found.")
    task = f"task{role.path}{role.name}/{tx.new_id()}"
    for key, _ in tx.scan(ATTACHED, role.id):
        tx.delete(ATTACHED, *key)
    remove_all_tags(tx, arn_of(tx, role))
    tx.delete(ROLES, role.name.lower())
    tx.put(DELETIONS, task, value=role.name)
    return {"DeletionTaskId": task}


def get_service_linked_role_deletion_status(
    tx: Tx, req: t.GetServiceLinkedRoleDeletionStatusRequest
) -> t.GetServiceLinkedRoleDeletionStatusResponse:
    if tx.get(DELETIONS, req["DeletionTaskId"]) is None:
        raise Fault("NoSuchEntity", f"Service linked role deletion task with id {req['DeletionTaskId']} cannot be found.")
    return {"Status": "SUCCEEDED"}
