"""Sandboxes for functions: made with the variables and keys they need, used again while they are warm, counted while they are busy."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from windtunnel.fabric import Call, Fault
from windtunnel.fabric.cloud import Cloud
from windtunnel.planes.compute import INIT_SECONDS_MAX, Environment, Missing, Outcome, Runtime, Spec, runtime_for
from windtunnel.services.lambda_.code import archives
from windtunnel.services.lambda_.concurrency.taken import leave, take
from windtunnel.services.lambda_.functions.encryption import open_data_key
from windtunnel.services.lambda_.places import Found, log_group
from windtunnel.services.lambda_.rules import CONCURRENCY_MAX, runtime_arn, shown_number, throttled
from windtunnel.services.lambda_.running.journal import Journal
from windtunnel.services.lambda_.running.keys import keys_of
from windtunnel.services.lambda_.state import PROVISIONED, Version

KEYS_SECONDS_LEFT = 60.0
"""A sandbox whose keys end so soon is replaced: its functions would be refused."""
STARTING_MAX = 16
SLACK_SECONDS = 5.0
"""How much longer than its time a run is taken to go on, where the process that runs it can't be asked."""


class Bench:
    """What this process knows of its sandboxes."""

    def __init__(self) -> None:
        self.busy: Counter[tuple[str, str, str]] = Counter()
        self.provisioned: Counter[Hashable] = Counter()
        self.in_all: Counter[tuple[str, str]] = Counter()
        self.journals: WeakKeyDictionary[Environment, Journal] = WeakKeyDictionary()
        self.starting = asyncio.Semaphore(STARTING_MAX)


def bench_of(cloud: Cloud) -> Bench:
    return cloud.held("lambda.bench", Bench)


class Concurrency:
    """A place among a function's invocations, for a `with`. Raises TooManyRequestsException where all are taken."""

    def __init__(self, call: Call, found: Found) -> None:
        self._call = call
        self._bench = bench_of(call.cloud)
        self._found = found
        self._place: Hashable = None
        """What it has of the provisioned concurrency."""
        self._serial = 0
        """What it has of the reserved concurrency where other processes run the function too."""

    def __enter__(self) -> Found:
        """The version to run, in a provisioned sandbox if one is free."""
        bench, found = self._bench, self._found
        function, reserved = (found.tx.account, found.tx.region, found.name), found.function.reserved
        if found.function.provisioned:
            provisioned = {str(key[1]): row for key, row in found.tx.scan(PROVISIONED, found.name)}
            for qualifier, row in provisioned.items():
                if row.version == found.number and bench.provisioned[*function, qualifier] < row.available:
                    self._place = (*function, qualifier)
                    bench.provisioned[self._place] += 1
                    return msgspec.structs.replace(found, provisioned=qualifier)
            reserved = None if reserved is None else reserved - sum(row.number for row in provisioned.values())
        if reserved is not None and bench.busy[function] >= reserved:
            raise throttled(reserved=True)
        if bench.in_all[function[:2]] >= CONCURRENCY_MAX:
            raise throttled(reserved=False)
        if reserved is not None and self._call.cloud.shared is not None:
            now = self._call.cloud.clock.machine()
            until = now + INIT_SECONDS_MAX + found.version.timeout + SLACK_SECONDS
            self._serial = self._owner().act(take, found.name, reserved, now, until)
        bench.busy[function] += 1
        bench.in_all[function[:2]] += 1
        return found

    def __exit__(self, *_: object) -> None:
        bench, found = self._bench, self._found
        function = (found.tx.account, found.tx.region, found.name)
        if self._place is not None:
            bench.provisioned[self._place] -= 1
            return
        if self._serial:
            with suppress(Fault):  # then the place is free when the function's time is over
                self._owner().act(leave, found.name, self._serial)
        bench.busy[function] -= 1
        bench.in_all[function[:2]] -= 1
        if found.function.reserved is not None:
            self._call.cloud.loop.wake([room(found)])
        if not bench.busy[function]:
            del bench.busy[function]

    def _owner(self) -> Call:
        return self._call.at(account=self._found.tx.account)


def room(found: Found) -> tuple[str, ...]:
    """The channel that is woken when an invocation of a function with reserved concurrency has ended."""
    return ("lambda.room", found.tx.account, found.tx.region, found.name)


def retire(call: Call, name: str, number: int, version: Version) -> None:
    """A version has changed or gone: its sandboxes end."""
    pool = call.cloud.compute.ready
    if pool is not None:
        pool.retire((call.account, call.region, name, number, version.generation, ""))


def key_of(found: Found) -> tuple[Any, ...]:
    """What a version's sandboxes are known by in the pool."""
    return (found.tx.account, found.tx.region, found.name, found.number, found.version.generation, found.provisioned)


async def warmed(call: Call, found: Found, on_end: Callable[[], object]) -> Outcome | None:
    """Starts a sandbox ahead of any invocation and leaves it in the pool; the outcome of an init phase that failed."""
    pool, bench = await call.cloud.compute.pool(), bench_of(call.cloud)
    journal, spec = await _prepared(call, found)
    environment = await pool.start(key_of(found), spec, journal.lines, on_end)
    bench.journals[environment] = journal
    try:
        failed = await environment.ready()
        journal.init_report("init", failed, environment.init_ms or 0)
        return failed
    finally:
        pool.release(environment)
        journal.flush()


async def sandbox_of(call: Call, found: Found, *, patient: bool = False) -> tuple[Environment, Journal, bool]:
    """A sandbox for one invocation, with its log, and whether it is a new one. The caller gives it back to the pool.

    Who is patient waits his turn to start one: a thousand at once would have each other run out of time.
    """
    pool = call.cloud.compute.ready or await call.cloud.compute.pool()
    bench = bench_of(call.cloud)
    key = key_of(found)
    while (environment := pool.take(key)) is not None:
        journal = bench.journals[environment]
        if journal.expires > found.tx.now + KEYS_SECONDS_LEFT:
            return environment, journal, False
        environment.kill()
        pool.release(environment)
    async with bench.starting if patient else nullcontext():
        if patient and (environment := pool.take(key)) is not None:
            return environment, bench.journals[environment], False
        journal, spec = await _prepared(call, found)
        environment = await pool.acquire(key, spec, journal.lines)
        if patient:
            await environment.ready()
    if environment in bench.journals:  # one became free meanwhile
        return environment, bench.journals[environment], False
    bench.journals[environment] = journal
    return environment, journal, True


async def started_again(call: Call, found: Found, spec: Spec, journal: Journal) -> Environment:
    """Another sandbox for one whose init phase failed: that is tried once more, as part of the invocation and in its time.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
    """
    pool = await call.cloud.compute.pool()
    spec = msgspec.structs.replace(spec, again=True, init_timeout=spec.timeout)
    environment = await pool.start(key_of(found), spec, journal.lines)
    bench_of(call.cloud).journals[environment] = journal
    return environment


async def _prepared(call: Call, found: Found) -> tuple[Journal, Spec]:
    version = found.version
    runtime = await asyncio.to_thread(runtime_for, version.runtime)
    if isinstance(runtime, Missing):
        raise Fault("InvalidRuntimeException", runtime.message, Type="User")
    place = call.at(account=found.tx.account)
    if version.data_key:
        await place.transact(open_data_key, found)
    folder = str(await archives.folder(place, version.code))
    layers = [str(await archives.folder(place, layer.code)) for layer in version.layers]
    keys = await keys_of(place, version.role, found.name)
    group = log_group(found.name, version)
    day = datetime.fromtimestamp(call.now(), UTC).strftime("%Y/%m/%d")
    stream = f"{day}/[{shown_number(found.number)}]{call.ids.hex(32)}"
    if "LogGroup" in version.logging:
        stream = f"{day}/{found.name}[{shown_number(found.number)}]{call.ids.hex(32)}"
    journal = Journal(place, group, stream, keys.expires, json=version.logging.get("LogFormat") == "JSON")
    kind = "provisioned-concurrency" if found.provisioned else "on-demand"
    journal.init_start(version.runtime, runtime_arn(found.tx.region, version.runtime), kind)
    environment = {
        **_variables(call, found, runtime, group, stream),
        "AWS_ACCESS_KEY_ID": keys.id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_SESSION_TOKEN": keys.token,
        **(version.environment or {}),
    }
    return journal, Spec(
        runtime,
        version.handler,
        folder,
        layers,
        environment,
        memory_mb=version.memory,
        timeout=float(version.timeout),
        tmp_mb=version.ephemeral,
    )


def _variables(call: Call, found: Found, runtime: Runtime, group: str, stream: str) -> dict[str, str]:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime"""
    version = found.version
    variables = {
        "AWS_REGION": found.tx.region,
        "AWS_DEFAULT_REGION": found.tx.region,
        "AWS_LAMBDA_FUNCTION_NAME": found.name,
        "AWS_LAMBDA_FUNCTION_VERSION": shown_number(found.number),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(version.memory),
        "AWS_LAMBDA_LOG_GROUP_NAME": group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency" if found.provisioned else "on-demand",
        # By its address rather than by name: clients then put a bucket's name in the path, which needs no name resolution.
        "AWS_ENDPOINT_URL": call.cloud.endpoint.replace("//localhost:", "//127.0.0.1:"),
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
    }
    if runtime.family != "provided":
        variables["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{version.runtime}"
    if version.logging.get("LogFormat") == "JSON":
        variables["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        variables["AWS_LAMBDA_LOG_LEVEL"] = version.logging.get("ApplicationLogLevel", "INFO")
    return variables
