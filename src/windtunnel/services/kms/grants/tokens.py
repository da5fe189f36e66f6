"""Grant tokens: they name a grant that was just made, and are another text each time. Every one for a grant is as good as the next."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from windtunnel.aws.arn import parse
from windtunnel.fabric import Fault, Tx
from windtunnel.services.kms.state import GRANTS, KEYS, TOKENS, Found, Grant

_DIGITS = 64


def new_token(tx: Tx, grant_id: str) -> str:
    """A token of a grant."""
    return urlsafe_b64encode(bytes.fromhex(grant_id) + tx.ids.bytes(64)).decode()


def grant_of_token(tx: Tx, token: str) -> tuple[Found, str, Grant]:
    """The grant that a token names, with its key and its id. Raises InvalidGrantTokenException."""
    try:
        grant_id = urlsafe_b64decode(token.encode("ascii")).hex()[:_DIGITS]
    except ValueError as error:
        raise _invalid() from error
    arn = tx.get(TOKENS, grant_id)
    if arn is None:
        raise _invalid()
    named = parse(arn)
    there = tx.at(account=named.account, region=named.region)
    key, grant = there.get(KEYS, named.id), there.get(GRANTS, named.id, grant_id)
    if key is None or grant is None:
        raise _invalid()
    return Found(there, named.id, key), grant_id, grant


def _invalid() -> Fault:
    return Fault("InvalidGrantTokenException", "Invalid grant token.")
