"""Bodies in aws-chunked framing: AWS's own example, every way of cutting them, and everything that can be wrong with them."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windtunnel.aws.errors import Fault
from windtunnel.wire.chunked import ChunkDecoder, ChunkedBody, body_of, decode, decoder_of
from windtunnel.wire.credential import Credential
from windtunnel.wire.message import Request
from windtunnel.wire.sigv4 import signing_key

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
CREDENTIAL = Credential("AKIAIOSFODNN7EXAMPLE", "20130524", "us-east-1", "s3", (), SEED, "20130524T000000Z")
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html#example-signature-calculations-streaming
EXAMPLE = (
    b"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + b"a" * 65536 + b"\r\n"
    b"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + b"a" * 1024 + b"\r\n"
    b"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
)


def request(kind: str, length: int | str, **headers: str) -> Request:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("PUT", "/b/k", "", {"x-amz-content-sha256": kind, "x-amz-decoded-content-length": str(length), **more})


def unsigned(length: int, *trailers: str) -> ChunkDecoder:
    return ChunkDecoder(length, trailer_names=frozenset(trailers))


def decoder(req: Request, credential: Credential | None = CREDENTIAL, secret: str | None = SECRET) -> ChunkDecoder:
    found = decoder_of(req, credential, secret)
    assert found is not None
    return found


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(Fault) as caught:
        act()
    return caught.value.code


def framed(data: bytes, size: int, *trailers: str) -> bytes:
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return body + b"0\r\n" + b"".join(f"{line}\r\n".encode() for line in trailers) + b"\r\n"


def test_awss_example_of_a_signed_body_is_decoded() -> None:
    assert decode(EXAMPLE, decoder(request(SIGNED, 66560))) == b"a" * 66560


@pytest.mark.parametrize("place", [b"ad80c", b"00556", b"b6c6e"])
def test_a_chunk_with_a_wrong_signature_is_refused(place: bytes) -> None:
    wrong = EXAMPLE.replace(place, b"00000")
    assert code_of(lambda: decode(wrong, decoder(request(SIGNED, 66560)))) == "SignatureDoesNotMatch"


def test_a_changed_byte_is_noticed_only_where_the_secret_is_known() -> None:
    changed = EXAMPLE.replace(b"aaaa\r\n400", b"aaab\r\n400")
    assert code_of(lambda: decode(changed, decoder(request(SIGNED, 66560)))) == "SignatureDoesNotMatch"
    assert decode(changed, decoder(request(SIGNED, 66560), secret=None)) == b"a" * 65535 + b"b" + b"a" * 1024


def test_signed_trailers_are_verified_and_exposed() -> None:
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    key = signing_key(SECRET, "20130524", "us-east-1", "s3")
    scope = "20130524T000000Z\n20130524/us-east-1/s3/aws4_request"
    empty = hashlib.sha256(b"").hexdigest()

    def sign(text: str) -> str:
        return hmac.digest(key, text.encode(), "sha256").hex()

    one = sign(f"AWS4-HMAC-SHA256-PAYLOAD\n{scope}\n{SEED}\n{empty}\n{hashlib.sha256(b'hello').hexdigest()}")
    last = sign(f"AWS4-HMAC-SHA256-PAYLOAD\n{scope}\n{one}\n{empty}\n{empty}")
    trailer = sign(
        f"AWS4-HMAC-SHA256-TRAILER\n{scope}\n{last}\n{hashlib.sha256(b'x-amz-checksum-crc32:NhCmhg==' + bytes([10])).hexdigest()}"
    )
    body = (
        f"5;chunk-signature={one}\r\nhello\r\n0;chunk-signature={last}\r\n"
        f"x-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:{trailer}\r\n\r\n"
    )
    good = decoder(request(kind, 5, x_amz_trailer="x-amz-checksum-crc32"))
    assert (decode(body.encode(), good), good.trailers) == (b"hello", {"x-amz-checksum-crc32": "NhCmhg=="})
    bad = decoder(request(kind, 5, x_amz_trailer="x-amz-checksum-crc32"))
    assert code_of(lambda: decode(body.replace("NhCmhg", "NhCmhh").encode(), bad)) == "SignatureDoesNotMatch"


@given(st.binary(min_size=1, max_size=30_000), st.lists(st.integers(1, 9000), max_size=20))
def test_it_does_not_matter_how_the_network_cuts_a_body(data: bytes, cuts: list[int]) -> None:
    body = framed(data, 8192, "x-amz-checksum-crc32:AAAAAA==")
    running = unsigned(len(data), "x-amz-checksum-crc32")
    pieces: list[bytes] = []
    for cut in [*cuts, len(body)]:
        pieces += running.feed(body[:cut])
        body = body[cut:]
    running.finish()
    assert (b"".join(pieces), running.trailers) == (data, {"x-amz-checksum-crc32": "AAAAAA=="})


def test_a_body_byte_by_byte_is_decoded() -> None:
    running = unsigned(5)
    pieces = [piece for byte in b"5\r\nhello\r\n0\r\n\r\n" for piece in running.feed(bytes([byte]))]
    running.finish()
    assert b"".join(pieces) == b"hello"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"5\r\nhello\r\n", "IncompleteBody"),
        (b"5\r\nhel", "IncompleteBody"),
        (b"5\r\nhello\r\n0\r\n", "IncompleteBody"),
        (b"4\r\nhell\r\n0\r\n\r\n", "IncompleteBody"),
        (b"6\r\nhello!\r\n0\r\n\r\n", "IncompleteBody"),
        (b"5\r\nhello!\r\n0\r\n\r\n", "IncompleteBody"),
        (b"-5\r\nhello\r\n0\r\n\r\n", "IncompleteBody"),
        (b"xyz\r\nhello\r\n0\r\n\r\n", "IncompleteBody"),
        (b"5\r\nhello\r\n0\r\n\r\nmore\r\n", "IncompleteBody"),
        (b"5\r\nhello\r\n0\r\nno colon\r\n\r\n", "MalformedTrailerError"),
        (b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "InvalidChunkSizeError"),
    ],
)
def test_a_malformed_body_is_refused(body: bytes, code: str) -> None:
    assert code_of(lambda: decode(body, unsigned(5))) == code


def test_a_promised_trailer_must_come() -> None:
    assert code_of(lambda: decode(framed(b"hello", 8192), unsigned(5, "x-amz-checksum-crc32"))) == "MalformedTrailerError"


def test_the_decoded_length_must_be_told() -> None:
    assert code_of(lambda: decoder(request(SIGNED, ""))) == "MissingContentLength"


def test_a_body_that_is_not_framed_needs_no_decoder() -> None:
    assert decoder_of(request("UNSIGNED-PAYLOAD", 5), CREDENTIAL, SECRET) is None


class _Stream:
    length: int | None = 28

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in (b"5\r\nhe", b"llo\r\n0\r", b"\nx-amz-a:b\r\n\r\n"):
            yield piece


def test_a_stream_is_decoded_while_it_is_read() -> None:
    req = request("STREAMING-UNSIGNED-PAYLOAD-TRAILER", 5, x_amz_trailer="x-amz-a")
    req.stream = _Stream()
    body = body_of(req, None, None)
    assert isinstance(body, ChunkedBody)

    async def read() -> bytes:
        return b"".join([piece async for piece in body])

    assert (asyncio.run(read()), body.length, body.trailers) == (b"hello", 5, {"x-amz-a": "b"})
