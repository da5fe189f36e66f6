"""A message on its way from whoever published it to the subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.services.sns.delivery.envelope import Attributes, Notification
from windtunnel.services.sns.rules import texts_of

UNPARSED: Any = object()
"""A body that nobody has looked into yet."""


class Published(msgspec.Struct):
    """What was published. What is made of it for one subscription and suits others is kept beside it."""

    id: str
    message: str
    subject: str
    attributes: Attributes
    texts: Mapping[str, Any] | None = None
    """A text for each protocol, where MessageStructure is `json`."""
    group: str = ""
    deduplication: str = ""
    sequence: str = ""
    replayed_of: float = 0.0
    """When it was published, where it comes from the archive."""
    body: Any = UNPARSED
    notification: Notification | None = None
    envelopes: dict[str, tuple[str, str]] = {}
    events: dict[str, tuple[str, str, str]] = {}

    def saying(self, message: str) -> Published:
        """The same message with another text."""
        texts = None if self.texts is None else texts_of(message)
        return Published(
            self.id, message, self.subject, self.attributes, texts, self.group, self.deduplication, self.sequence, self.replayed_of
        )

    def text(self, protocol: str) -> str:
        if self.texts is None:
            return self.message
        text = self.texts.get(protocol)
        return text if isinstance(text, str) else self.texts["default"]
