"""Roles that are assumed with the token of an OpenID Connect provider, which is verified with the keys that its issuer publishes."""

from __future__ import annotations

import json
import ssl
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.planes.subscriber import Subscriber
from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.identity import fault, policy, with_key
from tests.stories.pki import issue
from windtunnel.aws.jwt import PrivateKey, public_key_of, sign_token
from windtunnel.fabric.scope import anonymous

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
DENIED = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
NO_KEY = (
    "InvalidIdentityToken",
    (
        "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for "
        "requirements"
    ),
)
RSA = rsa.generate_private_key(65_537, 2048)
CURVE = ec.generate_private_key(ec.SECP256R1())


class Issuer(Subscriber):
    """An identity provider of this machine, which signs with one key."""

    def __init__(self, here: Here, key: PrivateKey = RSA, algorithm: str = "RS256", context: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.here, self.key, self.algorithm = here, key, algorithm
        self.url = here.run(self.start(context))
        self.publishes(public_key_of(key, "k1", algorithm))

    def publishes(self, *keys: dict[str, str]) -> None:
        documents = ({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}, {"keys": keys})
        self.answers = [_answer(document) for _ in range(20) for document in documents]

    @property
    def name(self) -> str:
        """As IAM and condition keys call it."""
        return self.url.partition("://")[2]

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{self.name}"

    def token(self, **claims: Any) -> str:
        """A token for ten minutes; a claim that is None is left out."""
        now = int(self.here.now)
        whole = {"iss": self.url, "sub": "ada", "aud": "app", "iat": now, "exp": now + 600, **claims}
        return sign_token({name: value for name, value in whole.items() if value is not None}, self.key, "k1", self.algorithm)


def _answer(document: Any) -> bytes:
    body = json.dumps(document).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def trusting(here: Here, issuer: Issuer, condition: dict[str, Any] | None = None, *, actions: tuple[str, ...] = (), **more: Any) -> None:
    """The provider is registered, and a role trusts it."""
    here.iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["app"], **more)
    statement: dict[str, Any] = {"Principal": {"Federated": issuer.arn}, "Action": ["sts:AssumeRoleWithWebIdentity", *actions]}
    if condition is not None:
        statement["Condition"] = condition
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=policy(statement))


def assume(here: Here, token: str, **more: Any) -> Any:
    nobody = here.at()
    nobody.scope = msgspec.structs.replace(here.scope, principal=anonymous())
    return nobody.sts.assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="work", WebIdentityToken=token, **more)


@pytest.fixture
def issuer(here: Here) -> Iterator[Issuer]:
    one = Issuer(here)
    yield one
    here.run(one.stop())


def test_a_token_opens_a_session_of_the_role_that_trusts_its_issuer(here: Here, issuer: Issuer) -> None:
    trusting(here, issuer)
    answer = assume(here, issuer.token(), DurationSeconds=900)
    role_id = here.iam.get_role(RoleName="r")["Role"]["RoleId"]
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/r/work"
    assert answer == {
        "Credentials": {**answer["Credentials"], "Expiration": BEGIN + 900},
        "SubjectFromWebIdentityToken": "ada",
        "AssumedRoleUser": {"AssumedRoleId": f"{role_id}:work", "Arn": session},
        "Provider": issuer.arn,
        "Audience": "app",
        "SessionTokenSize": len(answer["Credentials"]["SessionToken"]),
        "SessionTokenUtilization": 9,
    }
    inside = with_key(here, answer["Credentials"]["AccessKeyId"])
    assert inside.sts.get_caller_identity()["Arn"] == session
    assert inside.scope.principal.provider == issuer.arn
    assert [head[0].split()[1] for head in issuer.heads] == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSA, "RS384"),
        (RSA, "RS512"),
        (CURVE, "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ec.generate_private_key(ec.SECP521R1()), "ES512"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_tokens_are_signed_in_any_of_six_ways(here: Here, key: PrivateKey, algorithm: str) -> None:
    issuer = Issuer(here, key, algorithm)
    trusting(here, issuer)
    assert assume(here, issuer.token())["SubjectFromWebIdentityToken"] == "ada"
    here.run(issuer.stop())


def test_a_signature_of_another_key_is_none(here: Here, issuer: Issuer) -> None:
    trusting(here, issuer)
    forged = sign_token({"iss": issuer.url, "sub": "ada", "aud": "app", "iat": BEGIN, "exp": BEGIN + 9}, CURVE, "k1", "ES256")
    assert fault(assume, here=here, token=forged)[0] == "InvalidIdentityToken"
    other = rsa.generate_private_key(65_537, 2048)
    issuer.publishes(public_key_of(other, "k1", "RS256"))
    wrong = ("InvalidIdentityToken", "Invalid signature in the web identity token.")
    assert fault(assume, here=here, token=issuer.token()) == wrong
    issuer.publishes(public_key_of(RSA, "k2", "RS256"))
    assert fault(assume, here=here, token=issuer.token()) == NO_KEY
    head, claims, signature = issuer.token().split(".")
    longer = issuer.token(exp=int(BEGIN) + 9999).split(".")[1]
    issuer.publishes(public_key_of(RSA, "k1", "RS256"))
    assert fault(assume, here=here, token=f"{head}.{longer}.{signature}") == wrong
    assert assume(here, f"{head}.{claims}.{signature}")["Audience"] == "app"


def test_an_issuer_that_cannot_be_asked_is_not_believed(here: Here) -> None:
    issuer = Issuer(here)
    trusting(here, issuer)
    token = issuer.token()
    for answer in (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", _answer([]), _answer({})):
        issuer.answers = [answer]
        assert fault(assume, here=here, token=token) == NO_KEY
    here.run(issuer.stop())
    assert fault(assume, here=here, token=token) == NO_KEY


def test_only_providers_of_the_account_are_believed(here: Here, issuer: Issuer) -> None:
    none = ("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer.url}")
    assert fault(assume, here=here, token=issuer.token()) == none
    here.at(account="111111111111").iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["app"])
    assert fault(assume, here=here, token=issuer.token()) == none
    plain = issuer.token(iss="http://example.com")
    assert fault(assume, here=here, token=plain)[1] == "No OpenIDConnect provider found in your account for http://example.com"


def test_a_token_is_for_one_of_the_providers_audiences(here: Here, issuer: Issuer) -> None:
    trusting(here, issuer)
    for claims in ({"aud": "other"}, {"aud": ["other"]}, {"aud": "app", "azp": "other"}):
        assert fault(assume, here=here, token=issuer.token(**claims)) == ("InvalidIdentityToken", "Incorrect token audience")
    for claims in ({"aud": ["other", "app"]}, {"aud": "other", "azp": "app"}):
        assert assume(here, issuer.token(**claims))["Audience"] == "app"


def test_a_token_that_lacks_something_is_no_token(here: Here, issuer: Issuer) -> None:
    trusting(here, issuer)
    not_one = ("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
    for text in ("nonsense", "a.b.c", "W10.W10.W10"):
        assert fault(assume, here=here, token=text) == not_one
    for claim in ("iss", "sub", "aud", "exp", "iat"):
        assert fault(assume, here=here, token=issuer.token(**{claim: None})) == (
            "InvalidIdentityToken",
            f"Missing a required claim: {claim}",
        )
    header = urlsafe_b64encode(b'{"alg": "HS256"}').decode().rstrip("=")
    assert fault(assume, here=here, token=header + "." + issuer.token().partition(".")[2]) == (
        "InvalidIdentityToken",
        "The ID Token provided is signed with an algorithm that is not supported.",
    )


def test_a_token_is_over_when_the_regions_clock_says_so(here: Here, issuer: Issuer) -> None:
    trusting(here, issuer)
    token = issuer.token()
    here.jump(599)
    assert assume(here, token)["Audience"] == "app"
    here.jump(1)
    over = int(BEGIN) + 600
    assert fault(assume, here=here, token=token) == (
        "ExpiredTokenException",
        f"Token expired: current date/time {over} must be before the expiration date/time {over}",
    )


def test_a_token_of_the_machines_time_ages_with_the_region(here: Here, issuer: Issuer) -> None:
    trusting(here, issuer)
    by_machine = int(here.cloud.clock.machine())
    token = issuer.token(iat=by_machine, exp=by_machine + 600)
    assert assume(here, token)["Audience"] == "app"
    here.jump(700)
    assert fault(assume, here=here, token=token)[0] == "ExpiredTokenException"


def test_conditions_on_who_the_token_is_about_hold(here: Here, issuer: Issuer) -> None:
    condition = {
        "StringEquals": {f"{issuer.name}:aud": "app", "aws:FederatedProvider": issuer.arn},
        "StringLike": {f"{issuer.name}:sub": "team-a:*"},
        "ForAnyValue:StringEquals": {f"{issuer.name}:amr": "otp"},
    }
    trusting(here, issuer, condition)
    assert assume(here, issuer.token(sub="team-a:ada", amr=["pwd", "otp"]))["Audience"] == "app"
    assert fault(assume, here=here, token=issuer.token(sub="team-b:bob", amr=["otp"])) == DENIED
    assert fault(assume, here=here, token=issuer.token(sub="team-a:ada", amr=["pwd"])) == DENIED


def test_a_role_that_does_not_trust_the_provider_is_as_good_as_none(here: Here, issuer: Issuer) -> None:
    here.iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["app"])
    assert fault(assume, here=here, token=issuer.token()) == DENIED
    statement = {"Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRoleWithWebIdentity"}
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=policy(statement))
    assert fault(assume, here=here, token=issuer.token()) == DENIED


def test_a_token_carries_tags_and_a_source_identity_where_the_role_lets_it(here: Here, issuer: Issuer) -> None:
    wanted = {
        "https://aws.amazon.com/tags": {"principal_tags": {"Project": ["x"], "Team": ["a"]}, "transitive_tag_keys": ["Team"]},
        "https://aws.amazon.com/source_identity": "ada",
    }
    trusting(here, issuer, actions=("sts:TagSession", "sts:SetSourceIdentity"))
    answer = assume(here, issuer.token(**wanted))
    session = with_key(here, answer["Credentials"]["AccessKeyId"]).scope.principal
    assert (session.tags, session.transitive_tags, session.source_identity) == ({"Project": "x", "Team": "a"}, ["Team"], "ada")
    assert answer["SourceIdentity"] == "ada"
    without = policy({"Principal": {"Federated": issuer.arn}, "Action": "sts:AssumeRoleWithWebIdentity"})
    here.iam.update_assume_role_policy(RoleName="r", PolicyDocument=without)
    assert fault(assume, here=here, token=issuer.token(**wanted)) == ("AccessDenied", "Not authorized to perform sts:TagSession")
    malformed = issuer.token(**{"https://aws.amazon.com/tags": "Team"})
    assert fault(assume, here=here, token=malformed)[0] == "IDPRejectedClaim"


def test_a_session_lasts_no_longer_than_the_role_lets_it_and_has_a_policy_that_is_one(here: Here, issuer: Issuer) -> None:
    trusting(here, issuer)
    assert fault(assume, here=here, token=issuer.token(), DurationSeconds=3601)[0] == "ValidationError"
    assert fault(assume, here=here, token=issuer.token(), Policy="{")[0] == "MalformedPolicyDocument"
    tags = {"https://aws.amazon.com/tags": {"principal_tags": {f"key-{number:0100}": "v" * 200 for number in range(20)}}}
    here.iam.update_assume_role_policy(
        RoleName="r",
        PolicyDocument=policy({"Principal": {"Federated": issuer.arn}, "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]}),
    )
    assert fault(assume, here=here, token=issuer.token(**tags))[0] == "PackedPolicyTooLarge"
    assert fault(assume, here=here, token=issuer.token(), ProviderId="www.amazon.com")[0] == "NotImplemented"


def test_a_certificate_that_nobody_vouches_for_must_have_the_providers_thumbprint(here: Here, tmp_path: Path) -> None:
    certificate = issue("localhost")
    (tmp_path / "both.pem").write_text(certificate.body + certificate.private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    issuer = Issuer(here, context=context)
    trusting(here, issuer, ThumbprintList=["0" * 40])
    assert fault(assume, here=here, token=issuer.token()) == (
        "InvalidIdentityToken",
        "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint",
    )
    here.iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=issuer.arn, ThumbprintList=[certificate.thumbprint])
    assert assume(here, issuer.token())["Provider"] == issuer.arn
    here.iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=issuer.arn, ThumbprintList=[])
    assert fault(assume, here=here, token=issuer.token()) == NO_KEY
    here.run(issuer.stop())
