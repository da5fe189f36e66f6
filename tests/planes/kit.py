"""What the stories about functions share: a machine, a way to write code down and to run it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from windtunnel.planes.compute import Environment, Invocation, Machine, Outcome, Runtime, Spec, Stream, runtime_for

PYTHON = "python3.11"
NODE = "nodejs20.x"


@contextmanager
def machine(mode: str | None = None) -> Iterator[Machine]:
    made = Machine(time.monotonic, mode=mode)
    try:
        yield made
    finally:
        made.close()


class Bench:
    """One environment at a time, with all that it logged."""

    def __init__(self, made: Machine, folder: Path) -> None:
        self.machine = made
        self.folder = folder
        self.lines: list[tuple[str, str]] = []
        self.heard = asyncio.Event()

    def spec(self, code: str, *, name: str = "app.py", runtime: str = PYTHON, **given: Any) -> Spec:
        file = self.folder / "code" / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(code)
        file.chmod(0o755)
        found = runtime_for(runtime)
        assert isinstance(found, Runtime), found
        return Spec(**{"runtime": found, "handler": "app.handler", "code": str(self.folder / "code"), "timeout": 10.0, **given})

    def log(self, request_id: str, lines: Sequence[str]) -> None:
        self.lines += [(request_id, line) for line in lines]
        self.heard.set()

    def texts(self) -> list[str]:
        return [line for _, line in self.lines]

    def within(self, spec: Spec, story: Callable[[Environment], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            environment = await Environment.start(self.machine, spec, self.log)
            try:
                return await story(environment)
            finally:
                await environment.close()

        return asyncio.run(run())

    def run(self, code: str, event: object = None, **given: Any) -> Outcome:
        return self.within(self.spec(code, **given), lambda environment: environment.invoke(invocation(event)))


def invocation(event: object = None, request_id: str = "request-1", **given: Any) -> Invocation:
    return Invocation(request_id, msgspec.json.encode(event), int((time.time() + 10) * 1000), **given)


def value(outcome: Outcome) -> Any:
    return msgspec.json.decode(outcome.payload)


async def invoke(environment: Environment, event: object = None, request_id: str = "request-1") -> Any:
    return value(await environment.invoke(invocation(event, request_id)))


async def streamed(environment: Environment, given: Invocation | None = None, stream: Stream | None = None) -> tuple[list[bytes], Outcome]:
    """What comes of an invocation, in its pieces."""
    stream = stream or Stream()
    running = asyncio.ensure_future(environment.invoke(given or invocation(), stream))
    pieces = [piece async for piece in stream]
    return pieces, await running
