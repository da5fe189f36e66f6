"""Reads who claims to have signed a request: the Authorization header, or the X-Amz-* parameters of a presigned URL.

This is only parsing, cheap enough for every request: `wire/sigv4.py` checks whether the claim is true.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
"""

import hashlib
import re
from base64 import b64encode
from functools import lru_cache
from urllib.parse import unquote

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.wire.message import Request

HMAC = "AWS4-HMAC-SHA256"
ECDSA = "AWS4-ECDSA-P256-SHA256"
"""SigV4A, which names no region in its scope but a set of them in `X-Amz-Region-Set`; used by multi-Region endpoints."""
EPOCH_DIGITS_MAX = 18
"""Of a legacy URL's expiry: more is no time that any clock can show."""
LEGACY = "AWS"
"""Signature version 2, which S3 still takes: `Authorization: AWS key:signature`, or `AWSAccessKeyId` in the query."""

_SCOPE = re.compile(r"AWS4-HMAC-SHA256 +Credential=([^,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request *, *SignedHeaders=([^,\s]+) *, *")
_DATE = re.compile(r"\d{8}")
_QUERY_FIELDS = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires")
_QUERY_MISSING = (
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
    "X-Amz-SignedHeaders, and X-Amz-Expires parameters."
)
_EXPECTING = 'expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'


class Credential(msgspec.Struct, frozen=True):
    """What a request says of its signer, not yet verified."""

    access_key: str
    date: str
    """YYYYMMDD of the credential scope; "" for the legacy algorithm."""
    region: str
    service: str
    """The signing name ("s3", "execute-api", "monitoring"), which isn't always botocore's name of the service."""
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str = ""
    """X-Amz-Date as it was sent, "" when only a Date header tells the time."""
    algorithm: str = HMAC
    expires: int | None = None
    """Of a presigned URL: seconds after `timestamp`, or the epoch second itself for the legacy algorithm."""
    token: str = ""
    presigned: bool = False


def credential_of(request: Request) -> Credential | None:
    """The credential a request carries, None when it carries none; raises AWS's fault for a malformed one."""
    headers = request.headers
    authorization = headers.get("authorization")
    if authorization is not None and authorization.startswith("AWS"):
        scope, _, signature = authorization.rpartition("Signature=")
        known = _scope_of(scope)
        if known is None or not signature.isalnum():
            return _other_header(request, authorization)
        return Credential(*known, signature, headers.get("x-amz-date", ""), HMAC, None, headers.get("x-amz-security-token", ""))
    query = request.query
    if query:
        if "X-Amz-Signature=" in query or "X-Amz-Credential=" in query or "X-Amz-Algorithm=" in query:
            return _presigned(request)
        if "AWSAccessKeyId=" in query and "SignatureVersion=" not in query:
            return _legacy_query(request)
    return None


@lru_cache(maxsize=1024)
def _scope_of(text: str) -> tuple[str, str, str, str, tuple[str, ...]] | None:
    """Key, date, region, service and signed headers: what one client's calls of a day have in common, so it is read once."""
    match = _SCOPE.fullmatch(text)
    if match is None:
        return None
    access_key, date, region, service, signed = match.groups()
    return access_key, date, region, service, tuple(signed.split(";"))


def is_json(request: Request) -> bool:
    """Whether the service the request means answers as JSON and CBOR services do, whose faults end in `Exception`.

    Query services have an Action or a form; of the REST services only some speak XML.
    """
    if "x-amz-target" in request.headers or "smithy-protocol" in request.headers:
        return True
    kind = request.headers.get("content-type", "")
    return "json" in kind or "cbor" in kind


def looks_like_s3(request: Request) -> bool:
    """Whether a request whose credential can't be read is best answered as S3 answers."""
    authorization = request.headers.get("authorization", "")
    if "/s3/" in authorization or "%2Fs3%2F" in request.query or "/s3/" in request.query:
        return True
    if is_json(request) or "Action=" in request.query or "%2Faws4_request" in request.query:
        return False
    host = request.host
    return "x-amz-content-sha256" in request.headers or host.startswith(("s3.", "s3-")) or ".s3." in host or "X-Amz-" in request.query


def query_fields(query: str) -> dict[str, str]:
    """The parameters of a raw query, decoded; the last of several with one name wins. A plus sign is a plus sign here."""
    fields: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        fields[unquote(name)] = unquote(value)
    return fields


def _other_header(request: Request, text: str) -> Credential | None:
    """Everything that isn't the form all SDKs write: other orders, other algorithms, and what is malformed."""
    algorithm, _, rest = text.partition(" ")
    if algorithm == LEGACY:
        key, colon, signature = rest.strip().partition(":")
        if not colon or not key:
            raise Fault("InvalidArgument", "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature", status=400)
        return _legacy(request, key, signature, None)
    if algorithm not in (HMAC, ECDSA):
        # Another scheme (a custom authorizer's, say): to AWS's own services the request is unsigned.
        return None
    s3 = looks_like_s3(request)
    fields: dict[str, str] = {}
    for part in rest.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals and not s3:
            code = "IncompleteSignatureException" if is_json(request) else "IncompleteSignature"
            raise Fault(
                code,
                "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): "
                f"'{_hashed(part.strip())}'.",
                status=403 if is_json(request) else 400,
            )
        fields[name] = value
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if not fields.get(name)]
    if missing and s3:
        raise _malformed("the authorization header requires three components: Credential, SignedHeaders, and Signature.")
    if missing:
        raise _incomplete(request, missing, text)
    scope = _scope(request, fields["Credential"], algorithm, s3=s3, presigned=False)
    headers = request.headers
    return Credential(
        *scope,
        tuple(fields["SignedHeaders"].lower().split(";")),
        fields["Signature"],
        headers.get("x-amz-date", ""),
        algorithm,
        None,
        headers.get("x-amz-security-token", ""),
    )


def _presigned(request: Request) -> Credential:
    fields = query_fields(request.query)
    s3 = looks_like_s3(request)
    if any(name not in fields for name in _QUERY_FIELDS[: None if s3 else 5]):
        if s3:
            raise _query_error(_QUERY_MISSING)
        missing = [name for name in _QUERY_FIELDS[:5] if name not in fields]
        text = " ".join(f"AWS query-string parameters must include '{name}'." for name in missing)
        raise Fault("IncompleteSignature", f"{text} Re-examine the query-string parameters.", status=400)
    algorithm = fields["X-Amz-Algorithm"]
    if algorithm not in (HMAC, ECDSA):
        if s3:
            raise _query_error(f'X-Amz-Algorithm only supports "{HMAC} and {ECDSA}"')
        raise Fault("IncompleteSignature", f"Unsupported AWS 'algorithm': '{algorithm}'.", status=400)
    return Credential(
        *_scope(request, fields["X-Amz-Credential"], algorithm, s3=s3, presigned=True),
        tuple(fields["X-Amz-SignedHeaders"].lower().split(";")),
        fields["X-Amz-Signature"],
        fields["X-Amz-Date"],
        algorithm,
        _expires(fields.get("X-Amz-Expires")),
        fields.get("X-Amz-Security-Token", ""),
        presigned=True,
    )


def _legacy_query(request: Request) -> Credential:
    fields = query_fields(request.query)
    if "AWSAccessKeyId" not in fields or "Signature" not in fields or "Expires" not in fields:
        raise Fault("AccessDenied", "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters", status=403)
    expires = fields["Expires"]
    if not expires.isascii() or not expires.isdigit() or len(expires) > EPOCH_DIGITS_MAX:
        raise Fault("AccessDenied", f"Invalid date (should be seconds since epoch): {expires}", status=403)
    return _legacy(request, fields["AWSAccessKeyId"], fields["Signature"], int(expires), fields.get("x-amz-security-token", ""))


def _legacy(request: Request, key: str, signature: str, expires: int | None, token: str = "") -> Credential:
    return Credential(
        key,
        "",
        "",
        "s3",
        (),
        signature,
        request.headers.get("x-amz-date", ""),
        LEGACY,
        expires,
        token or request.headers.get("x-amz-security-token", ""),
        presigned=expires is not None,
    )


def _expires(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise _query_error("X-Amz-Expires should be a number") from None


def _scope(request: Request, text: str, algorithm: str, *, s3: bool, presigned: bool) -> tuple[str, str, str, str]:
    """Access key, date, region and service of `key/date/region/service/aws4_request`; SigV4A leaves the region out."""
    regional = algorithm == HMAC
    key, *parts = text.rsplit("/", 4 if regional else 3)
    if len(parts) != (4 if regional else 3):
        if s3 and presigned:
            raise _query_error(f"Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; {_EXPECTING}")
        if s3:
            raise _malformed(f"the Credential is mal-formed; {_EXPECTING}")
        raise Fault(
            "IncompleteSignatureException" if is_json(request) else "IncompleteSignature",
            f"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{text}'",
            status=400,
        )
    if not regional:
        regions = request.headers.get("x-amz-region-set") or query_fields(request.query).get("X-Amz-Region-Set", "")
        parts.insert(1, regions.split(",")[0])
    date, region, service, terminal = parts
    if s3:
        _check_s3_scope(key, date, terminal, presigned=presigned)
    elif terminal != "aws4_request":
        code = "InvalidSignatureException" if is_json(request) else "SignatureDoesNotMatch"
        raise Fault(code, f"Credential should be scoped with a valid terminator: 'aws4_request', not '{terminal}'.", status=403)
    return key, date, region, service


def _check_s3_scope(key: str, date: str, terminal: str, *, presigned: bool) -> None:
    problem = ""
    if not key:
        problem = "a non-empty Access Key (AKID) must be provided in the credential."
    elif _DATE.fullmatch(date) is None:
        problem = f'incorrect date format "{date}". This date in the credential must be in the format "yyyyMMdd".'
    elif terminal != "aws4_request":
        problem = f'incorrect terminal "{terminal}". This endpoint uses "aws4_request".'
    if problem and presigned:
        raise _query_error(f"Error parsing the X-Amz-Credential parameter; {problem}")
    if problem:
        raise _malformed(problem)


def _malformed(problem: str) -> Fault:
    return Fault("AuthorizationHeaderMalformed", f"The authorization header is malformed; {problem}", status=400)


def _query_error(message: str) -> Fault:
    return Fault("AuthorizationQueryParametersError", message, status=400)


def _incomplete(request: Request, missing: list[str], text: str) -> Fault:
    parts = [f"Authorization header requires '{name}' parameter." for name in missing]
    if "x-amz-date" not in request.headers and "date" not in request.headers:
        parts.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    code = "IncompleteSignatureException" if is_json(request) else "IncompleteSignature"
    return Fault(code, f"{' '.join(parts)} (Hashed with SHA-256 and encoded with Base64) Authorization={_hashed(text)}", status=400)


def _hashed(text: str) -> str:
    """AWS no longer prints what may be a secret: it prints its hash."""
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()
