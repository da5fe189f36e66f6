"""Assuming a role with the word of a SAML identity provider.

What AWS asks of a response: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html; in which
words it refuses one: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_saml.html
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from datetime import datetime
from hashlib import sha1
from typing import TYPE_CHECKING, Any
from xml.dom.minidom import Document, Element

import msgspec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509 import load_der_x509_certificate

from windtunnel.aws.arn import Arn, parse_or_none
from windtunnel.fabric import Call, Fault
from windtunnel.services.sts.rules import role_arn, session_policy, session_tags
from windtunnel.services.sts.trust import Claimed, ask_for_federated, ends, opened, role_of, seconds_within, session_of
from windtunnel.services.sts.xml_signature import DSIG, children, found_in, is_signed, parse_xml, text_of

if TYPE_CHECKING:
    from windtunnel.aws.types import sts as t

REDEEM_SECONDS = 300
AUDIENCES = re.compile(r"(https://([a-z0-9-]+\.)?signin\.aws\.amazon\.com/saml(/acs/\w+)?|urn:amazon:webservices)")
SESSION_NAME = re.compile(r"[a-zA-Z_0-9+=,.@-]{2,64}")
_ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
_PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
_ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
_FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format:"


class Assertion(msgspec.Struct, frozen=True):
    """What a provider says, once it is known to be the provider who says it."""

    issuer: str
    subject: str
    subject_type: str
    recipient: str
    issued: float
    expires: float
    session_ends: float | None
    attributes: dict[str, list[str]]


async def assume_role_with_saml(call: Call, req: t.AssumeRoleWithSAMLRequest) -> t.AssumeRoleWithSAMLResponse:
    arn, policy = role_arn(req["RoleArn"]), session_policy(req.get("Policy"))
    provider = parse_or_none(req["PrincipalArn"])
    if provider is None or provider.service != "iam" or provider.type != "saml-provider" or provider.account != arn.account:
        raise Fault("ValidationError", f"{req['PrincipalArn']} is invalid")
    said = _assertion(req["SAMLAssertion"], *await _registered(call, provider))
    _check_time(call, said)
    name = _session_name(said)
    claimed = _claimed(call, said)
    role = await role_of(call, arn)
    if role is None or not _names_role(said, req["RoleArn"], req["PrincipalArn"]):
        raise Fault("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML")
    qualifier = b64encode(sha1(f"{said.issuer}{arn.account}/{provider.name}".encode(), usedforsecurity=False).digest()).decode()
    keys: dict[str, str | list[str]] = {
        "sts:rolesessionname": name,
        "aws:federatedprovider": req["PrincipalArn"],
        "saml:aud": said.recipient,
        "saml:iss": said.issuer,
        "saml:sub": said.subject,
        "saml:sub_type": said.subject_type,
        "saml:namequalifier": qualifier,
        "saml:doc": f"{arn.account}/{provider.name}",
    }
    ask_for_federated(call, role, "sts:AssumeRoleWithSAML", req["PrincipalArn"], keys, claimed)
    seconds = seconds_within(role, req)
    if said.session_ends is not None:
        seconds = min(seconds, int(ends(call, said.issued, said.session_ends) - call.now()))
    session = session_of(
        arn,
        role,
        {**req, "RoleSessionName": name},
        policy=policy,
        tags=claimed.tags,
        transitive_tags=claimed.transitive,
        source_identity=claimed.source_identity,
        provider=req["PrincipalArn"],
    )
    told = {
        "Subject": said.subject,
        "SubjectType": said.subject_type,
        "Issuer": said.issuer,
        "Audience": said.recipient,
        "NameQualifier": qualifier,
    }
    return opened(call, session, seconds, req) | told  # pyright: ignore[reportReturnType]


async def _registered(call: Call, provider: Arn) -> tuple[str, list[CertificatePublicKeyTypes]]:
    """The entity id of a provider, and the keys it signs with."""
    try:
        found: Any = await call.at(account=provider.account).aws.iam.get_saml_provider({"SAMLProviderArn": str(provider)})
    except Fault as fault:
        if fault.code != "NoSuchEntity":
            raise
        raise Fault("ValidationError", "Specified provider doesn't exist.") from fault
    try:
        entity = parse_xml(found["SAMLMetadataDocument"].encode()).documentElement
        certificates = [] if entity is None else found_in(entity, DSIG, "X509Certificate")
        signing = [each for each in certificates if not _is_for_encryption(each)]
        return (
            "" if entity is None else entity.getAttribute("entityID"),
            [load_der_x509_certificate(b64decode(text_of(each))).public_key() for each in signing],
        )
    except (ValueError, binascii.Error) as error:
        raise Fault("InvalidIdentityToken", "Could not parse metadata.") from error


def _is_for_encryption(certificate: Element) -> bool:
    node: Any = certificate
    while isinstance(node, Element):
        if node.namespaceURI == _METADATA and node.localName == "KeyDescriptor":
            return node.getAttribute("use") == "encryption"
        node = node.parentNode
    return False


def _assertion(text: str, issuer: str, keys: list[CertificatePublicKeyTypes]) -> Assertion:
    """What the response's only assertion says. Raises InvalidIdentityToken unless the response or the assertion is signed."""
    try:
        document = parse_xml(b64decode(text, validate=True))
        response, assertion = _parts(document)
        if text_of(_only(assertion, "Issuer")) != issuer:
            raise Fault("InvalidIdentityToken", "Issuer not present in specified provider")
        if not is_signed(response, keys) and not is_signed(assertion, keys):
            raise Fault("InvalidIdentityToken", "Response signature invalid")
        return _read(assertion, issuer)
    except (ValueError, binascii.Error) as error:
        raise Fault("InvalidIdentityToken", "Your request included an invalid SAML response.") from error


def _parts(document: Document) -> tuple[Element, Element]:
    response = document.documentElement
    if response is None or response.namespaceURI != _PROTOCOL or response.localName != "Response":
        raise ValueError("not a response")
    codes = [code for status in children(response, _PROTOCOL, "Status") for code in children(status, _PROTOCOL, "StatusCode")]
    if any(code.getAttribute("Value") != _SUCCESS for code in codes):
        raise Fault("IDPRejectedClaim", "The identity provider reported that authentication failed.")
    if children(response, _ASSERTION, "EncryptedAssertion"):
        raise Fault("NotImplemented", "windtunnel does not implement encrypted SAML assertions.", status=501)
    return response, _only(response, "Assertion")


def _read(assertion: Element, issuer: str) -> Assertion:
    subject = _only(assertion, "Subject")
    name = _only(subject, "NameID")
    data = _only(_only(subject, "SubjectConfirmation"), "SubjectConfirmationData")
    recipient = data.getAttribute("Recipient")
    audiences = _below(assertion, "Conditions", "AudienceRestriction", "Audience")
    if not AUDIENCES.fullmatch(recipient) or not any(AUDIENCES.fullmatch(text_of(each)) for each in audiences):
        raise Fault("InvalidIdentityToken", "Response does not contain the required audience.")
    attributes: dict[str, list[str]] = {}
    for attribute in _below(assertion, "AttributeStatement", "Attribute"):
        values = [text_of(value) for value in children(attribute, _ASSERTION, "AttributeValue")]
        attributes.setdefault(attribute.getAttribute("Name"), []).extend(values)
    statements = children(assertion, _ASSERTION, "AuthnStatement")
    session_ends = next((text for each in statements if (text := each.getAttribute("SessionNotOnOrAfter"))), None)
    return Assertion(
        issuer=issuer,
        subject=text_of(name),
        subject_type=name.getAttribute("Format").removeprefix(_FORMAT),
        recipient=recipient,
        issued=_moment(assertion.getAttribute("IssueInstant")),
        expires=_moment(data.getAttribute("NotOnOrAfter")),
        session_ends=None if session_ends is None else _moment(session_ends),
        attributes=attributes,
    )


def _check_time(call: Call, said: Assertion) -> None:
    """Raises ExpiredTokenException for what is older than five minutes, or over."""
    if call.now() >= ends(call, said.issued, min(said.expires, said.issued + REDEEM_SECONDS)):
        raise Fault("ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance")


def _session_name(said: Assertion) -> str:
    names = said.attributes.get(f"{_ATTRIBUTES}RoleSessionName", [])
    if not names:
        raise Fault("InvalidIdentityToken", "RoleSessionName is required in AuthnResponse")
    if not SESSION_NAME.fullmatch(names[0]):
        raise Fault("InvalidIdentityToken", f"RoleSessionName in AuthnResponse must match {SESSION_NAME.pattern}")
    return names[0]


def _names_role(said: Assertion, role: str, provider: str) -> bool:
    """Whether the provider lets the subject have the role: a pair of ARNs, in either order."""
    return any({part.strip() for part in pair.split(",")} == {role, provider} for pair in said.attributes.get(f"{_ATTRIBUTES}Role", []))


def _claimed(call: Call, said: Assertion) -> Claimed:
    """Session tags and a source identity, where the assertion has them."""
    beginning = f"{_ATTRIBUTES}PrincipalTag:"
    tags = [
        {"Key": name.removeprefix(beginning), "Value": values[0] if values else ""}
        for name, values in said.attributes.items()
        if name.startswith(beginning)
    ]
    named, transitive = session_tags(call.scope.principal, tags, said.attributes.get(f"{_ATTRIBUTES}TransitiveTagKeys", []))
    identity = next(iter(said.attributes.get(f"{_ATTRIBUTES}SourceIdentity", [])), "")
    if identity and (not SESSION_NAME.fullmatch(identity) or identity.startswith("aws:")):
        raise Fault("InvalidIdentityToken", f'Source Identity must match {SESSION_NAME.pattern} and not begin with "aws:"')
    return Claimed(named, transitive, identity)


def _only(parent: Element, name: str) -> Element:
    found = children(parent, _ASSERTION, name)
    if len(found) != 1:
        raise ValueError(f"{len(found)} elements {name}")
    return found[0]


def _below(parent: Element, *names: str) -> list[Element]:
    """The elements at the end of a path. What lies within the signature itself is signed by nobody and must not be found."""
    found = [parent]
    for name in names:
        found = [child for each in found for child in children(each, _ASSERTION, name)]
    return found


def _moment(text: str) -> float:
    """Seconds since 1970 of a time in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no zone")
    return moment.timestamp()
