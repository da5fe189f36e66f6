"""Which tags a stream or a consumer can have."""

from __future__ import annotations

import re
from collections.abc import Mapping

from windtunnel.fabric import Tx
from windtunnel.fabric.tags import TAGS_MAX, tags_of
from windtunnel.services.kinesis.rules import invalid

_ALLOWED = re.compile(r"[\w\s./=+\-@:,%]*")


def check_tags(tx: Tx, arn: str, tags: Mapping[str, str]) -> None:
    """Whether a resource can have these tags as well. Raises InvalidArgumentException."""
    for text in (*tags.keys(), *tags.values()):
        if _ALLOWED.fullmatch(text) is None:
            raise invalid("Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @.")
    if len({*tags_of(tx, arn), *tags}) > TAGS_MAX:
        raise invalid(
            f"Failed to add tags to stream {arn.rpartition('/')[2]} under account {tx.account} "
            f"because a given stream cannot have more than {TAGS_MAX} tags associated with it."
        )
