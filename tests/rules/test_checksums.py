"""S3's checksums against known values and against bytes that are checked whole."""

import zlib
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windtunnel.aws.checksums import checksum, checksum_of, composite, full_object, is_checksum

SHA512 = "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274ad27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85"


@pytest.mark.parametrize(
    ("name", "hexadecimal"),
    [
        # The check values of the catalogue of CRC algorithms, for "123456789".
        ("CRC32", "cbf43926"),
        ("CRC32C", "e3069283"),
        ("CRC64NVME", "ae8b14860a799888"),
        ("SHA1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ("SHA256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        (
            "SHA512",
            "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274ad27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85",
        ),
        ("MD5", "25f9e794323b453885f5181f1b624d0b"),
        # Of the family's own implementation.
        ("XXHASH64", "8cb841db40e6ae83"),
        ("XXHASH3", "72dcb18b67a17dff"),
        ("XXHASH128", "33119477ede5dcd5e9716427681d5860"),
    ],
)
def test_a_checksum_is_the_same_in_one_piece_and_in_several(name: str, hexadecimal: str) -> None:
    running = checksum(name.lower())
    for piece in (b"1234", bytearray(b"56"), memoryview(b"789")):
        running.update(piece)
    expected = b64encode(bytes.fromhex(hexadecimal)).decode()
    assert (running.name, running.base64(), checksum_of(name, b"123456789")) == (name, expected, expected)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=6), st.sampled_from(["CRC32", "CRC32C", "CRC64NVME"]))
def test_the_checksum_of_an_object_follows_from_those_of_its_parts(parts: list[bytes], name: str) -> None:
    assert full_object(name, [(checksum_of(name, part), len(part)) for part in parts]) == checksum_of(name, b"".join(parts))


def test_a_part_of_gigabytes_is_combined_without_reading_it() -> None:
    zeros = zlib.crc32(bytes(1 << 20))
    parts = [(b64encode(zeros.to_bytes(4)).decode(), 1 << 20)] * 64
    expected = 0
    for _ in range(64):
        expected = zlib.crc32(bytes(1 << 20), expected)
    assert full_object("CRC32", parts) == b64encode(expected.to_bytes(4)).decode()


def test_a_composite_checksum_is_that_of_the_parts_checksums_and_tells_their_number() -> None:
    parts = [checksum_of("CRC32", b"a"), checksum_of("CRC32", b"b")]
    raw = zlib.crc32(b"a").to_bytes(4) + zlib.crc32(b"b").to_bytes(4)
    assert composite("CRC32", parts) == f"{b64encode(zlib.crc32(raw).to_bytes(4)).decode()}-2"


def test_only_base64_of_the_right_length_is_a_checksum() -> None:
    texts = ["AAAAAA==", "AAAA", "AAAAAAA=", "not base64!", ""]
    assert [is_checksum("crc32", text) for text in texts] == [True, False, False, False, False]
