"""What detectors found: listed, suppressed for a while or for good, or taken for normal from now on."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.services.logs.anomalies.state import ANOMALIES, DETECTORS, KIND, Anomaly, Detector, detector_of
from windtunnel.services.logs.anomalies.watching import SECONDS
from windtunnel.services.logs.insights.patterns import is_token, raw_words_of, severity_of
from windtunnel.services.logs.rules import DESCRIBE_LIMIT, MILLISECONDS, bad_token, invalid
from windtunnel.services.logs.state import arn_of, arn_within

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

UNITS = {"SECONDS": 1, "MINUTES": 60, "HOURS": 3_600}
PRIORITIES = {"Fatal": "HIGH", "Error": "HIGH", "Warning": "MEDIUM"}
DYNAMIC = "<*>"


def list_anomalies(tx: Tx, req: t.ListAnomaliesRequest) -> t.ListAnomaliesResponse:
    prefix = (detector_of(tx, req["anomalyDetectorArn"])[0],) if "anomalyDetectorArn" in req else ()
    try:
        start = pages.decode(req["nextToken"])[len(prefix) :] if "nextToken" in req else None
    except ValueError as error:
        raise bad_token() from error
    wanted = {"SUPPRESSED": True, "UNSUPPRESSED": False}.get(req.get("suppressionState", ""))
    rows = ((key, one) for key, one in tx.scan(ANOMALIES, *prefix, start=start) if wanted in (None, one.is_suppressed(tx.now)))
    page, token = pages.page(rows, req.get("limit", DESCRIBE_LIMIT))
    shown = [_shown(tx, str(key[0]), str(key[1]), anomaly) for key, anomaly in page]
    return {"anomalies": shown, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def update_anomaly(tx: Tx, req: t.UpdateAnomalyRequest) -> None:
    id, _ = detector_of(tx, req["anomalyDetectorArn"])
    if ("anomalyId" in req) == ("patternId" in req):
        raise invalid("Exactly one of anomalyId and patternId must be specified.")
    kind, period = req.get("suppressionType"), req.get("suppressionPeriod", {})
    if kind == "LIMITED" and not ("value" in period and "suppressionUnit" in period):
        raise invalid("A suppressionPeriod must be specified for a suppressionType of LIMITED.")
    until = tx.now + period.get("value", 0) * UNITS[period["suppressionUnit"]] if kind == "LIMITED" and "suppressionUnit" in period else 0.0
    if "anomalyId" in req:
        found = [(req["anomalyId"], tx.get(ANOMALIES, id, req["anomalyId"]))]
    else:
        found = [(str(key[1]), one) for key, one in tx.scan(ANOMALIES, id) if one.pattern == req.get("patternId")]
    if not found or found[0][1] is None:
        raise Fault("ResourceNotFoundException", "The specified anomaly does not exist.")
    for anomaly_id, anomaly in found:
        assert anomaly is not None, "only the first could be"
        changes: dict[str, Any] = {"suppressed": tx.now if kind else 0.0, "until": until, "by_pattern": bool(kind) and "patternId" in req}
        if req.get("baseline"):
            changes = {"baseline": True}
        tx.put(ANOMALIES, id, anomaly_id, value=msgspec.structs.replace(anomaly, **changes))


def _shown(tx: Tx, detector_id: str, id: str, anomaly: Anomaly) -> Any:
    detector = tx.get(DETECTORS, detector_id)
    assert detector is not None, "a detector's anomalies go with it"
    text = "".join(anomaly.words)
    suppressed = anomaly.is_suppressed(tx.now)
    state = "Baseline" if anomaly.is_baseline(detector, tx.now) else "Suppressed" if suppressed else "Active"
    pattern = "".join(DYNAMIC if is_token(word) else word for word in anomaly.words)
    shown: dict[str, Any] = {
        "anomalyId": id,
        "patternId": anomaly.pattern,
        "anomalyDetectorArn": arn_within(tx, KIND, detector_id),
        "patternString": pattern,
        "patternRegex": _regex(anomaly.words),
        "priority": PRIORITIES.get(severity_of(text) or "", "LOW"),
        "firstSeen": anomaly.first,
        "lastSeen": anomaly.last,
        "description": f"{sum(anomaly.histogram.values())} log events are of a pattern that was not seen before: {pattern}",
        "active": state == "Active" and _goes_on(detector, anomaly, tx.now),
        "state": state,
        "histogram": anomaly.histogram,
        "logSamples": [{"timestamp": time, "message": message} for time, message in anomaly.samples],
        "patternTokens": _tokens(anomaly),
        "logGroupArnList": [arn_of(tx, detector.group)],
        "suppressed": suppressed,
    }
    if suppressed:
        shown["suppressedDate"] = int(anomaly.suppressed * MILLISECONDS)
        shown["suppressedUntil"] = int(anomaly.until * MILLISECONDS)
        shown["isPatternLevelSuppression"] = anomaly.by_pattern
    return shown


def _goes_on(detector: Detector, anomaly: Anomaly, now: float) -> bool:
    """Whether it was seen in one of the last two looks."""
    return now - anomaly.last / MILLISECONDS <= 2 * SECONDS[detector.frequency]


def _regex(words: list[str]) -> str:
    return "".join("(.*?)" if is_token(word) else re.escape(word) for word in words)


def _tokens(anomaly: Anomaly) -> list[dict[str, Any]]:
    """The words of a pattern; of those that vary with what stood there in the samples."""
    samples = [raw_words_of(text) for _, text in anomaly.samples]
    tokens: list[dict[str, Any]] = []
    position = 0
    for at, word in enumerate(anomaly.words):
        if not is_token(word):
            tokens.append({"dynamicTokenPosition": 0, "isDynamic": False, "tokenString": word})
            continue
        position += 1
        token = {"dynamicTokenPosition": position, "isDynamic": True, "tokenString": DYNAMIC}
        values = Counter(raw[at] for raw in samples)
        tokens.append({**token, "enumerations": dict(values), "inferredTokenName": f"{word.strip('<>')}-{position}"})
    return tokens
