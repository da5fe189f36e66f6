"""Access control lists: canned ones become grants; what they allow is for the door to decide.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from windtunnel.fabric import Fault
from windtunnel.services.s3.rules import canonical_id, nested, several
from windtunnel.services.s3.state import Bucket

GROUPS = "http://acs.amazonaws.com/groups/"
ALL_USERS = f"{GROUPS}global/AllUsers"
AUTHENTICATED = f"{GROUPS}global/AuthenticatedUsers"
LOG_DELIVERY = f"{GROUPS}s3/LogDelivery"
CANNED: Mapping[str, Sequence[tuple[str, str]]] = {
    "private": (),
    "public-read": ((ALL_USERS, "READ"),),
    "public-read-write": ((ALL_USERS, "READ"), (ALL_USERS, "WRITE")),
    "authenticated-read": ((AUTHENTICATED, "READ"),),
    "log-delivery-write": ((LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP")),
    "aws-exec-read": (),
    "bucket-owner-read": (),
    "bucket-owner-full-control": (),
}
OF_OBJECTS_ONLY = frozenset(("bucket-owner-read", "bucket-owner-full-control"))
OWNER_ENFORCED = "BucketOwnerEnforced"
OWNERSHIPS = ("BucketOwnerPreferred", "ObjectWriter", OWNER_ENFORCED)
GRANT_MEMBERS = {
    "GrantFullControl": "FULL_CONTROL",
    "GrantRead": "READ",
    "GrantReadACP": "READ_ACP",
    "GrantWrite": "WRITE",
    "GrantWriteACP": "WRITE_ACP",
}
PERMISSIONS = frozenset(GRANT_MEMBERS.values())
_GRANTEE = re.compile(r'\s*(id|uri|emailAddress)\s*=\s*"?([^",]+)"?\s*')


def check_canned(name: str | None, *, bucket: bool = False) -> None:
    """Refuse a canned ACL that isn't one."""
    if name is not None and (name not in CANNED or (bucket and name in OF_OBJECTS_ONLY)):
        raise Fault("InvalidArgument", "", ArgumentName="x-amz-acl", ArgumentValue=name)


def check_ownership(text: str | None) -> str:
    """Who owns what others put into a bucket; the bucket's owner unless it says otherwise."""
    if text is None:
        return OWNER_ENFORCED
    if text not in OWNERSHIPS:
        raise Fault("InvalidArgument", f"Invalid x-amz-object-ownership header: {text}", ArgumentName="x-amz-object-ownership")
    return text


def grants_of(req: Mapping[str, Any], owner: str) -> tuple[dict[str, Any], ...]:
    """The grants that a request's canned ACL or grant headers make; none where the owner alone has full control."""
    canned = req.get("ACL")
    headers = {member: req[member] for member in GRANT_MEMBERS if req.get(member)}
    check_canned(canned)
    if canned is not None and headers:
        raise Fault("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")
    if headers:
        return tuple(grant(grantee, GRANT_MEMBERS[member]) for member, text in headers.items() for grantee in _grantees(member, text))
    given = CANNED[canned or "private"]
    if not given:
        return ()
    return (grant(_user(owner), "FULL_CONTROL"), *(grant({"Type": "Group", "URI": group}, permission) for group, permission in given))


def grant(grantee: Mapping[str, Any], permission: str) -> dict[str, Any]:
    return {"Grantee": dict(grantee), "Permission": permission}


def _user(account: str) -> dict[str, Any]:
    return {"Type": "CanonicalUser", "ID": canonical_id(account)}


def _grantees(member: str, text: str) -> list[dict[str, Any]]:
    header = "x-amz-grant-" + re.sub(r"(?<!^)(?=[A-Z][a-z]|ACP)", "-", member.removeprefix("Grant")).lower()
    found: list[dict[str, Any]] = []
    for part in text.split(","):
        match = _GRANTEE.fullmatch(part)
        if match is None:
            raise Fault("InvalidArgument", "Argument format not recognized", ArgumentName=header, ArgumentValue=text)
        kind, value = match.groups()
        if kind == "uri":
            _check_group(value, "uri")
            found.append({"Type": "Group", "URI": value})
        elif kind == "id":
            _check_id(value, "id")
            found.append({"Type": "CanonicalUser", "ID": value})
        else:
            raise Fault("UnresolvableGrantByEmailAddress", "The e-mail address you provided does not match any account on record.")
    return found


def _check_id(value: str, name: str) -> None:
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise Fault("InvalidArgument", "Invalid id", ArgumentName=name, ArgumentValue=value)


def _check_group(value: str, name: str) -> None:
    if value not in (ALL_USERS, AUTHENTICATED, LOG_DELIVERY):
        raise Fault("InvalidArgument", "Invalid group uri", ArgumentName=name, ArgumentValue=value)


def checked_policy(policy: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """The grants of an AccessControlPolicy."""
    if not nested(policy, "Owner").get("ID"):
        raise malformed_acl()
    _check_id(policy["Owner"]["ID"], "CanonicalUser/ID")
    grants: list[dict[str, Any]] = []
    for item in several(policy, "Grants"):
        grantee, permission = nested(item, "Grantee"), item.get("Permission")
        if permission is None or permission not in PERMISSIONS:
            raise malformed_acl()
        if grantee.get("Type") == "Group":
            _check_group(grantee.get("URI") or "", "Group/URI")
            grants.append(grant({"Type": "Group", "URI": grantee["URI"]}, permission))
        elif grantee.get("Type") == "CanonicalUser":
            _check_id(grantee.get("ID") or "", "CanonicalUser/ID")
            grants.append(grant({"Type": "CanonicalUser", "ID": grantee["ID"]}, permission))
        else:
            raise malformed_acl()
    return tuple(grants)


def malformed_acl() -> Fault:
    return Fault("MalformedACLError", "The XML you provided was not well-formed or did not validate against our published schema")


def asked_grants(req: Mapping[str, Any], owner: str) -> tuple[dict[str, Any], ...]:
    """The grants a Put…Acl asks for, in whichever of the three ways."""
    policy = req.get("AccessControlPolicy")
    by_header = req.get("ACL") is not None or any(req.get(member) for member in GRANT_MEMBERS)
    if policy is not None and by_header:
        raise Fault("UnexpectedContent", "This request does not support content")
    if policy is not None:
        return checked_policy(policy)
    if not by_header:
        message = "Your request was missing a required header"
        raise Fault("MissingSecurityHeader", message, MissingHeaderName="x-amz-acl")
    return grants_of(req, owner)


def check_allowed(bucket: Bucket, grants: Sequence[Mapping[str, Any]]) -> None:
    if bucket.ownership == OWNER_ENFORCED and grants:
        raise Fault("AccessControlListNotSupported", "The bucket does not allow ACLs")


def check_unshared(grants: Sequence[Mapping[str, Any]], account: str) -> None:
    """Whether nobody but a bucket's owner has anything by its ACL, as it must be where the owner owns everything."""
    if any(item["Grantee"].get("ID") != canonical_id(account) for item in grants):
        message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        raise Fault("InvalidBucketAclWithObjectOwnership", message)


def check_draft(bucket: Bucket, req: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """The grants a new object gets. Where the bucket's owner owns everything, only ACLs that say just that are taken."""
    if req.get("ACL") is None and not any(req.get(member) for member in GRANT_MEMBERS):
        return ()
    grants = grants_of(req, bucket.account)
    check_allowed(bucket, grants)
    return grants


def shown_grants(grants: Sequence[Mapping[str, Any]], owner: str) -> list[dict[str, Any]]:
    return [dict(item) for item in grants] or [grant(_user(owner), "FULL_CONTROL")]
