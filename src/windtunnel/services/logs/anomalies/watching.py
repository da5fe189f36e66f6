"""What detectors do by themselves: they learn from two weeks of events, and look at what comes, as often as they are told to.

Nothing is scheduled for a group that nothing comes into.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/LogsAnomalyDetection.html
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.logs.anomalies.state import ANOMALIES, DETECTORS, PATTERNS, UNSEEN, Anomaly, Detector, Pattern
from windtunnel.services.logs.insights.patterns import TOKEN, alike, words_of
from windtunnel.services.logs.rules import MILLISECONDS, Place, matcher
from windtunnel.services.logs.state import CHUNKS, GROUPS, Group
from windtunnel.services.logs.walk import backwards, stands

TRAINING_SECONDS = 900
LEARNT_SECONDS = 14 * 86_400
SECONDS = {"ONE_MIN": 60, "FIVE_MIN": 300, "TEN_MIN": 600, "FIFTEEN_MIN": 900, "THIRTY_MIN": 1_800, "ONE_HOUR": 3_600}
EVENTS_AT_ONCE = 2_000
CHUNKS_AT_ONCE = 32
PATTERNS_MAX = 1_000
"""Messages beyond so many patterns are passed by."""
SAMPLES_MAX = 10
replace = msgspec.structs.replace


def leave(tx: Tx, group: int, time: int, serial: int) -> None:
    """A chunk has come into a group: its detectors look at it when their time comes."""
    for key, detector in tx.find(DETECTORS, "group", group):
        if not detector.trained or not detector.enabled:
            continue
        id = str(key[0])
        if next(tx.scan(UNSEEN, id, limit=1), None) is None:
            every = SECONDS[detector.frequency]
            tx.timer((tx.now // every + 1) * every, "look", {"id": id}, name=id)
        tx.put(UNSEEN, id, time, serial, value=True)


def train(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: learns from what is there, a slice at a time, the latest first; from then on the detector looks at what comes."""
    found = _watched(tx, payload["id"])
    if found is None:
        return
    detector, group = found
    begin = int((tx.now - LEARNT_SECONDS) * MILLISECONDS)
    before = Place(*payload["before"]) if payload["before"] else Place(int(tx.now * MILLISECONDS) + 1, 0, 0)
    known, matches, last = Known(tx, payload["id"], detector), matcher(detector.filter), None
    streams: dict[int, bool] = {}
    for place, chunk in islice(backwards(tx, group.id, before, begin), EVENTS_AT_ONCE):
        last = place
        if stands(tx, group.id, chunk, streams) and matches(chunk.messages[place.number]):
            known.learn(chunk.messages[place.number])
    known.write()
    if last is not None:
        tx.timer(tx.now, "train", {"id": payload["id"], "before": [*last]})
    else:
        tx.put(DETECTORS, payload["id"], value=replace(detector, trained=True))


def look(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: looks at what came since the last time. What comes first of all is what the group looks like."""
    id = payload["id"]
    found = _watched(tx, id)
    rows = [key for key, _ in tx.scan(UNSEEN, id, limit=CHUNKS_AT_ONCE)]
    for key in rows:
        tx.delete(UNSEEN, *key)
    if found is not None:
        detector, group = found
        known, matches = Known(tx, id, detector), matcher(detector.filter)
        learns = not known.rows
        for _, time, serial in rows:
            chunk = tx.get(CHUNKS, group.id, time, serial)
            for at, message in zip(chunk.times, chunk.messages, strict=True) if chunk is not None else ():
                if not matches(message):
                    continue
                if learns:
                    known.learn(message)
                else:
                    known.judge(message, at)
        known.write()
    if len(rows) == CHUNKS_AT_ONCE:
        tx.timer(tx.now, "look", payload, name=id)


class Known:
    """The patterns that a detector knows, while it looks at messages."""

    def __init__(self, tx: Tx, id: str, detector: Detector) -> None:
        self._tx, self._id, self._detector = tx, id, detector
        self.rows: dict[int, Pattern] = {int(key[1] or 0): pattern for key, pattern in tx.scan(PATTERNS, id)}
        self._lengths: dict[int, list[int]] = {}
        for serial, pattern in self.rows.items():
            self._lengths.setdefault(len(pattern.words), []).append(serial)
        self._changed: set[int] = set()

    def learn(self, message: str) -> None:
        """A message that is as messages are."""
        self._note(message)

    def judge(self, message: str, time: int) -> None:
        """A message that may be like none that is known."""
        tx, before = self._tx, len(self.rows)
        serial = self._note(message)
        if serial is None:
            return
        pattern = self.rows[serial]
        if len(self.rows) > before:
            pattern = self.rows[serial] = replace(pattern, anomaly=tx.new_id())
        if not pattern.anomaly:
            return
        anomaly = tx.get(ANOMALIES, self._id, pattern.anomaly) or Anomaly(pattern.id, [], time, time, {}, [])
        if anomaly.is_baseline(self._detector, tx.now) or anomaly.is_suppressed(tx.now):
            return
        now = str(int(tx.now))
        samples = [*anomaly.samples, (time, message)][:SAMPLES_MAX]
        histogram = {**anomaly.histogram, now: anomaly.histogram.get(now, 0) + 1}
        seen = replace(
            anomaly, words=pattern.words, first=min(anomaly.first, time), last=max(anomaly.last, time), histogram=histogram, samples=samples
        )
        tx.put(ANOMALIES, self._id, pattern.anomaly, value=seen)

    def write(self) -> None:
        for serial in self._changed:
            self._tx.put(PATTERNS, self._id, serial, value=self.rows[serial])

    def _note(self, message: str) -> int | None:
        """The serial of a message's pattern, which it becomes a part of; None where there is no room for another."""
        words = words_of(message)
        same = self._lengths.setdefault(len(words), [])
        serial = next((serial for serial in same if alike(self.rows[serial].words, words)), None)
        if serial is None:
            if len(self.rows) >= PATTERNS_MAX:
                return None
            serial = self._tx.serial()
            same.append(serial)
            self.rows[serial] = Pattern(self._tx.new_id().replace("-", ""), list(words), 1)
        else:
            pattern = self.rows[serial]
            merged = [one if one == other else TOKEN for one, other in zip(pattern.words, words, strict=True)]
            self.rows[serial] = replace(pattern, words=merged, count=pattern.count + 1)
        self._changed.add(serial)
        return serial


def _watched(tx: Tx, id: str) -> tuple[Detector, Group] | None:
    """A detector and its group, if both are still there and it is not paused."""
    detector = tx.get(DETECTORS, id)
    group = None if detector is None else tx.get(GROUPS, detector.group)
    if detector is None or group is None or group.id != detector.group_id or (detector.trained and not detector.enabled):
        return None
    return detector, group
