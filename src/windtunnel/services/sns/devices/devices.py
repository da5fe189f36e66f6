"""Platform applications and their endpoints: who is registered for push notifications. What is sent to them lies in the outbox."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.sns.devices.events import tell
from windtunnel.services.sns.devices.push import APPLICATION_SLASHES, DEVICE_SLASHES, device_key
from windtunnel.services.sns.places import page_of, start_of
from windtunnel.services.sns.rules import PAGE_ITEMS, TRUE_FALSE, arn_parts, invalid
from windtunnel.services.sns.state import APPLICATIONS, DEVICES, Application, Device

if TYPE_CHECKING:
    from windtunnel.aws.types import sns as t

PLATFORMS = frozenset({"ADM", "APNS", "APNS_SANDBOX", "BAIDU", "FCM", "GCM", "MACOS", "MACOS_SANDBOX", "MPNS", "WNS"})
NAME_LENGTH_MAX = 256
USER_DATA_BYTES_MAX = 2_048
NO_ATTRIBUTES = "1 validation error detected: Value null at 'attributes' failed to satisfy constraint: Member must not be null"
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_SECRETS = ("PlatformCredential", "PlatformPrincipal")
_EVENTS = frozenset({"EventDeliveryFailure", "EventEndpointCreated", "EventEndpointDeleted", "EventEndpointUpdated"})
_APPLICATION_ATTRIBUTES = _EVENTS | {
    *_SECRETS,
    "ApplePlatformBundleID",
    "ApplePlatformTeamID",
    "Enabled",
    "FailureFeedbackRoleArn",
    "SuccessFeedbackRoleArn",
    "SuccessFeedbackSampleRate",
}
"""https://docs.aws.amazon.com/sns/latest/api/API_SetPlatformApplicationAttributes.html"""
_PERCENT = re.compile(r"\d{1,2}|100")
_DEVICE_ATTRIBUTES = frozenset({"CustomUserData", "Enabled", "Token"})


def create_platform_application(tx: Tx, req: t.CreatePlatformApplicationInput) -> t.CreatePlatformApplicationResponse:
    name, platform = req["Name"], req["Platform"]
    _check_name(name)
    if platform not in PLATFORMS:
        raise invalid(f"Platform Reason: {platform} is not supported")
    attributes = _application_attributes(req["Attributes"])
    if not any(key in req["Attributes"] for key in _SECRETS):
        raise invalid("Attributes Reason: Must provide PlatformPrincipal and PlatformCredential")
    tx.put(APPLICATIONS, platform, name, value=Application({"Enabled": "true", **attributes}))
    return {"PlatformApplicationArn": _arn(tx, "app", platform, name)}


def list_platform_applications(tx: Tx, req: t.ListPlatformApplicationsInput) -> t.ListPlatformApplicationsResponse:
    found, rest = page_of(tx.scan(APPLICATIONS, start=start_of(req), limit=PAGE_ITEMS + 1))
    listed = [{"PlatformApplicationArn": _arn(tx, "app", *key), "Attributes": one.attributes} for key, one in found]
    return {"PlatformApplications": listed, **rest}  # pyright: ignore[reportReturnType]


def get_platform_application_attributes(tx: Tx, req: t.GetPlatformApplicationAttributesInput) -> t.GetPlatformApplicationAttributesResponse:
    _, one = _application(tx, req["PlatformApplicationArn"])
    return {"Attributes": one.attributes}


def set_platform_application_attributes(tx: Tx, req: t.SetPlatformApplicationAttributesInput) -> None:
    """The ARN's form comes first, then that there are attributes, then whether there is such an application."""
    # Nothing of this request was checked at the door.
    arn, attributes = _given(req, "PlatformApplicationArn"), _given(req, "Attributes")
    if arn is None:
        raise invalid("PlatformApplicationArn Reason: no value for required parameter")
    device_key(arn, "PlatformApplicationArn", APPLICATION_SLASHES)
    if attributes is None:
        raise Fault("ValidationError", NO_ATTRIBUTES)
    key, one = _application(tx, arn)
    tx.put(APPLICATIONS, *key, value=Application({**one.attributes, **_application_attributes(attributes)}))


def delete_platform_application(tx: Tx, req: t.DeletePlatformApplicationInput) -> None:
    key = device_key(req["PlatformApplicationArn"], "PlatformApplicationArn", APPLICATION_SLASHES)
    tx.delete(APPLICATIONS, *key)
    for device, _ in list(tx.scan(DEVICES, *key)):
        tx.delete(DEVICES, *device)


def create_platform_endpoint(tx: Tx, req: t.CreatePlatformEndpointInput) -> t.CreateEndpointResponse:
    """The same token is the same endpoint; it must then be asked for with the same attributes."""
    key, _ = _application(tx, req["PlatformApplicationArn"])
    asked = dict(req.get("Attributes") or {})
    if (data := req.get("CustomUserData")) is not None:
        asked.setdefault("CustomUserData", data)
    attributes = {**_device_attributes(asked), "Token": req["Token"]}
    there = next(tx.find(DEVICES, "token", *key, req["Token"], limit=1), None)
    if there is not None:
        arn = _arn(tx, "endpoint", *there[0])
        if {"Enabled": "true", **attributes} != there[1].attributes:
            raise invalid(f"Token Reason: Endpoint {arn} already exists with the same Token, but different attributes.")
        return {"EndpointArn": arn}
    id = tx.new_id()
    tx.put(DEVICES, *key, id, value=Device({"Enabled": "true", **attributes}))
    arn = _arn(tx, "endpoint", *key, id)
    tell(tx, key, arn, "EndpointCreated")
    return {"EndpointArn": arn}


def list_endpoints_by_platform_application(
    tx: Tx, req: t.ListEndpointsByPlatformApplicationInput
) -> t.ListEndpointsByPlatformApplicationResponse:
    key, _ = _application(tx, req["PlatformApplicationArn"])
    found, rest = page_of(tx.scan(DEVICES, *key, start=start_of(req, len(key)), limit=PAGE_ITEMS + 1))
    listed = [{"EndpointArn": _arn(tx, "endpoint", *device), "Attributes": one.attributes} for device, one in found]
    return {"Endpoints": listed, **rest}  # pyright: ignore[reportReturnType]


def get_endpoint_attributes(tx: Tx, req: t.GetEndpointAttributesInput) -> t.GetEndpointAttributesResponse:
    _, one = _device(tx, req["EndpointArn"])
    return {"Attributes": one.attributes}


def set_endpoint_attributes(tx: Tx, req: t.SetEndpointAttributesInput) -> None:
    key, one = _device(tx, req["EndpointArn"])
    tx.put(DEVICES, *key, value=Device({**one.attributes, **_device_attributes(req["Attributes"])}))
    tell(tx, key, req["EndpointArn"], "EndpointUpdated")


def delete_endpoint(tx: Tx, req: t.DeleteEndpointInput) -> None:
    key = device_key(req["EndpointArn"], "EndpointArn", DEVICE_SLASHES)
    if tx.get(DEVICES, *key) is not None:
        tx.delete(DEVICES, *key)
        tell(tx, key, req["EndpointArn"], "EndpointDeleted")


def _given(req: Mapping[str, Any], name: str) -> Any:
    return req.get(name)


def _check_name(name: str) -> None:
    if not name:
        raise invalid(f"{name} Reason: cannot be empty")
    if len(name) > NAME_LENGTH_MAX:
        raise invalid(f"{name} Reason: must be at most {NAME_LENGTH_MAX} characters long")
    if not _NAME.fullmatch(name):
        raise invalid(f"{name} Reason: must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'")


def _application_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    """Those that can be shown again; credentials can't."""
    for given, other in (_SECRETS, _SECRETS[::-1]):
        if given in attributes and other not in attributes:
            raise invalid(f"Attributes Reason: {given} attribute provided without {other}")
    for name, value in attributes.items():
        if name not in _APPLICATION_ATTRIBUTES:
            raise invalid(f"Attributes Reason: Invalid attribute name: {name}")
        if name == "Enabled" and value.lower() not in TRUE_FALSE:
            raise _invalid_value(name, "must be true or false")
        if name == "SuccessFeedbackSampleRate" and not _PERCENT.fullmatch(value):
            raise _invalid_value(name, "must be between 0 and 100")
        if name in _EVENTS and value:
            arn_parts(value, name)
    return _lowered({name: value for name, value in attributes.items() if name not in _SECRETS})


def _invalid_value(name: str, reason: str) -> Fault:
    return invalid(f"Attributes Reason: Invalid value for attribute: {name}: {reason}")


def _device_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    for name, value in attributes.items():
        if name not in _DEVICE_ATTRIBUTES:
            raise invalid(f"Attributes Reason: Invalid attribute name: {name}")
        if name == "Enabled" and value.lower() not in TRUE_FALSE:
            raise _invalid_value(name, "must be true or false")
        if name == "CustomUserData" and len(value.encode()) > USER_DATA_BYTES_MAX:
            raise _invalid_value(name, f"must be at most {USER_DATA_BYTES_MAX} bytes long in UTF-8 encoding")
    return _lowered(attributes)


def _lowered(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name: value.lower() if name == "Enabled" else value for name, value in attributes.items()}


def _application(tx: Tx, arn: str) -> tuple[tuple[str, ...], Application]:
    key = device_key(arn, "PlatformApplicationArn", APPLICATION_SLASHES)
    one = tx.get(APPLICATIONS, *key)
    if one is None:
        raise Fault("NotFound", "PlatformApplication does not exist")
    return key, one


def _device(tx: Tx, arn: str) -> tuple[tuple[str, ...], Device]:
    key = device_key(arn, "EndpointArn", DEVICE_SLASHES)
    one = tx.get(DEVICES, *key)
    if one is None:
        raise Fault("NotFound", "Endpoint does not exist")
    return key, one


def _arn(tx: Tx, kind: str, *parts: Any) -> str:
    return f"arn:aws:sns:{tx.region}:{tx.account}:{kind}/{'/'.join(map(str, parts))}"
