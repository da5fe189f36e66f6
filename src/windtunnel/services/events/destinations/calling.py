"""What is delivered to an API destination is one HTTP request to its endpoint.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html: it must be answered within five seconds. 429, 409
and 5xx are tried again; 401 and 407 too, with a new token, where a token authorised the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Call, Fault
from windtunnel.planes.network.client import Answer, HttpError
from windtunnel.services.events.destinations.authorizing import send, token_of
from windtunnel.services.events.destinations.finding import AUTHORIZED, OAUTH, connection_of
from windtunnel.services.events.destinations.parameters import authorization, invocation
from windtunnel.services.events.state import API_DESTINATIONS, Connection, not_found

RETRIED = frozenset({409, 429})
TOKEN_REFUSED = frozenset({401, 407})


async def call_destination(call: Call, req: Mapping[str, Any]) -> dict[str, Any]:
    """Taker: calls the endpoint of an API destination; what it answers is for pipes."""
    destination = call.read(lambda tx: tx.get(API_DESTINATIONS, req["name"]))
    if destination is None:
        raise not_found(f"API destination {req['name']} does not exist.")
    named = call.read(connection_of, destination.connection)
    if named is None or named[1].state != AUTHORIZED:
        raise Fault("AccessDeniedException", f"The connection of API destination {req['name']} is not authorized.")
    connection = named[1]

    async def attempt(*, fresh: bool) -> Answer:
        authorized = await _authorized(call, connection, fresh=fresh)
        http = req["parameters"].get("HttpParameters", {})
        outgoing = invocation(destination.method, destination.endpoint, req["body"], http, connection.parameters, authorized)
        return await send(call, outgoing)

    try:
        answer = await attempt(fresh=False)
        if answer.status in TOKEN_REFUSED and connection.kind == OAUTH:
            answer = await attempt(fresh=True)
    except HttpError as error:
        raise Fault(error.code, str(error), status=503) from error
    status = answer.status
    if not 200 <= status < 300:
        # A fault of 5xx or 429 is delivered again, any other is the last word.
        retried = status if status >= 500 else 429 if status in RETRIED else 400
        raise Fault(f"HTTP{status}", f"{destination.endpoint} answered {status}", status=retried)
    return {"StatusCode": status, "Body": answer.body.decode("utf-8", "replace")}


async def _authorized(call: Call, connection: Connection, *, fresh: bool) -> dict[str, str]:
    if connection.kind == OAUTH:
        return {"Authorization": f"Bearer {await token_of(call, connection, fresh=fresh)}"}
    return authorization(connection.kind, connection.parameters)
