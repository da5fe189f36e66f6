"""SSH public keys and signing certificates of users, and how many of everything an account may have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.stories.here import BEGIN, Here
from tests.stories.identity import fault, policy, trust
from tests.stories.pki import issue
from windtunnel.services.iam.credentials import devices
from windtunnel.services.iam.identities import profiles, roles, users
from windtunnel.services.iam.policies import policies
from windtunnel.services.iam.providers import providers

RSA = rsa.generate_private_key(65_537, 2048).public_key()
SSH = RSA.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
PEM = RSA.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_an_ssh_key_is_shown_in_either_encoding(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    made = here.iam.upload_ssh_public_key(UserName="ada", SSHPublicKeyBody=f"{SSH} ada@home")["SSHPublicKey"]
    listed = {"UserName": "ada", "SSHPublicKeyId": made["SSHPublicKeyId"], "Status": "Active", "UploadDate": BEGIN}
    assert made == {**listed, "Fingerprint": made["Fingerprint"], "SSHPublicKeyBody": f"{SSH} ada@home"}
    assert made["SSHPublicKeyId"].startswith("APKA")
    assert len(made["Fingerprint"].split(":")) == 16
    for encoding, body in (("SSH", SSH), ("PEM", PEM)):
        shown = here.iam.get_ssh_public_key(UserName="ada", SSHPublicKeyId=made["SSHPublicKeyId"], Encoding=encoding)
        assert shown == {"SSHPublicKey": {**made, "SSHPublicKeyBody": body}}
    assert here.iam.list_ssh_public_keys(UserName="ada") == {"SSHPublicKeys": [listed], "IsTruncated": False}


def test_an_ssh_key_is_an_rsa_key_of_2048_bits_and_belongs_to_a_user_once(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    here.iam.upload_ssh_public_key(UserName="ada", SSHPublicKeyBody=PEM)
    upload = here.iam.upload_ssh_public_key
    curve = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert fault(upload, UserName="ada", SSHPublicKeyBody=SSH) == (
        "DuplicateSSHPublicKey",
        "The SSH public key is already associated with the specified IAM user.",
    )
    assert fault(upload, UserName="ada", SSHPublicKeyBody="nonsense")[0] == "UnrecognizedPublicKeyEncoding"
    assert fault(upload, UserName="ada", SSHPublicKeyBody="ssh-rsa nonsense")[0] == "InvalidPublicKey"
    assert fault(upload, UserName="ada", SSHPublicKeyBody=curve)[0] == "InvalidPublicKey"
    assert fault(upload, UserName="bob", SSHPublicKeyBody=SSH) == ("NoSuchEntity", "The user with name bob cannot be found.")


def test_a_user_has_five_ssh_keys_at_most(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    for number in range(6):
        body = rsa.generate_private_key(65_537, 2048).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        if number < 5:
            here.iam.upload_ssh_public_key(UserName="ada", SSHPublicKeyBody=body)
        else:
            full = fault(here.iam.upload_ssh_public_key, UserName="ada", SSHPublicKeyBody=body)
            assert full == ("LimitExceeded", "Cannot exceed quota for SSHPublicKeysPerUser: 5")


def test_an_ssh_key_is_switched_off_and_deleted(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    which = {
        "UserName": "ada",
        "SSHPublicKeyId": here.iam.upload_ssh_public_key(UserName="ada", SSHPublicKeyBody=SSH)["SSHPublicKey"]["SSHPublicKeyId"],
    }
    here.iam.update_ssh_public_key(**which, Status="Inactive")
    assert here.iam.list_ssh_public_keys(UserName="ada")["SSHPublicKeys"][0]["Status"] == "Inactive"
    assert fault(here.iam.update_ssh_public_key, **which, Status="Expired")[0] == "InvalidInput"
    assert fault(here.iam.delete_user, UserName="ada") == ("DeleteConflict", "Cannot delete entity, must delete SSH public keys first.")
    here.iam.delete_ssh_public_key(**which)
    gone = ("NoSuchEntity", f"The Public Key with id {which['SSHPublicKeyId']} cannot be found.")
    assert fault(here.iam.delete_ssh_public_key, **which) == gone
    assert fault(here.iam.get_ssh_public_key, **which, Encoding="SSH") == gone


def test_a_signing_certificate_belongs_to_a_user_or_to_the_root(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    first, second, third = (issue(name) for name in ("first", "second", "third"))
    made = here.iam.upload_signing_certificate(UserName="ada", CertificateBody=first.body)["Certificate"]
    assert made == {
        "UserName": "ada",
        "CertificateId": made["CertificateId"],
        "CertificateBody": first.body,
        "Status": "Active",
        "UploadDate": BEGIN,
    }
    assert here.iam.list_signing_certificates(UserName="ada") == {"Certificates": [made], "IsTruncated": False}
    assert fault(here.iam.upload_signing_certificate, CertificateBody=first.body) == (
        "DuplicateCertificate",
        "The same certificate is associated with an IAM user in the account.",
    )
    assert here.iam.upload_signing_certificate(CertificateBody=second.body)["Certificate"]["UserName"] == "root"
    assert here.iam.get_account_summary()["SummaryMap"]["AccountSigningCertificatesPresent"] == 1
    here.iam.upload_signing_certificate(UserName="ada", CertificateBody=third.body)
    assert fault(here.iam.upload_signing_certificate, UserName="ada", CertificateBody=issue("fourth").body) == (
        "LimitExceeded",
        "Cannot exceed quota for CertificatesPerUser: 2",
    )


def test_a_signing_certificate_is_one_that_holds(here: Here) -> None:
    old = issue("old", expires=datetime(2025, 12, 31, tzinfo=UTC))
    assert fault(here.iam.upload_signing_certificate, CertificateBody=old.body)[0] == "InvalidCertificate"
    assert fault(here.iam.upload_signing_certificate, CertificateBody="nonsense")[0] == "MalformedCertificate"


def test_a_signing_certificate_is_switched_off_and_deleted(here: Here) -> None:
    here.iam.create_user(UserName="ada")
    made = here.iam.upload_signing_certificate(UserName="ada", CertificateBody=issue("first").body)["Certificate"]
    which = {"UserName": "ada", "CertificateId": made["CertificateId"]}
    here.iam.update_signing_certificate(**which, Status="Inactive")
    assert here.iam.list_signing_certificates(UserName="ada")["Certificates"] == [{**made, "Status": "Inactive"}]
    assert fault(here.iam.update_signing_certificate, **which, Status="Expired")[0] == "InvalidInput"
    assert fault(here.iam.delete_user, UserName="ada")[1] == "Cannot delete entity, must delete signing certificates first."
    here.iam.delete_signing_certificate(**which)
    gone = ("NoSuchEntity", f"The Certificate with id {made['CertificateId']} cannot be found.")
    assert fault(here.iam.delete_signing_certificate, **which) == gone
    assert fault(here.iam.update_signing_certificate, **which, Status="Active") == gone


TRUST = trust({"Service": "ec2.amazonaws.com"})
DOCUMENT = policy({"Action": "s3:GetObject", "Resource": "*"})
METADATA = "<EntityDescriptor/>" + " " * 1000


QUOTAS: list[tuple[ModuleType, str, str, Callable[[str], dict[str, str]], str]] = [
    (users, "USERS_MAX", "create_user", lambda name: {"UserName": name}, "Users"),
    (roles, "ROLES_MAX", "create_role", lambda name: {"RoleName": name, "AssumeRolePolicyDocument": TRUST}, "Roles"),
    (profiles, "PROFILES_MAX", "create_instance_profile", lambda name: {"InstanceProfileName": name}, "InstanceProfiles"),
    (policies, "POLICIES_MAX", "create_policy", lambda name: {"PolicyName": name, "PolicyDocument": DOCUMENT}, "Policies"),
    (devices, "USERS_MAX", "create_virtual_mfa_device", lambda name: {"VirtualMFADeviceName": name}, "VirtualMFADevices"),
    (
        providers,
        "OPENID_PROVIDERS_MAX",
        "create_open_id_connect_provider",
        lambda name: {"Url": f"https://{name}.example.com"},
        "OpenIdConnectProviders",
    ),
    (
        providers,
        "SAML_PROVIDERS_MAX",
        "create_saml_provider",
        lambda name: {"Name": name, "SAMLMetadataDocument": METADATA},
        "SAMLProviders",
    ),
]


@pytest.mark.parametrize(
    ("module", "limit", "operation", "request_of", "what"),
    QUOTAS,
    ids=lambda value: value if isinstance(value, str) and value.startswith("create_") else "",
)
def test_an_account_has_only_so_many_of_each_kind(
    here: Here, monkeypatch: pytest.MonkeyPatch, module: Any, limit: str, operation: str, request_of: Any, what: str
) -> None:
    monkeypatch.setattr(module, limit, 2)
    create = getattr(here.iam, operation)
    for name in ("a", "b"):
        create(**request_of(name))
    assert fault(create, **request_of("c")) == ("LimitExceeded", f"Cannot exceed quota for {what}PerAccount: 2")


def test_an_account_has_three_hundred_groups(here: Here) -> None:
    for number in range(300):
        here.iam.create_group(GroupName=f"g{number}")
    assert fault(here.iam.create_group, GroupName="more") == ("LimitExceeded", "Cannot exceed quota for GroupsPerAccount: 300")
    here.iam.delete_group(GroupName="g0")
    here.iam.create_group(GroupName="more")
