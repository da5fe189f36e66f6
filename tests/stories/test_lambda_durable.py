"""Durable functions: executions begin, wait for as long as they like, and end."""

import json
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from tests.stories.durables import ARN, DAY, WAITS, Run, begin, done, get, stage, step, wait
from tests.stories.here import ACCOUNT, BEGIN, REGION, Here
from tests.stories.lambdas import arn, bodies, make, queue, refusal, run
from tests.stories.test_cloudformation_stacks import create, status
from tests.stories.test_lambda_urls import ask, opened
from windtunnel.fabric import Fault

DURABLE = {"ExecutionTimeout": 3600, "RetentionPeriodInDays": 7}


async def greets(run: Run) -> Any:
    """Says hello, and comes back in thirty days."""
    if not run.status("hello"):
        name = json.loads(run.itself["ExecutionDetails"]["InputPayload"])
        await run.checkpoint(step("hello", Name="hello"), step("hello", "SUCCEED", Payload=json.dumps(f"hello {name}")))
    if run.status("later") != "SUCCEEDED":
        await run.checkpoint(wait("later", 30 * DAY))
        return WAITS
    return {"Status": "SUCCEEDED", "Result": run.operations["hello"]["StepDetails"]["Result"]}


def test_a_function_is_durable_from_the_beginning_or_never(here: Here) -> None:
    assert make(here, "f", DurableConfig={"ExecutionTimeout": 60})["DurableConfig"] == {"ExecutionTimeout": 60, "RetentionPeriodInDays": 14}
    key = "arn:aws:kms:us-east-1:000000000000:key/a"
    here.lambda_.update_function_configuration(FunctionName="f", DurableConfig={"RetentionPeriodInDays": 3, "KMSKeyArn": key})
    shown = here.lambda_.get_function_configuration(FunctionName="f")["DurableConfig"]
    assert shown == {"ExecutionTimeout": 60, "RetentionPeriodInDays": 3, "KMSKeyArn": key}
    assert "DurableConfig" not in make(here, "plain")
    code, _ = refusal(here.lambda_.update_function_configuration, FunctionName="plain", DurableConfig=DURABLE)
    assert code == "InvalidParameterValueException"
    with pytest.raises(Fault) as raised:
        make(here, "g", DurableConfig={"RetentionPeriodInDays": 3})
    message = "You cannot create a function with a durable configuration without an executionTimeout"
    assert (raised.value.code, raised.value.message) == ("InvalidParameterValueException", message)


def test_a_durable_function_is_invoked_with_a_qualifier(here: Here) -> None:
    make(here, "f", DurableConfig=DURABLE)
    unqualified = ("InvalidParameterValueException", "You cannot invoke a durable function using an unqualified ARN.")
    for kind in ("RequestResponse", "Event", "DryRun"):
        assert refusal(here.lambda_.invoke, FunctionName="f", InvocationType=kind) == unqualified
    assert refusal(here.lambda_.invoke_async, FunctionName="f", InvokeArgs=b"{}") == unqualified
    too_long = "You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes."
    assert refusal(here.lambda_.invoke, FunctionName="f:$LATEST") == ("InvalidParameterValueException", too_long)
    assert here.lambda_.invoke(FunctionName="f:$LATEST", InvocationType="DryRun") == {"StatusCode": 204}
    url, _ = queue(here, "q")
    source = {"EventSourceArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"}
    assert refusal(here.lambda_.create_event_source_mapping, FunctionName="f", **source) == unqualified
    code, message = refusal(here.lambda_.create_event_source_mapping, FunctionName="f:$LATEST", **source)
    assert (code, message, bodies(here, url)) == ("InvalidParameterValueException", too_long, [])


def test_an_execution_waits_for_thirty_days(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    played = stage(here, monkeypatch, f=greets)
    started = begin(here, "you")
    assert started.rpartition("/")[0] == f"{ARN}/one"
    shown = {
        "DurableExecutionArn": started,
        "DurableExecutionName": "one",
        "FunctionArn": arn("f", "$LATEST"),
        "Status": "RUNNING",
        "StartTimestamp": BEGIN,
        "Version": "$LATEST",
        "ExecutionDataIncluded": True,
        "DurableConfig": {"RetentionPeriodInDays": 14, "ExecutionTimeout": 90 * DAY},
        "ExpectedExecutionTimeoutTimestamp": BEGIN + 90 * DAY,
        "InputPayload": '"you"',
    }
    assert get(here, started) == shown
    here.jump(30 * DAY - 1)
    assert len(played.runs) == 1
    here.jump(1)
    del shown["ExpectedExecutionTimeoutTimestamp"]
    ended = {"Status": "SUCCEEDED", "EndTimestamp": BEGIN + 30 * DAY, "Result": '"hello you"'}
    assert get(here, started) == shown | ended
    compact = get(here, started, IncludeExecutionData=False)
    assert compact == {name: value for name, value in (shown | ended).items() if name not in ("Result", "InputPayload")} | {
        "ExecutionDataIncluded": False
    }


def test_a_function_gets_what_it_has_done_before(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    played = stage(here, monkeypatch, f=greets)
    started = begin(here, "you")
    here.jump(30 * DAY)
    first, second = played.runs
    id = started.rpartition("/")[2]
    itself = {
        "Id": id,
        "Type": "EXECUTION",
        "Name": "one",
        "StartTimestamp": int(BEGIN * 1000),
        "Status": "STARTED",
        "ExecutionDetails": {"InputPayload": '"you"'},
    }
    token = first.event.pop("CheckpointToken")
    assert first.event == {
        "DurableExecutionArn": started,
        "InitialExecutionState": {"Operations": [itself], "NextMarker": ""},
        "UpdatedOperationIds": [],
    }
    moment = int(BEGIN * 1000)
    hello = {
        "Id": "hello",
        "Type": "STEP",
        "Name": "hello",
        "StartTimestamp": moment,
        "EndTimestamp": moment,
        "Status": "SUCCEEDED",
        "StepDetails": {"Attempt": 1, "Result": '"hello you"'},
    }
    end = moment + 30 * DAY * 1000
    later = {
        "Id": "later",
        "Type": "WAIT",
        "StartTimestamp": moment,
        "EndTimestamp": end,
        "Status": "SUCCEEDED",
        "WaitDetails": {"ScheduledEndTimestamp": end},
    }
    assert second.event["InitialExecutionState"]["Operations"] == [itself, hello, later]
    assert second.event["UpdatedOperationIds"] == ["later"]
    assert second.event["CheckpointToken"] != token


def test_the_history_tells_what_happened(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    played = stage(here, monkeypatch, f=greets)
    started = begin(here, "you")
    here.jump(30 * DAY)
    id, end = started.rpartition("/")[2], BEGIN + 30 * DAY
    itself = {"Id": id, "Name": "one"}

    def told(data: Any) -> Any:
        return {"Payload": data, "Truncated": False}

    def ran(number: int, at: float, run: Run) -> dict[str, Any]:
        details = {"StartTimestamp": at, "EndTimestamp": at, "RequestId": run.request_id}
        return {"EventType": "InvocationCompleted", "EventId": number, "EventTimestamp": at, "InvocationCompletedDetails": details}

    hello = {"Id": "hello", "Name": "hello", "EventTimestamp": BEGIN}
    events: list[Any] = [
        {
            "EventType": "ExecutionStarted",
            "EventId": 1,
            **itself,
            "EventTimestamp": BEGIN,
            "ExecutionStartedDetails": {"Input": told('"you"'), "ExecutionTimeout": 90 * DAY},
        },
        {"EventType": "StepStarted", "EventId": 2, **hello, "StepStartedDetails": {}},
        {
            "EventType": "StepSucceeded",
            "EventId": 3,
            **hello,
            "StepSucceededDetails": {"Result": told('"hello you"'), "RetryDetails": {"CurrentAttempt": 1}},
        },
        {
            "EventType": "WaitStarted",
            "EventId": 4,
            "Id": "later",
            "EventTimestamp": BEGIN,
            "WaitStartedDetails": {"Duration": 30 * DAY, "ScheduledEndTimestamp": end},
        },
        ran(5, BEGIN, played.runs[0]),
        {"EventType": "WaitSucceeded", "EventId": 6, "Id": "later", "EventTimestamp": end, "WaitSucceededDetails": {"Duration": 30 * DAY}},
        ran(7, end, played.runs[1]),
        {
            "EventType": "ExecutionSucceeded",
            "EventId": 8,
            **itself,
            "EventTimestamp": end,
            "ExecutionSucceededDetails": {"Result": told('"hello you"')},
        },
    ]
    history = here.lambda_.get_durable_execution_history
    assert history(DurableExecutionArn=started) == {"Events": events}
    assert history(DurableExecutionArn=started, ReverseOrder=True) == {"Events": events[::-1]}
    (bare,) = history(DurableExecutionArn=started, IncludeExecutionData=False, ReverseOrder=True, MaxItems=1)["Events"]
    assert bare["ExecutionSucceededDetails"] == {"Result": {"Truncated": True}}
    pages: list[Any] = []
    marker: dict[str, Any] = {}
    while marker or not pages:
        page = history(DurableExecutionArn=started, ReverseOrder=True, MaxItems=3, **marker)
        pages.append([event["EventId"] for event in page["Events"]])
        marker = {"Marker": page["NextMarker"]} if "NextMarker" in page else {}
    assert pages == [[8, 7, 6], [5, 4, 3], [2, 1]]
    refused = ("InvalidParameterValueException", "Invalid Marker")
    assert refusal(history, DurableExecutionArn=started, Marker="x") == refused
    assert (
        refusal(
            history, DurableExecutionArn=begin(here, "me", "two"), Marker=history(DurableExecutionArn=started, MaxItems=1)["NextMarker"]
        )
        == refused
    )


def test_a_caller_waits_for_the_whole_execution(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def waits(run: Run) -> Any:
        if run.status("w") != "SUCCEEDED":
            await run.checkpoint(wait("w", 300))
            return WAITS
        return done({"ok": True})

    async def fails(run: Run) -> Any:
        return {"Status": "FAILED", "Error": {"ErrorType": "ValueError", "ErrorMessage": "no", "StackTrace": ["here"], "ErrorData": "d"}}

    async def says_nothing(run: Run) -> Any:
        return {"Status": "SUCCEEDED"}

    stage(here, monkeypatch, timeout=900, f=waits, g=fails, h=says_nothing)
    assert here.lambda_.invoke(FunctionName="h:1")["Payload"] == b"null"
    task = here.begin.lambda_.invoke(FunctionName="f", Qualifier="1", Payload=b"{}", DurableExecutionName="a")
    here.jump(299)
    assert not task.done()
    here.jump(1)
    answer = here.result(task)
    execution = answer.pop("DurableExecutionArn")
    assert answer == {"StatusCode": 200, "ExecutedVersion": "1", "Payload": b'{"ok": true}'}
    assert execution.startswith(f"{arn('f', '1')}/durable-execution/a/")
    failed = here.lambda_.invoke(FunctionName="g:1")
    assert (failed["FunctionError"], json.loads(failed["Payload"])) == (
        "Unhandled",
        {"errorType": "ValueError", "errorMessage": "no", "stackTrace": ["here"], "errorData": "d"},
    )


def test_an_execution_has_one_name_and_one_payload(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    played = stage(here, monkeypatch, timeout=900, f=greets)
    started = begin(here, "you")
    assert begin(here, "you") == started
    already = ("DurableExecutionAlreadyStartedException", f"Execution already started: {started}")
    with pytest.raises(Fault) as raised:
        begin(here, "me")
    assert (raised.value.code, raised.value.message) == already
    with pytest.raises(Fault) as raised:
        begin(here, "you", function="f:1")  # another version of it
    assert raised.value.message == already[1]
    task = here.begin.lambda_.invoke(FunctionName="f:$LATEST", Payload=b'"you"', DurableExecutionName="one")
    here.lambda_.stop_durable_execution(DurableExecutionArn=started)
    assert here.result(task)["DurableExecutionArn"] == started
    assert here.lambda_.invoke(FunctionName="f:$LATEST", Payload=b'"you"', DurableExecutionName="one")["FunctionError"] == "Unhandled"
    assert len(played.runs) == 1
    here.jump(14 * DAY)
    assert begin(here, "you") != started


def test_an_execution_goes_on_after_the_region_was_killed(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    stage(here, monkeypatch, f=greets)
    started = begin(here, "you")
    here.kill()
    assert get(here, started)["Status"] == "RUNNING"
    here.jump(30 * DAY)
    here.restart()
    assert get(here, started)["Result"] == '"hello you"'
    here.jump(14 * DAY)
    assert refusal(here.lambda_.get_durable_execution, DurableExecutionArn=started)[0] == "ResourceNotFoundException"


def test_a_run_that_the_region_did_not_survive_begins_again(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(run: Run) -> Any:
        await run.checkpoint(step("s"))
        if len(played.runs) == 1:
            await here.cloud.loop.wait([("never",)], None)
        return done(run.operations["s"]["Status"])

    async def once(run: Run) -> Any:
        return await dies(run) if not run.status("s") else done("again")

    played = stage(here, monkeypatch, f=once)
    request = {"FunctionName": "f:1", "InvocationType": "Event", "DurableExecutionName": "one"}
    started = here.lambda_.invoke(**request)["DurableExecutionArn"]
    here.run(here.cloud.loop.wait([("nothing",)], here.now))
    first = played.runs[0]
    here.kill()
    here.rest()
    assert get(here, started)["Result"] == '"again"'
    stale = {"DurableExecutionArn": started, "CheckpointToken": first.token}
    assert refusal(here.lambda_.checkpoint_durable_execution, **stale)[1] == "Invalid checkpoint token"


def test_what_becomes_of_executions_is_told_to_eventbridge(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    url, queue_arn = queue(here, "told")
    here.events.put_rule(Name="r", EventPattern=json.dumps({"source": ["aws.lambda"], "detail-type": ["Durable Execution Status Change"]}))
    here.events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": queue_arn}])
    stage(here, monkeypatch, f=greets)
    started = begin(here, "you", function="f:1")
    (running,) = (json.loads(body)["detail"] for body in bodies(here, url))
    here.jump(30 * DAY)
    (ended,) = (json.loads(body)["detail"] for body in bodies(here, url))
    assert running == {
        "durableExecutionArn": started,
        "durableExecutionName": "one",
        "functionArn": arn("f", "1"),
        "status": "RUNNING",
        "startTimestamp": "2026-01-01T00:00:00.000Z",
    }
    assert ended == running | {"status": "SUCCEEDED", "endTimestamp": "2026-01-31T00:00:00.000Z"}


def test_messages_of_a_queue_start_executions_that_are_waited_for(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def waits(run: Run) -> Any:
        if run.status("w") != "SUCCEEDED":
            await run.checkpoint(wait("w", 10))
            return WAITS
        return done()

    played = stage(here, monkeypatch, timeout=60, f=waits)
    url, queue_arn = queue(here, "q")
    here.lambda_.create_event_source_mapping(FunctionName="f:1", EventSourceArn=queue_arn)
    here.sqs.send_message(QueueUrl=url, MessageBody="hello")
    here.rest()
    assert json.loads(played.runs[0].itself["ExecutionDetails"]["InputPayload"])["Records"][0]["body"] == "hello"
    here.jump(10)
    assert len(played.runs) == 2
    here.jump(DAY)
    assert len(played.runs) == 2  # the message is done with
    assert len(here.lambda_.list_durable_executions_by_function(FunctionName="f")["DurableExecutions"]) == 1


def test_a_url_answers_what_an_execution_comes_to(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answers(run: Run) -> Any:
        await run.checkpoint(step("s", "SUCCEED", Payload=run.itself["ExecutionDetails"]["InputPayload"]))
        return done({"statusCode": 201, "body": json.loads(run.operations["s"]["StepDetails"]["Result"])["rawPath"]})

    stage(here, monkeypatch, timeout=60, f=answers)
    here.lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    answer = ask(here, opened(here, "f:live"), path="/made")
    assert (answer.status, answer.body) == (201, b"/made")


def test_who_is_delivered_to_by_a_topic_is_an_execution(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    played = stage(here, monkeypatch, f=greets)
    topic = here.sns.create_topic(Name="t")["TopicArn"]
    here.lambda_.add_permission(FunctionName="f:1", StatementId="s", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com")
    here.sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn("f", "1"))
    here.sns.publish(TopicArn=topic, Message="hi")
    here.rest()
    assert json.loads(played.runs[0].itself["ExecutionDetails"]["InputPayload"])["Records"][0]["Sns"]["Message"] == "hi"


def test_an_event_whose_execution_failed_is_a_dead_letter(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(run: Run) -> Any:
        return {"Status": "FAILED", "Error": {"ErrorMessage": "no"}}

    dead, dead_arn = queue(here, "dead")
    stage(here, monkeypatch, timeout=60, f=fails, g=fails, given={"DeadLetterConfig": {"TargetArn": dead_arn}})
    here.lambda_.invoke(FunctionName="g:1")  # who waits is told
    begin(here, {"a": 1})
    (message,) = here.sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(message["Body"]) == {"a": 1}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "no"


def test_a_durable_function_that_calls_itself_in_a_loop_is_stopped(here: Here) -> None:
    make(here, "f", DurableConfig={"ExecutionTimeout": 60})
    mark = sha256(arn("f").encode()).hexdigest()[:8]
    here.scope = msgspec.structs.replace(here.scope, trace=f"Root=1-0-0;Lineage={mark}:15")
    assert refusal(here.lambda_.invoke, FunctionName="f:$LATEST")[0] == "RecursiveInvocationException"


TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: f
      Runtime: python3.11
      Handler: index.handler
      InlineCode: "def handler(event, context): pass"
      AutoPublishAlias: live
      DurableConfig: {ExecutionTimeout: 60, RetentionPeriodInDays: 3}
"""


def test_a_template_makes_a_durable_function(here: Here) -> None:
    create(here, "shop", TEMPLATE, Capabilities=["CAPABILITY_AUTO_EXPAND", "CAPABILITY_IAM"])
    assert status(here, "shop") == ("CREATE_COMPLETE", "")
    known = here.lambda_.get_function_configuration
    assert known(FunctionName="f:live")["DurableConfig"] == {"ExecutionTimeout": 60, "RetentionPeriodInDays": 3}
    for text in (TEMPLATE.replace(": 60", ": 90"), TEMPLATE.replace("DurableConfig: {ExecutionTimeout: 60, RetentionPeriodInDays: 3}", "")):
        here.cloudformation.update_stack(StackName="shop", TemplateBody=text, Capabilities=["CAPABILITY_AUTO_EXPAND", "CAPABILITY_IAM"])
        here.rest()
        # What is durable can't become anything else.
        assert status(here, "shop")[0] == ("UPDATE_COMPLETE" if "DurableConfig" in text else "UPDATE_ROLLBACK_COMPLETE")
        assert known(FunctionName="f")["DurableConfig"]["ExecutionTimeout"] == 90


def test_durable_functions_do_not_stream(here: Here) -> None:
    make(here, "f", DurableConfig={"ExecutionTimeout": 60})
    assert refusal(here.lambda_.invoke_with_response_stream, FunctionName="f:$LATEST")[0] == "NotImplemented"
    assert run(here, "f:$LATEST", {"Status": "SUCCEEDED"})["errorType"] == "InvalidParameterValueException"
