"""Node.js functions behave as in Lambda: handlers of every style, errors, log lines and streamed responses."""

import asyncio
import re
import shutil
import socket

import pytest

from tests.planes.kit import NODE, Bench, invocation, invoke, streamed, value
from windtunnel.planes.compute import Environment, Kind, Outcome, Stream

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js here")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("app.js", "exports.handler = async (event) => ({got: event})"),
        ("app.mjs", "export const handler = async (event) => ({got: event})"),
        ("app.cjs", "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, {got: event}), 5) }"),
        ("app.js", "exports.handler = (event, context) => { context.succeed({got: event}) }"),
        (
            "app.js",
            "exports.handler = (e, c, done) => { c.callbackWaitsForEmptyEventLoop = false; setInterval(e => e, 9); done(null, {got: e}) }",
        ),
    ],
)
def test_every_style_of_handler_answers_and_stays_warm(bench: Bench, name: str, code: str) -> None:
    async def story(environment: Environment) -> object:
        return [await invoke(environment, {"n": number}, f"r{number}") for number in range(2)]

    assert bench.within(bench.spec(code, name=name, runtime=NODE), story) == [{"got": {"n": 0}}, {"got": {"n": 1}}]


@pytest.mark.parametrize(
    ("code", "kind", "error_type", "message"),
    [
        ("exports.handler = async () => { throw new TypeError('no') }", Kind.ERROR, "TypeError", "no"),
        ("exports.handler = (e, c, callback) => callback('text')", Kind.ERROR, "string", "text"),
        ("exports.handler = () => { setTimeout(() => { throw new Error('late') }, 1) }", Kind.ERROR, "Error", "late"),
        (
            "exports.handler = async () => { Promise.reject(new Error('lost')); await new Promise(r => setTimeout(r, 500)) }",
            Kind.ERROR,
            "Runtime.UnhandledPromiseRejection",
            "Error: lost",
        ),
        ("exports.other = 1", Kind.INIT_ERROR, "Runtime.HandlerNotFound", "app.handler is undefined or not exported"),
        ("exports.handler = 1", Kind.INIT_ERROR, "Runtime.HandlerNotFound", "app.handler is not a function"),
        ("exports.handler = (", Kind.INIT_ERROR, "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected token '}'"),
        ("throw new RangeError('early')", Kind.INIT_ERROR, "RangeError", "early"),
    ],
)
def test_errors_have_awss_names(bench: Bench, code: str, kind: Kind, error_type: str, message: str) -> None:
    outcome = bench.run(code, name="app.js", runtime=NODE)
    shape = value(outcome)
    assert (outcome.kind, outcome.error_type, shape["errorType"]) == (kind, error_type, error_type)
    if error_type != "Runtime.UserCodeSyntaxError":
        assert shape["errorMessage"] == message
    assert isinstance(shape["trace"], list)


def test_a_missing_module_and_an_exit_are_told_apart(bench: Bench) -> None:
    missing = value(bench.run("require('nothing-such')", name="app.js", runtime=NODE))
    assert (missing["errorType"], missing["errorMessage"].split("\n")[0]) == (
        "Runtime.ImportModuleError",
        "Error: Cannot find module 'nothing-such'",
    )
    ended = value(bench.run("exports.handler = async () => process.exit(4)", name="app.js", runtime=NODE))
    assert ended == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: request-1 Error: Runtime exited with error: exit status 4",
    }


def test_console_lines_have_awss_format(bench: Bench) -> None:
    code = "exports.handler = async () => { console.log('a %d', 1, {b: 2}); console.error('two\\nlines'); process.stdout.write('raw\\n') }"
    bench.run(code, name="app.js", runtime=NODE)
    lines = [re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "<time>", line) for line in bench.texts()]
    assert lines == ["<time>\trequest-1\tINFO\ta 1 { b: 2 }", "<time>\trequest-1\tERROR\ttwo\nlines", "raw"]


def test_a_streamed_response_comes_in_pieces_while_the_function_runs(bench: Bench) -> None:
    code = """
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream = awslambda.HttpResponseStream.from(stream, {statusCode: 201});
  stream.write('one');
  await new Promise(resolve => setTimeout(resolve, 50));
  if (event) throw new Error('midway');
  stream.write('two');
  stream.end();
});
"""

    async def story(environment: Environment) -> Outcome:
        stream = Stream()
        pieces, outcome = await streamed(environment, stream=stream)
        assert outcome.duration_ms > 45
        assert b"".join(pieces) == b'{"statusCode":201}' + bytes(8) + b"onetwo"
        assert pieces[-1] == b"two"
        assert (outcome.kind, stream.content_type) == (Kind.OK, "application/vnd.awslambda.http-integration-response")
        pieces, failed = await streamed(environment, invocation(1, "r2"))
        assert b"".join(pieces) == b'{"statusCode":201}' + bytes(8) + b"one"
        assert (failed.kind, failed.error_type, value(failed)["errorMessage"]) == (Kind.ERROR, "Error", "midway")
        return await asyncio.wait_for(environment.invoke(invocation(None, "r3")), 5)

    assert bench.within(bench.spec(code, name="app.js", runtime=NODE), story).kind is Kind.OK


def test_a_large_stream_waits_for_a_slow_reader(bench: Bench) -> None:
    code = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const piece = Buffer.alloc(1 << 20, 'x');
  for (let i = 0; i < 20; i++) if (!stream.write(piece)) await new Promise(resolve => stream.once('drain', resolve));
  stream.end();
});
"""

    pieces, outcome = bench.within(bench.spec(code, name="app.js", runtime=NODE), streamed)
    assert (sum(map(len, pieces)), outcome.kind) == (20 << 20, Kind.OK)


def test_a_reader_that_goes_away_stops_nothing(bench: Bench) -> None:
    code = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const piece = Buffer.alloc(1 << 20, 'x');
  for (let i = 0; i < 20; i++) if (!stream.write(piece)) await new Promise(resolve => stream.once('drain', resolve));
  console.log('done');
  stream.end();
});
"""

    async def story(environment: Environment) -> Outcome:
        stream = Stream()
        running = asyncio.ensure_future(environment.invoke(invocation(), stream))
        await anext(stream)
        stream.close()
        return await running

    outcome = bench.within(bench.spec(code, name="app.js", runtime=NODE), story)
    assert (outcome.kind, outcome.log_tail[-1].endswith("done")) == (Kind.OK, True)


ANSWER = """
const https = require('https');
exports.handler = (event, context, done) => {
  const request = https.request({hostname: '127.0.0.1', path: '/answer', method: 'PUT', ...event}, (response) => {
    response.on('data', (data) => done(null, String(data)));
  });
  request.on('error', (error) => done(null, error.code));
  request.end('said');
};
"""


def test_what_custom_resources_send_to_port_443_reaches_the_region(bench: Bench) -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"said"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_server(("127.0.0.1", 0)) as other:
        port, elsewhere = listening.getsockname()[1], other.getsockname()[1]
        other.close()

        async def story(environment: Environment) -> object:
            async with await asyncio.start_server(serve, sock=listening):
                return [await invoke(environment, event) for event in ({}, {"port": 443}, {"port": elsewhere})]

        spec = bench.spec(ANSWER, name="app.js", runtime=NODE, environment={"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"})
        assert bench.within(spec, story) == ["ok", "ok", "ECONNREFUSED"]
    assert [head.split(b" HTTP")[0] for head in heard] == [b"PUT /answer", b"PUT /answer"]
