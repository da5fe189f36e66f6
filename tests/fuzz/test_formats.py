"""Formats that carry requests, fed with bytes of any kind and with right ones that were bent."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.bends import BYTES, TEXTS, VALUES, bent, bent_text
from windtunnel.aws.errors import Fault
from windtunnel.gateway.http.body import Chunks
from windtunnel.gateway.http.head import HeadParser, Refusal
from windtunnel.gateway.http.limits import Limits
from windtunnel.wire import cbor, eventstream, forms, xml
from windtunnel.wire.chunked import ChunkDecoder
from windtunnel.wire.credential import credential_of
from windtunnel.wire.message import Request
from windtunnel.wire.post_policy import post_credential_of, verify_post_policy
from windtunnel.wire.sigv2 import verify as verify_v2
from windtunnel.wire.sigv4 import verify

HEAD = (
    b"POST /bucket/key?partNumber=1 HTTP/1.1\r\nHost: s3.localhost:4566\r\nContent-Length: 12"
    b"\r\nX-Amz-Date: 20260101T000000Z\r\nAccept: a\r\nAccept: b\r\n\r\n"
)
CHUNKED = b"5;chunk-extension=1\r\nhello\r\n0\r\nx-trailer: value\r\n\r\n"
AWS_CHUNKED = (
    b"5;chunk-signature=" + b"a" * 64 + b"\r\nhello\r\n0;chunk-signature=" + b"b" * 64 + b"\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
)
FRAME = eventstream.frame({":event-type": "Records", ":content-type": "text/plain", "n": 1}, b"payload")
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhello\r\n--b--\r\n'
)
XML = b'<?xml version="1.0"?><Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet><Tag><Key>a&amp;b</Key></Tag></TagSet></Tagging>'
CBOR = b"\xbf\x61a\x82\x01\xf9\x3c\x00\x61b\xc1\x1a\x65\x00\x00\x00\x61c\x5f\x41\x00\xff\xff"
POLICY = (
    '{"expiration": "2030-01-01T00:00:00Z", "conditions": [{"bucket": "b"}, ["starts-with", "$key", "u/"], ["content-length-range", 0, 9]]}'
)
PRESIGNED = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z"
    "&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=" + "0" * 64
)
LEGACY = "AWSAccessKeyId=AKIA&Signature=c2lnbmF0dXJl&Expires=1767225600"
NOW = 1_767_225_600.0


@given(BYTES | bent(HEAD))
def test_a_head_is_read_or_refused(data: bytes) -> None:
    parser = HeadParser(Limits())
    with suppress(Refusal):
        request, _ = parser.parse(data if data.endswith(b"\r\n\r\n") else data + b"\r\n\r\n", "127.0.0.1", "http")
        assert request.path


@given(BYTES | bent(CHUNKED), st.integers(1, 9))
def test_a_chunked_body_is_read_or_refused_however_it_comes(data: bytes, size: int) -> None:
    chunks, pieces, held = Chunks(Limits()), list[bytes](), b""
    with suppress(Refusal):
        for start in range(0, len(data), size):
            held += data[start : start + size]
            held = held[chunks.feed(held, 0, pieces.append) :]
            if chunks.complete:
                break
    assert sum(map(len, pieces)) <= len(data)


@given(BYTES | bent(AWS_CHUNKED), st.integers(1, 40))
def test_a_signed_body_is_read_or_refused_however_it_comes(data: bytes, size: int) -> None:
    decoder, pieces = ChunkDecoder(5, trailer_names=frozenset({"x-amz-checksum-crc32"})), list[bytes]()
    with suppress(Fault):
        for start in range(0, len(data), size):
            pieces += decoder.feed(data[start : start + size])
        decoder.finish()
    assert sum(map(len, pieces)) <= len(data)


@given(BYTES | bent(FRAME + FRAME))
def test_a_frame_of_an_event_stream_is_read_or_refused(data: bytes) -> None:
    with suppress(Fault):
        found = eventstream.unframe(data)
        assert found is None or found[2] <= len(data)


@given(BYTES | bent(CBOR))
def test_cbor_is_read_or_refused(data: bytes) -> None:
    with suppress(cbor.MalformedCbor):
        assert cbor.loads(data) is not NotImplemented


@given(BYTES | bent(XML))
def test_xml_is_read_or_refused(data: bytes) -> None:
    with suppress(xml.MalformedXml):
        assert xml.parse(data) is not None


@given(
    BYTES | bent(FORM),
    st.sampled_from(["multipart/form-data; boundary=b", "multipart/form-data; boundary=", "multipart/form-data"]) | TEXTS,
)
def test_a_form_is_read_or_refused(data: bytes, content_type: str) -> None:
    with suppress(ValueError):
        assert isinstance(forms.form_of(content_type, data).fields, dict)


@given(bent_text(POLICY) | TEXTS | VALUES.map(lambda value: msgspec.json.encode(value).decode()), st.booleans(), TEXTS)
def test_a_post_policy_holds_or_is_refused(policy: str, modern: bool, word: str) -> None:
    fields = {"key": "u/1", "policy": b64encode(policy.encode("utf-8", "surrogatepass")).decode(), "file": ""}
    fields |= (
        {
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": "AKIA/20260101/us-east-1/s3/aws4_request",
            "x-amz-date": "20260101T000000Z",
        }
        | {"x-amz-signature": word}
        if modern
        else {"awsaccesskeyid": "AKIA", "signature": word}
    )
    with suppress(Fault):
        post_credential_of(fields)
        assert verify_post_policy(fields, None, NOW, bucket="b") is not None


@given(
    bent_text(PRESIGNED) | bent_text(LEGACY) | TEXTS,
    bent_text("AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"),
)
def test_a_signature_is_looked_at_or_refused(query: str, header: str) -> None:
    for request in (
        Request("GET", "/bucket/key", query, {"host": "s3.us-east-1.amazonaws.com"}),
        Request(
            "GET", "/bucket/key", "", {"host": "s3.us-east-1.amazonaws.com", "authorization": header, "x-amz-date": "20260101T000000Z"}
        ),
    ):
        with suppress(Fault):
            credential = credential_of(request)
            assert credential is None or credential.access_key is not None
            if credential is not None and credential.algorithm in ("AWS", "HmacSHA1"):
                verify_v2(request, credential, "secret", NOW)
            elif credential is not None:
                verify(request, credential, "secret", NOW, s3=True, body_sha256="UNSIGNED-PAYLOAD")
