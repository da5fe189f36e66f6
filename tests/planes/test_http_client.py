"""The client that delivers to URLs: what it sends, what it takes for an answer, and where it gives up."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.planes.subscriber import ANSWER, Subscriber
from windtunnel.gateway.http.tls import self_signed
from windtunnel.planes.network.client import Answer, HttpClient, HttpError

EMPTY = Answer(200, {"content-length": "0"}, b"")


def over(subscriber: Subscriber, act: Callable[[HttpClient, str], Awaitable[Any]], **options: Any) -> Any:
    """What `act(client, url)` returns with the subscriber serving."""

    async def main() -> Any:
        url, client = await subscriber.start(), HttpClient(**options)
        try:
            return await act(client, url)
        finally:
            await client.close()
            await subscriber.stop()

    # The region serves in uvloop's loop; asyncio's own is what a machine without it has.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


def get(client: HttpClient, url: str, seconds: float = 5.0) -> Awaitable[Answer]:
    return client.request("GET", url, {}, seconds=seconds)


def refused(subscriber: Subscriber, seconds: float = 5.0, **options: Any) -> tuple[str, str]:
    async def act(client: HttpClient, url: str) -> tuple[str, str]:
        with pytest.raises(HttpError) as caught:
            await get(client, url, seconds)
        return caught.value.code, str(caught.value).replace(url, "URL")

    return over(subscriber, act, **options)


def test_a_post_carries_its_headers_and_its_body() -> None:
    subscriber = Subscriber(b"HTTP/1.1 201 Created\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok")

    async def act(client: HttpClient, url: str) -> Answer:
        return await client.request("POST", f"{url}/path?a=b", {"x-kind": "k"}, "grüße".encode(), seconds=5)

    assert over(subscriber, act) == Answer(201, {"x-a": "1", "content-length": "2"}, b"ok")
    host = subscriber.heads[0][1]
    assert subscriber.heads == [["POST /path?a=b HTTP/1.1", host, "x-kind: k", "Content-Length: 7"]]
    assert host.startswith("Host: 127.0.0.1:")
    assert subscriber.bodies == ["grüße"]


def test_a_name_and_password_in_the_url_become_a_header() -> None:
    subscriber = Subscriber()

    async def act(client: HttpClient, url: str) -> Answer:
        return await get(client, url.replace("//", "//user:p%40ss@"))

    assert over(subscriber, act) == EMPTY
    assert subscriber.heads[0][2] == "Authorization: Basic dXNlcjpwQHNz"


def test_one_connection_serves_one_request_after_the_other() -> None:
    subscriber = Subscriber()

    async def act(client: HttpClient, url: str) -> list[Answer]:
        return [await get(client, url) for _ in range(3)]

    assert over(subscriber, act) == [EMPTY] * 3
    assert subscriber.connections == 1


def test_requests_at_the_same_time_have_a_connection_each() -> None:
    subscriber = Subscriber()

    async def act(client: HttpClient, url: str) -> list[Answer]:
        return await asyncio.gather(*(get(client, url) for _ in range(3)))

    assert over(subscriber, act) == [EMPTY] * 3
    assert subscriber.connections == 3


def test_a_connection_that_the_server_closed_meanwhile_is_made_anew() -> None:
    subscriber = Subscriber()
    subscriber.close_after = True

    async def act(client: HttpClient, url: str) -> list[Answer]:
        return [await get(client, url) for _ in range(3)]

    assert over(subscriber, act) == [EMPTY] * 3
    assert subscriber.connections == 3


def test_a_redirect_is_an_answer_like_any_other() -> None:
    subscriber = Subscriber(b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n")
    assert over(subscriber, get) == Answer(302, {"location": "http://elsewhere/", "content-length": "0"}, b"")


def test_an_answer_in_chunks_is_put_together() -> None:
    subscriber = Subscriber(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert over(subscriber, get) == Answer(200, {"transfer-encoding": "chunked"}, b"abcde")


def test_an_answer_may_end_with_its_connection() -> None:
    subscriber = Subscriber(b"HTTP/1.0 200 OK\r\n\r\nall of it")
    subscriber.close_after = True
    assert over(subscriber, get) == Answer(200, {}, b"all of it")


def test_an_interim_answer_is_passed_over() -> None:
    assert over(Subscriber(b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER), get) == EMPTY


def test_who_does_not_answer_in_time_has_failed() -> None:
    assert refused(Subscriber(None), 0.05) == ("Timeout", "URL did not answer within 0.05 s")


def test_an_answer_that_stops_in_the_middle_is_none() -> None:
    subscriber = Subscriber(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
    subscriber.close_after = True
    assert refused(subscriber) == ("BadResponse", "the connection ended in the middle of an answer")


def test_an_answer_longer_than_the_limit_is_cut_off() -> None:
    subscriber = Subscriber(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n" + b"x" * 11)
    assert refused(subscriber, body_bytes_max=10) == ("ResponseTooLarge", "the answer is longer than 10 bytes")


def test_what_is_not_http_is_no_answer() -> None:
    code, _ = refused(Subscriber(b"SSH-2.0-OpenSSH\r\n\r\n"))
    assert code == "BadResponse"


def test_where_nobody_listens_no_connection_is_made() -> None:
    async def main() -> str:
        subscriber = Subscriber()
        url = await subscriber.start()
        await subscriber.stop()
        with pytest.raises(HttpError) as caught:
            await get(HttpClient(), url)
        return caught.value.code

    assert asyncio.run(main()) == "ConnectionFailed"


@pytest.mark.parametrize("url", ["ftp://host/", "http://", "http://host:99999/", "http://host/a b", "http://host/\r\nX: 1"])
def test_a_url_that_no_request_can_be_made_of_is_refused(url: str) -> None:
    async def main() -> str:
        with pytest.raises(HttpError) as caught:
            await get(HttpClient(), url)
        return caught.value.code

    assert asyncio.run(main()) in {"BadRequest", "ConnectionFailed"}


@pytest.mark.parametrize(("verify", "expected"), [(False, EMPTY), (True, "ConnectionFailed")])
def test_a_certificate_that_nobody_trusts_is_refused_unless_told_otherwise(tmp_path: Path, verify: bool, expected: object) -> None:
    async def main() -> object:
        subscriber, client = Subscriber(), HttpClient(verify=verify)
        context: ssl.SSLContext = self_signed(("localhost",), 1_767_225_600.0, tmp_path)
        url = await subscriber.start(context)
        try:
            return await get(client, url)
        except HttpError as error:
            return error.code
        finally:
            await client.close()
            await subscriber.stop()

    assert asyncio.run(main()) == expected
