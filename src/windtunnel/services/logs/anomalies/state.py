"""What is remembered of detectors: what they watch, the patterns they know, what is waiting to be looked at, and what they found."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric import Fault, Table, Tx
from windtunnel.services.logs.state import arn_within

KIND = "anomaly-detector"
DAY_SECONDS = 86_400


class Detector(msgspec.Struct, frozen=True, array_like=True):
    """A detector. It is `trained` once it has learnt from what was there; times in milliseconds."""

    serial: int
    name: str
    group: str
    group_id: int
    frequency: str
    filter: str
    kms: str
    visibility: int
    created: int
    modified: int
    enabled: bool = True
    trained: bool = False


class Pattern(msgspec.Struct, frozen=True, array_like=True):
    """The words that messages of one form have in common, and how many there were. `anomaly` is the id of the one it is, if any."""

    id: str
    words: list[str]
    count: int
    anomaly: str = ""


class Anomaly(msgspec.Struct, frozen=True, array_like=True):
    """Messages of a pattern that wasn't known. The histogram counts them by the time of the run, in seconds."""

    pattern: str
    words: list[str]
    first: int
    last: int
    histogram: dict[str, int]
    samples: list[tuple[int, str]]
    baseline: bool = False
    suppressed: float = 0.0
    until: float = 0.0
    by_pattern: bool = False

    def is_baseline(self, detector: Detector, now: float) -> bool:
        return self.baseline or now >= self.first / 1000 + detector.visibility * DAY_SECONDS

    def is_suppressed(self, now: float) -> bool:
        return bool(self.suppressed) and (not self.until or now < self.until)


def _of_group(key: tuple[Any, ...], detector: Detector) -> tuple[int]:
    return (detector.group_id,)


DETECTORS = Table(
    "logs.detectors",
    Detector,
    counters={"all": lambda key, detector: ()},
    indexes={"group": _of_group, "serial": lambda key, detector: (detector.serial,)},
)
"""(id) -> Detector"""
PATTERNS = Table("logs.detector_patterns", Pattern)
"""(detector, serial) -> Pattern"""
ANOMALIES = Table("logs.anomalies", Anomaly)
"""(detector, id) -> Anomaly"""
UNSEEN = Table("logs.detector_unseen", bool)
"""(detector, time of a chunk's first event, serial) of each chunk that came since the last look"""


def detector_of(tx: Tx, arn: str) -> tuple[str, Detector]:
    """The id and the detector of an ARN."""
    id = arn.rpartition(":")[2]
    detector = tx.get(DETECTORS, id) if arn == arn_within(tx, KIND, id) else None
    if detector is None:
        raise Fault("ResourceNotFoundException", "The specified anomaly detector does not exist.")
    return id, detector
