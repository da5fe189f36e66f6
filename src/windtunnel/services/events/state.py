"""What EventBridge remembers, and under which keys: an event finds the rules it can match by its source and detail type.

A rule's pattern is read when the rule is put: MATCHED holds it under `(bus, source, detail type, rule)` for each source and detail type
that the pattern names, "" where it takes any. So an event looks at four short ranges at the most, whatever else lies on its bus. An
archive is a rule of its bus, as in AWS, and so is found the same way.

The default bus is there without a row; it has one once something is set of it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.aws.arn import parse_or_none, partition_of
from windtunnel.fabric import Fault, Table, Tx

DEFAULT = "default"
NO_CALLS, WRITES, ALL_CALLS = range(3)
ENABLED, DISABLED = "ENABLED", "DISABLED"
ALL_MANAGEMENT = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


class Bus(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event bus; `settings` are those of its members that are shown as they were given."""

    created: float
    modified: float
    settings: dict[str, Any] = {}
    statements: list[dict[str, Any]] = []
    """Of its policy."""


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule; its name and bus are its key."""

    pattern: str = ""
    schedule: str = ""
    state: str = ENABLED
    description: str = ""
    role: str = ""
    managed_by: str = ""
    since: float = 0.0
    """From when its rate counts."""

    @property
    def listens(self) -> bool:
        return self.state != DISABLED


class Match(msgspec.Struct, frozen=True, array_like=True):
    """What a rule matches, and which calls it may hear of: NO_CALLS, WRITES or ALL_CALLS."""

    pattern: str
    hears: int = 0


class Archive(msgspec.Struct, frozen=True, omit_defaults=True):
    """An archive of a bus. `number` is what its events lie under: those of a deleted one belong to a number nobody has."""

    number: int
    bus: str
    created: float
    pattern: str = ""
    description: str = ""
    days: int = 0
    kms: str = ""


class Archived(msgspec.Struct, frozen=True, array_like=True):
    """One event of an archive, and when it came in."""

    ingested: float
    text: str


class Replay(msgspec.Struct, frozen=True, omit_defaults=True):
    """A replay of an archive. `begin` and `end` bound the times of its events, `last` is how far it came."""

    archive: str
    number: int
    begin: float
    end: float
    bus: str
    started: float
    state: str
    filters: list[str] = []
    description: str = ""
    last: float = 0.0
    ended: float = 0.0
    reason: str = ""


class Connection(msgspec.Struct, frozen=True, omit_defaults=True):
    """How endpoints are authorised: the parameters as they were given, secrets included."""

    id: str
    secret: str
    kind: str
    parameters: dict[str, Any]
    state: str
    created: float
    modified: float
    authorized: float = 0.0
    description: str = ""
    reason: str = ""
    settings: dict[str, Any] = {}


class Token(msgspec.Struct, frozen=True):
    """What an authorization server gave, and until when it holds."""

    text: str
    until: float


class ApiDestination(msgspec.Struct, frozen=True, omit_defaults=True):
    """An HTTP endpoint that rules call."""

    id: str
    connection: str
    endpoint: str
    method: str
    created: float
    modified: float
    rate: int = 300
    description: str = ""


class Paced(msgspec.Struct, frozen=True, array_like=True):
    """The second whose calls of an API destination are being given out, and how many were."""

    second: int
    calls: int


class Endpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """A global endpoint: two buses of one name, the first of which gets what is put."""

    id: str
    created: float
    modified: float
    routing: dict[str, Any]
    buses: list[str]
    replicates: bool = True
    role: str = ""
    description: str = ""


BUSES = Table("events.buses", Bus, hot=True)
"""name -> Bus"""
RULES = Table("events.rules", Rule, hot=True)
"""(bus, name) -> Rule"""
TARGETS = Table("events.targets", dict[str, Any], indexes={"arn": lambda key, target: (key[0], target["Arn"])})
"""(bus, rule, id) -> the target as the API has it"""
MATCHED = Table("events.matched", Match, counters={"trail": lambda key, match: () if match.hears else None}, hot=True)
"""(bus, source, detail type, rule) -> Match"""
KINDS = Table("events.kinds", list[int], hot=True)
"""bus -> how many rows of MATCHED name neither, the type, the source, both: what isn't there isn't looked for"""
ARCHIVES = Table("events.archives", Archive)
"""name -> Archive"""
ARCHIVED = Table("events.archived", Archived, indexes={"age": lambda key, event: (key[0], event.ingested)})
"""(archive's number, the event's time, serial) -> Archived"""
ARCHIVE_SIZES = Table("events.archive_sizes", int)
"""(archive's number, "events" or "bytes")"""
REPLAYS = Table("events.replays", Replay, counters={"running": lambda key, replay: () if replay.state in ("STARTING", "RUNNING") else None})
"""name -> Replay"""
CONNECTIONS = Table("events.connections", Connection)
"""name -> Connection"""
TOKENS = Table("events.tokens", Token)
"""connection's id -> Token"""
API_DESTINATIONS = Table("events.api_destinations", ApiDestination)
"""name -> ApiDestination"""
PACED = Table("events.paced", Paced)
"""API destination's id -> Paced"""
ENDPOINTS = Table("events.endpoints", Endpoint, scope="account", indexes={"id": lambda key, endpoint: (endpoint.id,)})
"""(home region, name) -> Endpoint"""

TRAIL = "AWS API Call via CloudTrail"


def arn_within(tx: Tx, kind: str, name: str) -> str:
    """The ARN of something of the transaction's account and region."""
    return f"arn:{partition_of(tx.region)}:events:{tx.region}:{tx.account}:{kind}/{name}"


def rule_arn(tx: Tx, bus: str, name: str) -> str:
    return arn_within(tx, "rule", name if bus == DEFAULT else f"{bus}/{name}")


def find_bus(tx: Tx, name: str) -> Bus:
    """The bus of a name. Raises ResourceNotFoundException."""
    bus = tx.get(BUSES, name)
    if bus is not None:
        return bus
    if name == DEFAULT:
        return Bus(0.0, 0.0)
    raise not_found(f"Event bus {name} does not exist.")


def change_bus(tx: Tx, name: str, bus: Bus, **changes: Any) -> None:
    """Keeps a changed bus; the default one has a row from now on."""
    tx.put(BUSES, name, value=msgspec.structs.replace(bus, created=bus.created or tx.now, modified=tx.now, **changes))


def bus_of(tx: Tx, req: Any, member: str = "EventBusName") -> str:
    """The name of the bus that a request means by a name or an ARN. Raises ResourceNotFoundException."""
    text = req.get(member) or DEFAULT
    arn = parse_or_none(text)
    name = text if arn is None else arn.id
    if arn is not None and (arn.type, arn.account, arn.region) != ("event-bus", tx.account, tx.region):
        raise not_found(f"Event bus {name} does not exist.")
    find_bus(tx, name)
    return name


def find_rule(tx: Tx, bus: str, name: str) -> Rule:
    rule = tx.get(RULES, bus, name)
    if rule is None:
        raise not_found(f"Rule {name} does not exist on EventBus {bus}.")
    return rule


def not_found(message: str) -> Fault:
    return Fault("ResourceNotFoundException", message)


def invalid(message: str) -> Fault:
    return Fault("ValidationException", message)


def limit_exceeded() -> Fault:
    return Fault("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
