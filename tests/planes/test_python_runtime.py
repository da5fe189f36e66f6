"""Python functions behave as in Lambda: what they return, how they fail, what they log, what they are told."""

import re
from pathlib import Path

import pytest

from tests.planes.kit import Bench, invocation, invoke, value
from windtunnel.planes.compute import Environment, Kind, Runtime, runtime_for

LIBM = [found for pattern in ("lib/*/libm.so.6", "lib64/libm.so.6") for found in Path("/").glob(pattern)]


def test_a_function_answers_with_what_its_handler_returns(bench: Bench) -> None:
    outcome = bench.run("def handler(event, context): return {'got': event, 'é': '\\u00fc'}", {"a": [1, None, 2.5]})
    assert (outcome.kind, outcome.payload) == (
        Kind.OK,
        '{"got": {"a": [1, null, 2.5]}, "é": "ü"}'.encode().replace(b"\xc3\xa9", b"\\u00e9").replace(b"\xc3\xbc", b"\\u00fc"),
    )
    assert outcome.init_ms is not None
    assert (outcome.init_ms > 0, outcome.max_memory_mb > 0) == (True, True)


def test_a_warm_environment_keeps_its_state_and_tells_its_init_time_once(bench: Bench) -> None:
    async def story(environment: Environment) -> list[object]:
        outcomes = [await environment.invoke(invocation(None, f"r{number}")) for number in range(3)]
        assert [outcome.init_ms is None for outcome in outcomes] == [False, True, True]
        return [value(outcome) for outcome in outcomes]

    code = "seen = []\ndef handler(event, context):\n    seen.append(context.aws_request_id)\n    return seen"
    assert bench.within(bench.spec(code), story) == [["r0"], ["r0", "r1"], ["r0", "r1", "r2"]]


def test_the_context_holds_what_aws_puts_there(bench: Bench) -> None:
    code = """
def handler(event, context):
    return [context.function_name, context.function_version, context.memory_limit_in_mb, context.log_group_name, context.log_stream_name,
            context.invoked_function_arn, context.client_context.custom, context.identity.cognito_identity_id,
            9000 < context.get_remaining_time_in_millis() <= 10000, __import__("os").environ["_X_AMZN_TRACE_ID"]]
"""
    names = {
        "FUNCTION_NAME": "f",
        "FUNCTION_VERSION": "7",
        "FUNCTION_MEMORY_SIZE": "128",
        "LOG_GROUP_NAME": "/aws/lambda/f",
        "LOG_STREAM_NAME": "s",
    }
    spec = bench.spec(code, environment={f"AWS_LAMBDA_{key}": given for key, given in names.items()})
    given = invocation(
        arn="arn:aws:lambda:::f", client_context='{"custom": {"a": "b"}}', cognito_identity='{"cognitoIdentityId": "i"}', trace_id="Root=1"
    )

    async def story(environment: Environment) -> object:
        return value(await environment.invoke(given))

    assert bench.within(spec, story) == ["f", "7", "128", "/aws/lambda/f", "s", "arn:aws:lambda:::f", {"a": "b"}, "i", True, "Root=1"]


def test_an_exception_is_the_answer_and_one_log_event(bench: Bench) -> None:
    outcome = bench.run("def handler(event, context):\n    raise ValueError('no')")
    frame = "  File \"/var/task/app.py\", line 2, in handler\n    raise ValueError('no')\n"
    if not bench.machine.isolated:
        frame = frame.replace("/var/task", str(bench.folder / "code"))
    assert (outcome.kind, outcome.error_type) == (Kind.ERROR, "ValueError")
    assert value(outcome) == {"errorMessage": "no", "errorType": "ValueError", "requestId": "request-1", "stackTrace": [frame]}
    shown = frame.rstrip().replace("    ", "\u00a0" * 4).replace("  ", "\u00a0" * 2)
    assert bench.lines == [("request-1", f"[ERROR] ValueError: no\nTraceback (most recent call last):\n{shown}\x1e")]


def test_an_error_of_python_3_8_does_not_name_its_request(bench: Bench) -> None:
    outcome = bench.run("def handler(event, context): raise KeyError(1)", environment={"AWS_EXECUTION_ENV": "AWS_Lambda_python3.8"})
    assert value(outcome).keys() == {"errorMessage", "errorType", "stackTrace"}


def test_a_trace_is_printed_as_awss_client_prints_it(bench: Bench) -> None:
    trace = value(bench.run("def handler(event, context): return 1 + {}['missing']"))["stackTrace"]
    assert [line.split(", ", 1)[1] for line in trace] == [
        "line 1, in handler\n    def handler(event, context): return 1 + {}['missing']\n"
    ], "nothing is underlined"
    trace = value(bench.run("raise ValueError('not today')"))["stackTrace"]
    assert "import_module" in trace[0], "the first frame is the importer's, not the runtime's"
    assert ("<frozen importlib._bootstrap>" in trace[1], "app.py" in trace[-1]) == (True, True)


@pytest.mark.parametrize(
    ("code", "handler", "error_type", "message"),
    [
        (
            "import nothing_such",
            "app.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'app': No module named 'nothing_such'",
        ),
        ("", "other.handler", "Runtime.ImportModuleError", "Unable to import module 'other': No module named 'other'"),
        ("x = 1", "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("", "app", "Runtime.MalformedHandlerName", "Bad handler 'app': not enough values to unpack (expected 2, got 1)"),
        ("def (", "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app': invalid syntax (app.py, line 1)"),
        ("raise KeyError('k')", "app.handler", "KeyError", "'k'"),
    ],
)
def test_what_fails_before_the_first_event_has_awss_names(bench: Bench, code: str, handler: str, error_type: str, message: str) -> None:
    outcome = bench.run(code, handler=handler)
    assert (outcome.kind, outcome.error_type) == (Kind.INIT_ERROR, error_type)
    shape = value(outcome)
    assert (shape["errorType"], shape["errorMessage"], shape["requestId"]) == (error_type, message, "")


@pytest.mark.parametrize(
    ("body", "error_type", "message"),
    [
        ("return {1, 2}", "Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"),
        (
            "return 'x' * 6291555",
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        ),
    ],
)
def test_an_answer_that_cannot_be_sent_is_an_error_and_the_environment_goes_on(
    bench: Bench, body: str, error_type: str, message: str
) -> None:
    async def story(environment: Environment) -> object:
        first = await environment.invoke(invocation(1))
        assert (first.kind, value(first)["errorType"], value(first)["errorMessage"]) == (Kind.ERROR, error_type, message)
        return await invoke(environment, 0, "request-2")

    assert bench.within(bench.spec(f"def handler(event, context):\n    if event: {body}\n    return 'fine'"), story) == "fine"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("sys.exit(3)", "RequestId: request-1 Error: Runtime exited with error: exit status 3"),
        ("sys.exit(0)", "RequestId: request-1 Error: Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 9)", "RequestId: request-1 Error: Runtime exited with error: signal: killed"),
        ("os.kill(os.getpid(), 11)", "RequestId: request-1 Error: Runtime exited with error: signal: segmentation fault"),
        ("os.abort()", "RequestId: request-1 Error: Runtime exited with error: signal: aborted"),
    ],
)
@pytest.mark.parametrize("when", ["init", "invoke"])
def test_a_process_that_ends_is_an_exit(bench: Bench, statement: str, message: str, when: str) -> None:
    code = (
        f"import os, sys\n{statement}"
        if when == "init"
        else f"import os, sys\ndef handler(event, context):\n    print('last words')\n    {statement}"
    )
    outcome = bench.run(code)
    assert (outcome.kind, value(outcome)) == (Kind.EXIT, {"errorType": "Runtime.ExitError", "errorMessage": message})
    assert bench.texts() == (["last words"] if when == "invoke" else [])


def test_lines_are_logged_in_order_with_awss_format(bench: Bench) -> None:
    code = """
import logging, sys
print("init")
def handler(event, context):
    print("one"); print("two\\nthree"); print("err", file=sys.stderr)
    logging.warning("warned\\nin two lines"); logging.info("not shown"); print("open end", end="")
"""
    outcome = bench.run(code)
    stamped = [re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "<time>", line) for line in bench.texts()]
    assert stamped[:6] == ["init", "one", "two", "three", "err", "[WARNING]\t<time>\trequest-1\twarned\nin two lines"]
    assert stamped[6:] == ["open end"]
    assert [request_id for request_id, _ in bench.lines] == ["", *["request-1"] * 6]
    assert outcome.log_tail[:4] == ("one", "two", "three", "err")


def test_structured_logs_are_json(bench: Bench) -> None:
    code = "import logging\ndef handler(event, context):\n    logging.getLogger('x').info('hello %s', 'you')"
    bench.run(code, environment={"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"})
    (line,) = bench.texts()
    assert re.fullmatch(
        r'\{"timestamp": "[^"]+Z", "level": "INFO", "message": "hello you", "logger": "x", "requestId": "request-1"\}', line
    )


def test_nested_modules_layers_and_the_sdk_can_be_imported(bench: Bench) -> None:
    for number in (1, 2):
        layer = bench.folder / f"layer{number}" / "python"
        layer.mkdir(parents=True)
        (layer / "shared.py").write_text(f"NUMBER = {number}")
        (layer / f"only{number}.py").write_text("")
    code = """
import boto3, shared, only1, only2
def handler(event, context):
    return [shared.NUMBER, boto3.client("sqs", region_name="eu-west-1").meta.region_name]
"""
    layers = [str(bench.folder / "layer1"), str(bench.folder / "layer2")]
    assert value(bench.run(code, name="inner/app.py", handler="inner/app.handler", layers=layers)) == [2, "eu-west-1"]


@pytest.mark.skipif(not LIBM, reason="needs a library of the system to lend out under another name")
def test_programs_and_libraries_of_layers_are_found(bench: Bench) -> None:
    for name, text in (("lib/libours.so", LIBM[0].read_bytes()), ("bin/greet", b"#!/bin/sh\necho hello")):
        path = bench.folder / "layer" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(text)
        path.chmod(0o755)
    code = """
import ctypes, subprocess
def handler(event, context):
    return [hasattr(ctypes.CDLL("libours.so"), "cos"), subprocess.run(["greet"], capture_output=True, text=True).stdout]
"""
    assert value(bench.run(code, layers=[str(bench.folder / "layer")])) == [True, "hello\n"]


@pytest.mark.parametrize("name", ["python3.8", "python3.12", "python3.13"])
def test_every_python_runs_exactly_or_says_what_stands_in(bench: Bench, name: str) -> None:
    runtime = runtime_for(name)
    assert isinstance(runtime, Runtime)
    code = "import sys\ndef handler(event, context): return 'python%d.%d' % sys.version_info[:2]"
    assert (value(bench.run(code, runtime=name)) == name) == ("is not installed" not in runtime.note)
