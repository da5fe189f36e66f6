"""By what calls about one message are joined, since nobody who receives a message was called by who sent it: its id and its receipts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from windtunnel.fabric.service import Marks

_Members = Mapping[str, Any]
_RECEIPT = slice(4, 24)
"""The checksum of a receipt handle, and its queue."""


def _sent(request: _Members, result: _Members) -> tuple[str, ...]:
    return (result["MessageId"],)


def _sent_all(request: _Members, result: _Members) -> tuple[str, ...]:
    return tuple(entry["MessageId"] for entry in result["Successful"])


def _received(request: _Members, result: _Members) -> tuple[str, ...]:
    def marks() -> Iterator[str]:
        for message in result.get("Messages", ()):
            yield message["MessageId"]
            yield message["ReceiptHandle"][_RECEIPT]

    return tuple(marks())


def _touched(request: _Members, result: _Members) -> tuple[str, ...]:
    return (request["ReceiptHandle"][_RECEIPT],)


def _touched_all(request: _Members, result: _Members) -> tuple[str, ...]:
    return tuple(entry["ReceiptHandle"][_RECEIPT] for entry in request["Entries"] if "ReceiptHandle" in entry)


MARKS: Final[Mapping[str, Marks]] = {
    "ChangeMessageVisibility": _touched,
    "ChangeMessageVisibilityBatch": _touched_all,
    "DeleteMessage": _touched,
    "DeleteMessageBatch": _touched_all,
    "ReceiveMessage": _received,
    "SendMessage": _sent,
    "SendMessageBatch": _sent_all,
}
