"""What the stories of S3 share: bodies read and streamed, and refusals as values."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from tests.stories.here import Here
from windtunnel.fabric import Fault


def refused(call: Callable[..., Any], **request: Any) -> tuple[str, str, dict[str, Any]]:
    """(code, message, further members) of the fault that a call is answered with."""
    with pytest.raises(Fault) as caught:
        call(**request)
    return caught.value.code, caught.value.message, dict(caught.value.members)


def content(result: Mapping[str, Any]) -> bytes:
    """The bytes of a result, wherever they are."""
    body = result["Body"]
    if isinstance(body, bytes):
        return body
    with body.path.open("rb") as file:
        file.seek(body.offset)
        return file.read(body.length)


class Stream:
    """A body that arrives in pieces, perhaps with trailers at its end."""

    def __init__(self, pieces: list[bytes], announced: Mapping[str, str] | None = None) -> None:
        self._pieces, self._announced = pieces, announced or {}
        self.length = sum(map(len, pieces))
        self.trailers: dict[str, str] = {}

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        self.trailers.update(self._announced)


def told(here: Here, queue: str = "told") -> list[dict[str, Any]]:
    """The records that a queue has received since the last look, test events left out, in the order they came to be."""
    url = here.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    found: list[dict[str, Any]] = []
    while messages := here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            here.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found += json.loads(message["Body"]).get("Records", [])
    return sorted(found, key=lambda record: (record["eventTime"], record["s3"]["object"].get("sequencer", "")))


def keys(listing: Mapping[str, Any], of: str = "Contents") -> list[str]:
    return [item["Key"] for item in listing.get(of, [])]


def prefixes(listing: Mapping[str, Any]) -> list[str]:
    return [item["Prefix"] for item in listing.get("CommonPrefixes", [])]
