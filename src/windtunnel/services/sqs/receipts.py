"""Receipt handles: opaque to the client, and all that is needed to find a message again without an index."""

from __future__ import annotations

from base64 import b64decode, b64encode
from struct import Struct, error
from zlib import crc32

import msgspec

from windtunnel.aws.errors import Fault

_VERSION = b"\x01\x01\x01"
"""AWS's handles begin with AQEB as well."""
_FIELDS = Struct(">QQdQdI")
_CHECK_BYTES = 4


class Receipt(msgspec.Struct, frozen=True, array_like=True):
    """One receiving of one message. `at` is when it was received, `count` how often until then; `group` is a FIFO queue's."""

    queue: int
    store: int
    sent: float
    serial: int
    at: float
    count: int
    group: str = ""


def handle_of(queue: int, store: int, sent: float, serial: int, at: float, count: int, group: str = "") -> str:
    packed = _FIELDS.pack(queue, store, sent, serial, at, count) + group.encode()
    # The checksum is no secret: it makes a handle that was cut or made up a refusal.
    return b64encode(_VERSION + crc32(packed).to_bytes(_CHECK_BYTES) + packed).decode()


def receipt_of(handle: str, queue: int) -> Receipt:
    """What a handle of a queue says. Raises AWS's fault for any other text."""
    try:
        raw = b64decode(handle, validate=True)
        packed = raw[len(_VERSION) + _CHECK_BYTES :]
        whole = raw[: len(_VERSION)] == _VERSION and crc32(packed).to_bytes(_CHECK_BYTES) == raw[len(_VERSION) : -len(packed)]
        receipt = msgspec.convert((*_FIELDS.unpack_from(packed), packed[_FIELDS.size :].decode()), Receipt) if whole else None
    except (ValueError, error):
        receipt = None
    if receipt is None or receipt.queue != queue:
        raise Fault("ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid receipt handle.')
    return receipt
