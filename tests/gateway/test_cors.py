"""Browser consoles may call from anywhere, except where the application has rules of its own."""

from tests.gateway.kit import Application
from windtunnel.gateway.cors import Cors
from windtunnel.wire.message import Request, Response


class Answer:
    def __init__(self) -> None:
        self.response: Response | None = None
        self.closed = False

    def __call__(self, response: Response, /) -> None:
        self.response = response

    def on_close(self, callback: object, /) -> None:
        raise AssertionError("nobody waits here")


def ask(method: str, *, applies: bool = True, response: Response | None = None, **headers: str) -> tuple[int, dict[str, str], int]:
    app = Application(lambda request, reply: reply(response or Response(200, [("X-A", "1")], b"body")))
    answer = Answer()
    request = Request(method, "/", "", {name.replace("_", "-"): value for name, value in headers.items()})
    Cors(app, lambda request: applies).handle(request, answer)
    assert answer.response is not None
    return answer.response.status, dict(answer.response.headers), len(app.requests)


def test_a_preflight_is_allowed_what_it_asks_without_asking_the_application() -> None:
    status, headers, asked = ask(
        "OPTIONS", origin="https://console.test", access_control_request_method="PUT", access_control_request_headers="x-amz-target"
    )
    assert (status, asked) == (204, 0)
    assert headers == {
        "Access-Control-Allow-Origin": "https://console.test",
        "Access-Control-Allow-Credentials": "true",
        "Vary": "Origin",
        "Access-Control-Allow-Methods": "HEAD,GET,PUT,POST,DELETE,OPTIONS,PATCH",
        "Access-Control-Allow-Headers": "x-amz-target",
        "Access-Control-Max-Age": "86400",
    }


def test_a_reply_to_another_origin_may_be_read() -> None:
    status, headers, asked = ask("GET", origin="https://console.test")
    assert (status, headers["X-A"], headers["Access-Control-Allow-Origin"], asked) == (200, "1", "https://console.test", 1)
    assert "x-amz-request-id" in headers["Access-Control-Expose-Headers"]


def test_requests_without_origin_are_left_alone() -> None:
    assert ask("GET") == (200, {"X-A": "1"}, 1)
    assert ask("OPTIONS", access_control_request_method="PUT") == (200, {"X-A": "1"}, 1)


def test_the_application_s_own_rules_go_first() -> None:
    assert ask("OPTIONS", applies=False, origin="o", access_control_request_method="PUT") == (200, {"X-A": "1"}, 1)
    own = Response(200, [("access-control-allow-origin", "https://only.test")])
    assert ask("GET", response=own, origin="o") == (200, {"access-control-allow-origin": "https://only.test"}, 1)
