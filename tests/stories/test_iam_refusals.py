"""What IAM refuses, operation by operation: each case its request, its code and its sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import ACCOUNT, Here
from tests.stories.iam_kit import HERE, KEY_ID, LAMBDA, LONG_ID, METADATA, NAMED, OPENID, OWN, READ, SAML, SITE, furnish
from tests.stories.identity import fault, policy, trust, user, with_key
from windtunnel.services.iam.credentials.certificates import CHAIN_BROKEN
from windtunnel.services.iam.providers.providers import AUDIENCES_MAX
from windtunnel.services.iam.rules import CERTIFICATES_MAX, GROUPS_PER_USER_MAX, POLICIES_ATTACHED_MAX

Case = tuple[str, dict[str, Any], str, str]
AWS_OWN, LINKED_POLICY = "arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/aws-service-role/BatchServiceRolePolicy"
ADA = f"{HERE}:user/ada"
ACTION = {"ActionNames": ["s3:GetObject"]}
LONG = policy({"Action": "s3:GetObject", "Resource": ["arn:aws:s3:::" + "x" * 12_000]})
LONG_TRUST = trust({"Service": "lambda.amazonaws.com"}, Sid="x" * 2048)
EMPTY = "Syntax errors in policy."
RESERVED = "The path /aws-service-role/ is reserved for service-linked roles."
NOT_ATTACHABLE = "Cannot attach a Service Role Policy to a Customer Role."
WEAK, SHORT = "The password does not conform to the account password policy.", "Password should have a minimum length of {}"

TAKEN: list[Case] = [
    ("create_group", {"GroupName": "LAB"}, "EntityAlreadyExists", "Group with name LAB already exists."),
    ("update_group", {"GroupName": "lab", "NewGroupName": "two"}, "EntityAlreadyExists", "Group with name two already exists."),
    ("update_user", {"UserName": "ada", "NewUserName": "Bob"}, "EntityAlreadyExists", "User with name Bob already exists."),
    ("create_instance_profile", {"InstanceProfileName": "P"}, "EntityAlreadyExists", "Instance Profile P already exists."),
    (
        "create_login_profile",
        {"UserName": "bob", "Password": "Correct-Horse-9"},
        "EntityAlreadyExists",
        "Login Profile for User bob already exists.",
    ),
    (
        "create_open_id_connect_provider",
        {"Url": "https://id.example.com"},
        "EntityAlreadyExists",
        "Provider with url https://id.example.com already exists.",
    ),
    (
        "create_saml_provider",
        {"Name": "saml", "SAMLMetadataDocument": METADATA},
        "EntityAlreadyExists",
        "SAMLProvider with name saml already exists.",
    ),
    (
        "upload_server_certificate",
        {"ServerCertificateName": "SITE", "CertificateBody": "x", "PrivateKey": "x"},
        "EntityAlreadyExists",
        "The Server Certificate with name SITE already exists.",
    ),
]
MISSING: list[Case] = [
    *(
        (
            f"{verb}_{kind}_policy",
            {**NAMED[kind], "PolicyName": "none"},
            "NoSuchEntity",
            f"The {kind} policy with name none cannot be found.",
        )
        for verb in ("delete", "get")
        for kind in NAMED
    ),
    *((f"detach_{kind}_policy", {**NAMED[kind], "PolicyArn": OWN}, "NoSuchEntity", f"Policy {OWN} was not found.") for kind in NAMED),
    *(
        (operation, {"UserName": "ada", "AccessKeyId": KEY_ID, **more}, "NoSuchEntity", f"The Access Key with id {KEY_ID} cannot be found.")
        for operation, more in (("delete_access_key", {}), ("update_access_key", {"Status": "Active"}))
    ),
    *(
        (
            operation,
            {"UserName": "ada", "SSHPublicKeyId": KEY_ID, **more},
            "NoSuchEntity",
            f"The Public Key with id {KEY_ID} cannot be found.",
        )
        for operation, more in (
            ("delete_ssh_public_key", {}),
            ("get_ssh_public_key", {"Encoding": "SSH"}),
            ("update_ssh_public_key", {"Status": "Active"}),
        )
    ),
    *(
        (
            operation,
            {"UserName": "ada", "CertificateId": LONG_ID, **more},
            "NoSuchEntity",
            f"The Certificate with id {LONG_ID} cannot be found.",
        )
        for operation, more in (("delete_signing_certificate", {}), ("update_signing_certificate", {"Status": "Active"}))
    ),
    *(
        (
            operation,
            {"UserName": "ada", "ServiceSpecificCredentialId": KEY_ID, **more},
            "NoSuchEntity",
            f"No such credential {KEY_ID} exists",
        )
        for operation, more in (
            ("delete_service_specific_credential", {}),
            ("reset_service_specific_credential", {}),
            ("update_service_specific_credential", {"Status": "Active"}),
        )
    ),
    *(
        (operation, {"UserName": "ada", **more}, "NoSuchEntity", "Login Profile for User ada cannot be found.")
        for operation, more in (
            ("delete_login_profile", {}),
            ("get_login_profile", {}),
            ("update_login_profile", {"Password": "Correct-Horse-9"}),
        )
    ),
    *(
        (operation, {"PolicyArn": OWN, "VersionId": "v9"}, "NoSuchEntity", f"Policy {OWN} version v9 does not exist or is not attachable.")
        for operation in ("delete_policy_version", "get_policy_version", "set_default_policy_version")
    ),
    (
        "delete_user_permissions_boundary",
        {"UserName": "ada"},
        "NoSuchEntity",
        "The user with name ada does not have a permissions boundary.",
    ),
    ("delete_role_permissions_boundary", {"RoleName": "r"}, "NoSuchEntity", "The role with name r does not have a permissions boundary."),
    (
        "remove_role_from_instance_profile",
        {"InstanceProfileName": "p", "RoleName": "r"},
        "NoSuchEntity",
        "The role with name r cannot be found.",
    ),
    ("delete_service_linked_role", {"RoleName": "r"}, "NoSuchEntity", "The role with name r cannot be found."),
    (
        "get_service_linked_role_deletion_status",
        {"DeletionTaskId": "task/none"},
        "NoSuchEntity",
        "Service linked role deletion task with id task/none cannot be found.",
    ),
    ("delete_account_alias", {"AccountAlias": "theirs"}, "NoSuchEntity", "The account alias theirs cannot be found."),
    *(
        (operation, {}, "NoSuchEntity", f"The Password Policy with domain name {ACCOUNT} cannot be found.")
        for operation in ("delete_account_password_policy", "get_account_password_policy")
    ),
    *(
        (operation, {"PolicySourceArn": f"{HERE}:role/nobody", **more}, "NoSuchEntity", "The role with name nobody cannot be found.")
        for operation, more in (("get_context_keys_for_principal_policy", {}), ("simulate_principal_policy", ACTION))
    ),
    (
        "list_service_specific_credentials",
        {"UserName": "ada", "ServiceName": "s3.amazonaws.com"},
        "NoSuchEntity",
        "No such service s3.amazonaws.com is supported for Service Specific Credentials",
    ),
]
BAD: list[Case] = [
    ("create_role", {"RoleName": "new", "AssumeRolePolicyDocument": LAMBDA, "Path": "/aws-service-role/x/"}, "InvalidInput", RESERVED),
    *((f"attach_{kind}_policy", {**NAMED[kind], "PolicyArn": LINKED_POLICY}, "PolicyNotAttachable", NOT_ATTACHABLE) for kind in NAMED),
    *(
        (f"put_{kind}_permissions_boundary", {**NAMED[kind], "PermissionsBoundary": LINKED_POLICY}, "PolicyNotAttachable", NOT_ATTACHABLE)
        for kind in ("user", "role")
    ),
    *(
        (f"put_{kind}_policy", {**NAMED[kind], "PolicyName": "x", "PolicyDocument": "{}"}, "MalformedPolicyDocument", EMPTY)
        for kind in NAMED
    ),
    *(
        (
            f"put_{kind}_policy",
            {**NAMED[kind], "PolicyName": "x", "PolicyDocument": LONG},
            "LimitExceeded",
            f"Maximum policy size of {limit} bytes exceeded for {kind} {name}",
        )
        for kind, name, limit in (("user", "ada", 2048), ("group", "lab", 5120), ("role", "r", 10240))
    ),
    ("create_policy", {"PolicyName": "new", "PolicyDocument": LONG}, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144"),
    ("create_policy_version", {"PolicyArn": OWN, "PolicyDocument": LONG}, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144"),
    ("create_policy_version", {"PolicyArn": OWN, "PolicyDocument": "{}"}, "MalformedPolicyDocument", EMPTY),
    *(
        ("update_assume_role_policy", {"RoleName": "r", "PolicyDocument": document}, code, said)
        for document, code, said in (
            ("{", "MalformedPolicyDocument", "This policy contains invalid Json"),
            (LONG_TRUST, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048"),
        )
    ),
    *(
        (operation, {"PolicyArn": AWS_OWN, **more}, "AccessDenied", "Policy is outside your own account.")
        for operation, more in (
            ("create_policy_version", {"PolicyDocument": READ}),
            ("delete_policy", {}),
            ("delete_policy_version", {"VersionId": "v1"}),
            ("set_default_policy_version", {"VersionId": "v1"}),
            ("tag_policy", {"Tags": [{"Key": "k", "Value": "v"}]}),
            ("untag_policy", {"TagKeys": ["k"]}),
        )
    ),
    (
        "get_policy",
        {"PolicyArn": f"{HERE}:role/longer-than-twenty"},
        "ValidationError",
        f"ARN {HERE}:role/longer-than-twenty is not valid.",
    ),
    *(
        (operation, {**request, "PolicyInputList": ["{}"]}, "InvalidInput", f"Invalid Policy: {EMPTY}")
        for operation, request in (
            ("get_context_keys_for_custom_policy", {}),
            ("get_context_keys_for_principal_policy", {"PolicySourceArn": ADA}),
            ("simulate_custom_policy", ACTION),
            ("simulate_principal_policy", {"PolicySourceArn": ADA, **ACTION}),
        )
    ),
    (
        "simulate_custom_policy",
        {"PolicyInputList": [READ], "PermissionsBoundaryPolicyInputList": ["{}"], **ACTION},
        "InvalidInput",
        f"Invalid Permissions Boundary Policy: {EMPTY}",
    ),
    (
        "simulate_custom_policy",
        {"PolicyInputList": [READ], "ResourcePolicy": "{}", **ACTION},
        "InvalidInput",
        f"Invalid Resource Policy: {EMPTY}",
    ),
    *(
        (
            operation,
            {"PolicySourceArn": "arn:aws:iam::111111111111:role/x", **more},
            "InvalidInput",
            f"Invalid Policy Source Arn: caller's account {ACCOUNT} does not have access to policies in account 111111111111",
        )
        for operation, more in (("get_context_keys_for_principal_policy", {}), ("simulate_principal_policy", ACTION))
    ),
    *(
        (
            operation,
            {"Arn": f"{HERE}:root", **more},
            "InvalidInput",
            f"Invalid Entity Arn: {HERE}:root does not clearly define entity type and name.",
        )
        for operation, more in (
            ("generate_service_last_accessed_details", {}),
            ("list_policies_granting_service_access", {"ServiceNamespaces": ["s3"]}),
        )
    ),
    ("create_login_profile", {"UserName": "ada", "Password": "short"}, "PasswordPolicyViolation", WEAK),
    ("update_login_profile", {"UserName": "bob", "Password": "bob"}, "PasswordPolicyViolation", WEAK),
    ("create_login_profile", {"UserName": "ada", "Password": "Aa1-"}, "PasswordPolicyViolation", SHORT.format(8)),
    ("change_password", {"OldPassword": "a", "NewPassword": "b"}, "InvalidUserType", "Only IAM Users can change their own password"),
    (
        "get_access_key_last_used",
        {"AccessKeyId": KEY_ID},
        "AccessDenied",
        f"User: {HERE}:root is not authorized to perform: iam:GetAccessKeyLastUsed",
    ),
    (
        "create_service_linked_role",
        {"AWSServiceName": "nothing.amazonaws.com"},
        "InvalidInput",
        "Service-linked roles are not supported for nothing.amazonaws.com; it is not one of the services known here.",
    ),
    ("create_open_id_connect_provider", {"Url": "ftp://id.example.com"}, "ValidationError", "Invalid Open ID Connect Provider URL"),
    (
        "update_open_id_connect_provider_thumbprint",
        {"OpenIDConnectProviderArn": OPENID, "ThumbprintList": ["a" * 40] * 6},
        "InvalidInput",
        "Thumbprint list must contain fewer than 5 entries.",
    ),
    *(
        (operation, {**request, "SAMLMetadataDocument": "x" * 1000}, "InvalidInput", "Could not parse metadata")
        for operation, request in (("create_saml_provider", {"Name": "new"}), ("update_saml_provider", {"SAMLProviderArn": SAML}))
    ),
    (
        "list_service_specific_credentials",
        {"UserName": "ada", "AllUsers": True},
        "ValidationError",
        "UserName and AllUsers can not both be specified.",
    ),
    (
        "upload_server_certificate",
        {"ServerCertificateName": "new", "CertificateBody": SITE.body, "PrivateKey": SITE.private, "CertificateChain": "x"},
        "MalformedCertificate",
        CHAIN_BROKEN.format(-1),
    ),
    ("list_ssh_public_keys", {}, "ValidationError", "Must specify userName when calling with non-User credentials"),
]


@pytest.fixture
def world(here: Here) -> Here:
    """Beside one of each a second group, and a second user, who has a password."""
    furnish(here).iam.create_user(UserName="bob")
    here.iam.create_login_profile(UserName="bob", Password="Correct-Horse-9")
    here.iam.create_group(GroupName="two")
    return here


@pytest.mark.parametrize(
    ("operation", "request_", "code", "said"), [*TAKEN, *MISSING, *BAD], ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_request_that_iam_refuses_is_refused_in_its_words(
    world: Here, operation: str, request_: dict[str, Any], code: str, said: str
) -> None:
    assert fault(getattr(world.iam, operation), **request_) == (code, said)


def test_an_account_has_twenty_certificates_at_most(world: Here) -> None:
    def upload(number: int) -> None:
        world.iam.upload_server_certificate(ServerCertificateName=f"s{number}", CertificateBody=SITE.body, PrivateKey=SITE.private)

    for number in range(1, CERTIFICATES_MAX):
        upload(number)
    said = f"Cannot exceed quota for ServerCertificatesPerAccount: {CERTIFICATES_MAX}"
    assert fault(upload, number=CERTIFICATES_MAX) == ("LimitExceeded", said)


def test_statuses_that_only_iam_itself_sets_are_refused(world: Here) -> None:
    iam, named = world.iam, {"UserName": "ada"}
    key = iam.create_access_key(**named)["AccessKey"]["AccessKeyId"]
    credential = iam.create_service_specific_credential(**named, ServiceName="codecommit.amazonaws.com")["ServiceSpecificCredential"]
    assert fault(iam.update_access_key, **named, AccessKeyId=key, Status="Expired") == (
        "InvalidInput",
        "Access key status Expired can not be set.",
    )
    id = credential["ServiceSpecificCredentialId"]
    assert fault(iam.update_service_specific_credential, **named, ServiceSpecificCredentialId=id, Status="Expired") == (
        "InvalidInput",
        "Service-specific credential status Expired can not be set.",
    )


def test_a_session_that_means_itself_has_to_name_a_user(here: Here) -> None:
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    opened = here.sts.assume_role(RoleArn=f"{HERE}:role/r", RoleSessionName="work")
    session = with_key(here, opened["Credentials"]["AccessKeyId"])
    for call in (session.iam.get_user, session.iam.create_access_key, session.iam.list_mfa_devices):
        assert fault(call) == ("ValidationError", "Must specify userName when calling with non-User credentials")


def test_who_has_no_password_cannot_change_it(here: Here) -> None:
    ada = user(here, "ada")
    assert fault(ada.iam.change_password, OldPassword="a", NewPassword="b") == (
        "NoSuchEntity",
        "Login Profile for User ada cannot be found.",
    )


def test_a_group_goes_only_when_nothing_is_left_of_it(world: Here) -> None:
    iam = world.iam

    def why() -> str:
        code, message = fault(iam.delete_group, GroupName="lab")
        assert code == "DeleteConflict"
        return message

    iam.add_user_to_group(GroupName="lab", UserName="ada")
    iam.attach_group_policy(GroupName="lab", PolicyArn=OWN)
    iam.put_group_policy(GroupName="lab", PolicyName="x", PolicyDocument=READ)
    assert why() == "Cannot delete entity, must remove users from group first."
    iam.remove_user_from_group(GroupName="lab", UserName="ada")
    assert why() == "Cannot delete entity, must detach all policies first."
    iam.detach_group_policy(GroupName="lab", PolicyArn=OWN)
    assert why() == "Cannot delete entity, must delete policies first."


@pytest.mark.parametrize("kind", NAMED)
def test_ten_policies_can_be_attached(world: Here, kind: str) -> None:
    attach = getattr(world.iam, f"attach_{kind}_policy")
    for number in range(POLICIES_ATTACHED_MAX):
        world.iam.create_policy(PolicyName=f"p{number}", PolicyDocument=READ)
        attach(**NAMED[kind], PolicyArn=f"{HERE}:policy/p{number}")
    assert fault(attach, **NAMED[kind], PolicyArn=OWN) == (
        "LimitExceeded",
        f"Cannot exceed quota for PoliciesPer{kind.capitalize()}: {POLICIES_ATTACHED_MAX}",
    )


def test_a_user_is_in_ten_groups_at_most(world: Here) -> None:
    for number in range(GROUPS_PER_USER_MAX):
        world.iam.create_group(GroupName=f"g{number}")
        world.iam.add_user_to_group(GroupName=f"g{number}", UserName="ada")
    assert fault(world.iam.add_user_to_group, GroupName="lab", UserName="ada") == (
        "LimitExceeded",
        f"Cannot exceed quota for GroupsPerUser: {GROUPS_PER_USER_MAX}",
    )


def test_a_provider_has_a_hundred_audiences_at_most(world: Here) -> None:
    iam = world.iam
    for number in range(AUDIENCES_MAX):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=OPENID, ClientID=f"app{number}")
    assert fault(iam.add_client_id_to_open_id_connect_provider, OpenIDConnectProviderArn=OPENID, ClientID="more") == (
        "LimitExceeded",
        f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {AUDIENCES_MAX}",
    )


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"RequireSymbols": True}, "Password should have at least one symbol"),
        ({"RequireNumbers": True}, "Password should have at least one number"),
        ({"RequireUppercaseCharacters": True}, "Password should have at least one uppercase letter"),
        ({"MinimumPasswordLength": 12}, SHORT.format(12)),
    ],
)
def test_the_accounts_policy_says_what_a_password_lacks(world: Here, rule: dict[str, Any], said: str) -> None:
    world.iam.update_account_password_policy(**rule)
    assert fault(world.iam.create_login_profile, UserName="ada", Password="horses") == ("PasswordPolicyViolation", said)
