"""What every operation of IAM refuses alike: names of nothing, roles that belong to services, tags that can't be.

The cases come from AWS's own description of the operations.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.described import documents, needed, operations_of, takes
from tests.stories.here import Here
from tests.stories.iam_kit import DEVICE, HERE, KEY_ID, LAMBDA, LINKED, LONG_ID, METADATA, OPENID, OWN, READ, SAML, furnish
from tests.stories.identity import fault
from windtunnel.aws.model import OperationModel, snake
from windtunnel.fabric.tags import TAGS_MAX
from windtunnel.services.iam import SERVICE

GONE = f"{HERE}:policy/gone"
GIVEN: dict[str, Any] = {
    "AssumeRolePolicyDocument": LAMBDA,
    "AuthenticationCode1": "000000",
    "AuthenticationCode2": "000000",
    "AccessKeyId": KEY_ID,
    "CertificateBody": "x",
    "CertificateId": LONG_ID,
    "ClientID": "app",
    "Description": "d",
    "Encoding": "SSH",
    "GroupName": "lab",
    "InstanceProfileName": "p",
    "Name": "other",
    "OpenIDConnectProviderArn": OPENID,
    "PermissionsBoundary": OWN,
    "PolicyArn": OWN,
    "PolicyDocument": READ,
    "PolicyName": "x",
    "PrivateKey": "x",
    "RoleName": "r",
    "SAMLMetadataDocument": METADATA,
    "SAMLProviderArn": SAML,
    "SSHPublicKeyBody": "ssh-rsa x",
    "SSHPublicKeyId": KEY_ID,
    "SerialNumber": DEVICE,
    "ServerCertificateName": "site",
    "ServiceName": "codecommit.amazonaws.com",
    "ServiceSpecificCredentialId": KEY_ID,
    "Status": "Active",
    "TagKeys": ["k"],
    "Tags": [{"Key": "k", "Value": "v"}],
    "ThumbprintList": ["a" * 40],
    "Url": "https://other.example.com",
    "UserName": "ada",
    "VersionId": "v1",
    "VirtualMFADeviceName": "new",
}
"""What requests say where it doesn't matter."""
NOT_THERE = {
    "GroupName": ("nobody", "The group with name nobody cannot be found."),
    "InstanceProfileName": ("nobody", "Instance Profile nobody cannot be found."),
    "OpenIDConnectProviderArn": (f"{HERE}:oidc-provider/gone", f"OpenIDConnect Provider not found for arn {HERE}:oidc-provider/gone"),
    "PermissionsBoundary": (GONE, f"Policy {GONE} does not exist or is not attachable."),
    "PolicyArn": (GONE, f"Policy {GONE} was not found."),
    "RoleName": ("nobody", "The role with name nobody cannot be found."),
    "SAMLProviderArn": (f"{HERE}:saml-provider/gone", f"Manifest not found for arn {HERE}:saml-provider/gone"),
    "SerialNumber": (f"{HERE}:mfa/gone", f"VirtualMFADevice with serial number {HERE}:mfa/gone doesn't exist."),
    "ServerCertificateName": ("nobody", "The Server Certificate with name nobody cannot be found."),
    "UserName": ("nobody", "The user with name nobody cannot be found."),
}
NEW = {
    "CreateGroup": "GroupName", "CreateInstanceProfile": "InstanceProfileName", "CreateRole": "RoleName", "CreateUser": "UserName",
    "UploadServerCertificate": "ServerCertificateName",
}  # fmt: skip
"""Which name is the new thing's own."""
ATTACHABLE = ("AttachGroupPolicy", "AttachRolePolicy", "AttachUserPolicy", "ListEntitiesForPolicy")
OTHER_WORDS = {
    **dict.fromkeys(ATTACHABLE, f"Policy {GONE} does not exist or is not attachable."),
    "DeactivateMFADevice": "MFA Device invalid for user.",
    "GetMFADevice": f"MFA Device with serial number {HERE}:mfa/gone does not exist.",
    "ResyncMFADevice": "MFA Device invalid for user.",
}
FORGIVING = ("DeleteOpenIDConnectProvider",)
"""That there is none is fine: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteOpenIDConnectProvider.html"""

OPERATIONS = operations_of(SERVICE)


def _given(operation: OperationModel, **more: Any) -> dict[str, Any]:
    """A request that says what the operation wants, and more; what it makes has a name that is free."""
    given = needed(operation, GIVEN)
    if operation.name in NEW:
        given[NEW[operation.name]] = "new"
    return given | more


def _said(here: Here, operation: OperationModel, **more: Any) -> tuple[str, str]:
    return fault(getattr(here.iam, snake(operation.name)), **_given(operation, **more))


@pytest.fixture
def world(here: Here) -> Here:
    return furnish(here)


@pytest.mark.parametrize(
    ("operation", "member"),
    [
        (each, member)
        for each in OPERATIONS
        for member in NOT_THERE
        if takes(each, member) and NEW.get(each.name) != member and each.name not in FORGIVING and documents(each, "NoSuchEntity")
    ],
    ids=lambda value: str(getattr(value, "name", value)),
)
def test_what_an_operation_names_has_to_be_there(world: Here, operation: OperationModel, member: str) -> None:
    gone, words = NOT_THERE[member]
    if member in ("PolicyArn", "SerialNumber"):
        words = OTHER_WORDS.get(operation.name, words)
    other = {"UserName": "ada"} if operation.name == "DeactivateMFADevice" else {}
    assert _said(world, operation, **(other | {member: gone})) == ("NoSuchEntity", words)


@pytest.mark.parametrize(
    "operation",
    [each for each in OPERATIONS if documents(each, "UnmodifiableEntity") and each.name != "UpdateRoleDescription"],
    ids=lambda each: each.name,
)
def test_a_role_that_is_linked_to_a_service_is_not_its_accounts_to_change(world: Here, operation: OperationModel) -> None:
    more = {"MaxSessionDuration": 7200} if operation.name == "UpdateRole" else {}
    words = f"Cannot perform the operation on the protected role '{LINKED}' - this role is only modifiable by AWS"
    assert _said(world, operation, RoleName=LINKED, **more) == ("UnmodifiableEntity", words)


def test_a_linked_roles_description_and_tags_are_its_accounts(world: Here) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-service-linked-role.html"""
    world.iam.update_role(RoleName=LINKED, Description="first")
    world.iam.update_role_description(RoleName=LINKED, Description="second")
    world.iam.tag_role(RoleName=LINKED, Tags=[{"Key": "k", "Value": "v"}])
    role = world.iam.get_role(RoleName=LINKED)["Role"]
    assert (role["Description"], role["Tags"]) == ("second", [{"Key": "k", "Value": "v"}])


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if takes(each, "Tags")], ids=lambda each: each.name)
def test_tags_are_refused_wherever_they_are_given(world: Here, operation: OperationModel) -> None:
    if operation.name == "TagMFADevice":
        world.iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")

    def said(*keys: str) -> tuple[str, str]:
        return _said(world, operation, Tags=[{"Key": key, "Value": "v"} for key in keys])

    assert said("a", "A") == ("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    assert said("AWS:a") == ("InvalidInput", "Cannot create, delete or modify system tags. Tag keys and values cannot start with aws:")
    if operation.name.startswith("Tag"):
        getattr(world.iam, snake(operation.name))(**_given(operation))
        assert said(*map(str, range(TAGS_MAX))) == ("LimitExceeded", f"The number of tags has reached the maximum limit: {TAGS_MAX}")
