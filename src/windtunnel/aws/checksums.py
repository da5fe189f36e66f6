"""The checksums S3 keeps of objects: computed while bytes pass, combined for multipart uploads, written as base64.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import hashlib
import zlib
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import Any, Protocol, cast

import msgspec

Buffer = bytes | bytearray | memoryview
_CrcFunction = Callable[[Buffer, int], int]


class Checksum(Protocol):
    """A running checksum: `update` it with every piece, then ask for its digest."""

    name: str
    """AWS's word, one of ALGORITHMS."""

    def update(self, data: Buffer) -> None: ...
    def digest(self) -> bytes: ...
    def base64(self) -> str: ...


class _Crc(msgspec.Struct, frozen=True):
    """What makes a CRC: all of S3's are reflected, begin and end inverted."""

    bits: int
    polynomial: int
    """Reflected: the lowest bit is the highest power."""


_CRCS = {"CRC32": _Crc(32, 0xEDB88320), "CRC32C": _Crc(32, 0x82F63B78), "CRC64NVME": _Crc(64, 0x9A6C9329AC4BC9B5)}
_HASHES: dict[str, int] = {"SHA1": 20, "SHA256": 32, "SHA512": 64, "MD5": 16, "XXHASH64": 8, "XXHASH3": 8, "XXHASH128": 16}
"""How many bytes each gives."""

ALGORITHMS = (*_CRCS, *_HASHES)
"""Those that `x-amz-checksum-algorithm` may name."""
COMBINED = frozenset(_CRCS)
"""Those that the checksum of a whole can be told of from its parts'."""


class CrcChecksum:
    """A CRC; its digest is the number, highest byte first."""

    __slots__ = ("_function", "_length", "_value", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._function = _crc_function(name)
        self._length = _CRCS[name].bits // 8
        self._value = 0

    def update(self, data: Buffer) -> None:
        """Take in the next bytes."""
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        """The checksum so far."""
        return self._value.to_bytes(self._length)

    def base64(self) -> str:
        """The checksum so far, as AWS writes it."""
        return b64encode(self.digest()).decode()


class _Hash(Protocol):
    def update(self, data: Buffer, /) -> None: ...
    def digest(self) -> bytes: ...


class _XxHash:
    """One of the xxHash family, which the C library behind awscrt has."""

    __slots__ = ("_hash",)

    def __init__(self, name: str) -> None:
        from awscrt.checksums import XXHash

        new = {"XXHASH64": XXHash.new_xxhash64, "XXHASH3": XXHash.new_xxhash3_64, "XXHASH128": XXHash.new_xxhash3_128}[name]
        self._hash: Any = new()

    def update(self, data: Buffer, /) -> None:
        self._hash.update(bytes(data))

    def digest(self) -> bytes:
        return self._hash.finalize()


class HashChecksum:
    """A hash: of hashlib's, or of xxHash's."""

    __slots__ = ("_hash", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._hash: _Hash = _XxHash(name) if name.startswith("XX") else hashlib.new(name.lower(), usedforsecurity=False)

    def update(self, data: Buffer) -> None:
        """Take in the next bytes."""
        self._hash.update(data)

    def digest(self) -> bytes:
        """The checksum so far."""
        return self._hash.digest()

    def base64(self) -> str:
        """The checksum so far, as AWS writes it."""
        return b64encode(self._hash.digest()).decode()


def checksum(name: str) -> Checksum:
    """A new checksum; the name in any case, `CRC64NVME` also as `crc64nvme`. Raises KeyError for a name that isn't one."""
    name = name.upper()
    if name in _CRCS:
        return CrcChecksum(name)
    if name in _HASHES:
        return HashChecksum(name)
    raise KeyError(name)


def checksum_of(name: str, data: Buffer) -> str:
    """The checksum of bytes that are all there, as base64."""
    running = checksum(name)
    running.update(data)
    return running.base64()


def is_checksum(name: str, text: str) -> bool:
    """Whether a text is base64 of as many bytes as the algorithm gives: what S3 checks before it compares."""
    name = name.upper()
    length = _CRCS[name].bits // 8 if name in _CRCS else _HASHES[name]
    try:
        return len(b64decode(text, validate=True)) == length
    except (NotBase64, ValueError):
        return False


def composite(name: str, parts: Sequence[str]) -> str:
    """The COMPOSITE checksum of a multipart upload: that of its parts' checksums in a row, and how many there are."""
    running = checksum(name)
    for part in parts:
        running.update(b64decode(part))
    return f"{running.base64()}-{len(parts)}"


def full_object(name: str, parts: Iterable[tuple[str, int]]) -> str:
    """The FULL_OBJECT checksum of a multipart upload from its parts' CRCs and sizes, without reading a byte of them.

    Only CRCs can do this, and S3 offers it for them alone.
    """
    crc = _CRCS[name.upper()]
    value = 0
    for text, size in parts:
        value = combine(crc.polynomial, value, int.from_bytes(b64decode(text)), size)
    return b64encode(value.to_bytes(crc.bits // 8)).decode()


def combine(polynomial: int, first: int, second: int, second_length: int) -> int:
    """The CRC of two byte strings in a row, from the CRC of each and the length of the second.

    Appending n zero bytes multiplies a CRC by x**(8n); the inversions at both ends of each cancel out.
    """
    return _multiply(polynomial, _power(polynomial, 8 * second_length), first) ^ second


def _multiply(polynomial: int, a: int, b: int) -> int:
    """a·b modulo the polynomial, all reflected (the lowest bit is the highest power)."""
    top = 1 << (polynomial.bit_length() - 1)
    product = 0
    while a:
        if a & top:
            product ^= b
            a ^= top
        a <<= 1
        b = b >> 1 ^ polynomial if b & 1 else b >> 1
    return product


@lru_cache(maxsize=4096)
def _power(polynomial: int, exponent: int) -> int:
    """x**exponent modulo the polynomial, by squaring."""
    one = 1 << (polynomial.bit_length() - 1)
    result, base = one, one >> 1
    while exponent:
        if exponent & 1:
            result = _multiply(polynomial, base, result)
        base = _multiply(polynomial, base, base)
        exponent >>= 1
    return result


@cache
def _crc_function(name: str) -> _CrcFunction:
    if name == "CRC32":
        return zlib.crc32
    # The C library behind awscrt takes a while to load, and most regions never see these two.
    from awscrt import checksums

    # Its types ask for bytes, its code for any buffer.
    return cast("_CrcFunction", checksums.crc32c if name == "CRC32C" else checksums.crc64nvme)
