"""Grants: made, listed, retired by who may, revoked by who administers the key.

https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.aws.arn import parse, parse_or_none, partition_of
from windtunnel.fabric import Fault, Tx
from windtunnel.services.kms.access import WITH_CONTEXT, names_of
from windtunnel.services.kms.grants.keeping import keep_grant, remove_grant
from windtunnel.services.kms.grants.tokens import grant_of_token, new_token
from windtunnel.services.kms.listing import page_of, start_of
from windtunnel.services.kms.places import find_key, key_of
from windtunnel.services.kms.rules import GRANTS_MAX, PAGE_GRANTS_DEFAULT, SYMMETRIC, invalid
from windtunnel.services.kms.state import GRANTS, RETIRABLE, Found, Grant, check_state
from windtunnel.services.kms.uses import dry_run

if TYPE_CHECKING:
    from windtunnel.aws.types import kms as t

_ANY_KEY = frozenset({"CreateGrant", "RetireGrant", "DescribeKey"})
_BY_USAGE: Mapping[str, frozenset[str]] = {
    "ENCRYPT_DECRYPT": frozenset({"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"}),
    "SIGN_VERIFY": frozenset({"Sign", "Verify", "GetPublicKey"}),
    "GENERATE_VERIFY_MAC": frozenset({"GenerateMac", "VerifyMac"}),
    "KEY_AGREEMENT": frozenset({"DeriveSharedSecret", "GetPublicKey"}),
    "ENCAPSULATE_DECAPSULATE": frozenset({"Encapsulate", "Decapsulate", "GetPublicKey"}),
}
_GRANT_ID_DIGITS = 64
_GRANT_ID = re.compile(r"[0-9a-f]{64}")


def create_grant(tx: Tx, req: t.CreateGrantRequest) -> t.CreateGrantResponse:
    found = key_of(tx, req, "CreateGrant", abroad=True)
    check_state(found)
    grant = _grant(found, req)
    dry_run(req)
    grant_id = _same(found, grant)
    if grant_id is None:
        if found.tx.count(GRANTS, "of", found.id) >= GRANTS_MAX:
            raise Fault("LimitExceededException", f"The maximum number of grants for the key {found.arn} is {GRANTS_MAX}.")
        grant_id = tx.ids.hex(_GRANT_ID_DIGITS)
        keep_grant(found, grant_id, grant)
    return {"GrantToken": new_token(tx, grant_id), "GrantId": grant_id}


def _grant(found: Found, req: t.CreateGrantRequest) -> Grant:
    given: Mapping[str, Any] = req
    grantee, service = _principal(given, "GranteePrincipal", "GranteeServicePrincipal")
    retiring, retiring_service = _principal(given, "RetiringPrincipal", "RetiringServicePrincipal")
    if not grantee:
        raise invalid("You must specify either GranteePrincipal or GranteeServicePrincipal.")
    constraints: Mapping[str, Any] = given.get("Constraints") or {}
    equals, subset = constraints.get("EncryptionContextEquals"), constraints.get("EncryptionContextSubset")
    if service and not (constraints.get("SourceArn") and retiring):
        raise invalid("A GranteeServicePrincipal needs a SourceArn constraint and a retiring principal.")
    operations = list(dict.fromkeys(req["Operations"]))
    _check_operations(found, operations, constrained=equals is not None or subset is not None)
    return Grant(
        found.tx.now,
        grantee,
        operations,
        f"arn:{partition_of(found.tx.region)}:iam::{found.tx.scope.principal.account}:root",
        retiring,
        req.get("Name", ""),
        equals,
        subset,
        constraints.get("SourceArn", ""),
        service,
        retiring_service,
    )


def _principal(req: Mapping[str, Any], member: str, service_member: str) -> tuple[str, bool]:
    """Who is meant, and whether that is a service."""
    if member in req and service_member in req:
        raise invalid(f"You can specify either {member} or {service_member}, but not both.")
    if service_member in req:
        return req[service_member], True
    principal = req.get(member, "")
    arn = parse_or_none(principal)
    is_account = principal.isdigit() and len(principal) == 12
    if principal and not is_account and not principal.endswith(".amazonaws.com") and (arn is None or arn.service not in ("iam", "sts")):
        raise Fault("InvalidArnException", f"{principal} is not a valid principal ARN.")
    return principal, principal.endswith(".amazonaws.com")


def _check_operations(found: Found, operations: list[str], *, constrained: bool) -> None:
    """A grant lets do only what its key can, and constrains only what has an encryption context."""
    key = found.key
    possible = _ANY_KEY | _BY_USAGE[key.usage]
    if key.spec == SYMMETRIC:
        possible |= WITH_CONTEXT
    elif key.usage == "ENCRYPT_DECRYPT":
        possible |= {"GetPublicKey"}
    impossible = [operation for operation in operations if operation not in possible]
    if impossible:
        raise invalid(f"Operation {impossible[0]} is not supported for key {found.arn} with KeySpec {key.spec} and KeyUsage {key.usage}.")
    if constrained and key.spec != SYMMETRIC:
        raise invalid("Encryption context constraints are supported for symmetric encryption keys only.")


def _same(found: Found, grant: Grant) -> str | None:
    """The id of the same grant of the same name, for who asks twice."""
    if not grant.name:
        return None
    for (_, grant_id), other in found.tx.find(GRANTS, "name", found.id, grant.name):
        if (other.grantee, other.operations, other.retiring, other.equals, other.subset, other.source_arn) == (
            grant.grantee,
            grant.operations,
            grant.retiring,
            grant.equals,
            grant.subset,
            grant.source_arn,
        ):
            return str(grant_id)
    return None


def list_grants(tx: Tx, req: t.ListGrantsRequest) -> t.ListGrantsResponse:
    found = key_of(tx, req, "ListGrants", abroad=True)
    check_state(found, disabled=True, importing=True, deleting=True)
    grantee = req.get("GranteePrincipal") or req.get("GranteeServicePrincipal")
    wanted = req.get("GrantId")
    if wanted is not None:
        _grant_of(found, wanted)

    def rows(start: tuple[Any, ...] | None) -> Iterator[tuple[tuple[Any, ...], Grant]]:
        if wanted is not None:
            grants: Iterator[Any] = iter([((found.id, wanted), found.tx.get(GRANTS, found.id, wanted))])
        elif grantee is not None:
            grants = found.tx.find(GRANTS, "grantee", found.id, grantee, start=start)
        else:
            grants = found.tx.scan(GRANTS, found.id, start=start and start[1:])
        return ((key, grant) for key, grant in grants if grantee in (None, grant.grantee))

    return page_of(req, "Grants", rows, lambda key, grant: _shown(found.arn, key[1], grant), PAGE_GRANTS_DEFAULT)


def list_retirable_grants(tx: Tx, req: t.ListRetirableGrantsRequest) -> t.ListGrantsResponse:
    principal, _ = _principal(req, "RetiringPrincipal", "RetiringServicePrincipal")
    arn = parse_or_none(principal)
    if arn is not None and arn.account != tx.account:
        raise Fault("AccessDeniedException", f"{principal} is not of the account {tx.account}.")
    start = start_of(req)

    def shown(key: tuple[Any, ...], key_arn: str) -> dict[str, Any]:
        named = parse(key_arn)
        grant = tx.at(account=named.account).get(GRANTS, named.id, key[2])
        assert grant is not None, "a grant that can be retired"
        return _shown(key_arn, key[2], grant)

    return page_of(req, "Grants", lambda _: tx.scan(RETIRABLE, tx.region, principal, start=start and start[2:]), shown, PAGE_GRANTS_DEFAULT)


def retire_grant(tx: Tx, req: t.RetireGrantRequest) -> None:
    if "GrantToken" in req:
        if "KeyId" in req or "GrantId" in req:
            raise invalid("You must specify either a grant token, or a key ID and a grant ID, but not both.")
        found, grant_id, grant = grant_of_token(tx, req["GrantToken"])
    elif "KeyId" in req and "GrantId" in req:
        found = find_key(tx, req["KeyId"], aliases=False)
        grant_id, grant = req["GrantId"], _grant_of(found, req["GrantId"])
    else:
        raise invalid("You must specify either a grant token, or a key ID and a grant ID.")
    check_state(found, disabled=True, importing=True, deleting=True)
    if not _may_retire(found, grant):
        message = f"User: {tx.scope.principal.arn} is not authorized to perform: kms:RetireGrant on resource: {found.arn}"
        raise Fault("AccessDeniedException", message)
    dry_run(req)
    remove_grant(found.tx, found.id, grant_id, grant)


def _may_retire(found: Found, grant: Grant) -> bool:
    """The account that the grant was made in, whom it names to retire it, and its grantee where it says so."""
    caller = found.tx.scope.principal
    names = names_of(caller, found.tx.region)
    if parse(grant.issuer).account == caller.account or grant.retiring in names:
        return True
    return grant.grantee in names and "RetireGrant" in grant.operations


def revoke_grant(tx: Tx, req: t.RevokeGrantRequest) -> None:
    found = key_of(tx, req, "RevokeGrant", abroad=True)
    check_state(found, disabled=True, importing=True, deleting=True)
    grant = _grant_of(found, req["GrantId"])
    dry_run(req)
    remove_grant(found.tx, found.id, req["GrantId"], grant)


def _grant_of(found: Found, grant_id: str) -> Grant:
    if not _GRANT_ID.fullmatch(grant_id):
        raise Fault("InvalidGrantIdException", f"Invalid GrantId '{grant_id}'")
    grant = found.tx.get(GRANTS, found.id, grant_id)
    if grant is None:
        raise Fault("NotFoundException", f"Grant ID {grant_id} not found")
    return grant


def _shown(key_arn: str, grant_id: str, grant: Grant) -> dict[str, Any]:
    constraints = {"EncryptionContextEquals": grant.equals, "EncryptionContextSubset": grant.subset, "SourceArn": grant.source_arn or None}
    constraints = {name: value for name, value in constraints.items() if value is not None}
    out: dict[str, Any] = {
        "KeyId": key_arn,
        "GrantId": grant_id,
        "Name": grant.name,
        "CreationDate": grant.created,
        "GranteeServicePrincipal" if grant.service else "GranteePrincipal": grant.grantee,
        "IssuingAccount": grant.issuer,
        "Operations": grant.operations,
    }
    if grant.retiring:
        out["RetiringServicePrincipal" if grant.retiring_service else "RetiringPrincipal"] = grant.retiring
    return out | ({"Constraints": constraints} if constraints else {})
