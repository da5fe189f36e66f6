"""Connections: how endpoints are authorised, by a name and password, a key, or a token that an OAuth server gives.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection-auth.html. What authorises lies in a secret too, as in AWS,
for its owner to see; what the service goes by is kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.events.destinations.finding import AUTHORIZED, AUTHORIZING, DEAUTHORIZED, OAUTH, find_connection
from windtunnel.services.events.destinations.parameters import KINDS, merged, secret_text, shown_parameters
from windtunnel.services.events.listings import listed
from windtunnel.services.events.state import CONNECTIONS, TOKENS, Connection, arn_within, invalid

if TYPE_CHECKING:
    from windtunnel.aws.types import events as t

METHODS = ("POST", "PUT", "GET")
"""With which an authorization endpoint can be asked."""
SETTINGS = ("InvocationConnectivityParameters", "KmsKeyIdentifier")


async def create_connection(call: Call, req: t.CreateConnectionRequest) -> t.CreateConnectionResponse:
    name = req["Name"]
    parameters = call.read(_new, req)
    secret = await _make_secret(call, name, req["AuthorizationType"], parameters)
    try:
        shown = await call.transact(_create, req, parameters, secret)
    except Fault:
        await _delete_secret(call, secret)
        raise
    del shown["LastAuthorizedTime"]
    return shown  # pyright: ignore[reportReturnType]


def _new(tx: Tx, req: t.CreateConnectionRequest) -> dict[str, Any]:
    """The parameters of a connection that can be made."""
    if tx.get(CONNECTIONS, req["Name"]) is not None:
        raise Fault("ResourceAlreadyExistsException", f"Connection {req['Name']} already exists.")
    given: Any = req["AuthParameters"]
    return _check(req["AuthorizationType"], given)


def _create(tx: Tx, req: t.CreateConnectionRequest, parameters: dict[str, Any], secret: str) -> dict[str, Any]:
    _new(tx, req)
    name, kind, about = req["Name"], req["AuthorizationType"], req.get("Description", "")
    connection = Connection(tx.new_id(), secret, kind, parameters, "", tx.now, tx.now, tx.now, about, settings=_settings(req))
    return _brief(tx, name, _authorising(tx, name, connection))


async def update_connection(call: Call, req: t.UpdateConnectionRequest) -> t.UpdateConnectionResponse:
    name = req["Name"]
    connection = call.read(_changed, req)
    secret = connection.secret
    if secret:
        text = secret_text(connection.kind, connection.parameters)
        await _vault(call).update_secret({"SecretId": secret, "SecretString": text, "ClientRequestToken": call.ids.uuid()})
    else:
        secret = await _make_secret(call, name, connection.kind, connection.parameters)
    return await call.transact(_update, req, secret)  # pyright: ignore[reportReturnType]


def _changed(tx: Tx, req: t.UpdateConnectionRequest) -> Connection:
    old = find_connection(tx, req["Name"], "update")
    kind = req.get("AuthorizationType", old.kind)
    parameters = merged(old.parameters if kind == old.kind else {}, req.get("AuthParameters", {}))
    return msgspec.structs.replace(
        old,
        kind=kind,
        parameters=_check(kind, parameters),
        modified=tx.now,
        authorized=tx.now,
        description=req.get("Description", old.description),
        settings={**old.settings, **_settings(req)},
    )


def _update(tx: Tx, req: t.UpdateConnectionRequest, secret: str) -> dict[str, Any]:
    connection = msgspec.structs.replace(_changed(tx, req), secret=secret)
    return _brief(tx, req["Name"], _authorising(tx, req["Name"], connection))


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


async def delete_connection(call: Call, req: t.DeleteConnectionRequest) -> t.DeleteConnectionResponse:
    shown, secret = await call.transact(_delete, req["Name"])
    await _delete_secret(call, secret)
    return shown  # pyright: ignore[reportReturnType]


def _delete(tx: Tx, name: str) -> tuple[dict[str, Any], str]:
    connection = find_connection(tx, name, "delete")
    tx.delete(CONNECTIONS, name)
    tx.delete(TOKENS, connection.id)
    return _brief(tx, name, msgspec.structs.replace(connection, state="DELETING")), connection.secret


async def deauthorize_connection(call: Call, req: t.DeauthorizeConnectionRequest) -> t.DeauthorizeConnectionResponse:
    shown, secret = await call.transact(_deauthorize, req["Name"])
    await _delete_secret(call, secret)
    return shown  # pyright: ignore[reportReturnType]


def _deauthorize(tx: Tx, name: str) -> tuple[dict[str, Any], str]:
    connection = find_connection(tx, name, "deauthorize")
    bare = msgspec.structs.replace(connection, parameters={}, secret="", state=DEAUTHORIZED, modified=tx.now)
    tx.put(CONNECTIONS, name, value=bare)
    tx.delete(TOKENS, connection.id)
    return _brief(tx, name, msgspec.structs.replace(bare, state="DEAUTHORIZING")), connection.secret


def _vault(call: Call) -> Any:
    """Secrets Manager, asked by whoever asks for the connection: its key knows them."""
    return call.aws_as(call.scope.principal).secretsmanager


async def _make_secret(call: Call, name: str, kind: str, parameters: Mapping[str, Any]) -> str:
    """The ARN of a new secret with the parameters in it."""
    request: Any = {
        "Name": f"events!connection/{name}/{call.ids.uuid()}",
        "SecretString": secret_text(kind, parameters),
        "ClientRequestToken": call.ids.uuid(),
    }
    return str((await _vault(call).create_secret(request))["ARN"])


async def _delete_secret(call: Call, secret: str) -> None:
    """Deletes a secret; one that somebody has deleted already is fine."""
    if secret:
        with suppress(Fault):
            await _vault(call).delete_secret({"SecretId": secret, "ForceDeleteWithoutRecovery": True})


def _authorising(tx: Tx, name: str, connection: Connection) -> Connection:
    """Keeps a connection. One that needs a token asks for it at once, and is authorised when it has come."""
    state = AUTHORIZING if connection.kind == OAUTH else AUTHORIZED
    connection = msgspec.structs.replace(connection, state=state, reason="")
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
