"""What STS refuses whoever asks for keys: policies that aren't any or don't fit, roles that aren't any, and callers who didn't sign."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.stories.here import ACCOUNT, Here
from tests.stories.identity import fault, trust, with_key
from windtunnel.fabric.scope import anonymous

ROLE: dict[str, Any] = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "RoleSessionName": "work"}
READ = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}'
LONG = READ.replace("*", "arn:aws:s3:::" + "x" * 1930)
TAGS = [{"Key": f"key-{number}", "Value": "v" * 200} for number in range(25)]
OPENING: list[tuple[str, dict[str, Any]]] = [
    ("assume_role", ROLE),
    ("get_federation_token", {"Name": "bob"}),
    ("get_scoped_credentials", {}),
]


@pytest.fixture
def session(here: Here) -> Here:
    """The region as a role's session sees it."""
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    return with_key(here, here.sts.assume_role(**ROLE)["Credentials"]["AccessKeyId"])


@pytest.mark.parametrize(("operation", "request_"), OPENING)
@pytest.mark.parametrize(
    ("policy", "code", "said"),
    [("{", "MalformedPolicyDocument", "This policy contains invalid Json"), ("{}", "MalformedPolicyDocument", "Syntax errors in policy.")],
    ids=["no JSON", "no policy"],
)
def test_the_policy_of_a_session_is_one(
    here: Here, session: Here, operation: str, request_: dict[str, Any], policy: str, code: str, said: str
) -> None:
    caller = session if operation == "get_scoped_credentials" else here
    assert fault(getattr(caller.sts, operation), **request_, Policy=policy) == (code, said)


@pytest.mark.parametrize(("operation", "request_"), OPENING[:2])
def test_the_policies_and_tags_of_a_session_fit_together(here: Here, session: Here, operation: str, request_: dict[str, Any]) -> None:
    assert fault(getattr(here.sts, operation), **request_, Tags=TAGS)[0] == "PackedPolicyTooLarge"
    assert fault(getattr(here.sts, operation), **request_, Tags=TAGS[:11], Policy=LONG)[0] == "PackedPolicyTooLarge"
    assert 90 < getattr(here.sts, operation)(**request_, Tags=TAGS[:10], Policy=LONG)["PackedPolicySize"] <= 100


def test_all_layers_of_scoped_keys_fit_together(here: Here, session: Here) -> None:
    for _ in range(2):
        session = with_key(here, session.sts.get_scoped_credentials(Policy=LONG)["Credentials"]["AccessKeyId"])
    assert fault(session.sts.get_scoped_credentials, Policy=READ) == (
        "PackedPolicyTooLarge",
        "Packed policy consumes 103% of allotted space, please use smaller policy.",
    )


@pytest.mark.parametrize("operation", ["assume_role", "assume_role_with_saml", "assume_role_with_web_identity"])
def test_only_roles_are_assumed(here: Here, operation: str) -> None:
    more: dict[str, Any] = {
        "assume_role": {"RoleSessionName": "work"},
        "assume_role_with_saml": {"PrincipalArn": f"arn:aws:iam::{ACCOUNT}:saml-provider/idp", "SAMLAssertion": "text"},
        "assume_role_with_web_identity": {"RoleSessionName": "work", "WebIdentityToken": "text"},
    }[operation]
    call = getattr(here.sts, operation)
    assert fault(call, RoleArn=f"arn:aws:iam::{ACCOUNT}:user/not-a-role", **more) == ("ValidationError", "Request ARN is invalid")


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("assume_role", ROLE),
        ("get_federation_token", {"Name": "bob"}),
        ("get_session_token", {}),
        ("get_web_identity_token", {"Audience": ["a"], "SigningAlgorithm": "RS256"}),
    ],
)
def test_who_signed_nothing_gets_no_keys(here: Here, operation: str, request_: dict[str, Any]) -> None:
    nobody = here.at()
    nobody.scope = msgspec.structs.replace(here.scope, principal=anonymous())
    assert fault(getattr(nobody.sts, operation), **request_) == ("MissingAuthenticationToken", "Request is missing Authentication Token")
