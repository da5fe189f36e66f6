"""The compute plane runs Lambda functions as sandboxed processes of this machine, without Docker."""

from windtunnel.planes.compute.compute import Compute
from windtunnel.planes.compute.environment import Environment
from windtunnel.planes.compute.pool import Pool
from windtunnel.planes.compute.records import INIT_SECONDS_MAX, Invocation, Kind, Missing, OnLog, Outcome, Runtime, Spec
from windtunnel.planes.compute.runtimes import runtime_for
from windtunnel.planes.compute.sandbox import Machine
from windtunnel.planes.compute.stream import Stream
from windtunnel.planes.compute.unpack import ArchiveTooLarge, BadArchive

__all__ = [
    "INIT_SECONDS_MAX",
    "ArchiveTooLarge",
    "BadArchive",
    "Compute",
    "Environment",
    "Invocation",
    "Kind",
    "Machine",
    "Missing",
    "OnLog",
    "Outcome",
    "Pool",
    "Runtime",
    "Spec",
    "Stream",
    "runtime_for",
]
