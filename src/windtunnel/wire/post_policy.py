"""Verifies what a browser posts to S3 with a form: the signature of its policy, and that the form keeps to the policy.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from windtunnel.aws.documents import parse_json
from windtunnel.aws.errors import Fault
from windtunnel.wire.credential import HMAC, LEGACY, Credential
from windtunnel.wire.sigfaults import s3_does_not_match
from windtunnel.wire.sigv4 import signing_key

_FIELDS_V4 = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature")
_SIGNED = frozenset({"signature", "awsaccesskeyid", *(name.lower() for name in _FIELDS_V4)})
_UNCONDITIONED = frozenset({"file", "policy", "signature", "awsaccesskeyid", "x-amz-signature"})


class PostPolicy(msgspec.Struct, frozen=True):
    """What a policy still demands when the form's fields are read: how large the file may be."""

    size_min: int = 0
    size_max: int | None = None

    def check_size(self, size: int) -> None:
        """Raise when a file of `size` bytes is too large or too small; worth asking while it is still arriving."""
        if self.size_max is not None and size > self.size_max:
            raise Fault(
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed size",
                status=400,
                ProposedSize=str(size),
                MaxSizeAllowed=str(self.size_max),
            )
        if size < self.size_min:
            raise Fault(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                status=400,
                ProposedSize=str(size),
                MinSizeAllowed=str(self.size_min),
            )


def post_credential_of(fields: Mapping[str, str]) -> Credential | None:
    """The credential in a form's fields (names in any case), None for an anonymous post."""
    form = {name.lower(): value for name, value in fields.items()}
    if not form.keys() & _SIGNED:
        return None
    if "signature" in form or "awsaccesskeyid" in form:
        for name in ("AWSAccessKeyId", "Signature"):
            if name.lower() not in form:
                raise _missing(name)
        return Credential(
            form["awsaccesskeyid"], "", "", "s3", (), form["signature"], "", LEGACY, None, form.get("x-amz-security-token", "")
        )
    for name in _FIELDS_V4:
        if name.lower() not in form:
            raise _missing(name)
    key, *scope = form["x-amz-credential"].rsplit("/", 4)
    if len(scope) != 4 or form["x-amz-algorithm"] != HMAC:
        raise Fault(
            "InvalidArgument",
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "
            '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
            status=400,
            ArgumentName="X-Amz-Credential",
            ArgumentValue=form["x-amz-credential"],
        )
    date, region, service, _ = scope
    token = form.get("x-amz-security-token", "")
    return Credential(key, date, region, service, (), form["x-amz-signature"], form["x-amz-date"], HMAC, None, token)


def verify_post_policy(fields: Mapping[str, str], secret: str | None, now: float | None, *, bucket: str) -> PostPolicy:
    """Raise unless the form's policy is signed with `secret` and its fields keep to it.

    `fields` are those before the file, `key` with `${filename}` already replaced. Without a secret the signature isn't
    checked, without `now` the expiration isn't.
    """
    form = {name.lower(): value for name, value in fields.items()}
    text = form.get("policy", "")
    credential = post_credential_of(fields)
    if credential is not None and secret is not None:
        _check_signature(credential, text, secret)
    policy = _parsed(text)
    if now is not None and now > _expiration(policy):
        raise _refused("Policy expired.")
    form["bucket"] = bucket
    conditions = policy.get("conditions")
    if not isinstance(conditions, list):
        raise _invalid("Policy missing conditions.")
    return _check_conditions(form, cast("list[Any]", conditions))


def _check_signature(credential: Credential, text: str, secret: str) -> None:
    if credential.algorithm == LEGACY:
        expected = b64encode(hmac.digest(secret.encode(), text.encode(), "sha1"))
    else:
        key = signing_key(secret, credential.date, credential.region, credential.service)
        expected = hmac.digest(key, text.encode(), "sha256").hex().encode()
    if not hmac.compare_digest(expected, credential.signature.encode()):
        raise s3_does_not_match(credential, text)


def _parsed(text: str) -> dict[str, Any]:
    try:
        policy: object = parse_json(b64decode(text, validate=True))
    except (NotBase64, ValueError):
        raise _invalid("Invalid JSON.") from None
    if not isinstance(policy, dict):
        raise _invalid("Invalid JSON.")
    return cast("dict[str, Any]", policy)


def _expiration(policy: dict[str, Any]) -> float:
    text = policy.get("expiration")
    if not isinstance(text, str):
        raise _invalid("Policy missing expiration.")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(f"Invalid 'expiration' value: '{text}'") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _check_conditions(form: Mapping[str, str], conditions: list[Any]) -> PostPolicy:
    covered = set(_UNCONDITIONED)
    policy = PostPolicy()
    for condition in conditions:
        for operator, subject, value in _triples(condition):
            if operator == "content-length-range":
                policy = _range(subject, value)
                continue
            name = subject.removeprefix("$").lower() if isinstance(subject, str) else ""
            if not isinstance(subject, str) or not subject.startswith("$") or not _holds(operator, name, value, form):
                raise _failed(operator, subject, value)
            covered.add(name)
    for name in form:
        if name not in covered and not name.startswith("x-ignore-"):
            raise _refused(f"Extra input fields: {name}")
    return policy


def _triples(condition: Any) -> list[tuple[Any, Any, Any]]:
    """A condition is a list of three, or an object whose members each mean an exact match."""
    if isinstance(condition, dict):
        if len(cast("dict[str, Any]", condition)) != 1:
            raise _invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
        return [("eq", f"${name}", value) for name, value in cast("dict[str, Any]", condition).items()]
    if isinstance(condition, list) and len(cast("list[Any]", condition)) == 3:
        operator, subject, value = cast("list[Any]", condition)
        return [(operator.lower() if isinstance(operator, str) else operator, subject, value)]
    raise _invalid("Invalid Simple-Condition: value must be a list of three or an object.")


def _holds(operator: Any, name: str, value: Any, form: Mapping[str, str]) -> bool:
    given = form.get(name)
    if given is None or not isinstance(value, str):
        return False
    if operator == "eq":
        return given == value
    if operator != "starts-with":
        return False
    # A content type with commas is a list, and each member must match.
    members = given.split(",") if name == "content-type" else [given]
    return all(member.strip().startswith(value) if len(members) > 1 else member.startswith(value) for member in members)


def _range(low: Any, high: Any) -> PostPolicy:
    try:
        return PostPolicy(int(low), int(high))
    except (TypeError, ValueError):
        raise _failed("content-length-range", low, high) from None


def _failed(operator: Any, subject: Any, value: Any) -> Fault:
    return _refused(f'Policy Condition failed: ["{operator}", "{subject}", "{value}"]')


def _refused(text: str) -> Fault:
    return Fault("AccessDenied", f"Invalid according to Policy: {text}", status=403)


def _invalid(text: str) -> Fault:
    return Fault("InvalidPolicyDocument", f"Invalid Policy: {text}", status=400)


def _missing(name: str) -> Fault:
    return Fault(
        "InvalidArgument",
        f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields.",
        status=400,
        ArgumentName=name,
        ArgumentValue="",
    )
