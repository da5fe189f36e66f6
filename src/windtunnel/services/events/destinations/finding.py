"""Connections by their names and ARNs."""

from __future__ import annotations

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Tx
from windtunnel.services.events.state import CONNECTIONS, Connection, not_found

OAUTH = "OAUTH_CLIENT_CREDENTIALS"
AUTHORIZED, AUTHORIZING, DEAUTHORIZED = "AUTHORIZED", "AUTHORIZING", "DEAUTHORIZED"


def find_connection(tx: Tx, name: str, verb: str) -> Connection:
    connection = tx.get(CONNECTIONS, name)
    if connection is None:
        raise not_found(f"Failed to {verb} the connection(s). Connection '{name}' does not exist.")
    return connection


def connection_of(tx: Tx, text: str) -> tuple[str, Connection] | None:
    """The name and the connection that an ARN means; None where there is none any more."""
    arn = parse_or_none(text)
    name, _, id = ("", "", "") if arn is None or arn.type != "connection" else arn.id.partition("/")
    connection = tx.get(CONNECTIONS, name) if name else None
    return None if connection is None or connection.id != id else (name, connection)
