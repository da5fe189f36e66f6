"""What Parameter Store tells EventBridge.

https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-cwe.html
"""

from __future__ import annotations

from windtunnel.fabric import Tx
from windtunnel.services.ssm.parameters.state import Found, Policy, Version, arn_of

_SOURCE = "aws.ssm"


def tell_change(found: Found, operation: str) -> None:
    """A parameter was created, updated, deleted, or labelled."""
    parameter = found.parameter
    detail = {"name": parameter.name, "type": parameter.latest.type, "operation": operation}
    if parameter.latest.description:
        detail["description"] = parameter.latest.description
    found.tx.emit(_SOURCE, "Parameter Store Change", detail, [found.arn])


def tell_policy(found: Found, policy: Policy) -> None:
    """A policy has acted."""
    detail = {
        "parameter-name": found.parameter.name,
        "parameter-type": found.parameter.latest.type,
        "policy-type": policy.type,
        "policy-content": policy.text,
        "action-status": "Success",
    }
    found.tx.emit(_SOURCE, "Parameter Store Policy Action", detail, [found.arn])


def tell_unmade(tx: Tx, name: str, version: Version) -> None:
    """An image's id turned out to be none, after PutParameter was answered.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html
    """
    detail = {
        "exception": "Unable to Describe Resource",
        "dataType": version.data_type,
        "name": name,
        "type": version.type,
        "operation": "Create" if version.number == 1 else "Update",
    }
    tx.emit(_SOURCE, "Parameter Store Change", detail, [arn_of(tx, name)])
