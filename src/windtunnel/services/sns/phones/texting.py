"""Texts on their way to a phone, and what its owner answers: who replies STOP gets no more of the account's.

The reply is a visit of `/_aws/sns/replies/ACCOUNT/REGION/NUMBER/TEXT`, in place of a phone.
https://docs.aws.amazon.com/sns/latest/dg/sms_manage.html#sms_manage_optout
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from windtunnel.fabric import Tx
from windtunnel.fabric.outbox import post
from windtunnel.services.sns.delivery.feedback import FORBIDDEN, OK, tell
from windtunnel.services.sns.state import OPTED_OUT

REPLIES_PREFIX = "/_aws/sns/replies/"
STOP_WORDS = frozenset({"ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE"})
ACCEPTED = "Message has been accepted by phone"
REFUSED = "Phone number is opted out"
NO_LOG: Final[Mapping[str, Any]] = {}
_FIELDS = 4


def text(tx: Tx, number: str, body: str, *, source: str, sender: str = "", log: Mapping[str, Any] = NO_LOG) -> None:
    """Sends a text, unless the phone's owner wants none."""
    if tx.get(OPTED_OUT, number) is not None:
        tell(tx, log, REFUSED, FORBIDDEN)
        return
    post(tx, "sms", number, body, source=source, sender=sender)
    tell(tx, log, ACCEPTED, OK)


def answer(tx: Tx, path: str) -> tuple[str, bytes] | None:
    """Takes the reply of a phone's owner."""
    fields = unquote(path.removeprefix(REPLIES_PREFIX)).split("/", _FIELDS - 1)
    if len(fields) != _FIELDS:
        return None
    account, region, number, said = fields
    stops = said.strip().upper() in STOP_WORDS
    if stops:
        tx.at(account=account, region=region).put(OPTED_OUT, number, value=True)
    return "text/plain", b"You are opted out.\n" if stops else b"Thank you.\n"
