"""Tokens of OAuth servers: asked for when a connection is made and when one is over, and kept as long as they hold.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection-auth.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.planes.network.client import Answer, HttpError
from windtunnel.services.events.destinations.finding import AUTHORIZED, AUTHORIZING, DEAUTHORIZED
from windtunnel.services.events.destinations.parameters import Outgoing, token_request
from windtunnel.services.events.state import CONNECTIONS, TOKENS, Connection, Token

TIMEOUT_SECONDS = 5.0
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html"""
EARLY_SECONDS = 60
"""A token is replaced so long before its end."""
ATTEMPTS_MAX = 6
RETRY_SECONDS = 10.0


class Granted(msgspec.Struct, frozen=True):
    """What an OAuth server answers: https://www.rfc-editor.org/rfc/rfc6749#section-5.1"""

    access_token: str
    expires_in: float = 3600.0


async def authorize(call: Call, payload: Mapping[str, Any]) -> Any:
    """Timer: a connection asks for its first token; a server that doesn't answer is asked again for ten minutes."""
    name, attempts = payload["connection"], payload["attempts"] + 1
    connection = call.read(lambda tx: tx.get(CONNECTIONS, name))
    if connection is None or connection.state != AUTHORIZING:
        return None
    try:
        token = await _fetch(call, connection)
    except HttpError as error:
        return partial(_failed, name=name, connection=connection, attempts=attempts, reason=str(error))
    except Fault as fault:
        return partial(_failed, name=name, connection=connection, attempts=ATTEMPTS_MAX, reason=fault.message)
    return partial(_succeeded, name=name, connection=connection, token=token)


async def token_of(call: Call, connection: Connection, *, fresh: bool = False) -> str:
    """The token of a connection. Raises HttpError or Fault where its server gives none."""
    kept = call.read(lambda tx: tx.get(TOKENS, connection.id))
    if kept is not None and kept.until > call.now() and not fresh:
        return kept.text
    token = await _fetch(call, connection)
    await call.transact(lambda tx: tx.put(TOKENS, connection.id, value=token))
    return token.text


async def send(call: Call, outgoing: Outgoing) -> Answer:
    """The answer to a request. Raises HttpError."""
    return await call.cloud.courier.web.request(outgoing.method, outgoing.url, outgoing.headers, outgoing.body, seconds=TIMEOUT_SECONDS)


async def _fetch(call: Call, connection: Connection) -> Token:
    answer = await send(call, token_request(connection.parameters))
    try:
        granted = msgspec.json.decode(answer.body if 200 <= answer.status < 300 else b"", type=Granted, strict=False)
    except msgspec.DecodeError as error:
        raise Fault("AccessDeniedException", f"The authorization endpoint answered {answer.status} without a token.") from error
    return Token(granted.access_token, call.now() + max(granted.expires_in - EARLY_SECONDS, granted.expires_in / 2))


def _succeeded(tx: Tx, name: str, connection: Connection, token: Token) -> None:
    if tx.get(CONNECTIONS, name) == connection:
        tx.put(CONNECTIONS, name, value=msgspec.structs.replace(connection, state=AUTHORIZED, authorized=tx.now))
        tx.put(TOKENS, connection.id, value=token)


def _failed(tx: Tx, name: str, connection: Connection, attempts: int, reason: str) -> None:
    if tx.get(CONNECTIONS, name) != connection:
        return
    if attempts < ATTEMPTS_MAX:
        due = tx.now + RETRY_SECONDS * 2 ** (attempts - 1)
        tx.timer(due, "authorize", {"connection": name, "attempts": attempts}, name=name)
    else:
        tx.put(CONNECTIONS, name, value=msgspec.structs.replace(connection, state=DEAUTHORIZED, reason=reason))
