"""The parameters of a connection: how they are shown without secrets, changed, and put into a request."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import msgspec
import orjson

from windtunnel.aws.model import snake

KINDS = {"BASIC": "BasicAuthParameters", "API_KEY": "ApiKeyAuthParameters", "OAUTH_CLIENT_CREDENTIALS": "OAuthParameters"}
SECRETS = frozenset({"Password", "ApiKeyValue", "ClientSecret"})
JSON, FORM = "application/json; charset=utf-8", "application/x-www-form-urlencoded"


class Outgoing(msgspec.Struct, frozen=True):
    """A request to be made."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


def shown_parameters(value: Any) -> Any:
    """Parameters as DescribeConnection shows them: secrets are left out."""
    if isinstance(value, list):
        return [shown_parameters(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, Any]", value)
    hidden = SECRETS | ({"Value"} if members.get("IsValueSecret") else frozenset[str]())
    return {name: shown_parameters(item) for name, item in members.items() if name not in hidden}


def secret_text(kind: str, parameters: Mapping[str, Any]) -> str:
    """Parameters as the secret of a connection has them."""
    own: Mapping[str, Any] = parameters[KINDS[kind]]
    if kind == "OAUTH_CLIENT_CREDENTIALS":
        client = own["ClientParameters"]
        told: dict[str, Any] = {
            "client_id": client["ClientID"],
            "client_secret": client["ClientSecret"],
            "authorization_endpoint": own["AuthorizationEndpoint"],
            "http_method": own["HttpMethod"],
        }
        if "OAuthHttpParameters" in own:
            told["oauth_http_parameters"] = _snaked(own["OAuthHttpParameters"])
    else:
        told = _snaked(own)
    if "InvocationHttpParameters" in parameters:
        told["invocation_http_parameters"] = _snaked(parameters["InvocationHttpParameters"])
    return orjson.dumps(told).decode()


def _snaked(value: Any) -> Any:
    if isinstance(value, list):
        return [_snaked(item) for item in cast("list[Any]", value)]
    return {snake(name): _snaked(item) for name, item in cast("dict[str, Any]", value).items()} if isinstance(value, dict) else value


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with those that an update gives; what it leaves out stays."""
    result = dict(old)
    for name, value in new.items():
        there = result.get(name)
        both = isinstance(there, dict) and isinstance(value, dict)
        result[name] = merged(cast("dict[str, Any]", there), cast("dict[str, Any]", value)) if both else value
    return result


def authorization(kind: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """The header by which a connection with a password or a key authorises."""
    own: Mapping[str, Any] = parameters.get(KINDS[kind], {})
    if not own:
        return {}
    if kind == "API_KEY":
        return {own["ApiKeyName"]: own["ApiKeyValue"]}
    return {"Authorization": f"Basic {b64encode(':'.join((own['Username'], own['Password'])).encode()).decode()}"}


def invocation(
    method: str, endpoint: str, body: str, http: Mapping[str, Any], connection: Mapping[str, Any], authorized: Mapping[str, str]
) -> Outgoing:
    """The call of an endpoint: a target's parameters, over which those of its connection go."""
    more: Mapping[str, Any] = connection.get("InvocationHttpParameters", {})
    url = _with_path(endpoint, http.get("PathParameterValues", []))
    query = {**http.get("QueryStringParameters", {}), **_pairs(more, "QueryStringParameters")}
    headers = {"Content-Type": JSON, **http.get("HeaderParameters", {}), **_pairs(more, "HeaderParameters"), **authorized}
    added = _pairs(more, "BodyParameters")
    return Outgoing(method, _with_query(url, query), headers, _with_members(body, added).encode())


def token_request(parameters: Mapping[str, Any]) -> Outgoing:
    """How an OAuth server is asked for a token: JSON, or a form where the headers say so."""
    oauth = parameters["OAuthParameters"]
    client, more = oauth["ClientParameters"], oauth.get("OAuthHttpParameters", {})
    headers = {"Content-Type": JSON, **_pairs(more, "HeaderParameters")}
    members = {"client_id": client["ClientID"], "client_secret": client["ClientSecret"], **_pairs(more, "BodyParameters")}
    query, method = _pairs(more, "QueryStringParameters"), oauth["HttpMethod"]
    if method == "GET":
        return Outgoing(method, _with_query(oauth["AuthorizationEndpoint"], members | query), headers, b"")
    form = next(value for name, value in reversed(headers.items()) if name.lower() == "content-type").startswith(FORM)
    body = urlencode(members).encode() if form else orjson.dumps(members)
    return Outgoing(method, _with_query(oauth["AuthorizationEndpoint"], query), headers, body)


def _pairs(parameters: Mapping[str, Any], member: str) -> dict[str, str]:
    return {pair["Key"]: pair.get("Value", "") for pair in parameters.get(member, [])}


def _with_path(endpoint: str, values: list[str]) -> str:
    """Each `*` of the path is one of the values, in order; those that are left follow at its end."""
    rest: Iterator[str] = iter(values)
    parts = urlsplit(endpoint)
    path = "".join(quote(next(rest, "*"), safe="/*") if character == "*" else character for character in parts.path)
    for value in rest:
        path = f"{path.rstrip('/')}/{quote(value, safe='/')}"
    return urlunsplit(parts._replace(path=path))


def _with_query(url: str, query: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(query))))))


def _with_members(body: str, members: Mapping[str, str]) -> str:
    """A JSON object with more members; any other body stays as it is."""
    if not members:
        return body
    value = orjson.loads(body)
    return orjson.dumps({**value, **members}).decode() if isinstance(value, dict) else body
