"""Who may do what with a key: its policy says, then its grants."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.identity import acting, fault, user
from tests.stories.kms_kit import CONTEXT, OTHER, arn, made, policy, root
from windtunnel.fabric.scope import service_principal, session_of

WOULD = ("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")


def _denied(who: str, action: str, key: str, why: str = "") -> tuple[str, str]:
    why = why or f"because no resource-based policy allows the kms:{action} action"
    return "AccessDeniedException", f"User: {who} is not authorized to perform: kms:{action} on resource: {arn(key)} {why}"


@pytest.fixture
def other(here: Here) -> Here:
    return here.at(account=OTHER)


def _sealed(here: Here, key: str, **more: Any) -> bytes:
    return here.kms.encrypt(KeyId=arn(key), Plaintext=b"p", **more)["CiphertextBlob"]


def test_another_account_may_what_the_policy_says(here: Here, other: Here) -> None:
    key = made(here)
    assert fault(other.kms.encrypt, KeyId=arn(key), Plaintext=b"p") == _denied(root(OTHER), "Encrypt", key)
    here.kms.put_key_policy(KeyId=key, Policy=policy({"Principal": {"AWS": OTHER}, "Action": ["kms:Encrypt", "kms:ScheduleKeyDeletion"]}))
    blob = _sealed(other, key)
    assert here.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"p"
    closed = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to"
    assert fault(other.kms.decrypt, CiphertextBlob=blob) == ("AccessDeniedException", f"{closed} access.")
    # Whatever its policy says, no key is administered from another account.
    assert fault(other.kms.schedule_key_deletion, KeyId=arn(key)) == _denied(root(OTHER), "ScheduleKeyDeletion", key)
    assert fault(other.kms.encrypt, KeyId=key, Plaintext=b"p") == ("NotFoundException", f"Key '{arn(key, account=OTHER)}' does not exist")


def test_a_policy_denies_and_leaves_out_its_own_account_as_well(here: Here) -> None:
    ann, bob = user(here, "ann"), user(here, "bob")
    who = [each.scope.principal.arn for each in (ann, bob)]
    key = made(here, Policy=policy({"Effect": "Deny", "Principal": {"AWS": who[0]}, "Action": "kms:Encrypt"}))
    explicit = "with an explicit deny in a resource-based policy"
    assert fault(ann.kms.encrypt, KeyId=key, Plaintext=b"p") == _denied(who[0], "Encrypt", key, explicit)
    assert _sealed(bob, key)
    only = {"Effect": "Allow", "Principal": {"AWS": who[1]}, "Action": "kms:*", "Resource": "*"}
    bob.kms.put_key_policy(KeyId=key, Policy=json.dumps({"Version": "2012-10-17", "Statement": [only]}))
    assert fault(here.kms.encrypt, KeyId=key, Plaintext=b"p") == _denied(root(), "Encrypt", key)
    assert _sealed(bob, key)


@pytest.mark.parametrize(
    ("condition", "request_", "allowed"),
    [
        ({"StringEquals": {"kms:EncryptionContext:department": "finance"}}, {"EncryptionContext": CONTEXT}, True),
        ({"StringEquals": {"kms:EncryptionContext:department": "finance"}}, {"EncryptionContext": {"department": "hr"}}, False),
        ({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["department"]}}, {"EncryptionContext": {"a": "b"}}, False),
        ({"StringEquals": {"kms:CallerAccount": OTHER}}, {}, True),
        ({"StringEquals": {"kms:EncryptionAlgorithm": "RSAES_OAEP_SHA_1"}}, {}, False),
        ({"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT", "kms:KeyUsage": "ENCRYPT_DECRYPT", "kms:KeyOrigin": "AWS_KMS"}}, {}, True),
        ({"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/ours*"}}, {}, True),
        ({"StringEquals": {"aws:ResourceTag/team": "blue"}}, {}, True),
        ({"Bool": {"kms:MultiRegion": "true"}}, {}, False),
        ({"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}, {}, False),
        ({"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, {}, False),
    ],
)
def test_a_policy_knows_the_request(here: Here, other: Here, condition: Any, request_: Any, allowed: bool) -> None:
    statement = {"Principal": {"AWS": root(OTHER)}, "Action": "kms:Encrypt", "Condition": condition}
    key = made(here, Policy=policy(statement), Tags=[{"TagKey": "team", "TagValue": "blue"}])
    here.kms.create_alias(AliasName="alias/ours", TargetKeyId=key)
    if allowed:
        assert _sealed(other, key, **request_)
    else:
        assert fault(other.kms.encrypt, KeyId=arn(key), Plaintext=b"p", **request_) == _denied(root(OTHER), "Encrypt", key)


def test_a_grant_lets_its_grantee_until_it_is_revoked(here: Here, other: Here) -> None:
    key = made(here)
    blob = _sealed(here, key)
    given = {"KeyId": key, "GranteePrincipal": root(OTHER), "Operations": ["Decrypt", "DescribeKey"], "Name": "reader"}
    granted = here.kms.create_grant(**given)
    again = here.kms.create_grant(**given)
    assert (again["GrantId"], again["GrantToken"] != granted["GrantToken"]) == (granted["GrantId"], True)
    shown = {
        "KeyId": arn(key),
        "GrantId": granted["GrantId"],
        "Name": "reader",
        "CreationDate": BEGIN,
        "GranteePrincipal": root(OTHER),
        "IssuingAccount": root(),
        "Operations": ["Decrypt", "DescribeKey"],
    }
    assert here.kms.list_grants(KeyId=key) == {"Grants": [shown], "Truncated": False}
    assert other.kms.decrypt(CiphertextBlob=blob, GrantTokens=[again["GrantToken"]])["Plaintext"] == b"p"
    assert other.kms.describe_key(KeyId=arn(key))["KeyMetadata"]["Arn"] == arn(key)
    assert fault(other.kms.encrypt, KeyId=arn(key), Plaintext=b"p") == _denied(root(OTHER), "Encrypt", key)
    assert fault(here.kms.revoke_grant, KeyId=key, GrantId=granted["GrantId"], DryRun=True) == WOULD
    here.kms.revoke_grant(KeyId=key, GrantId=granted["GrantId"])
    assert fault(other.kms.decrypt, CiphertextBlob=blob)[0] == "AccessDeniedException"
    wrong = ("InvalidGrantTokenException", "Invalid grant token.")
    assert fault(here.kms.encrypt, KeyId=key, Plaintext=b"p", GrantTokens=[granted["GrantToken"]]) == wrong


@pytest.mark.parametrize(
    ("constraint", "context", "allowed"),
    [
        ({"EncryptionContextSubset": CONTEXT}, {**CONTEXT, "a": "b"}, True),
        ({"EncryptionContextSubset": CONTEXT}, {"a": "b"}, False),
        ({"EncryptionContextEquals": CONTEXT}, CONTEXT, True),
        ({"EncryptionContextEquals": CONTEXT}, {**CONTEXT, "a": "b"}, False),
    ],
)
def test_a_grant_may_hold_for_some_contexts_only(here: Here, other: Here, constraint: Any, context: Any, allowed: bool) -> None:
    key = made(here)
    here.kms.create_grant(KeyId=key, GranteePrincipal=root(OTHER), Operations=["Encrypt"], Constraints=constraint)
    if allowed:
        assert _sealed(other, key, EncryptionContext=context)
    else:
        refused = fault(other.kms.encrypt, KeyId=arn(key), Plaintext=b"p", EncryptionContext=context)
        assert refused == _denied(root(OTHER), "Encrypt", key)


def test_a_grant_is_retired_by_whom_it_names(here: Here, other: Here) -> None:
    key = made(here)
    given: dict[str, Any] = {"KeyId": key, "GranteePrincipal": root("444455556666"), "Operations": ["Decrypt"]}
    grants = [here.kms.create_grant(**given, RetiringPrincipal=root(OTHER)) for _ in range(3)]
    page = other.kms.list_retirable_grants(RetiringPrincipal=root(OTHER), Limit=2)
    rest = other.kms.list_retirable_grants(RetiringPrincipal=root(OTHER), Marker=page["NextMarker"])
    assert {each["GrantId"] for each in page["Grants"] + rest["Grants"]} == {each["GrantId"] for each in grants}
    assert fault(other.kms.retire_grant, GrantToken=grants[0]["GrantToken"], DryRun=True) == WOULD
    other.kms.retire_grant(GrantToken=grants[0]["GrantToken"])
    other.kms.retire_grant(KeyId=arn(key), GrantId=grants[1]["GrantId"])
    third = here.at(account="444455556666")
    code, _ = fault(third.kms.retire_grant, KeyId=arn(key), GrantId=grants[2]["GrantId"])
    assert code == "AccessDeniedException"
    here.kms.retire_grant(KeyId=key, GrantId=grants[2]["GrantId"])
    retirable = here.kms.create_grant(**{**given, "Operations": ["RetireGrant"]})
    third.kms.retire_grant(GrantToken=retirable["GrantToken"])
    assert here.kms.list_grants(KeyId=key)["Grants"] == []


def test_a_grant_to_a_service_holds_for_one_of_its_resources(here: Here) -> None:
    key = made(here)
    resource = "arn:aws:backup:us-east-1:000000000000:backup-vault:v"
    here.kms.create_grant(
        KeyId=key,
        GranteeServicePrincipal="backup.amazonaws.com",
        RetiringServicePrincipal="backup.amazonaws.com",
        Operations=["GenerateDataKey"],
        Constraints={"SourceArn": resource},
    )
    (grant,) = here.kms.list_grants(KeyId=key, GranteeServicePrincipal="backup.amazonaws.com")["Grants"]
    assert (grant["GranteeServicePrincipal"], grant["Constraints"]) == ("backup.amazonaws.com", {"SourceArn": resource})
    service = acting(here, service_principal("backup.amazonaws.com", "000000000000"))
    asked = {"KeyId": key, "KeySpec": "AES_256"}
    assert fault(service.kms.generate_data_key, **asked) == _denied("backup.amazonaws.com", "GenerateDataKey", key)
    service.scope = msgspec.structs.replace(service.scope, source_arn=resource)
    assert service.kms.generate_data_key(**asked)["KeyId"] == arn(key)


def test_grants_are_found_by_grantee_and_id(here: Here) -> None:
    key = made(here)
    given: dict[str, Any] = {"KeyId": key, "Operations": ["Decrypt"]}
    one = here.kms.create_grant(**given, GranteePrincipal=root(OTHER))["GrantId"]
    two = here.kms.create_grant(**given, GranteePrincipal=root())["GrantId"]
    assert [each["GrantId"] for each in here.kms.list_grants(KeyId=key, GranteePrincipal=root(OTHER))["Grants"]] == [one]
    assert [each["GrantId"] for each in here.kms.list_grants(KeyId=key, GrantId=two)["Grants"]] == [two]
    page = here.kms.list_grants(KeyId=key, Limit=1)
    rest = here.kms.list_grants(KeyId=key, Limit=1, Marker=page["NextMarker"])
    assert {each["GrantId"] for each in page["Grants"] + rest["Grants"]} == {one, two}


def test_a_role_of_the_caller_is_meant_by_its_sessions(here: Here) -> None:
    session = acting(here, session_of(f"arn:aws:iam::{OTHER}:role/r", OTHER, "s"))
    key = made(here)
    here.kms.create_grant(KeyId=key, GranteePrincipal=f"arn:aws:iam::{OTHER}:role/r", Operations=["Encrypt"])
    assert _sealed(session, key)
