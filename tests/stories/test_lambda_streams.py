"""Responses that are streamed: each piece is handed on while the function still runs."""

import json
import shutil
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.lambdas import collected, make, run, tail, zipped
from tests.stories.test_lambda_urls import ask, opened
from windtunnel.fabric import Fault
from windtunnel.services.lambda_.urls.payloads import BROKEN

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

SLOW = """
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.setContentType('text/plain');
  stream.write('one');
  await new Promise((resolve) => setTimeout(resolve, 50));
  if (event.fail) throw new Error('midway');
  if (event.die) process.exit(3);
  if (event.hang) await new Promise((resolve) => setTimeout(resolve, 60000));
  stream.write('two');
  stream.end();
});
"""
HTTP = """
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream = awslambda.HttpResponseStream.from(stream, %s);
  stream.write('<p>');
  await new Promise((resolve) => setTimeout(resolve, 50));
  if (event.rawPath === '/fail') throw new Error('midway');
  stream.write('</p>');
  stream.end();
});
"""


def node(here: Here, name: str, code: str, **given: Any) -> None:
    make(here, name, Runtime="nodejs20.x", Handler="app.handler", Code={"ZipFile": zipped(**{"app.js": code})}, **given)


def url_of(here: Here, name: str, code: str) -> str:
    """The host of a new function's URL, which streams."""
    node(here, name, code)
    return opened(here, name, InvokeMode="RESPONSE_STREAM")


def streamed(here: Here, name: str, event: Any = None, **given: Any) -> tuple[Any, list[Any]]:
    """What InvokeWithResponseStream answers, and its events."""
    answer = here.lambda_.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event or {}).encode(), **given)
    return answer, collected(here, answer.pop("EventStream"))


def test_pieces_come_one_by_one_and_then_the_end(here: Here) -> None:
    node(here, "f", SLOW)
    answer, events = streamed(here, "f")
    assert answer == {"StatusCode": 200, "ExecutedVersion": "$LATEST", "ResponseStreamContentType": "text/plain"}
    assert events == [{"PayloadChunk": {"Payload": b"one"}}, {"PayloadChunk": {"Payload": b"two"}}, {"InvokeComplete": {}}]


def test_the_first_piece_is_there_before_the_function_has_ended(here: Here) -> None:
    node(here, "f", SLOW, Timeout=30)
    answer = here.lambda_.invoke_with_response_stream(FunctionName="f", Payload=b'{"hang": true}')

    async def first() -> Any:
        return await anext(answer["EventStream"])

    assert here.run(first()) == {"PayloadChunk": {"Payload": b"one"}}
    here.run(answer["EventStream"].aclose())


def test_a_stream_that_fails_says_so_at_its_end(here: Here) -> None:
    node(here, "f", SLOW, Timeout=1)
    for event, kind, message in (
        ({"fail": True}, "Error", "midway"),
        ({"die": True}, "Runtime.ExitError", "RequestId: request Error: Runtime exited with error: exit status 3"),
        ({"hang": True}, "Sandbox.Timedout", "RequestId: request Error: Task timed out after 1.00 seconds"),
    ):
        _, (first, last) = streamed(here, "f", event)
        details = json.loads(last["InvokeComplete"]["ErrorDetails"])
        assert (first, last["InvokeComplete"]["ErrorCode"]) == ({"PayloadChunk": {"Payload": b"one"}}, "Unhandled")
        assert (details["errorType"], details["errorMessage"]) == (kind, message)


def test_a_function_that_does_not_stream_answers_in_one_piece(here: Here) -> None:
    make(here, "f", "def handler(event, context):\n    print('seen')\n    return 1 / event['by']\n")
    answer, events = streamed(here, "f", {"by": 2}, LogType="Tail")
    assert answer["ResponseStreamContentType"] == "application/octet-stream"
    assert (events[0], "seen" in tail(events[1]["InvokeComplete"])) == ({"PayloadChunk": {"Payload": b"0.5"}}, True)
    _, (failed,) = streamed(here, "f", {"by": 0})
    assert json.loads(failed["InvokeComplete"]["ErrorDetails"])["errorType"] == "ZeroDivisionError"


def test_invoke_answers_a_stream_as_a_whole(here: Here) -> None:
    node(here, "f", SLOW)
    assert here.lambda_.invoke(FunctionName="f", Payload=b"{}")["Payload"] == b"onetwo"


def test_a_stream_holds_its_place_until_it_ends(here: Here) -> None:
    node(here, "f", SLOW, Timeout=30)
    here.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    flow = here.lambda_.invoke_with_response_stream(FunctionName="f", Payload=b"{}")["EventStream"]
    with pytest.raises(Fault, match="Rate Exceeded") as refused:
        here.lambda_.invoke_with_response_stream(FunctionName="f", Payload=b"{}")
    assert refused.value.code == "TooManyRequestsException"
    assert collected(here, flow)[-1] == {"InvokeComplete": {}}
    assert here.lambda_.invoke(FunctionName="f", Payload=b"{}")["Payload"] == b"onetwo"


def test_a_client_that_goes_away_stops_nothing(here: Here) -> None:
    node(here, "f", SLOW)
    flow = here.lambda_.invoke_with_response_stream(FunctionName="f", Payload=b"{}")["EventStream"]
    here.run(flow.aclose())
    assert collected(here, flow) == []
    here.rest()
    logged = here.logs.filter_log_events(logGroupName="/aws/lambda/f")["events"]
    assert any(event["message"].startswith("END") for event in logged)


def test_a_dry_run_streams_nothing(here: Here) -> None:
    make(here, "f")
    answer, events = streamed(here, "f", InvocationType="DryRun")
    assert (answer, events) == ({"StatusCode": 204}, [])


def test_a_custom_runtime_may_stream_as_well(here: Here) -> None:
    bootstrap = """#!/usr/bin/env python3
import http.client, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    event = api.getresponse()
    event.read()
    path = f"/2018-06-01/runtime/invocation/{event.headers['Lambda-Runtime-Aws-Request-Id']}/response"
    head = {"Lambda-Runtime-Function-Response-Mode": "streaming", "Transfer-Encoding": "chunked", "Content-Type": "text/csv"}
    api.request("POST", path, iter([b"a,", b"b"]), head, encode_chunked=True)
    api.getresponse().read()
"""
    make(here, "f", Runtime="provided.al2023", Code={"ZipFile": zipped(bootstrap=bootstrap)})
    answer, events = streamed(here, "f")
    assert answer["ResponseStreamContentType"] == "text/csv"
    assert b"".join(event["PayloadChunk"]["Payload"] for event in events[:-1]) == b"a,b"


def test_a_url_streams_head_and_body(here: Here) -> None:
    code = HTTP % "{statusCode: 201, headers: {'content-type': 'text/html', 'x-n': 1}, cookies: ['a=1', 'b=2']}"
    host = url_of(here, "f", code)
    answer = ask(here, host)
    headers = [("content-type", "text/html"), ("x-n", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    assert (answer.status, answer.headers) == (201, [*headers, ("x-amzn-RequestId", "request-1")])
    assert b"".join(collected(here, answer.body)) == b"<p></p>"


def test_a_url_whose_stream_fails_midway_is_cut_off(here: Here) -> None:
    host = url_of(here, "f", HTTP % "{}")
    answer = ask(here, host, path="/fail")
    assert (answer.status, answer.headers[0]) == (200, ("Content-Type", "application/octet-stream"))
    with pytest.raises(ConnectionResetError):
        collected(here, answer.body)


def test_a_url_whose_stream_never_begins_is_broken(here: Here) -> None:
    code = "exports.handler = awslambda.streamifyResponse(async () => { throw new Error('early') });"
    host = url_of(here, "f", code)
    answer = ask(here, host)
    assert (answer.status, answer.body) == (BROKEN.status, BROKEN.body)
    code = "exports.handler = awslambda.streamifyResponse(async (event, s) => { awslambda.HttpResponseStream.from(s, 'x').end() });"
    here.lambda_.update_function_code(FunctionName="f", ZipFile=zipped(**{"app.js": code}))
    assert ask(here, host).status == BROKEN.status


def test_what_is_thrown_before_the_first_byte_is_the_functions_error(here: Here) -> None:
    node(here, "f", "exports.handler = awslambda.streamifyResponse(async () => { throw new Error('early') });")
    assert run(here, "f")["errorMessage"] == "early"
    _, (failed,) = streamed(here, "f")
    assert json.loads(failed["InvokeComplete"]["ErrorDetails"])["errorMessage"] == "early"
