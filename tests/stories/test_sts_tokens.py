"""Tokens that prove outside of AWS who one is, and temporary keys of less power."""

from __future__ import annotations

import json
from typing import Any

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.identity import fault, policy, trust, user, with_key
from windtunnel.aws.jwt import parse_token, verified

NAMESPACE = "https://sts.amazonaws.com/"


def page(here: Here, url: str) -> Any:
    found = here.cloud.visits.page(url.removeprefix("http://localhost:4566"))
    assert found is not None
    assert found[0] == "application/json"
    return json.loads(found[1])


def session(here: Here, **more: Any) -> Here:
    """A session of a role, as whoever opened it sees the region."""
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}), Tags=[{"Key": "team", "Value": "x"}])
    opened = here.sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r", RoleSessionName="work", **more)
    return with_key(here, opened["Credentials"]["AccessKeyId"])


def test_a_token_says_who_asked_for_it_and_verifies_by_the_issuers_pages(here: Here) -> None:
    issuer = here.iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    inside = session(here, Tags=[{"Key": "stage", "Value": "live"}])
    for algorithm in ("RS256", "ES384"):
        answer = inside.sts.get_web_identity_token(
            Audience=["https://api.example.com"], SigningAlgorithm=algorithm, Tags=[{"Key": "job", "Value": "7"}]
        )
        assert answer["Expiration"] == BEGIN + 300
        token = parse_token(answer["WebIdentityToken"])
        role = f"arn:aws:iam::{ACCOUNT}:role/r"
        assert token.claims == {
            "iss": issuer,
            "aud": "https://api.example.com",
            "sub": role,
            "iat": BEGIN,
            "exp": BEGIN + 300,
            "jti": token.claims["jti"],
            NAMESPACE: {
                "aws_account": ACCOUNT,
                "source_region": "us-east-1",
                "principal_id": role,
                "principal_tags": {"team": "x", "stage": "live"},
                "original_session_exp": "2026-01-01T01:00:00Z",
                "request_tags": {"job": "7"},
            },
        }
        configuration = page(here, f"{issuer}/.well-known/openid-configuration")
        assert configuration["issuer"] == issuer
        keys = page(here, configuration["jwks_uri"])["keys"]
        assert [key["alg"] for key in keys if verified(token, key)] == [algorithm]


def test_a_token_needs_the_accounts_consent(here: Here) -> None:
    request = {"Audience": ["a", "b"], "SigningAlgorithm": "RS256"}
    disabled = ("FeatureDisabled", "Outbound web identity federation is not enabled for this account.")
    assert fault(here.sts.get_web_identity_token, **request)[0] == "OutboundWebIdentityFederationDisabledException"
    assert fault(here.iam.get_outbound_web_identity_federation_info) == disabled
    assert fault(here.iam.disable_outbound_web_identity_federation) == disabled
    issuer = here.iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    assert here.iam.get_outbound_web_identity_federation_info() == {"IssuerIdentifier": issuer, "JwtVendingEnabled": True}
    assert fault(here.iam.enable_outbound_web_identity_federation)[0] == "FeatureEnabled"
    token = parse_token(here.sts.get_web_identity_token(**request)["WebIdentityToken"])
    assert (token.claims["aud"], token.claims["sub"]) == (["a", "b"], f"arn:aws:iam::{ACCOUNT}:root")
    here.iam.disable_outbound_web_identity_federation()
    assert fault(here.sts.get_web_identity_token, **request)[0] == "OutboundWebIdentityFederationDisabledException"
    # What was issued goes on to verify, and the issuer comes back as it was.
    assert any(verified(token, key) for key in page(here, f"{issuer}/.well-known/jwks.json")["keys"])
    assert here.iam.enable_outbound_web_identity_federation()["IssuerIdentifier"] == issuer
    assert here.cloud.visits.page("/tokens.sts/nobody/.well-known/jwks.json") is None


def test_a_token_lives_no_longer_than_the_session_and_is_not_too_long(here: Here) -> None:
    here.iam.enable_outbound_web_identity_federation()
    inside = session(here, DurationSeconds=900)
    request: dict[str, Any] = {"Audience": ["a"], "SigningAlgorithm": "RS256"}
    assert fault(inside.sts.get_web_identity_token, **request, DurationSeconds=901)[0] == "SessionDurationEscalationException"
    tags = [{"Key": f"k{number}", "Value": "v" * 256} for number in range(50)]
    assert fault(inside.sts.get_web_identity_token, **request, Tags=tags)[0] == "JWTPayloadSizeExceededException"
    assert fault(inside.sts.get_web_identity_token, **{**request, "SigningAlgorithm": "HS256"})[0] == "ValidationError"
    assert fault(inside.sts.get_web_identity_token, **request, SubjectMode="OriginIdentity")[0] == "NotImplemented"


def test_the_regions_own_tokens_open_no_sessions(here: Here) -> None:
    issuer = here.iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    token = here.sts.get_web_identity_token(Audience=["a"], SigningAlgorithm="RS256")["WebIdentityToken"]
    here.iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["a"])
    request = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "RoleSessionName": "work", "WebIdentityToken": token}
    assert fault(here.sts.assume_role_with_web_identity, **request)[0] == "InvalidIdentityToken"


MAY_ASSUME = policy({"Action": "sts:AssumeRole", "Resource": "*"})
MAY_READ = policy({"Action": "s3:GetObject", "Resource": "*"})


def test_scoped_keys_are_the_same_session_with_less_power(here: Here) -> None:
    inside = session(here)
    here.iam.put_role_policy(RoleName="r", PolicyName="may", PolicyDocument=MAY_ASSUME)
    answer = inside.sts.get_scoped_credentials(Policy=MAY_ASSUME, DurationSeconds=60, MinimumSessionTokenSize=1000)
    principal = inside.scope.principal
    assert answer == {
        "Credentials": {**answer["Credentials"], "Expiration": BEGIN + 60},
        "SessionInfo": {"ScopedSessionId": principal.id, "Arn": principal.arn},
        "ScopedPoliciesCount": 1,
        "SessionTokenSize": 1000,
        "SessionTokenUtilization": 25,
    }
    assert len(answer["Credentials"]["SessionToken"]) == 1000
    scoped = with_key(here, answer["Credentials"]["AccessKeyId"])
    request = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "RoleSessionName": "again"}
    assert scoped.sts.assume_role(**request)["AssumedRoleUser"]
    narrower = with_key(here, scoped.sts.get_scoped_credentials(Policy=MAY_READ)["Credentials"]["AccessKeyId"])
    assert fault(narrower.sts.assume_role, **request)[0] == "AccessDenied"


def test_scoped_keys_end_with_the_session_and_have_three_layers_at_most(here: Here) -> None:
    inside = session(here)
    assert fault(inside.sts.get_scoped_credentials)[0] == "ValidationError"
    assert fault(inside.sts.get_scoped_credentials, DurationSeconds=3601)[0] == "InsufficientSessionLifetime"
    assert fault(inside.sts.get_scoped_credentials, Policy="{")[0] == "MalformedPolicyDocument"
    for _ in range(3):
        inside = with_key(here, inside.sts.get_scoped_credentials(Policy=MAY_READ)["Credentials"]["AccessKeyId"])
    assert fault(inside.sts.get_scoped_credentials, Policy=MAY_READ)[0] == "AccessDenied"
    assert inside.sts.get_scoped_credentials(DurationSeconds=60)["ScopedPoliciesCount"] == 3
    for caller in (here, user(here, "ada")):
        assert fault(caller.sts.get_scoped_credentials, DurationSeconds=60)[0] == "InvalidSubjectCredentials"
