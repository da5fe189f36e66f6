"""Users, groups, roles and policies that come, go and are attached to each other, and sessions of roles."""

from __future__ import annotations

import json
from typing import Any

from tests.sim.auditor.iam import Identities
from tests.sim.workload.base import ACCOUNT, Chance, Wish

USERS, GROUPS, ROLES, POLICIES = ("ada", "ben", "cyd"), ("g1", "g2"), ("r1", "r2"), ("p1", "p2")
TRUST = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class IdentityWork:
    """Wishes of IAM and STS."""

    def __init__(self, chance: Chance, model: Identities) -> None:
        self._chance, self._model = chance, model
        self._weighted = {self._of_user: 30, self._of_group: 15, self._of_policy: 12, self._of_role: 8, self._session: 8}

    def wish(self) -> Wish | None:
        return self._chance.pick(self._weighted)

    def _make(self, operation: str, **request: Any) -> Wish:
        return Wish("iam", operation, request)

    def _of_user(self) -> Wish:
        chance, name = self._chance, self._chance.one(*USERS)
        user = self._model.users.get(name)
        kind = chance.one(
            "CreateUser", "CreateUser", "DeleteUser", "GetUser", "ListUsers", "TagUser", "PutUserPolicy", "PutUserPolicy", "GetUserPolicy",
            "DeleteUserPolicy", "ListUserPolicies", "CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "ListAccessKeys",
            "ListGroupsForUser", "ListAttachedUserPolicies",
        )  # fmt: skip
        request: dict[str, Any] = {} if kind == "ListUsers" else {"UserName": name}
        tags = [{"Key": key, "Value": value} for key, value in chance.tags().items()]
        if kind in ("CreateUser", "TagUser"):
            request["Tags"] = tags
        if kind in ("PutUserPolicy", "GetUserPolicy", "DeleteUserPolicy"):
            request["PolicyName"] = chance.one("one", "two")
        if kind == "PutUserPolicy":
            request["PolicyDocument"] = _policy(
                {"Effect": "Allow", "Action": f"s3:{chance.one('Get', 'Put')}*", "Resource": f"arn:aws:s3:::{chance.label()}/*"}
            )
        if kind in ("UpdateAccessKey", "DeleteAccessKey"):
            request["AccessKeyId"] = chance.among(user.keys if user else [], "AKIANOBODYSKEY000000")
        if kind == "UpdateAccessKey":
            request["Status"] = chance.one("Active", "Inactive")
        return self._make(kind, **request)

    def _of_group(self) -> Wish:
        chance, kind = (
            self._chance,
            self._chance.one("CreateGroup", "DeleteGroup", "AddUserToGroup", "AddUserToGroup", "RemoveUserFromGroup", "GetGroup"),
        )
        request = {"GroupName": chance.one(*GROUPS)}
        return self._make(kind, **request, **({"UserName": chance.one(*USERS)} if "User" in kind else {}))

    def _of_policy(self) -> Wish:
        chance, name = self._chance, self._chance.one(*POLICIES)
        kind = chance.one(
            "CreatePolicy",
            "CreatePolicy",
            "DeletePolicy",
            "GetPolicy",
            "AttachUserPolicy",
            "AttachUserPolicy",
            "DetachUserPolicy",
            "AttachGroupPolicy",
        )
        if kind == "CreatePolicy":
            return self._make(kind, PolicyName=name, PolicyDocument=_policy({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}))
        whose = {"UserName": chance.one(*USERS)} if "User" in kind else {"GroupName": chance.one(*GROUPS)} if "Group" in kind else {}
        return self._make(kind, PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/{name}", **whose)

    def _of_role(self) -> Wish:
        chance, kind = self._chance, self._chance.one("CreateRole", "CreateRole", "DeleteRole", "ListRoles")
        if kind == "ListRoles":
            return self._make(kind)
        more = {"AssumeRolePolicyDocument": _policy(TRUST)} if kind == "CreateRole" else {}
        return self._make(kind, RoleName=chance.one(*ROLES), **more)

    def _session(self) -> Wish:
        chance = self._chance
        if chance.percent(20):
            return Wish("sts", "GetCallerIdentity", {})
        arn = f"arn:aws:iam::{ACCOUNT}:role/{chance.one(*ROLES)}"
        seconds = {"DurationSeconds": chance.one(900, 3_600, 3_600, 7_200)} if chance.percent(50) else {}
        return Wish("sts", "AssumeRole", {"RoleArn": arn, "RoleSessionName": chance.label(), **seconds})
