"""The two records that pass between routing, protocols and the gateway: what a request asks for, and how to read and answer it."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.wire.credential import Credential
from windtunnel.wire.message import Request, Response


class Match(msgspec.Struct, frozen=True):
    """Which operation a request asks for, in which protocol, and by whose (unverified) signature."""

    service: str
    """botocore's name of the service."""
    operation: str
    protocol: str
    """As botocore calls it; "query-json" is the query protocol answered in JSON."""
    labels: dict[str, str] = {}
    """The URI's labels, decoded, by their names in the template."""
    credential: Credential | None = None
    query: dict[str, list[str]] = {}
    """The query's parameters, decoded (REST protocols)."""
    form: dict[str, str] = {}
    """Query and form parameters, decoded (query and ec2 protocols)."""


class Codec(msgspec.Struct, frozen=True):
    """One operation in one protocol: its request's parser, its result's and its faults' serialisers."""

    parse: Callable[[Request, Match], dict[str, Any]]
    respond: Callable[[Mapping[str, Any], str], Response]
    refuse: Callable[[Fault, str], Response]
    streams_in: bool = False
    """The request's payload is handed over as `Request.stream`."""
