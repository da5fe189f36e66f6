"""IAM and STS: who is there and what is attached to whom; a session's keys are good until they end, and not a moment longer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

from tests.sim.auditor.base import Ask, Call, ended, holds, same

ABSENT = ("NoSuchEntity",)
THERE = ("EntityAlreadyExists",)
CONFLICT = ("DeleteConflict",)
KEYS_MAX = 2
KNOWN_SECONDS = 36 * 3600


@dataclass(eq=False, slots=True)
class User:
    """One user."""

    tags: dict[str, str] = field(default_factory=dict)
    inline: dict[str, Any] = field(default_factory=dict)
    attached: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    keys: dict[str, str] = field(default_factory=dict)
    """access key id -> status"""


class Session(NamedTuple):
    """Temporary keys."""

    access_key: str
    token: str
    arn: str
    expires: float


class Identities:
    """All users, groups, roles and policies of the account, and the sessions that were begun."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.users: dict[str, User] = {}
        self.groups: dict[str, set[str]] = {}
        """name -> the policies attached to it"""
        self.roles: set[str] = set()
        self.policies: set[str] = set()
        self.sessions: list[Session] = []

    # ------------------------------------------------------------ users

    def _user(self, call: Call) -> User | None:
        user = self.users.get(call.request["UserName"])
        if user is None:
            ended(call, *ABSENT)
        return user

    def create_user(self, call: Call) -> None:
        name = call.request["UserName"]
        if ended(call, *(THERE if name in self.users else [])):
            self.users[name] = User({tag["Key"]: tag["Value"] for tag in call.request.get("Tags", [])})

    def create_user_unknown(self, call: Call) -> None:
        name = call.request["UserName"]
        if name not in self.users and not self._ask("iam", "GetUser", UserName=name).fault:
            self.users[name] = User({tag["Key"]: tag["Value"] for tag in call.request.get("Tags", [])})

    def delete_user(self, call: Call) -> None:
        if user := self._user(call):
            used = user.inline or user.attached or user.groups or user.keys
            if ended(call, *(CONFLICT if used else [])):
                del self.users[call.request["UserName"]]

    def get_user(self, call: Call) -> None:
        if (user := self._user(call)) and ended(call):
            found = {tag["Key"]: tag["Value"] for tag in call.result["User"].get("Tags", [])}
            same(f"tags of user {call.request['UserName']}", found, user.tags)

    def list_users(self, call: Call) -> None:
        ended(call)
        same("users", [one["UserName"] for one in call.result["Users"]], sorted(self.users))

    def tag_user(self, call: Call) -> None:
        if (user := self._user(call)) and ended(call):
            user.tags |= {tag["Key"]: tag["Value"] for tag in call.request["Tags"]}

    def put_user_policy(self, call: Call) -> None:
        if (user := self._user(call)) and ended(call):
            user.inline[call.request["PolicyName"]] = json.loads(call.request["PolicyDocument"])

    def put_user_policy_unknown(self, call: Call) -> None:
        user, name = self.users.get(call.request["UserName"]), call.request["PolicyName"]
        if user is None:
            return
        answer = self._ask("iam", "GetUserPolicy", UserName=call.request["UserName"], PolicyName=name)
        document = None if answer.fault else _document(answer.result["PolicyDocument"])
        wanted = json.loads(call.request["PolicyDocument"])
        holds(document in (user.inline.get(name), wanted), f"{call}: the policy is {document}")
        if document is not None:
            user.inline[name] = document

    def get_user_policy(self, call: Call) -> None:
        if user := self._user(call):
            name = call.request["PolicyName"]
            if ended(call, *([] if name in user.inline else ABSENT)):
                same(f"policy {name}", _document(call.result["PolicyDocument"]), user.inline[name])

    def delete_user_policy(self, call: Call) -> None:
        if (user := self._user(call)) and ended(call, *([] if call.request["PolicyName"] in user.inline else ABSENT)):
            del user.inline[call.request["PolicyName"]]

    def list_user_policies(self, call: Call) -> None:
        if (user := self._user(call)) and ended(call):
            same("inline policies", call.result["PolicyNames"], sorted(user.inline))

    def create_access_key(self, call: Call) -> None:
        if (user := self._user(call)) and ended(call, *(["LimitExceeded"] if len(user.keys) >= KEYS_MAX else [])):
            user.keys[call.result["AccessKey"]["AccessKeyId"]] = "Active"

    def update_access_key(self, call: Call) -> None:
        if (user := self._user(call)) and ended(call, *([] if call.request["AccessKeyId"] in user.keys else ABSENT)):
            user.keys[call.request["AccessKeyId"]] = call.request["Status"]

    def delete_access_key(self, call: Call) -> None:
        if (user := self._user(call)) and ended(call, *([] if call.request["AccessKeyId"] in user.keys else ABSENT)):
            del user.keys[call.request["AccessKeyId"]]

    def list_access_keys(self, call: Call) -> None:
        if (user := self._user(call)) and ended(call):
            found = {key["AccessKeyId"]: key["Status"] for key in call.result["AccessKeyMetadata"]}
            same(f"keys of {call.request['UserName']}", found, user.keys)

    # ------------------------------------------------------------ groups

    def create_group(self, call: Call) -> None:
        name = call.request["GroupName"]
        if ended(call, *(THERE if name in self.groups else [])):
            self.groups[name] = set()

    def delete_group(self, call: Call) -> None:
        name = call.request["GroupName"]
        used = name in self.groups and (self.groups[name] or any(name in user.groups for user in self.users.values()))
        if ended(call, *(ABSENT if name not in self.groups else CONFLICT if used else [])):
            del self.groups[name]

    def add_user_to_group(self, call: Call) -> None:
        there = call.request["GroupName"] in self.groups and call.request["UserName"] in self.users
        if ended(call, *([] if there else ABSENT)):
            self.users[call.request["UserName"]].groups.add(call.request["GroupName"])

    def remove_user_from_group(self, call: Call) -> None:
        user = self.users.get(call.request["UserName"])
        there = user is not None and call.request["GroupName"] in self.groups and call.request["GroupName"] in user.groups
        if user and (there or call.fault) and ended(call, *([] if there else ABSENT)):
            user.groups.remove(call.request["GroupName"])

    def list_groups_for_user(self, call: Call) -> None:
        if (user := self._user(call)) and ended(call):
            same(f"groups of {call.request['UserName']}", sorted(one["GroupName"] for one in call.result["Groups"]), sorted(user.groups))

    def get_group(self, call: Call) -> None:
        name = call.request["GroupName"]
        if ended(call, *([] if name in self.groups else ABSENT)):
            members = sorted(user for user, one in self.users.items() if name in one.groups)
            same(f"members of {name}", sorted(one["UserName"] for one in call.result["Users"]), members)

    # ------------------------------------------------------------ policies

    def create_policy(self, call: Call) -> None:
        name = call.request["PolicyName"]
        if ended(call, *(THERE if name in self.policies else [])):
            self.policies.add(name)

    def _attached(self, name: str) -> int:
        return sum(name in user.attached for user in self.users.values()) + sum(name in attached for attached in self.groups.values())

    def delete_policy(self, call: Call) -> None:
        name = _name(call.request["PolicyArn"])
        if ended(call, *(ABSENT if name not in self.policies else CONFLICT if self._attached(name) else [])):
            self.policies.remove(name)

    def get_policy(self, call: Call) -> None:
        name = _name(call.request["PolicyArn"])
        if ended(call, *([] if name in self.policies else ABSENT)):
            same(f"attachments of {name}", call.result["Policy"]["AttachmentCount"], self._attached(name))

    def attach_user_policy(self, call: Call) -> None:
        name = _name(call.request["PolicyArn"])
        if (user := self._user(call)) and ended(call, *([] if name in self.policies else ABSENT)):
            user.attached.add(name)

    def detach_user_policy(self, call: Call) -> None:
        name = _name(call.request["PolicyArn"])
        if (user := self._user(call)) and ended(call, *([] if name in user.attached else ABSENT)):
            user.attached.remove(name)

    def attach_group_policy(self, call: Call) -> None:
        name, group = _name(call.request["PolicyArn"]), call.request["GroupName"]
        if ended(call, *([] if name in self.policies and group in self.groups else ABSENT)):
            self.groups[group].add(name)

    def list_attached_user_policies(self, call: Call) -> None:
        if (user := self._user(call)) and ended(call):
            found = sorted(one["PolicyName"] for one in call.result["AttachedPolicies"])
            same(f"policies of {call.request['UserName']}", found, sorted(user.attached))

    # ------------------------------------------------------------ roles and sessions

    def create_role(self, call: Call) -> None:
        name = call.request["RoleName"]
        if ended(call, *(THERE if name in self.roles else [])):
            self.roles.add(name)

    def delete_role(self, call: Call) -> None:
        if ended(call, *([] if call.request["RoleName"] in self.roles else ABSENT)):
            self.roles.remove(call.request["RoleName"])

    def list_roles(self, call: Call) -> None:
        ended(call)
        same("roles", [one["RoleName"] for one in call.result["Roles"]], sorted(self.roles))

    def assume_role(self, call: Call) -> None:
        name, seconds = _name(call.request["RoleArn"]), call.request.get("DurationSeconds", 3600)
        if seconds > 3600 and name in self.roles:
            ended(call, "ValidationError")
        elif ended(call, *([] if name in self.roles else ["AccessDenied"])):
            given = call.result["Credentials"]
            same("when a session ends", float(given["Expiration"]), float(call.now + seconds))
            arn = f"arn:aws:sts::000000000000:assumed-role/{name}/{call.request['RoleSessionName']}"
            same("who a session is", call.result["AssumedRoleUser"]["Arn"], arn)
            self.sessions.append(Session(given["AccessKeyId"], given["SessionToken"], arn, float(given["Expiration"])))

    def get_caller_identity(self, call: Call) -> None:
        ended(call)
        same("who calls", call.result["Account"], "000000000000")

    def signed(self, session: Session, said: str, now: float) -> None:
        """Somebody signed with a session's keys."""
        if now < session.expires:
            same("who signed", said, session.arn)
        elif now < session.expires + KNOWN_SECONDS:
            same("what is said to keys that are over", said, "ExpiredToken")
        else:
            holds(said in ("ExpiredToken", "InvalidClientTokenId"), f"keys that have long been over are taken for {said}")
            self.sessions.remove(session)


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


def _document(shown: str) -> Any:
    return json.loads(unquote(shown))
