"""API destinations call endpoints, authorised as their connections say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.planes.subscriber import ANSWER, Subscriber
from tests.stories.events_kit import PREFIX, attributes, letters, put, queue, rule
from tests.stories.here import Here

BASIC = {"BasicAuthParameters": {"Username": "anna", "Password": "secret"}}
KEY = {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "secret"}}


class Endpoint(Subscriber):
    """A server that knows where it is."""

    url = ""


@pytest.fixture
def endpoint(here: Here) -> Iterator[Endpoint]:
    one = Endpoint()
    one.url = here.run(one.start())
    yield one
    here.run(one.stop())


def _answer(status: str, document: Any = None) -> bytes:
    body = json.dumps(document or {}).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _connect(here: Here, kind: str, parameters: dict[str, Any]) -> str:
    arn = here.events.create_connection(Name="c", AuthorizationType=kind, AuthParameters=parameters)["ConnectionArn"]
    here.rest()
    return arn


def _destination(here: Here, connection: str, url: str, **given: Any) -> str:
    request = {"HttpMethod": "POST", **given}
    return here.events.create_api_destination(Name="d", ConnectionArn=connection, InvocationEndpoint=url, **request)["ApiDestinationArn"]


def _headers(head: list[str]) -> dict[str, str]:
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:])}


def test_an_endpoint_is_called_with_the_parameters_of_target_and_connection(here: Here, endpoint: Endpoint) -> None:
    pair = {"IsValueSecret": False}
    more = {
        "HeaderParameters": [{"Key": "X-Mine", "Value": "connection", **pair}],
        "QueryStringParameters": [{"Key": "q", "Value": "c d", **pair}],
        "BodyParameters": [{"Key": "extra", "Value": "1", **pair}],
    }
    connection = _connect(here, "API_KEY", {**KEY, "InvocationHttpParameters": more})
    arn = _destination(here, connection, f"{endpoint.url}/orders/*/items", HttpMethod="PUT")
    http = {
        "PathParameterValues": ["$.detail.id", "last"],
        "HeaderParameters": {"X-Mine": "target", "X-Kind": "$.detail-type"},
        "QueryStringParameters": {"q": "target", "n": "$.detail.n"},
    }
    rule(here, {"source": ["shop"]}, arn, HttpParameters=http, InputPath="$.detail")
    put(here, {"id": "a/1", "n": 7})
    here.rest()
    (head,), (body,) = endpoint.heads, endpoint.bodies
    assert head[0] == "PUT /orders/a/1/items/last?q=c+d&n=7 HTTP/1.1"
    assert json.loads(body) == {"id": "a/1", "n": 7, "extra": "1"}
    shown = _headers(head)
    assert {name: shown[name] for name in ("x-mine", "x-kind", "x-key", "content-type")} == {
        "x-mine": "connection",
        "x-kind": "Order",
        "x-key": "secret",
        "content-type": "application/json; charset=utf-8",
    }


def test_a_name_and_a_password_authorise(here: Here, endpoint: Endpoint) -> None:
    rule(here, {"source": ["shop"]}, _destination(here, _connect(here, "BASIC", BASIC), endpoint.url))
    put(here)
    here.rest()
    assert _headers(endpoint.heads[0])["authorization"] == "Basic YW5uYTpzZWNyZXQ="


def _oauth(url: str, **more: Any) -> dict[str, Any]:
    client = {"ClientID": "me", "ClientSecret": "secret"}
    return {"OAuthParameters": {"ClientParameters": client, "AuthorizationEndpoint": f"{url}/token", "HttpMethod": "post", **more}}


def test_a_token_is_asked_for_kept_and_replaced_when_it_is_refused(here: Here, endpoint: Endpoint) -> None:
    def token(text: str) -> bytes:
        return _answer("200 OK", {"access_token": text, "expires_in": 3600})

    endpoint.answers = [token("one"), ANSWER, ANSWER, _answer("401 Unauthorized"), token("two"), ANSWER, token("three"), ANSWER]
    connection = _connect(here, "OAUTH_CLIENT_CREDENTIALS", _oauth(endpoint.url))
    assert json.loads(endpoint.bodies[0]) == {"client_id": "me", "client_secret": "secret"}
    rule(here, {"source": ["shop"]}, _destination(here, connection, endpoint.url))
    for _ in range(3):
        put(here)
        here.rest()
    here.jump(3600)
    put(here)
    here.rest()
    said = [(head[0].split(" ")[1], _headers(head).get("authorization")) for head in endpoint.heads]
    assert said == [
        ("/token", None),
        ("/", "Bearer one"),
        ("/", "Bearer one"),
        ("/", "Bearer one"),
        ("/token", None),
        ("/", "Bearer two"),
        ("/token", None),
        ("/", "Bearer three"),
    ]


def test_a_form_or_a_query_asks_for_a_token_where_the_connection_says_so(here: Here, endpoint: Endpoint) -> None:
    endpoint.answers = [_answer("200 OK", {"access_token": "t"})]
    grant = [{"Key": "grant_type", "Value": "client_credentials", "IsValueSecret": False}]
    form = [{"Key": "Content-Type", "Value": "application/x-www-form-urlencoded", "IsValueSecret": False}]
    _connect(
        here, "OAUTH_CLIENT_CREDENTIALS", _oauth(endpoint.url, OAuthHttpParameters={"HeaderParameters": form, "BodyParameters": grant})
    )
    assert endpoint.bodies == ["client_id=me&client_secret=secret&grant_type=client_credentials"]
    here.events.update_connection(Name="c", AuthParameters={"OAuthParameters": {"HttpMethod": "GET"}})
    here.rest()
    assert endpoint.heads[1][0] == "GET /token?client_id=me&client_secret=secret&grant_type=client_credentials HTTP/1.1"


def test_a_connection_is_authorised_once_its_server_gives_a_token(here: Here, endpoint: Endpoint) -> None:
    endpoint.answers = [_answer("400 Bad Request")]
    created = here.events.create_connection(Name="c", AuthorizationType="OAUTH_CLIENT_CREDENTIALS", AuthParameters=_oauth(endpoint.url))
    assert created["ConnectionState"] == "AUTHORIZING"
    here.rest()
    shown = here.events.describe_connection(Name="c")
    reason = "The authorization endpoint answered 400 without a token."
    assert (shown["ConnectionState"], shown["StateReason"]) == ("DEAUTHORIZED", reason)
    endpoint.answers = [_answer("200 OK", {"access_token": "t"})]
    assert here.events.update_connection(Name="c", Description="x")["ConnectionState"] == "AUTHORIZING"
    here.rest()
    shown = here.events.describe_connection(Name="c")
    assert {**shown, "SecretArn": ""} == {
        "ConnectionArn": created["ConnectionArn"],
        "ConnectionState": "AUTHORIZED",
        "CreationTime": here.now,
        "LastModifiedTime": here.now,
        "LastAuthorizedTime": here.now,
        "Name": "c",
        "Description": "x",
        "AuthorizationType": "OAUTH_CLIENT_CREDENTIALS",
        "SecretArn": "",
        "AuthParameters": {
            "OAuthParameters": {
                "ClientParameters": {"ClientID": "me"},
                "AuthorizationEndpoint": f"{endpoint.url}/token",
                "HttpMethod": "POST",
            }
        },
    }


def test_what_authorises_lies_in_a_secret_as_long_as_the_connection_has_it(here: Here) -> None:
    _connect(
        here, "BASIC", {**BASIC, "InvocationHttpParameters": {"HeaderParameters": [{"Key": "k", "Value": "v", "IsValueSecret": True}]}}
    )
    secret = here.events.describe_connection(Name="c")["SecretArn"]
    assert json.loads(here.secretsmanager.get_secret_value(SecretId=secret)["SecretString"]) == {
        "username": "anna",
        "password": "secret",
        "invocation_http_parameters": {"header_parameters": [{"key": "k", "value": "v", "is_value_secret": True}]},
    }
    here.events.update_connection(Name="c", AuthParameters={"BasicAuthParameters": {"Password": "new"}})
    assert json.loads(here.secretsmanager.get_secret_value(SecretId=secret)["SecretString"])["password"] == "new"
    here.events.deauthorize_connection(Name="c")
    assert "SecretArn" not in here.events.describe_connection(Name="c")
    here.events.update_connection(Name="c", AuthorizationType="API_KEY", AuthParameters=KEY)
    secret = here.events.describe_connection(Name="c")["SecretArn"]
    assert json.loads(here.secretsmanager.get_secret_value(SecretId=secret)["SecretString"]) == {
        "api_key_name": "X-Key",
        "api_key_value": "secret",
    }
    here.events.delete_connection(Name="c")
    assert here.secretsmanager.list_secrets() == {"SecretList": []}


def test_a_server_that_does_not_answer_is_asked_again(here: Here, endpoint: Endpoint) -> None:
    here.run(endpoint.stop())
    _connect(here, "OAUTH_CLIENT_CREDENTIALS", _oauth(endpoint.url))
    assert here.events.describe_connection(Name="c")["ConnectionState"] == "AUTHORIZING"
    here.jump(600)
    assert here.events.describe_connection(Name="c")["ConnectionState"] == "DEAUTHORIZED"


def test_calls_keep_to_the_rate_of_their_destination(here: Here, endpoint: Endpoint) -> None:
    arn = _destination(here, _connect(here, "BASIC", BASIC), endpoint.url, InvocationRateLimitPerSecond=2)
    rule(here, {"source": ["shop"]}, arn)
    for n in range(5):
        put(here, {"n": n})
    seen: list[int] = []
    for _ in range(3):
        here.rest()
        seen.append(len(endpoint.bodies))
        here.jump(1)
    assert seen == [2, 4, 5]


@pytest.mark.parametrize(
    ("status", "calls", "code"),
    [
        ("500 Oops", 3, "ERROR_FROM_TARGET"),
        ("429 Slow", 3, "THROTTLING"),
        ("409 Busy", 3, "ERROR_FROM_TARGET"),
        ("403 No", 1, "ERROR_FROM_TARGET"),
    ],
)
def test_what_an_endpoint_answers_decides_whether_it_is_called_again(
    here: Here, endpoint: Endpoint, status: str, calls: int, code: str
) -> None:
    endpoint.answers = [_answer(status)]
    dead: dict[str, Any] = {"DeadLetterConfig": {"Arn": queue(here, "dead")}, "RetryPolicy": {"MaximumRetryAttempts": 2}}
    rule(here, {"source": ["shop"]}, _destination(here, _connect(here, "BASIC", BASIC), endpoint.url), **dead)
    put(here)
    here.jump(10)
    (letter,) = letters(here, "dead")
    assert (len(endpoint.bodies), attributes(letter)["ERROR_CODE"], attributes(letter)["RETRY_ATTEMPTS"]) == (calls, code, str(calls - 1))


def test_a_destination_is_active_while_its_connection_is_authorised(here: Here, endpoint: Endpoint) -> None:
    connection = _connect(here, "BASIC", BASIC)
    arn = _destination(here, connection, endpoint.url, Description="x")
    assert arn.startswith(f"{PREFIX}api-destination/d/")
    shown = {
        "ApiDestinationArn": arn,
        "ApiDestinationState": "ACTIVE",
        "CreationTime": here.now,
        "LastModifiedTime": here.now,
        "Name": "d",
        "ConnectionArn": connection,
        "InvocationEndpoint": endpoint.url,
        "HttpMethod": "POST",
        "InvocationRateLimitPerSecond": 300,
    }
    assert here.events.describe_api_destination(Name="d") == {**shown, "Description": "x"}
    assert here.events.list_api_destinations(ConnectionArn=connection) == {"ApiDestinations": [shown]}
    assert here.events.deauthorize_connection(Name="c")["ConnectionState"] == "DEAUTHORIZING"
    assert here.events.update_api_destination(Name="d", HttpMethod="GET")["ApiDestinationState"] == "INACTIVE"
    rule(here, {"source": ["shop"]}, arn, DeadLetterConfig={"Arn": queue(here, "dead")})
    put(here)
    here.rest()
    assert ([attributes(one)["ERROR_CODE"] for one in letters(here, "dead")], endpoint.bodies) == (["NO_PERMISSIONS"], [])
    assert [one["ConnectionState"] for one in here.events.list_connections(ConnectionState="DEAUTHORIZED")["Connections"]] == [
        "DEAUTHORIZED"
    ]
    assert here.events.delete_connection(Name="c")["ConnectionState"] == "DELETING"
    here.events.delete_api_destination(Name="d")
    assert (here.events.list_connections(), here.events.list_api_destinations()) == ({"Connections": []}, {"ApiDestinations": []})
