"""Settings of an account in a region, of which Parameter Store has two.

https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-default-tier.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Fault, Tx
from windtunnel.services.ssm.state import CHOICES, SETTINGS, Setting, setting_of

if TYPE_CHECKING:
    from windtunnel.aws.types import ssm as t

_OTHERS = frozenset(
    (
        "/ssm/appmanager/appmanager-enabled",
        "/ssm/automation/customer-script-log-destination",
        "/ssm/automation/customer-script-log-group-name",
        "/ssm/automation/enable-adaptive-concurrency",
        "/ssm/documents/console/public-sharing-permission",
        "/ssm/managed-instance/activation-tier",
        "/ssm/managed-instance/default-ec2-instance-management-role",
        "/ssm/opsinsights/opscenter",
    )
)


def get_service_setting(tx: Tx, req: t.GetServiceSettingRequest) -> t.GetServiceSettingResult:
    return {"ServiceSetting": _shown(tx, _id(tx, req["SettingId"]))}


def update_service_setting(tx: Tx, req: t.UpdateServiceSettingRequest) -> None:
    setting_id, value = _id(tx, req["SettingId"]), req["SettingValue"]
    choices = CHOICES[setting_id]
    if value not in choices:
        message = f"The value {value} of the setting {setting_id} is not valid. Valid values include: [{', '.join(choices)}]."
        raise Fault("ValidationException", message)
    tx.put(SETTINGS, setting_id, value=Setting(value, tx.now, tx.scope.principal.arn))


def reset_service_setting(tx: Tx, req: t.ResetServiceSettingRequest) -> t.ResetServiceSettingResult:
    setting_id = _id(tx, req["SettingId"])
    tx.delete(SETTINGS, setting_id)
    return {"ServiceSetting": _shown(tx, setting_id)}


def _id(tx: Tx, asked: str) -> str:
    """A setting's id, of which its ARN has all but the first slash. Raises ServiceSettingNotFound."""
    setting_id = asked.removeprefix(_arn(tx, ""))
    if setting_id in _OTHERS:
        raise Fault("NotImplemented", f"windtunnel does not implement the setting {setting_id}.", status=501)
    if setting_id not in CHOICES:
        raise Fault("ServiceSettingNotFound", f"The service setting {asked} was not found.")
    return setting_id


def _arn(tx: Tx, setting_id: str) -> str:
    return f"arn:{partition_of(tx.region)}:ssm:{tx.region}:{tx.account}:servicesetting{setting_id}"


def _shown(tx: Tx, setting_id: str) -> Any:
    setting = setting_of(tx, setting_id)
    told = {"LastModifiedDate": setting.modified, "LastModifiedUser": setting.user or "System"}
    status = "Customized" if setting.modified else "Default"
    return {"SettingId": setting_id, "SettingValue": setting.value, "ARN": _arn(tx, setting_id), "Status": status, **told}
