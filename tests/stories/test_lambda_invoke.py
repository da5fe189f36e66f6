"""Functions run: what they get, what they answer, and what is written about them."""

import asyncio
import json
import re
import shutil
import socket
import threading
from base64 import b64encode
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.identity import with_key
from tests.stories.lambdas import ECHO, arn, logged, make, run, tail, zipped
from windtunnel.fabric import Fault
from windtunnel.planes.compute import Spec
from windtunnel.services.lambda_.running import sandboxes


def test_a_function_gets_its_event_and_context(here: Here) -> None:
    code = """
def handler(event, context):
    return {
        "event": event,
        "arn": context.invoked_function_arn,
        "version": context.function_version,
        "group": context.log_group_name,
        "client": context.client_context.custom,
        "time": 0 < context.get_remaining_time_in_millis() <= 10000,
    }
"""
    make(here, "f", code)
    context = b64encode(json.dumps({"custom": {"a": "b"}}).encode()).decode()
    answer = here.lambda_.invoke(FunctionName="f", Payload=b'{"a":[1]}', ClientContext=context)
    payload = json.loads(answer.pop("Payload"))
    assert answer == {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
    assert payload == {
        "event": {"a": [1]},
        "arn": arn("f"),
        "version": "$LATEST",
        "group": "/aws/lambda/f",
        "client": {"a": "b"},
        "time": True,
    }


def test_the_environment_is_that_of_aws(here: Here) -> None:
    make(here, "f", "import os\ndef handler(event, context):\n    return dict(os.environ)\n", Environment={"Variables": {"MINE": "1"}})
    seen = run(here, "f")
    expected = {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "_HANDLER": "app.handler",
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
        "MINE": "1",
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert re.fullmatch(r"2026/01/01/\[\$LATEST\][0-9a-f]{32}", seen["AWS_LAMBDA_LOG_STREAM_NAME"])
    assert seen["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "PATH"} <= seen.keys()


def test_what_a_function_prints_is_in_its_log_and_in_the_tail(here: Here) -> None:
    make(here, "f", "def handler(event, context):\n    print('said', event)\n")
    answer = here.lambda_.invoke(FunctionName="f", Payload=b"1", LogType="Tail")
    start, said, end, report = tail(answer)
    assert [start, said, end] == ["START RequestId: request Version: $LATEST", "said 1", "END RequestId: request"]
    assert re.fullmatch(
        r"REPORT RequestId: request\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\t"
        r"Init Duration: \d+\.\d\d ms\t",
        report,
    )
    init, *rest = logged(here, "/aws/lambda/f")
    assert init.startswith("INIT_START Runtime Version: python:3.11")
    assert rest == [f"{line}\n" for line in (start, said, end, report)]


def test_a_json_log_has_platform_events(here: Here) -> None:
    make(here, "f", LoggingConfig={"LogFormat": "JSON", "LogGroup": "/mine"})
    run(here, "f")
    lines = [json.loads(line) for line in logged(here, "/mine")]
    assert [line["type"] for line in lines] == ["platform.initStart", "platform.start", "platform.report"]
    assert lines[1]["record"] == {"requestId": "request", "version": "$LATEST"}


def test_an_exception_is_answered_as_a_function_error(here: Here) -> None:
    make(here, "f", "def handler(event, context):\n    raise KeyError('x')\n")
    answer = here.lambda_.invoke(FunctionName="f")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    error = json.loads(answer["Payload"])
    assert (error["errorType"], error["errorMessage"], error["requestId"]) == ("KeyError", "'x'", "request")


def test_a_module_that_is_not_there_is_an_error_of_the_init_phase(here: Here) -> None:
    make(here, "f", Handler="none.handler")
    answer = here.lambda_.invoke(FunctionName="f")
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"])
    message = "Unable to import module 'none': No module named 'none'"
    assert (error["errorType"], error["errorMessage"]) == ("Runtime.ImportModuleError", message)


def test_an_init_phase_that_fails_is_tried_once_more_as_part_of_the_invocation(here: Here) -> None:
    make(here, "f", "raise ValueError('not today')\n")
    answer = here.lambda_.invoke(FunctionName="f")
    error = json.loads(answer["Payload"])
    assert (error["errorMessage"], error["requestId"]) == ("not today", ""), "an error of before any request"
    kinds = [re.sub(r"\tDuration.*\tStatus|\d+\.\d\d", "…", line.split("\n")[0]) for line in logged(here, "/aws/lambda/f")]
    kinds[0] = kinds[0].split(" ")[0]
    assert kinds == [
        "INIT_START",
        "[ERROR] ValueError: not today",
        "INIT_REPORT Init Duration: … ms\tPhase: init\tStatus: error\tError Type: ValueError",
        "[ERROR] ValueError: not today",
        "INIT_REPORT Init Duration: … ms\tPhase: invoke\tStatus: error\tError Type: ValueError",
        "START RequestId: request Version: $LATEST",
        "END RequestId: request",
        "REPORT RequestId: request…: error\tError Type: ValueError",
    ]


def test_an_init_phase_that_goes_well_the_second_time_is_followed_by_the_invocation(here: Here) -> None:
    def tell() -> None:
        for answer in (b"no", b"go"):
            with door.accept()[0] as caller:
                caller.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=tell, daemon=True).start()
        code = f"import socket\nassert socket.create_connection({door.getsockname()}).recv(2) == b'go'\n{ECHO}"
        make(here, "f", code)
        assert run(here, "f", "fine") == "fine"
    assert len([line for line in logged(here, "/aws/lambda/f") if line.startswith("INIT_REPORT")]) == 1


def test_an_init_phase_that_takes_too_long_is_tried_once_more_in_the_time_of_the_invocation(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandboxes, "Spec", partial(Spec, init_timeout=0.1))
    make(here, "f", f"import time\ntime.sleep(0.3)\n{ECHO}", Timeout=60)
    assert run(here, "f", "late") == "late"
    start, init, *_ = logged(here, "/aws/lambda/f")
    assert (start.split(" ")[0], init.split("\t")[1:]) == ("INIT_START", ["Phase: init", "Status: timeout\n"])


def test_a_function_that_takes_too_long_is_ended(here: Here) -> None:
    make(here, "f", "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n", Timeout=1)
    answer = here.lambda_.invoke(FunctionName="f", Payload=b"30", LogType="Tail")
    assert json.loads(answer["Payload"]) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: request Error: Task timed out after 1.00 seconds",
    }
    assert answer["FunctionError"] == "Unhandled"
    assert "2026-01-01T00:00:00.000Z request Task timed out after 1.00 seconds" in tail(answer)
    assert run(here, "f", 0) == "done", "the next one gets a new sandbox"


def test_a_process_that_exits_is_an_error_and_the_next_one_is_new(here: Here) -> None:
    make(here, "f", "import os\ndef handler(event, context):\n    if event: os._exit(event)\n    return 'fine'\n")
    answer = here.lambda_.invoke(FunctionName="f", Payload=b"3")
    assert json.loads(answer["Payload"]) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: request Error: Runtime exited with error: exit status 3",
    }
    assert run(here, "f", 0) == "fine"


@pytest.mark.parametrize(
    ("payload", "kind", "code"),
    [
        (b'"' + b"x" * 6_291_456 + b'"', "RequestResponse", "RequestTooLargeException"),
        (b'"' + b"x" * 1_048_576 + b'"', "Event", "RequestTooLargeException"),
        (b"{no json", "RequestResponse", "InvalidRequestContentException"),
    ],
)
def test_payloads_have_limits(here: Here, payload: bytes, kind: str, code: str) -> None:
    make(here, "f")
    with pytest.raises(Fault) as raised:
        here.lambda_.invoke(FunctionName="f", Payload=payload, InvocationType=kind)
    assert raised.value.code == code


def test_a_dry_run_runs_nothing(here: Here) -> None:
    make(here, "f")
    assert here.lambda_.invoke(FunctionName="f", InvocationType="DryRun") == {"StatusCode": 204}
    assert here.cloud.compute.ready is None


def test_reserved_concurrency_is_a_limit(here: Here) -> None:
    make(here, "f", "import time\ndef handler(event, context):\n    time.sleep(0.3)\n")
    here.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    first = here.begin.lambda_.invoke(FunctionName="f")
    here.run(asyncio.sleep(0.1))
    with pytest.raises(Fault) as raised:
        here.lambda_.invoke(FunctionName="f")
    assert (raised.value.code, raised.value.message) == ("TooManyRequestsException", "Rate Exceeded.")
    assert raised.value.members == {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User"}
    assert here.result(first)["Payload"] == b"null"
    assert here.lambda_.invoke(FunctionName="f")["Payload"] == b"null"


def test_a_response_comes_as_a_stream_of_one_piece(here: Here) -> None:
    make(here, "f", "def handler(event, context):\n    return 1 / event\n")

    async def pieces(**request: Any) -> list[Any]:
        answer = await here.cloud.run("lambda", "InvokeWithResponseStream", {"FunctionName": "f", **request}, here.scope)
        return [event async for event in answer["EventStream"]]

    assert here.run(pieces(Payload=b"2")) == [{"PayloadChunk": {"Payload": b"0.5"}}, {"InvokeComplete": {}}]
    (failed,) = here.run(pieces(Payload=b"0"))
    assert failed["InvokeComplete"]["ErrorCode"] == "Unhandled"
    assert json.loads(failed["InvokeComplete"]["ErrorDetails"])["errorType"] == "ZeroDivisionError"


def test_provisioned_sandboxes_are_a_versions_own(here: Here) -> None:
    kind = "import os\ndef handler(event, context):\n    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"
    make(here, "f", kind, Publish=True)
    assert [run(here, "f"), run(here, "f:1")] == ["on-demand"] * 2
    here.lambda_.put_provisioned_concurrency_config(FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=1)
    here.rest()
    assert [run(here, "f"), run(here, "f:1")] == ["on-demand", "provisioned-concurrency"]
    here.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    with pytest.raises(Fault) as raised:
        run(here, "f")
    assert (raised.value.code, raised.value.members["Reason"]) == (
        "TooManyRequestsException",
        "ReservedFunctionConcurrentInvocationLimitExceeded",
    )
    assert run(here, "f:1") == "provisioned-concurrency"


def test_functions_in_javascript_run_as_well(here: Here) -> None:
    code = zipped(**{"index.js": "exports.handler = async (event) => event.a + 1;"})
    make(here, "f", Runtime="nodejs20.x", Handler="index.handler", Code={"ZipFile": code})
    assert run(here, "f", {"a": 1}) == 2


@pytest.mark.skipif(shutil.which("ruby") is None, reason="there is no Ruby here")
def test_functions_in_ruby_run_with_what_their_layers_lend(here: Here) -> None:
    content = {"ZipFile": zipped(**{"ruby/lib/words.rb": "WORD = 'from the layer'"})}
    layer = here.lambda_.publish_layer_version(LayerName="words", Content=content)["LayerVersionArn"]
    code = zipped(
        **{"app.rb": "require 'words'\ndef handler(event:, context:)\n  puts event['a']\n  [WORD, ENV['AWS_EXECUTION_ENV']]\nend"}
    )
    make(here, "f", Runtime="ruby3.4", Code={"ZipFile": code}, Layers=[layer])
    answer = here.lambda_.invoke(FunctionName="f", Payload=b'{"a": "said"}', LogType="Tail")
    assert (json.loads(answer["Payload"]), tail(answer)[1]) == (["from the layer", "AWS_Lambda_ruby3.4"], "said")


def test_a_runtime_that_this_machine_cannot_run_says_what_to_install(here: Here) -> None:
    make(here, "f", Runtime="dotnet8")
    for operation in ("invoke", "invoke_with_response_stream"):
        with pytest.raises(Fault) as raised:
            getattr(here.lambda_, operation)(FunctionName="f")
        assert raised.value.code == "InvalidRuntimeException"
        assert ".NET functions run as provided.al2023 when published as a self-contained executable" in raised.value.message


def test_a_function_acts_as_a_session_of_its_role_that_has_its_name(here: Here) -> None:
    for name, session in (("f", "f@lambda_function"), ("two", "two")):
        make(here, name, "import os\ndef handler(event, context):\n    return os.environ['AWS_ACCESS_KEY_ID']\n")
        who = with_key(here, run(here, name)).sts.get_caller_identity()["Arn"]
        assert who == f"arn:aws:sts::{ACCOUNT}:assumed-role/runs/{session}"


def test_a_sandbox_whose_keys_have_ended_is_replaced(here: Here) -> None:
    make(here, "f", "import os\ndef handler(event, context):\n    return os.environ['AWS_ACCESS_KEY_ID']\n")
    first, again = run(here, "f"), run(here, "f")
    here.jump(3600)
    assert first == again != run(here, "f")


def test_no_process_is_left_when_the_region_is_closed(here: Here) -> None:
    before = children()
    make(here, "f", "import time\ndef handler(event, context):\n    time.sleep(event)\n", Timeout=60)
    run(here, "f", 0)
    running = here.begin.lambda_.invoke(FunctionName="f", Payload=b"50")
    here.run(asyncio.sleep(0.1))
    assert children() != before
    here.restart()
    assert running.cancelled()
    assert children() == before


def children() -> set[str]:
    """The processes that this one has started."""
    return {child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()}


def test_nothing_runs_on_when_the_region_is_reset(here: Here) -> None:
    make(here, "f", "import os\ndef handler(event, context):\n    return os.getpid()\n")
    run(here, "f")
    here.run(here.cloud.reset())
    assert here.cloud.compute.ready is None
    assert here.lambda_.list_functions() == {"Functions": []}
