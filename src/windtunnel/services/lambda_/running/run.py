"""A run of a function as all who invoke one want it: with a place among its invocations, or, of a durable one, as a whole execution."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.fabric import Call, Fault
from windtunnel.planes.compute import Stream
from windtunnel.services.lambda_.durable.starting import complete
from windtunnel.services.lambda_.places import Found
from windtunnel.services.lambda_.running.execute import Ran, execute
from windtunnel.services.lambda_.running.sandboxes import Concurrency


async def run(
    call: Call,
    found: Found,
    payload: bytes,
    request_id: str,
    client_context: str = "",
    stream: Stream | None = None,
    *,
    name: str = "",
    messages: Sequence[str] = (),
) -> Ran:
    """Raises TooManyRequestsException where a function has no room; a durable one's runs wait for theirs. `name` is an execution's."""
    if found.version.durable is None:
        with Concurrency(call, found) as placed:
            return await execute(call, placed, payload, request_id, client_context, stream, messages=messages)
    if stream is not None:
        raise Fault("NotImplemented", "windtunnel does not stream what durable functions answer.", status=501)
    return await complete(call, found, payload, name)
