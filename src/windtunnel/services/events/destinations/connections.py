"""Connections: how endpoints are authorised, by a name and password, a key, or a token that an OAuth server gives.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection-auth.html. What authorises lies in a secret too, as in AWS,
for its owner to see; what the service goes by is kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.events.destinations.finding import AUTHORIZED, AUTHORIZING, DEAUTHORIZED, OAUTH, find_connection
from windtunnel.services.events.destinations.parameters import KINDS, merged, secret_text, shown_parameters
from windtunnel.services.events.listings import listed
from windtunnel.services.events.state import CONNECTIONS, TOKENS, Connection, arn_within, invalid

if TYPE_CHECKING:
    from windtunnel.aws.types import events as t

METHODS = ("POST", "PUT", "GET")
"""With which an authorization endpoint can be asked."""
SETTINGS = ("InvocationConnectivityParameters", "KmsKeyIdentifier")


def create_connection(tx: Tx, req: t.CreateConnectionRequest) -> t.CreateConnectionResponse:
    name, kind = req["Name"], req["AuthorizationType"]
    if tx.get(CONNECTIONS, name) is not None:
        raise Fault("ResourceAlreadyExistsException", f"Connection {name} already exists.")
    given: Any = req["AuthParameters"]
    parameters = _check(kind, given)
    about = req.get("Description", "")
    connection = Connection(tx.new_id(), "", kind, parameters, "", tx.now, tx.now, tx.now, about, settings=_settings(req))
    shown = _brief(tx, name, _authorising(tx, name, connection))
    del shown["LastAuthorizedTime"]
    return shown  # pyright: ignore[reportReturnType]


def update_connection(tx: Tx, req: t.UpdateConnectionRequest) -> t.UpdateConnectionResponse:
    name = req["Name"]
    old = find_connection(tx, name, "update")
    kind = req.get("AuthorizationType", old.kind)
    parameters = merged(old.parameters if kind == old.kind else {}, req.get("AuthParameters", {}))
    connection = msgspec.structs.replace(
        old,
        kind=kind,
        parameters=_check(kind, parameters),
        modified=tx.now,
        authorized=tx.now,
        description=req.get("Description", old.description),
        settings={**old.settings, **_settings(req)},
    )
    return _brief(tx, name, _authorising(tx, name, connection))  # pyright: ignore[reportReturnType]


def describe_connection(tx: Tx, req: t.DescribeConnectionRequest) -> t.DescribeConnectionResponse:
    name = req["Name"]
    connection = find_connection(tx, name, "describe")
    shown = {
        **_brief(tx, name, connection),
        "Name": name,
        "AuthorizationType": connection.kind,
        **({"SecretArn": connection.secret} if connection.secret else {}),
        "AuthParameters": shown_parameters(connection.parameters),
        **connection.settings,
    }
    members = {"Description": connection.description, "StateReason": connection.reason}
    return shown | {member: value for member, value in members.items() if value}  # pyright: ignore[reportReturnType]


def list_connections(tx: Tx, req: t.ListConnectionsRequest) -> t.ListConnectionsResponse:
    def show(name: str, connection: Connection) -> dict[str, Any]:
        shown = {**_brief(tx, name, connection), "Name": name, "AuthorizationType": connection.kind}
        return {**shown, "StateReason": connection.reason} if connection.reason else shown

    def keep(connection: Connection) -> bool:
        return req.get("ConnectionState", connection.state) == connection.state

    return listed(tx, req, "Connections", CONNECTIONS, show=show, keep=keep)


def delete_connection(tx: Tx, req: t.DeleteConnectionRequest) -> t.DeleteConnectionResponse:
    name = req["Name"]
    connection = find_connection(tx, name, "delete")
    tx.delete(CONNECTIONS, name)
    tx.delete(TOKENS, connection.id)
    _delete_secret(tx, connection)
    return _brief(tx, name, msgspec.structs.replace(connection, state="DELETING"))  # pyright: ignore[reportReturnType]


def deauthorize_connection(tx: Tx, req: t.DeauthorizeConnectionRequest) -> t.DeauthorizeConnectionResponse:
    name = req["Name"]
    connection = find_connection(tx, name, "deauthorize")
    bare = msgspec.structs.replace(connection, parameters={}, secret="", state=DEAUTHORIZED, modified=tx.now)
    tx.put(CONNECTIONS, name, value=bare)
    tx.delete(TOKENS, connection.id)
    _delete_secret(tx, connection)
    return _brief(tx, name, msgspec.structs.replace(bare, state="DEAUTHORIZING"))  # pyright: ignore[reportReturnType]


def _secret(tx: Tx, name: str, connection: Connection) -> str:
    """Puts the parameters into the connection's secret, or into a new one; its ARN."""
    value = {"SecretString": secret_text(connection.kind, connection.parameters), "ClientRequestToken": tx.new_id()}
    if connection.secret:
        tx.call("secretsmanager", "update_secret", {"SecretId": connection.secret, **value})
        return connection.secret
    return str(tx.call("secretsmanager", "create_secret", {"Name": f"events!connection/{name}/{tx.new_id()}", **value})["ARN"])


def _delete_secret(tx: Tx, connection: Connection) -> None:
    """Deletes a connection's secret; one that somebody has deleted already is fine."""
    if connection.secret:
        with suppress(Fault):
            tx.call("secretsmanager", "delete_secret", {"SecretId": connection.secret, "ForceDeleteWithoutRecovery": True})


def _authorising(tx: Tx, name: str, connection: Connection) -> Connection:
    """Keeps a connection. One that needs a token asks for it at once, and is authorised when it has come."""
    state = AUTHORIZING if connection.kind == OAUTH else AUTHORIZED
    connection = msgspec.structs.replace(connection, state=state, reason="", secret=_secret(tx, name, connection))
    tx.put(CONNECTIONS, name, value=connection)
    tx.delete(TOKENS, connection.id)
    if state == AUTHORIZING:
        tx.timer(tx.now, "authorize", {"connection": name, "attempts": 0}, name=name)
    return connection


def _settings(req: Mapping[str, Any]) -> dict[str, Any]:
    return {word: req[word] for word in SETTINGS if word in req}


def _check(kind: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters as they are kept."""
    if KINDS[kind] not in parameters:
        raise invalid(f"Parameter {KINDS[kind]} must be provided for authorization type {kind}.")
    if others := [member for member in KINDS.values() if member != KINDS[kind] and member in parameters]:
        raise invalid(f"Parameter {others[0]} is not valid for authorization type {kind}.")
    if kind != OAUTH:
        return parameters
    given = parameters["OAuthParameters"]["HttpMethod"]
    if given.upper() not in METHODS:
        place = f"Value '{given}' at 'authParameters.oAuthParameters.httpMethod'"
        allowed = f"Member must satisfy enum value set: [{', '.join(METHODS)}]"
        raise invalid(f"1 validation error detected: {place} failed to satisfy constraint: {allowed}")
    return {**parameters, "OAuthParameters": {**parameters["OAuthParameters"], "HttpMethod": given.upper()}}


def _brief(tx: Tx, name: str, connection: Connection) -> dict[str, Any]:
    return {
        "ConnectionArn": arn_within(tx, "connection", f"{name}/{connection.id}"),
        "ConnectionState": connection.state,
        "CreationTime": connection.created,
        "LastModifiedTime": connection.modified,
        "LastAuthorizedTime": connection.authorized,
    }
