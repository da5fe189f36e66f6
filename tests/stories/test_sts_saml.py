"""Roles that are assumed with the word of a SAML identity provider, whose signature is verified."""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any
from xml.dom.minidom import Element

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.identity import fault, policy, with_key
from tests.stories.pki import Issued, issue
from windtunnel.fabric.scope import anonymous
from windtunnel.services.sts.xml_signature import DSIG, canonical, children, parse_xml

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"
ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
DENIED = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML")
RECORDED = (Path(__file__).parent / "saml_response.xml").read_text()
"""Signed by another implementation (signxml) with RSA; its certificate is in it."""
DEFAULTS: dict[str, list[str]] = {"RoleSessionName": ["work"], "Role": [f"{ROLE},{PROVIDER}"]}


@pytest.fixture(scope="module")
def idp() -> Issued:
    return issue("idp")


def registered(here: Here, certificate: str, *actions: str, condition: dict[str, Any] | None = None) -> None:
    """The provider is there, and a role that trusts it."""
    body = "".join(line for line in certificate.splitlines() if "CERTIFICATE" not in line)
    metadata = (
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="{DSIG}" entityID="urn:idp"><md:IDPSSODescriptor>'
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data>'
        f"</ds:KeyInfo></md:KeyDescriptor></md:IDPSSODescriptor>{' ' * 1000}</md:EntityDescriptor>"
    )
    here.iam.create_saml_provider(Name="idp", SAMLMetadataDocument=metadata)
    statement: dict[str, Any] = {"Principal": {"Federated": PROVIDER}, "Action": ["sts:AssumeRoleWithSAML", *actions]}
    here.iam.create_role(RoleName="r", AssumeRolePolicyDocument=policy(statement | ({"Condition": condition} if condition else {})))


def response(
    idp: Issued,
    *,
    whole: bool = False,
    issued: str = "2026-01-01T00:00:00Z",
    until: str = "2026-01-01T00:05:00Z",
    session: str = "",
    issuer: str = "urn:idp",
    recipient: str = "https://signin.aws.amazon.com/saml",
    **attributes: list[str],
) -> str:
    """A response, signed as a whole or in its assertion, in base64."""
    told = {**DEFAULTS, **attributes}
    listed = "".join(
        f'<saml:Attribute Name="{ATTRIBUTES}{name}">'
        + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
        + "</saml:Attribute>"
        for name, values in told.items()
    )
    mark = "<!-- signature -->"
    login = f'<saml:AuthnStatement SessionNotOnOrAfter="{session}"/>' if session else ""
    text = (
        f'<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="{ASSERTION}" ID="_r">{mark if whole else ""}'
        f'<saml:Assertion ID="_a" IssueInstant="{issued}"><saml:Issuer>{issuer}</saml:Issuer>{"" if whole else mark}<saml:Subject>'
        f'<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient">ada</saml:NameID><saml:SubjectConfirmation>'
        f'<saml:SubjectConfirmationData Recipient="{recipient}" NotOnOrAfter="{until}"/></saml:SubjectConfirmation></saml:Subject>'
        f"<saml:Conditions><saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction>"
        f"</saml:Conditions>{login}<saml:AttributeStatement>{listed}</saml:AttributeStatement></saml:Assertion></samlp:Response>"
    )
    return b64encode(text.replace(mark, signature(idp, text, whole=whole)).encode()).decode()


def signature(idp: Issued, text: str, *, whole: bool) -> str:
    root = parse_xml(text.encode()).documentElement
    assert isinstance(root, Element)
    signed = root if whole else children(root, ASSERTION, "Assertion")[0]
    digest = b64encode(sha256(canonical(signed).encode()).digest()).decode()
    info = (
        f'<ds:SignedInfo xmlns:ds="{DSIG}"><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
        f'<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>'
        f'<ds:Reference URI="#{"_r" if whole else "_a"}">'
        f'<ds:Transforms><ds:Transform Algorithm="{DSIG}enveloped-signature"/>'
        '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>{digest}</ds:DigestValue>'
        "</ds:Reference></ds:SignedInfo>"
    )
    parsed = parse_xml(info.encode()).documentElement
    assert isinstance(parsed, Element)
    halves = decode_dss_signature(idp.key.sign(canonical(parsed).encode(), ec.ECDSA(SHA256())))
    value = b64encode(b"".join(half.to_bytes(32, "big") for half in halves)).decode()
    return f'<ds:Signature xmlns:ds="{DSIG}">{info}<ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>'


def assume(here: Here, text: str, **more: Any) -> Any:
    nobody = here.at()
    nobody.scope = msgspec.structs.replace(here.scope, principal=anonymous())
    return nobody.sts.assume_role_with_saml(**{"RoleArn": ROLE, "PrincipalArn": PROVIDER, "SAMLAssertion": text, **more})


def test_what_another_implementation_signed_opens_a_session(here: Here) -> None:
    certificate = RECORDED.partition("<ds:X509Certificate>")[2].partition("</ds:X509Certificate>")[0]
    registered(here, certificate)
    answer = assume(here, b64encode(RECORDED.encode()).decode())
    role_id = here.iam.get_role(RoleName="r")["Role"]["RoleId"]
    assert answer == {
        "Credentials": {**answer["Credentials"], "Expiration": BEGIN + 3600},
        "AssumedRoleUser": {"AssumedRoleId": f"{role_id}:work", "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/r/work"},
        "Subject": "ada & co",
        "SubjectType": "persistent",
        "Issuer": "urn:idp",
        "Audience": "https://signin.aws.amazon.com/saml",
        "NameQualifier": "VSyeWGFDGNPddWSJfbzVfcr85p8=",
        "SessionTokenSize": len(answer["Credentials"]["SessionToken"]),
        "SessionTokenUtilization": 9,
    }
    assert with_key(here, answer["Credentials"]["AccessKeyId"]).scope.principal.provider == PROVIDER


def test_a_response_is_signed_as_a_whole_or_in_its_assertion(here: Here, idp: Issued) -> None:
    registered(here, idp.body)
    for whole in (False, True):
        assert assume(here, response(idp, whole=whole))["Subject"] == "ada"


def test_a_changed_or_foreign_response_is_not_believed(here: Here, idp: Issued) -> None:
    registered(here, idp.body)
    invalid = ("InvalidIdentityToken", "Response signature invalid")
    assert fault(assume, here=here, text=response(issue("other"))) == invalid
    changed = b64decode(response(idp)).replace(b">ada<", b">bob<")
    assert fault(assume, here=here, text=b64encode(changed).decode()) == invalid
    inside = f'<saml:AttributeStatement><saml:Attribute Name="{ATTRIBUTES}PrincipalTag:Team"><saml:AttributeValue>x</saml:AttributeValue>'
    hidden = f"<ds:Object>{inside}</saml:Attribute></saml:AttributeStatement></ds:Object></ds:Signature>".encode()
    smuggled = b64decode(response(idp)).replace(b"</ds:Signature>", hidden)
    opened = assume(here, b64encode(smuggled).decode())
    assert with_key(here, opened["Credentials"]["AccessKeyId"]).scope.principal.tags == {}
    assert fault(assume, here=here, text=response(idp, issuer="urn:other")) == (
        "InvalidIdentityToken",
        "Issuer not present in specified provider",
    )
    for text in ("nonsense", b64encode(b"<a/>").decode(), b64encode(b"<!DOCTYPE a><a/>").decode(), b64encode(b"<a>").decode()):
        assert fault(assume, here=here, text=text) == ("InvalidIdentityToken", "Your request included an invalid SAML response.")
    inside = f'<EncryptedAssertion xmlns="{ASSERTION}"/>'
    encrypted = b64encode(f'<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">{inside}</samlp:Response>'.encode())
    assert fault(assume, here=here, text=encrypted.decode())[0] == "NotImplemented"


def test_a_response_is_for_aws_and_for_a_role_that_trusts_the_provider(here: Here, idp: Issued) -> None:
    registered(here, idp.body, condition={"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml", "SAML:sub": "ada"}})
    assert assume(here, response(idp))["Subject"] == "ada"
    assert fault(assume, here=here, text=response(idp, recipient="https://example.com/saml")) == (
        "InvalidIdentityToken",
        "Response does not contain the required audience.",
    )
    other = f"arn:aws:iam::{ACCOUNT}:role/other"
    assert fault(assume, here=here, text=response(idp, Role=[f"{other},{PROVIDER}"])) == DENIED
    assert fault(assume, here=here, text=response(idp, Role=[f"{other},{PROVIDER}"]), RoleArn=other) == DENIED
    regional = response(idp, recipient="https://eu-west-1.signin.aws.amazon.com/saml")
    assert fault(assume, here=here, text=regional) == DENIED
    none = f"arn:aws:iam::{ACCOUNT}:saml-provider/none"
    assert fault(assume, here=here, text=response(idp), PrincipalArn=none) == ("ValidationError", "Specified provider doesn't exist.")
    assert fault(assume, here=here, text=response(idp), PrincipalArn=other) == ("ValidationError", f"{other} is invalid")


def test_a_response_is_good_for_five_minutes_and_says_when_the_session_ends(here: Here, idp: Issued) -> None:
    registered(here, idp.body)
    text = response(idp, until="2026-01-01T01:00:00Z", session="2026-01-01T00:30:00Z")
    here.jump(299)
    assert assume(here, text)["Credentials"]["Expiration"] == BEGIN + 1800
    here.jump(1)
    assert fault(assume, here=here, text=text) == ("ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance")
    assert fault(
        assume, here=here, text=response(idp, issued="2026-01-01T00:05:00Z", until="2026-01-01T01:00:00Z"), DurationSeconds=3601
    ) == ("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")


def test_a_response_names_the_session_and_may_carry_tags_and_a_source_identity(here: Here, idp: Issued) -> None:
    registered(here, idp.body, "sts:TagSession", "sts:SetSourceIdentity")
    told = {"PrincipalTag:Team": ["a"], "TransitiveTagKeys": ["Team"], "SourceIdentity": ["ada"]}
    answer = assume(here, response(idp, **told))
    session = with_key(here, answer["Credentials"]["AccessKeyId"]).scope.principal
    assert (session.tags, session.transitive_tags, session.source_identity) == ({"Team": "a"}, ["Team"], "ada")
    required = ("InvalidIdentityToken", "RoleSessionName is required in AuthnResponse")
    assert fault(assume, here=here, text=response(idp, RoleSessionName=[])) == required
    assert fault(assume, here=here, text=response(idp, RoleSessionName=["a b"])) == (
        "InvalidIdentityToken",
        "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}",
    )
    assert fault(assume, here=here, text=response(idp, SourceIdentity=["a b"])) == (
        "InvalidIdentityToken",
        'Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"',
    )
    without = policy({"Principal": {"Federated": PROVIDER}, "Action": "sts:AssumeRoleWithSAML"})
    here.iam.update_assume_role_policy(RoleName="r", PolicyDocument=without)
    assert fault(assume, here=here, text=response(idp, **told)) == ("AccessDenied", "Not authorized to perform sts:TagSession")


def test_a_session_by_saml_keeps_to_the_limits_of_sessions(here: Here, idp: Issued) -> None:
    registered(here, idp.body, "sts:TagSession")
    assert fault(assume, here=here, text=response(idp), Policy="{") == ("MalformedPolicyDocument", "This policy contains invalid Json")
    tags = {f"PrincipalTag:key-{number}": ["v" * 200] for number in range(25)}
    assert fault(assume, here=here, text=response(idp, **tags)) == (
        "PackedPolicyTooLarge",
        "Packed policy consumes 126% of allotted space, please use smaller policy.",
    )


def test_a_login_that_failed_at_the_provider_opens_nothing(here: Here, idp: Issued) -> None:
    registered(here, idp.body)
    inside = '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"/></samlp:Status>'
    text = b64encode(f'<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">{inside}</samlp:Response>'.encode()).decode()
    assert fault(assume, here=here, text=text) == ("IDPRejectedClaim", "The identity provider reported that authentication failed.")


def test_metadata_that_hold_no_certificate_verify_nothing(here: Here, idp: Issued) -> None:
    registered(here, "nonsense")
    assert fault(assume, here=here, text=response(idp)) == ("InvalidIdentityToken", "Could not parse metadata.")
