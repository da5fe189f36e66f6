"""Detectors: made for a group, paused, changed, described and deleted.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/LogsAnomalyDetection.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Table, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.logs.anomalies.state import ANOMALIES, DETECTORS, KIND, PATTERNS, Detector, detector_of
from windtunnel.services.logs.anomalies.watching import TRAINING_SECONDS
from windtunnel.services.logs.encryption import check_key
from windtunnel.services.logs.listings import listed
from windtunnel.services.logs.rules import MILLISECONDS, invalid, matcher
from windtunnel.services.logs.state import GROUPS, arn_of, arn_within, check_standard, find_group, name_of

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

DETECTORS_MAX = 500
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
FREQUENCY = "FIFTEEN_MIN"
VISIBILITY_DAYS = 21
LEARNT: tuple[Table[Any], ...] = (PATTERNS, ANOMALIES)
"""What goes with a detector."""


def create_log_anomaly_detector(tx: Tx, req: t.CreateLogAnomalyDetectorRequest) -> t.CreateLogAnomalyDetectorResponse:
    if len(req["logGroupArnList"]) != 1:
        raise invalid("Exactly one log group ARN must be specified.")
    name = name_of(tx, req["logGroupArnList"][0])
    group = find_group(tx, name)
    check_standard(group)
    matcher(req.get("filterPattern", ""))
    if tx.count(DETECTORS, "all") >= DETECTORS_MAX:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
    id, now = tx.new_id(), int(tx.now * MILLISECONDS)
    arn = arn_within(tx, KIND, id)
    if "kmsKeyId" in req:
        check_key(tx, arn, req["kmsKeyId"])
    detector = Detector(
        serial=tx.serial(),
        name=req.get("detectorName", ""),
        group=name,
        group_id=group.id,
        frequency=req.get("evaluationFrequency", FREQUENCY),
        filter=req.get("filterPattern", ""),
        kms=req.get("kmsKeyId", ""),
        visibility=req.get("anomalyVisibilityTime", VISIBILITY_DAYS),
        created=now,
        modified=now,
    )
    tx.put(DETECTORS, id, value=detector)
    tx.put(GROUPS, name, value=msgspec.structs.replace(group, detectors=group.detectors + 1))
    set_tags(tx, arn, req.get("tags", {}))
    tx.timer(tx.now + TRAINING_SECONDS, "train", {"id": id, "before": 0})
    return {"anomalyDetectorArn": arn}


def update_log_anomaly_detector(tx: Tx, req: t.UpdateLogAnomalyDetectorRequest) -> None:
    id, detector = detector_of(tx, req["anomalyDetectorArn"])
    matcher(req.get("filterPattern", ""))
    members = {"evaluationFrequency": "frequency", "filterPattern": "filter", "anomalyVisibilityTime": "visibility", "enabled": "enabled"}
    changes: dict[str, Any] = {field: req[member] for member, field in members.items() if member in req}
    tx.put(DETECTORS, id, value=msgspec.structs.replace(detector, modified=int(tx.now * MILLISECONDS), **changes))


def get_log_anomaly_detector(tx: Tx, req: t.GetLogAnomalyDetectorRequest) -> t.GetLogAnomalyDetectorResponse:
    id, detector = detector_of(tx, req["anomalyDetectorArn"])
    shown = _shown(tx, id, detector)
    del shown["anomalyDetectorArn"]
    return shown  # pyright: ignore[reportReturnType]


def list_log_anomaly_detectors(tx: Tx, req: t.ListLogAnomalyDetectorsRequest) -> t.ListLogAnomalyDetectorsResponse:
    wanted = name_of(tx, req["filterLogGroupArn"]) if "filterLogGroupArn" in req else None
    code = "InvalidParameterException"
    return listed(tx, req, "anomalyDetectors", DETECTORS, _shown, lambda _, detector: wanted in (None, detector.group), code=code)


def delete_log_anomaly_detector(tx: Tx, req: t.DeleteLogAnomalyDetectorRequest) -> None:
    id, detector = detector_of(tx, req["anomalyDetectorArn"])
    group = tx.get(GROUPS, detector.group)
    if group is not None and group.id == detector.group_id:
        tx.put(GROUPS, detector.group, value=msgspec.structs.replace(group, detectors=group.detectors - 1))
    tx.delete(DETECTORS, id)
    for table in LEARNT:
        for key, _ in list(tx.scan(table, id)):
            tx.delete(table, *key)
    remove_all_tags(tx, arn_within(tx, KIND, id))


def _shown(tx: Tx, id: str, detector: Detector) -> dict[str, Any]:
    group = tx.get(GROUPS, detector.group)
    gone = group is None or group.id != detector.group_id
    status = "FAILED" if gone else "PAUSED" if not detector.enabled else "ANALYZING" if detector.trained else "TRAINING"
    shown: dict[str, Any] = {
        "anomalyDetectorArn": arn_within(tx, KIND, id),
        "logGroupArnList": [arn_of(tx, detector.group)],
        "evaluationFrequency": detector.frequency,
        "anomalyDetectorStatus": status,
        "creationTimeStamp": detector.created,
        "lastModifiedTimeStamp": detector.modified,
        "anomalyVisibilityTime": detector.visibility,
    }
    given = {"detectorName": detector.name, "filterPattern": detector.filter, "kmsKeyId": detector.kms}
    return shown | {name: value for name, value in given.items() if value}
