"""Versions of a parameter, and the labels on them.

https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.services.ssm.parameters.events import tell_change
from windtunnel.services.ssm.parameters.paging import start_of
from windtunnel.services.ssm.parameters.reading import find, selected
from windtunnel.services.ssm.parameters.rules import DESCRIBED_DEFAULT, LABELS_MAX, invalid, is_label
from windtunnel.services.ssm.parameters.state import OLDER, Found, Version
from windtunnel.services.ssm.parameters.values import value_of
from windtunnel.services.ssm.parameters.views import described

if TYPE_CHECKING:
    from windtunnel.aws.types import ssm as t


def get_parameter_history(tx: Tx, req: t.GetParameterHistoryRequest) -> t.GetParameterHistoryResult:
    """The versions that are kept, from the oldest on."""
    found, decrypt = find(tx, req["Name"], "GetParameterHistory"), bool(req.get("WithDecryption"))
    parameter, start = found.parameter, start_of(req)
    rows = [((number,), version) for (_, number), version in found.tx.scan(OLDER, parameter.id, start=start)]
    rows.append(((parameter.latest.number,), parameter.latest))
    page, token = pages.page(iter(rows), req.get("MaxResults", DESCRIBED_DEFAULT))
    out: dict[str, Any] = {"Parameters": [_shown(found, version, decrypt=decrypt) for _, version in page]}
    return out | ({"NextToken": token} if token else {})  # pyright: ignore[reportReturnType]


def _shown(found: Found, version: Version, *, decrypt: bool) -> dict[str, Any]:
    value = value_of(found, version, decrypt=decrypt)
    return described(found, version) | {"Value": value, "Labels": found.labels_of(version.number)}


def label_parameter_version(tx: Tx, req: t.LabelParameterVersionRequest) -> t.LabelParameterVersionResult:
    found, version = _labelled(tx, req, "LabelParameterVersion")
    wrong = [label for label in req["Labels"] if not is_label(label)]
    labels = found.parameter.labels | {label: version.number for label in req["Labels"] if label not in wrong}
    if sum(number == version.number for number in labels.values()) > LABELS_MAX:
        raise Fault(
            "ParameterVersionLabelLimitExceeded",
            f"A parameter version can have maximum {LABELS_MAX} labels. Move one or more labels to another version and try again.",
        )
    if labels != found.parameter.labels:
        tell_change(found.put(labels=labels), "LabelParameterVersion")
    return {"InvalidLabels": wrong, "ParameterVersion": version.number}


def unlabel_parameter_version(tx: Tx, req: t.UnlabelParameterVersionRequest) -> t.UnlabelParameterVersionResult:
    found, version = _labelled(tx, req, "UnlabelParameterVersion")
    removed = [label for label in req["Labels"] if found.parameter.labels.get(label) == version.number]
    found.put(labels={label: number for label, number in found.parameter.labels.items() if label not in removed})
    return {"RemovedLabels": removed, "InvalidLabels": [label for label in req["Labels"] if label not in removed]}


def _labelled(tx: Tx, req: Any, action: str) -> tuple[Found, Version]:
    if req["Name"].startswith("arn:"):
        raise invalid("Parameter name can't be an ARN.")
    found = find(tx, req["Name"], action)
    return found, selected(found, str(req["ParameterVersion"]) if req.get("ParameterVersion") else "")
