"""A browser's form becomes a call of PutObject: its fields are the headers, its policy's signature the proof.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.kernel.clock import Clock
from windtunnel.wire.codec import compiled
from windtunnel.wire.credential import Credential
from windtunnel.wire.forms import Form, form_of, is_form
from windtunnel.wire.hosts import host_of
from windtunnel.wire.match import Codec, Match
from windtunnel.wire.message import Request, Response
from windtunnel.wire.post_policy import post_credential_of, verify_post_policy
from windtunnel.wire.sigv4 import timestamp_of
from windtunnel.wire.xml import PROLOG, escape

FIELDS_BYTES_MAX = 20 * 1024
_FILENAME = "${filename}"
_HEADERS = frozenset({"cache-control", "content-type", "content-disposition", "content-encoding", "content-language", "expires"})
_STATUSES = frozenset({200, 201, 204})


class Posted(msgspec.Struct, frozen=True):
    """A form, understood: the call it makes, and how that is answered."""

    match: Match
    codec: Codec
    members: dict[str, Any]
    proof: PostProof | None


class PostProof:
    """A form's policy, to be held against the secret of the key that signed it."""

    def __init__(self, form: Form, credential: Credential, clock: Clock, bucket: str) -> None:
        self._form, self._credential, self._clock, self._bucket = form, credential, clock, bucket

    @property
    def access_key(self) -> str:
        return self._credential.access_key

    @property
    def token(self) -> str:
        return self._credential.token

    def verify(self, secret: str | None) -> None:
        check_policy(self._form, secret, self._now(), self._bucket)

    def _now(self) -> float:
        """A policy ages by the region's clock, as a presigned URL does, where it tells when it was signed."""
        signed = timestamp_of(self._credential.timestamp)
        return self._clock.machine() if signed is None else signed + self._clock.now() - self._clock.region_at(signed)


def check_policy(form: Form, secret: str | None, now: float, bucket: str) -> None:
    """Raises where a form doesn't keep to its policy."""
    policy = verify_post_policy(form.fields, secret, now, bucket=bucket)
    policy.check_size(len(form.file or b""))


def posted(request: Request, bucket: str, clock: Clock) -> Posted:
    """What a POST to a bucket asks for. Raises the fault of one that is no form for S3."""
    content_type = request.headers.get("content-type", "")
    if not is_form(content_type):
        message = "At least one of the pre-conditions you specified did not hold"
        condition = "Bucket POST must be of the enclosure-type multipart/form-data"
        raise Fault("PreconditionFailed", message, status=412, Condition=condition)
    form = _form(content_type, request.body)
    fields = {name.lower(): value for name, value in form.fields.items()}
    credential = post_credential_of(form.fields)
    match = Match("s3", "PutObject", "rest-xml", {"Bucket": bucket, "Key": fields["key"]}, credential)
    codec = compiled("s3", "PutObject", "rest-xml")
    headers = _headers(fields)
    put = Request("PUT", request.path, "", headers, form.file or b"", scheme=request.scheme, source_ip=request.source_ip)
    members = codec.parse(put, match)
    members.setdefault("Body", b"")
    members["Posted"] = True  # no member of PutObject, but those who listen are told of a form
    location = _location(request, bucket, fields["key"])

    def respond(result: Mapping[str, Any], request_id: str) -> Response:
        return _answer(codec.respond(result, request_id), result, fields, bucket, location)

    proof = None if credential is None else PostProof(form, credential, clock, bucket)
    if proof is None and "policy" in fields:
        check_policy(form, None, clock.machine(), bucket)
    return Posted(match, Codec(codec.parse, respond, codec.refuse), members, proof)


def _form(content_type: str, body: bytes) -> Form:
    try:
        form = form_of(content_type, body)
    except ValueError:
        message = "The body of your POST request is not well-formed multipart/form-data."
        raise Fault("MalformedPOSTRequest", message, status=400) from None
    if sum(len(name) + len(value) for name, value in form.fields.items()) > FIELDS_BYTES_MAX:
        message = "Your POST request fields preceding the upload file was too large."
        raise Fault("MaxPostPreDataLengthExceeded", message, status=400, MaxPostPreDataLengthBytes=str(FIELDS_BYTES_MAX))
    name = next((name for name in form.fields if name.lower() == "key"), None)
    if name is None:
        message = "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields."
        raise Fault("InvalidArgument", message, status=400, ArgumentName="key", ArgumentValue="")
    if form.file is None:
        message = "POST requires exactly one file upload per request."
        raise Fault("InvalidArgument", message, status=400, ArgumentName="file", ArgumentValue="0")
    if form.filename and _FILENAME in form.fields[name]:
        fields = {**form.fields, name: form.fields[name].replace(_FILENAME, form.filename)}
        return Form(fields, form.file, form.filename)
    return form


def _headers(fields: Mapping[str, str]) -> dict[str, str]:
    """The headers of the request that would have put the same object. Only metadata may be more than Latin there."""
    headers: dict[str, str] = {}
    for name, value in fields.items():
        if name in _HEADERS:
            headers[name] = value if value.isascii() else "".join(letter if letter < "\u0100" else " " for letter in value)
        elif name.startswith("x-amz-meta-") and "=?" in value:
            # A header's metadata is decoded, a form's is not: it is wrapped once more.
            headers[name] = f"=?UTF-8?B?{b64encode(value.encode()).decode()}?="
        elif name.startswith("x-amz-"):
            headers[name] = value
    if "acl" in fields:
        headers["x-amz-acl"] = fields["acl"]
    if "tagging" in fields:
        tagging = Request("PUT", "/", "tagging", {}, fields["tagging"].encode())
        parsed: Any = compiled("s3", "PutObjectTagging", "rest-xml").parse(tagging, Match("s3", "PutObjectTagging", "rest-xml"))
        tags: list[Mapping[str, str]] = parsed["Tagging"].get("TagSet") or []
        headers["x-amz-tagging"] = urlencode([(tag.get("Key", ""), tag.get("Value", "")) for tag in tags])
    return headers


def _location(request: Request, bucket: str, key: str) -> str:
    """S3 names buckets by their hosts, also where the form was posted to a path; a plain address has no room for that."""
    host, shown = request.host, quote(key, safe="")
    if host_of(host).bucket:
        return f"{request.scheme}://{host}/{shown}"
    if host_of(host).services and "." not in bucket:
        return f"{request.scheme}://{bucket}.{host}/{shown}"
    return f"{request.scheme}://{host}/{bucket}/{shown}"


def _answer(response: Response, result: Mapping[str, Any], fields: Mapping[str, str], bucket: str, location: str) -> Response:
    """A redirection to a page of the form's, or one of three statuses, 204 unless the form says otherwise."""
    etag = result["ETag"]
    target = fields.get("success_action_redirect", fields.get("redirect", ""))
    parts = urlsplit(target)
    if parts.scheme and parts.netloc:
        query = urlencode({"bucket": bucket, "key": fields["key"], "etag": etag})
        moved = parts._replace(query=f"{parts.query}&{query}" if parts.query else query).geturl()
        return Response(303, [*response.headers, ("Location", moved)])
    asked = fields.get("success_action_status", "")
    status = int(asked) if asked.isdecimal() and int(asked) in _STATUSES else 204
    headers = [*response.headers, ("Location", location)]
    if status != 201:
        return Response(status, headers)
    body = (
        f"{PROLOG}<PostResponse><Location>{escape(location)}</Location><Bucket>{escape(bucket)}</Bucket>"
        f"<Key>{escape(fields['key'])}</Key><ETag>{escape(etag)}</ETag></PostResponse>"
    )
    return Response(201, [*headers, ("Content-Type", "application/xml")], body.encode())
