"""What would leave the region for a person: e-mails and text messages, kept to be read instead of being sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from windtunnel.kernel.store import Table

if TYPE_CHECKING:
    from windtunnel.fabric.tx import Tx


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing somebody would have found in their mailbox or on their phone."""

    protocol: str
    """"email", "email-json", "sms", "application" (a push notification)"""
    to: str
    subject: str
    body: str
    time: float
    """The region's, seconds since 1970."""
    source: str
    """The ARN of what sent it, or the service's principal."""
    account: str = ""
    region: str = ""
    sender: str = ""
    """From whom it seems to come."""


OUTBOX = Table("fabric.outbox", Letter, scope="global")
"""(time, serial) -> Letter"""


def post(tx: Tx, protocol: str, to: str, body: str, *, source: str, subject: str = "", sender: str = "") -> None:
    """Puts a letter into the outbox, in the caller's transaction."""
    letter = Letter(protocol, to, subject, body, tx.now, source, tx.account, tx.region, sender)
    tx.put(OUTBOX, tx.now, tx.serial(), value=letter)
    tx.tell(protocol, to)
