"""Functions that call themselves in circles are stopped after sixteen turns."""

import json
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from tests.stories.here import Here
from tests.stories.lambdas import arn, bodies, make, queue
from windtunnel.fabric import Fault

TRACE = "import os\ndef handler(event, context):\n    return os.environ['_X_AMZN_TRACE_ID']\n"
MARK = sha256(arn("f").encode()).hexdigest()[:8]
STOPPED = (
    "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and stopped your "
    "function's invocation."
)


def traced(here: Here, lineage: str) -> Here:
    """The same region, called with a trace."""
    other = here.at()
    other.scope = msgspec.structs.replace(here.scope, trace=f"Root=1-69559c80-000000000000000000000001;Lineage={lineage}")
    return other


def lineage(here: Here, **given: Any) -> str:
    """The lineage that a function sees."""
    trace: str = json.loads(here.lambda_.invoke(FunctionName="f", **given)["Payload"])
    return trace.rpartition(";Lineage=")[2]


def test_each_turn_is_counted_in_the_trace(here: Here) -> None:
    make(here, "f", TRACE)
    assert lineage(here) == f"{MARK}:0"
    assert lineage(traced(here, f"{MARK}:0")) == f"{MARK}:1"
    assert lineage(traced(here, f"01234567:3|{MARK}:14")) == f"01234567:3|{MARK}:15"
    assert lineage(traced(here, "nonsense|:5|a:b")) == f"{MARK}:0", "what a client made up"


def test_the_seventeenth_turn_is_refused(here: Here) -> None:
    make(here, "f", TRACE)
    for operation in ("invoke", "invoke_with_response_stream"):
        with pytest.raises(Fault) as refused:
            getattr(traced(here, f"{MARK}:15").lambda_, operation)(FunctionName="f")
        assert (refused.value.code, refused.value.message) == ("RecursiveInvocationException", STOPPED)
    assert lineage(traced(here, "01234567:15")) == f"01234567:15|{MARK}:0", "another function's"


def test_a_function_that_is_allowed_to_goes_on(here: Here) -> None:
    make(here, "f", TRACE)
    allowed = here.lambda_.put_function_recursion_config(FunctionName="f", RecursiveLoop="Allow")
    assert allowed == {"RecursiveLoop": "Allow"}
    assert lineage(traced(here, f"{MARK}:15")) == f"{MARK}:16"
    here.lambda_.put_function_recursion_config(FunctionName="f", RecursiveLoop="Terminate")
    with pytest.raises(Fault, match="recursive loop"):
        lineage(traced(here, f"{MARK}:16"))


def test_an_event_that_is_stopped_goes_to_dead_letters_and_destination(here: Here) -> None:
    url, dead = queue(here, "dead")
    told_url, told = queue(here, "told")
    make(here, "f", TRACE, DeadLetterConfig={"TargetArn": dead})
    here.lambda_.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnFailure": {"Destination": told}})
    traced(here, f"{MARK}:15").lambda_.invoke(FunctionName="f", InvocationType="Event", Payload=b'"round"')
    here.rest()
    (letter,) = here.sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert (letter["Body"], attributes["ErrorCode"], attributes["ErrorMessage"]) == ('"round"', "400", STOPPED)
    (record,) = map(json.loads, bodies(here, told_url))
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert (record["requestPayload"], "responseContext" in record) == ("round", False)


def test_a_destination_carries_the_turns_on(here: Here) -> None:
    url, told = queue(here, "told")
    make(here, "f", TRACE)
    here.lambda_.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": told}})
    traced(here, f"{MARK}:3").lambda_.invoke(FunctionName="f", InvocationType="Event")
    here.rest()
    (message,) = here.sqs.receive_message(QueueUrl=url, AttributeNames=["AWSTraceHeader"])["Messages"]
    assert message["Attributes"]["AWSTraceHeader"].endswith(f";Lineage={MARK}:4")


def test_messages_that_went_round_too_often_come_back_and_the_others_run(here: Here) -> None:
    dead_url, dead = queue(here, "dead")
    url, source = queue(here, "q", RedrivePolicy=json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 1}))
    make(here, "f", TRACE)
    for body, turns in (("first", f"{MARK}:2|0a0a0a0a:7"), ("round", f"{MARK}:15"), ("second", f"{MARK}:4|0a0a0a0a:1")):
        traced(here, turns).sqs.send_message(QueueUrl=url, MessageBody=body)
    here.lambda_.create_event_source_mapping(FunctionName="f", EventSourceArn=source)
    here.rest()
    here.jump(60)
    assert (bodies(here, url), bodies(here, dead_url)) == ([], ["round"])
    here.lambda_.put_function_recursion_config(FunctionName="f", RecursiveLoop="Allow")
    traced(here, f"{MARK}:15").sqs.send_message(QueueUrl=url, MessageBody="round")
    here.rest()
    here.jump(60)
    assert (bodies(here, url), bodies(here, dead_url)) == ([], [])


def test_a_topic_and_a_bucket_pass_the_trace_on_to_a_function(here: Here) -> None:
    url, told = queue(here, "told")
    make(here, "f", TRACE)
    here.lambda_.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": told}})
    topic = here.sns.create_topic(Name="t")["TopicArn"]
    here.sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn("f"))
    here.lambda_.add_permission(FunctionName="f", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    here.lambda_.add_permission(FunctionName="f", StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com")
    here.s3.create_bucket(Bucket="pictures")
    rule = {"LambdaFunctionArn": arn("f"), "Events": ["s3:ObjectCreated:*"]}
    here.s3.put_bucket_notification_configuration(
        Bucket="pictures", NotificationConfiguration={"LambdaFunctionConfigurations": [rule]}, SkipDestinationValidation=True
    )
    traced(here, f"{MARK}:5").sns.publish(TopicArn=topic, Message="m")
    traced(here, f"{MARK}:8").s3.put_object(Bucket="pictures", Key="k", Body=b"x")
    here.rest()
    seen = sorted(json.loads(body)["responsePayload"].rpartition(":")[2] for body in bodies(here, url))
    assert seen == ["6", "9"]
