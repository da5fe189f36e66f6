"""Function URLs: their configurations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.lambda_.places import own, qualified, there
from windtunnel.services.lambda_.rules import Name, arn_of, conflict, not_found
from windtunnel.services.lambda_.state import FUNCTIONS, URL_IDS, URLS, Url, UrlOf

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t

ABSENT = "Function does not exist"
HOST_LABEL = "lambda-url"
AWS_NAMES = (".amazonaws.com", ".on.aws", ".api.aws")
LOCAL_NAMES = ("localhost.localstack.cloud", "localhost")
ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
ID_LENGTH = 32


def create_function_url_config(tx: Tx, req: t.CreateFunctionUrlConfigRequest) -> dict[str, Any]:
    name = there(tx, req, ABSENT)
    if tx.get(URLS, name.name, name.qualifier) is not None:
        arn = arn_of(tx.region, tx.account, name.name, name.qualifier)
        raise conflict(
            f"Failed to create function url config for [functionArn = {arn}]. "
            "Error message:  FunctionUrlConfig exists for this Lambda function"
        )
    url = Url(tx.ids.text(ID_LENGTH, ID_LETTERS), req["AuthType"], tx.now, tx.now, req.get("InvokeMode", ""), req.get("Cors"))  # pyright: ignore[reportArgumentType]
    tx.put(URLS, name.name, name.qualifier, value=url)
    tx.put(URL_IDS, url.id, value=UrlOf(tx.account, tx.region, name.name, name.qualifier))
    shown = _changed(tx, name, url)
    del shown["LastModifiedTime"]
    return shown


def update_function_url_config(tx: Tx, req: t.UpdateFunctionUrlConfigRequest) -> dict[str, Any]:
    name = there(tx, req, ABSENT)
    url = _url(tx, name)
    fields: dict[str, Any] = {"modified": tx.now}
    for member, field in (("AuthType", "auth"), ("InvokeMode", "mode"), ("Cors", "cors")):
        if member in req:
            fields[field] = req[member]
    url = msgspec.structs.replace(url, **fields)
    tx.put(URLS, name.name, name.qualifier, value=url)
    return _changed(tx, name, url)


def get_function_url_config(tx: Tx, req: t.GetFunctionUrlConfigRequest) -> dict[str, Any]:
    name = own(tx, req)
    return _printed(tx, name, _url(tx, name))


def delete_function_url_config(tx: Tx, req: t.DeleteFunctionUrlConfigRequest) -> None:
    name = own(tx, req)
    _url(tx, name)
    tx.delete(URLS, name.name, name.qualifier)


def list_function_url_configs(tx: Tx, req: t.ListFunctionUrlConfigsRequest) -> dict[str, Any]:
    name = own(tx, req)
    if tx.get(FUNCTIONS, name.name) is None:
        raise not_found(ABSENT)
    rows, marker = qualified(tx, URLS, req, name.name)
    return {"FunctionUrlConfigs": [_printed(tx, name._replace(qualifier=key), url) for key, url in rows], **marker}


def _url(tx: Tx, name: Name) -> Url:
    url = tx.get(URLS, name.name, name.qualifier)
    if url is None:
        raise not_found("The resource you requested does not exist.")
    return url


def _changed(tx: Tx, name: Name, url: Url) -> dict[str, Any]:
    """As answers to changes print it: a mode that was never given is left out there."""
    shown = _printed(tx, name, url)
    if not url.mode:
        del shown["InvokeMode"]
    return shown


def _printed(tx: Tx, name: Name, url: Url) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "FunctionUrl": _location(tx, url.id),
        "FunctionArn": arn_of(tx.region, tx.account, name.name, name.qualifier),
        "AuthType": url.auth,
        "CreationTime": _moment(url.created),
        "LastModifiedTime": _moment(url.modified),
        "InvokeMode": url.mode or "BUFFERED",
    }
    if url.cors:
        shown["Cors"] = url.cors
    return shown


def _location(tx: Tx, url_id: str) -> str:
    """Where it answers: below the name by which the region was reached, or below localhost where that was an address."""
    endpoint = urlsplit(tx.scope.endpoint)
    host = endpoint.hostname or ""
    if host.endswith(AWS_NAMES):
        return f"https://{url_id}.{HOST_LABEL}.{tx.region}.on.aws/"
    suffix = next((name for name in LOCAL_NAMES if host == name or host.endswith(f".{name}")), "localhost")
    port = f":{endpoint.port}" if endpoint.port else ""
    return f"{endpoint.scheme}://{url_id}.{HOST_LABEL}.{tx.region}.{suffix}{port}/"


def _moment(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
