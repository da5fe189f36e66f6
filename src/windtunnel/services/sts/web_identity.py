"""Assuming a role with a token of an OpenID Connect provider.

The token is verified with the key that its issuer publishes: https://openid.net/specs/openid-connect-discovery-1_0.html. What AWS asks
of a token and its issuer: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from windtunnel.aws.jwt import ALGORITHMS, Token, parse_token, verified
from windtunnel.fabric import Call, Fault
from windtunnel.fabric.issuers import ISSUER_PATH, LOCAL_HOSTS
from windtunnel.planes.network.client import HttpClient, HttpError
from windtunnel.services.sts.rules import role_arn, session_policy, session_tags
from windtunnel.services.sts.trust import Claimed, ask_for_federated, ends, opened, role_of, seconds_within, session_of

if TYPE_CHECKING:
    from windtunnel.aws.types import sts as t

OK = 200
ISSUER_SECONDS = 5.0
"""How long an issuer may take to answer: https://repost.aws/knowledge-center/iam-sts-invalididentitytoken"""
CLAIMS_NEEDED = ("iss", "sub", "aud", "exp", "iat")
TAGS = "https://aws.amazon.com/tags"
SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"
NO_KEY = (
    "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for "
    "requirements"
)
NO_THUMBPRINT = "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"


async def assume_role_with_web_identity(call: Call, req: t.AssumeRoleWithWebIdentityRequest) -> t.AssumeRoleWithWebIdentityResponse:
    arn, policy = role_arn(req["RoleArn"]), session_policy(req.get("Policy"))
    if "ProviderId" in req:
        raise Fault("NotImplemented", f"windtunnel does not implement the OAuth 2.0 access tokens of {req['ProviderId']}.", status=501)
    token = _parsed(req["WebIdentityToken"])
    issuer: str = token.claims["iss"]
    url = _without_scheme(issuer)
    provider = f"arn:aws:iam::{arn.account}:oidc-provider/{url.rstrip('/')}"
    registered = await _provider(call.at(account=arn.account), provider, issuer)
    audience = _audience(token, registered["ClientIDList"])
    await _verify(token, issuer, registered["ThumbprintList"])
    _check_time(call, token)
    claimed = _claimed(call, token)
    role = await role_of(call, arn)
    if role is None:
        raise Fault("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    keys: dict[str, str | list[str]] = {
        "sts:rolesessionname": req["RoleSessionName"],
        "aws:federatedprovider": provider,
        f"{url.lower()}:aud": audience,
        f"{url.lower()}:sub": token.claims["sub"],
    }
    if "amr" in token.claims:
        keys[f"{url.lower()}:amr"] = _texts(token.claims["amr"])
    ask_for_federated(call, role, "sts:AssumeRoleWithWebIdentity", provider, keys, claimed)
    session = session_of(
        arn,
        role,
        req,
        policy=policy,
        tags=claimed.tags,
        transitive_tags=claimed.transitive,
        source_identity=claimed.source_identity,
        provider=provider,
    )
    told = {"SubjectFromWebIdentityToken": token.claims["sub"], "Provider": provider, "Audience": audience}
    return opened(call, session, seconds_within(role, req), req) | told  # pyright: ignore[reportReturnType]


def _parsed(text: str) -> Token:
    """Raises InvalidIdentityToken."""
    try:
        token = parse_token(text)
    except ValueError as error:
        raise Fault(
            "InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
        ) from error
    for claim in CLAIMS_NEEDED:
        value = token.claims.get(claim)
        right = isinstance(value, int) if claim in ("exp", "iat") else bool(value) if claim == "aud" else isinstance(value, str) and value
        if not right:
            raise Fault("InvalidIdentityToken", f"Missing a required claim: {claim}")
    if token.header.get("alg") not in ALGORITHMS:
        raise Fault("InvalidIdentityToken", "The ID Token provided is signed with an algorithm that is not supported.")
    return token


def _without_scheme(issuer: str) -> str:
    """An issuer as IAM names its provider. Issuers of this machine may do without TLS. Raises InvalidIdentityToken."""
    parts = urlsplit(issuer)
    # AWS doesn't take tokens of its own making either.
    ours = f"/{parts.path.lstrip('/')}".startswith(ISSUER_PATH)
    if ours or (parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL_HOSTS)):
        raise Fault("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}")
    return issuer.partition("://")[2]


async def _provider(call: Call, arn: str, issuer: str) -> Any:
    try:
        return await call.aws.iam.get_open_id_connect_provider({"OpenIDConnectProviderArn": arn})
    except Fault as fault:
        if fault.code != "NoSuchEntity":
            raise
        raise Fault("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}") from fault


def _audience(token: Token, registered: list[str]) -> str:
    """Whom the token is for, which is also what the condition key says: its authorised party, where it names one.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_aud
    """
    audiences = [token.claims["azp"]] if token.claims.get("azp") else _texts(token.claims["aud"])
    found = next((each for each in audiences if each in registered), None)
    if found is None:
        raise Fault("InvalidIdentityToken", "Incorrect token audience")
    return found


async def _verify(token: Token, issuer: str, thumbprints: list[str]) -> None:
    """Raises InvalidIdentityToken unless a key of the issuer's verifies the token.

    Issuers whose certificates no authority of this machine vouches for must show one of the provider's thumbprints:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
    """
    try:
        keys = await _keys(issuer, HttpClient())
    except HttpError as error:
        if error.code != "ConnectionFailed" or not thumbprints:
            raise Fault("InvalidIdentityToken", NO_KEY) from error
        try:
            keys = await _keys(issuer, HttpClient(thumbprints=thumbprints))
        except HttpError as second:
            raise Fault("InvalidIdentityToken", NO_THUMBPRINT if second.code == "Untrusted" else NO_KEY) from second
    key_id = token.header.get("kid")
    named = [key for key in keys if key_id is None or key.get("kid") == key_id]
    if not named:
        raise Fault("InvalidIdentityToken", NO_KEY)
    if not any(verified(token, key) for key in named):
        raise Fault("InvalidIdentityToken", "Invalid signature in the web identity token.")


async def _keys(issuer: str, client: HttpClient) -> list[dict[str, Any]]:
    """The keys that an issuer publishes. Raises HttpError."""
    try:
        configuration = await _get(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        keys = (await _get(client, str(configuration.get("jwks_uri", "")))).get("keys", [])
    finally:
        await client.close()
    return [cast("dict[str, Any]", key) for key in keys if isinstance(key, dict)]


async def _get(client: HttpClient, url: str) -> dict[str, Any]:
    answer = await client.request("GET", url, {"Accept": "application/json"}, seconds=ISSUER_SECONDS)
    try:
        document = json.loads(answer.body)
    except ValueError as error:
        raise HttpError("BadResponse", f"{url} answered {answer.status} without JSON") from error
    if answer.status != OK or not isinstance(document, dict):
        raise HttpError("BadResponse", f"{url} answered {answer.status} without an object")
    return cast("dict[str, Any]", document)


def _check_time(call: Call, token: Token) -> None:
    """Raises ExpiredTokenException."""
    over = ends(call, token.claims["iat"], token.claims["exp"])
    if call.now() >= over:
        now = int(call.now())
        raise Fault("ExpiredTokenException", f"Token expired: current date/time {now} must be before the expiration date/time {int(over)}")


def _claimed(call: Call, token: Token) -> Claimed:
    """Session tags and a source identity, where the token has them.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp
    """
    asked: Any = token.claims.get(TAGS, {})
    if not isinstance(asked, dict):
        raise Fault("IDPRejectedClaim", f"The claim {TAGS} is not an object.")
    wanted = cast("dict[str, Any]", asked)
    tags = [{"Key": key, "Value": _texts(value)[0]} for key, value in wanted.get("principal_tags", {}).items()]
    named, transitive = session_tags(call.scope.principal, tags, _texts(wanted.get("transitive_tag_keys", [])))
    return Claimed(named, transitive, str(token.claims.get(SOURCE_IDENTITY, "")))


def _texts(value: Any) -> list[str]:
    return [str(each) for each in cast("list[Any]", value)] if isinstance(value, list) else [str(value)]
