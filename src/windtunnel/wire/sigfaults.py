"""The faults of a signature that doesn't hold, in AWS's words: S3's, those of JSON services and those of query services.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from datetime import UTC, datetime
from typing import Any

from windtunnel.aws.errors import Fault
from windtunnel.wire.credential import Credential, is_json
from windtunnel.wire.message import Request

SKEW_SECONDS = 900
"""How far S3 and DynamoDB let a client's clock be off."""
SKEW_SECONDS_OTHERS = 300
PRESIGN_SECONDS_MAX = 604_800

_FIFTEEN_MINUTES = frozenset({"dynamodb"})
_XML = frozenset({"route53", "cloudfront", "sts", "iam", "sns", "monitoring", "cloudformation", "autoscaling", "rds", "email"})
_XML_MORE = frozenset({"elasticloadbalancing", "elasticache", "redshift", "elasticbeanstalk", "sdb", "elasticmapreduce"})
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
    "signing method. Consult the service documentation for details."
)


def check_time(request: Request, credential: Credential, timestamp: str, signed: float | None, now: float | None, *, s3: bool) -> None:
    """A presigned URL lives as long as it says, at most a week; any other request a few minutes."""
    expires = credential.expires if credential.presigned else None
    if expires is None and signed is not None and now is not None and abs(now - signed) <= SKEW_SECONDS_OTHERS:
        return
    if expires is not None and s3:
        if expires < 0:
            raise _query_error("X-Amz-Expires must be non-negative")
        if expires > PRESIGN_SECONDS_MAX:
            raise _query_error(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
            )
    if now is None or signed is None:
        return
    if s3 and expires is not None:
        if now > signed + expires:
            raise request_expired(signed + expires, now, str(expires))
        if signed > now + SKEW_SECONDS:
            raise Fault("AccessDenied", "Request is not yet valid", status=403)
        return
    if s3:
        if abs(now - signed) > SKEW_SECONDS:
            raise too_skewed(timestamp, now)
        return
    window = SKEW_SECONDS if credential.service in _FIFTEEN_MINUTES or expires is not None else SKEW_SECONDS_OTHERS
    window = max(window, min(expires or 0, PRESIGN_SECONDS_MAX))
    if signed < now - window:
        text = f"Signature expired: {timestamp} is now earlier than {_compact(now - window)} ({_compact(now)} - {window // 60} min.)"
        raise _invalid(request, credential, text)
    if signed > now + window:
        text = (
            f"Signature not yet current: {timestamp} is still later than {_compact(now + window)} ({_compact(now)} + {window // 60} min.)"
        )
        raise _invalid(request, credential, text)


def request_expired(expiry: float, now: float, seconds: str = "") -> Fault:
    """S3's answer to a presigned URL whose time is over; the legacy algorithm has no X-Amz-Expires to name."""
    members: dict[str, Any] = {"X-Amz-Expires": seconds} if seconds else {}
    return Fault("AccessDenied", "Request has expired", status=403, **members, Expires=_iso(expiry), ServerTime=_iso(now))


def too_skewed(text: str, now: float) -> Fault:
    """S3's answer to a clock that is off."""
    return Fault(
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        status=403,
        RequestTime=text,
        ServerTime=_iso(now),
        MaxAllowedSkewMilliseconds=str(SKEW_SECONDS * 1000),
    )


def scope_date_wrong(request: Request, credential: Credential, timestamp: str, *, s3: bool) -> Fault:
    """The day in the scope is not the day of the request."""
    day = timestamp[:8]
    if s3:
        text = f'Invalid credential date "{credential.date}". This date is not the same as X-Amz-Date: "{day}".'
        if credential.presigned:
            return _query_error(text)
        return Fault("AuthorizationHeaderMalformed", f"The authorization header is malformed; {text}", status=400)
    return _invalid(
        request,
        credential,
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
        f"'{credential.date}' != '{day}', from '{timestamp}'.",
    )


def date_missing(request: Request, credential: Credential, *, s3: bool) -> Fault:
    """Neither X-Amz-Date nor Date tells when the request was signed."""
    if s3 and credential.presigned:
        return _query_error("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    if s3:
        return Fault("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", status=403)
    if credential.timestamp:
        return _incomplete(
            request, f"Date must be in ISO-8601 'basic format'. Got '{credential.timestamp}'. See http://en.wikipedia.org/wiki/ISO_8601"
        )
    return _incomplete(request, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")


def does_not_match(request: Request, credential: Credential, string_to_sign: str, canonical: str, *, s3: bool) -> Fault:
    """The signature itself is wrong: the fault tells what should have been signed."""
    if s3:
        return s3_does_not_match(credential, string_to_sign, CanonicalRequest=canonical, CanonicalRequestBytes=_bytes(canonical))
    text = (
        f"{_MISMATCH}\n\nThe Canonical String for this request should have been\n'{canonical}'"
        f"\n\nThe String-to-Sign should have been\n'{string_to_sign}'\n"
    )
    return _invalid(request, credential, text)


def s3_does_not_match(credential: Credential, string_to_sign: str, **members: Any) -> Fault:
    """S3's form of it, which the legacy algorithm shares."""
    return Fault(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
        status=403,
        AWSAccessKeyId=credential.access_key,
        StringToSign=string_to_sign,
        SignatureProvided=credential.signature,
        StringToSignBytes=_bytes(string_to_sign),
        **members,
    )


def headers_not_signed(request: Request, credential: Credential) -> Fault:
    """S3 refuses an x-amz- header that nobody signed, as it may have been added on the way."""
    names = sorted(
        name
        for name in request.headers
        if name.startswith("x-amz-") and name not in credential.signed_headers and name != "x-amz-content-sha256"
    )
    return Fault(
        "AccessDenied", "There were headers present in the request which were not signed", status=403, HeadersNotSigned=", ".join(names)
    )


def content_sha256_missing() -> Fault:
    """S3 wants the header on every signed request."""
    return Fault("InvalidRequest", "Missing required header for this request: x-amz-content-sha256", status=400)


def content_sha256_invalid(value: str) -> Fault:
    """Neither a hash nor one of the words for a payload that isn't hashed as a whole."""
    return Fault(
        "InvalidArgument",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, "
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
        status=400,
        ArgumentName="x-amz-content-sha256",
        ArgumentValue=value,
    )


def content_sha256_mismatch(given: str, computed: str, *, s3: bool) -> Fault:
    """The body is not the one that was signed."""
    if not s3:
        return Fault("InvalidSignatureException", _MISMATCH, status=403)
    return Fault(
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        status=400,
        ClientComputedContentSHA256=given,
        S3ComputedContentSHA256=computed,
    )


def body_differs(request: Request, credential: Credential) -> Fault:
    """The same of any other service, where the header is right about the signature and wrong about the body."""
    return _invalid(request, credential, _MISMATCH)


def _invalid(request: Request, credential: Credential, text: str) -> Fault:
    """The code is the service's: EC2 has one of its own, XML services print it bare, JSON services as an exception."""
    if credential.service == "ec2":
        return Fault("AuthFailure", "AWS was not able to validate the provided access credentials", status=401)
    if credential.service in _XML or credential.service in _XML_MORE:
        return Fault("SignatureDoesNotMatch", text, status=403)
    # Services that are called by X-Amz-Target say 400, REST services 403.
    return Fault("InvalidSignatureException", text, status=400 if "x-amz-target" in request.headers else 403)


def _incomplete(request: Request, text: str) -> Fault:
    return Fault("IncompleteSignatureException" if is_json(request) else "IncompleteSignature", text, status=400)


def _query_error(message: str) -> Fault:
    return Fault("AuthorizationQueryParametersError", message, status=400)


def _bytes(text: str) -> str:
    return text.encode().hex(" ")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _compact(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y%m%dT%H%M%SZ")
