"""Queues are polled for functions: batches, failures, filters, and what changes while a mapping is there."""

import json
from typing import Any

import pytest

from tests.stories.here import REGION, Here
from tests.stories.lambdas import arn, bodies, logged, make, queue
from windtunnel.fabric import Fault
from windtunnel.services.lambda_.sources.batches import record_of
from windtunnel.services.lambda_.sources.pollers import at_once
from windtunnel.services.lambda_.state import Mapping

PRINTS = "import json\ndef handler(event, context):\n    print('got', json.dumps([r['body'] for r in event['Records']]))\n"


def batches(here: Here) -> list[list[str]]:
    """What the function got, in the order of its log."""
    try:
        lines = logged(here, "/aws/lambda/f")
    except Fault:
        return []
    return [json.loads(line.removeprefix("got ")) for line in lines if line.startswith("got ")]


def send(here: Here, url: str, *texts: str) -> None:
    for text in texts:
        here.sqs.send_message(QueueUrl=url, MessageBody=text)


def connect(here: Here, code: str = PRINTS, **given: Any) -> tuple[str, Any]:
    """A queue that is polled for a function: the queue's URL, and the mapping."""
    make(here, "f", code)
    url, queue_arn = queue(here, "q")
    return url, here.lambda_.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName="f", **given)


def test_a_mapping_is_described_with_all_that_aws_says_of_it(here: Here) -> None:
    _, made = connect(here)
    uuid = made["UUID"]
    expected: dict[str, Any] = {
        "UUID": uuid,
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "EventSourceArn": f"arn:aws:sqs:{REGION}:000000000000:q",
        "FunctionArn": arn("f"),
        "LastModified": here.now,
        "StateTransitionReason": "USER_INITIATED",
        "FunctionResponseTypes": [],
        "EventSourceMappingArn": f"arn:aws:lambda:{REGION}:000000000000:event-source-mapping:{uuid}",
    }
    assert made == expected | {"State": "Creating"}
    assert here.lambda_.get_event_source_mapping(UUID=uuid) == expected | {"State": "Enabled"}
    assert here.lambda_.list_event_source_mappings(FunctionName="f") == {"EventSourceMappings": [expected | {"State": "Enabled"}]}
    assert here.lambda_.delete_event_source_mapping(UUID=uuid) == expected | {"State": "Deleting"}
    with pytest.raises(Fault) as raised:
        here.lambda_.get_event_source_mapping(UUID=uuid)
    assert raised.value.message == "The resource you requested does not exist."


def test_messages_are_handed_to_the_function_and_deleted(here: Here) -> None:
    url, _ = connect(here)
    send(here, url, "a")
    assert batches(here) == [["a"]]
    here.jump(600)
    assert (batches(here), bodies(here, url)) == ([["a"]], [])


def test_a_record_has_all_that_aws_says_of_a_message(here: Here) -> None:
    url, _ = connect(here, "import json\ndef handler(event, context):\n    print('record', json.dumps(event))\n")
    attributes = {"color": {"DataType": "String", "StringValue": "red"}, "raw": {"DataType": "Binary", "BinaryValue": b"\x01"}}
    sent = here.sqs.send_message(QueueUrl=url, MessageBody="hello", MessageAttributes=attributes)
    (line,) = [line for line in logged(here, "/aws/lambda/f") if line.startswith("record ")]
    (record,) = json.loads(line.removeprefix("record "))["Records"]
    assert record == {
        "messageId": sent["MessageId"],
        "receiptHandle": record["receiptHandle"],
        "body": "hello",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1767225600000",
            "SenderId": "000000000000",
            "ApproximateFirstReceiveTimestamp": "1767225600000",
        },
        "messageAttributes": {
            "color": {"stringValue": "red", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
            "raw": {"binaryValue": "AQ==", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
        },
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:000000000000:q",
        "awsRegion": REGION,
    }


def test_a_message_without_attributes_says_so_in_a_batching_window_only(here: Here) -> None:
    message: Any = {"MessageId": "m", "ReceiptHandle": "r", "Body": "b", "MD5OfBody": "d", "Attributes": {}}
    source = f"arn:aws:sqs:{REGION}:000000000000:q"
    alone = record_of(message, source, windowed=False)
    assert record_of(message, source, windowed=True) == alone | {"md5OfMessageAttributes": None}
    assert "md5OfMessageAttributes" not in alone


def test_a_batching_window_gathers_messages_under_the_clock(here: Here) -> None:
    url, _ = connect(here, BatchSize=100, MaximumBatchingWindowInSeconds=60)
    send(here, url, "a", "b")
    here.jump(30)
    send(here, url, "c")
    assert batches(here) == []
    here.jump(31)
    assert [sorted(batch) for batch in batches(here)] == [["a", "b", "c"]]


def test_a_failed_batch_comes_back_when_its_visibility_timeout_ends(here: Here) -> None:
    url, _ = connect(
        here, PRINTS + "    if event['Records'][0]['attributes']['ApproximateReceiveCount'] == '1':\n        raise ValueError\n"
    )
    send(here, url, "a")
    assert batches(here) == [["a"]]
    here.jump(29)
    assert batches(here) == [["a"]]
    here.jump(2)
    assert batches(here) == [["a"], ["a"]]
    here.jump(600)
    assert batches(here) == [["a"], ["a"]]


def test_only_the_messages_that_failed_come_back(here: Here) -> None:
    code = (
        PRINTS + "    return {'batchItemFailures': [{'itemIdentifier': r['messageId']} for r in event['Records'] if r['body'] == 'bad']}\n"
    )
    url, _ = connect(here, code, BatchSize=10, MaximumBatchingWindowInSeconds=5, FunctionResponseTypes=["ReportBatchItemFailures"])
    send(here, url, "good", "bad")
    here.jump(6)
    assert [sorted(batch) for batch in batches(here)] == [["bad", "good"]]
    here.jump(40)
    assert [sorted(batch) for batch in batches(here)] == [["bad", "good"], ["bad"]]


def test_what_a_filter_holds_back_is_deleted(here: Here) -> None:
    pattern = json.dumps({"body": {"price": [{"numeric": [">", 100]}]}})
    url, made = connect(here, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    assert made["FilterCriteria"] == {"Filters": [{"Pattern": pattern}]}
    send(here, url, '{"price": 50}', "no json", '{"price": 150}')
    here.rest()
    here.jump(600)
    assert (batches(here), bodies(here, url)) == ([['{"price": 150}']], [])


def test_a_dead_letter_queue_gets_what_fails_again_and_again(here: Here) -> None:
    make(here, "f", PRINTS + "    raise ValueError\n")
    dead, dead_arn = queue(here, "dead")
    url, queue_arn = queue(here, "q", RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2}))
    here.lambda_.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName="f")
    send(here, url, "a")
    here.rest()
    here.jump(120)
    assert (batches(here), bodies(here, dead)) == ([["a"], ["a"]], ["a"])


def test_a_disabled_mapping_leaves_messages_where_they_are(here: Here) -> None:
    url, made = connect(here, Enabled=False)
    assert made["State"] == "Disabled"
    send(here, url, "a")
    assert batches(here) == []
    assert here.lambda_.update_event_source_mapping(UUID=made["UUID"], Enabled=True)["State"] == "Enabling"
    assert batches(here) == [["a"]]
    assert here.lambda_.update_event_source_mapping(UUID=made["UUID"], Enabled=False)["State"] == "Disabling"
    send(here, url, "b")
    here.jump(60)
    assert (batches(here), bodies(here, url)) == ([["a"]], ["b"])


def test_polling_goes_on_after_a_restart(here: Here) -> None:
    url, _ = connect(here)
    here.restart()
    send(here, url, "a")
    assert batches(here) == [["a"]]


def test_a_throttled_batch_runs_when_there_is_room(here: Here) -> None:
    url, _ = connect(here)
    here.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    send(here, url, "a")
    here.jump(3)
    assert batches(here) == []
    here.lambda_.delete_function_concurrency(FunctionName="f")
    here.jump(10)
    assert batches(here) == [["a"]]


def test_a_mapping_that_is_disabled_within_its_window_runs_what_it_has(here: Here) -> None:
    url, made = connect(here, BatchSize=100, MaximumBatchingWindowInSeconds=60)
    send(here, url, "a", "b")
    here.jump(10)
    here.lambda_.update_event_source_mapping(UUID=made["UUID"], Enabled=False)
    assert [sorted(batch) for batch in batches(here)] == [["a", "b"]]
    send(here, url, "c")
    here.jump(120)
    assert (len(batches(here)), bodies(here, url)) == (1, ["c"])


def fifo(here: Here, code: str, **given: Any) -> str:
    """The URL of a FIFO queue that is polled for a function."""
    make(here, "f", code)
    url, queue_arn = queue(here, "q.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    here.lambda_.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName="f", **given)
    return url


def test_a_group_of_a_fifo_queue_runs_in_order_and_never_beside_itself(here: Here) -> None:
    code = "import time\n" + PRINTS + "    time.sleep(0.03)\n"
    url = fifo(here, code, BatchSize=1)
    for number in range(6):
        here.sqs.send_message(QueueUrl=url, MessageBody=str(number), MessageGroupId="one")
    assert batches(here) == [["0"], ["1"], ["2"], ["3"], ["4"], ["5"]]
    streams = here.logs.describe_log_streams(logGroupName="/aws/lambda/f")["logStreams"]
    assert len(streams) == 1


def test_groups_of_a_fifo_queue_run_beside_each_other(here: Here) -> None:
    url = fifo(here, "import time\n" + PRINTS + "    time.sleep(0.3)\n", BatchSize=1)
    for group in "abc":
        here.sqs.send_message(QueueUrl=url, MessageBody=group, MessageGroupId=group)
    assert sorted(batches(here)) == [["a"], ["b"], ["c"]]
    assert len(here.logs.describe_log_streams(logGroupName="/aws/lambda/f")["logStreams"]) == 3


def test_a_failure_in_a_fifo_queue_holds_up_its_group_alone(here: Here) -> None:
    code = PRINTS + "    r = event['Records'][0]\n    assert r['body'] != 'bad' or r['attributes']['ApproximateReceiveCount'] != '1'\n"
    url = fifo(here, code, BatchSize=1)
    for group, text in (("a", "bad"), ("a", "after"), ("b", "other")):
        here.sqs.send_message(QueueUrl=url, MessageBody=text, MessageGroupId=group)
    assert sorted(batches(here)) == [["bad"], ["other"]]
    here.jump(31)
    assert batches(here)[-2:] == [["bad"], ["after"]]


def test_no_more_batches_run_than_the_mapping_allows(here: Here) -> None:
    url, made = connect(here, "import time\n" + PRINTS + "    time.sleep(0.1)\n", BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    assert made["ScalingConfig"] == {"MaximumConcurrency": 2}
    send(here, url, *map(str, range(8)))
    assert sorted(batches(here)) == [[str(number)] for number in range(8)]
    assert len(here.logs.describe_log_streams(logGroupName="/aws/lambda/f")["logStreams"]) == 2


@pytest.mark.parametrize(
    ("given", "numbers"),
    [({}, (5, 10, 256)), ({"concurrency": 3}, (3, 3, 3)), ({"concurrency": 7}, (5, 7, 7)), ({"pollers": (2, 4)}, (20, 25, 40))],
)
def test_more_batches_run_at_a_time_the_longer_there_are_too_many(given: Any, numbers: tuple[int, ...]) -> None:
    mapping = Mapping("arn", "arn", 0, **given)
    assert tuple(at_once(mapping, seconds) for seconds in (0, 1, 600)) == numbers


def test_pollers_can_be_provisioned(here: Here) -> None:
    _, made = connect(here, ProvisionedPollerConfig={"MinimumPollers": 3})
    assert made["ProvisionedPollerConfig"] == {"MinimumPollers": 3, "MaximumPollers": 200}
    changed = here.lambda_.update_event_source_mapping(UUID=made["UUID"], ProvisionedPollerConfig={})
    assert "ProvisionedPollerConfig" not in changed


NO_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
    "SQS Error Message: The specified queue does not exist."
)
NO_WINDOW = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"EventSourceArn": None}, "Unrecognized event source."),
        ({"FunctionName": "none"}, "Function does not exist"),
        ({"EventSourceArn": f"arn:aws:sqs:{REGION}:000000000000:none"}, NO_QUEUE),
        ({"BatchSize": 11}, NO_WINDOW),
        ({"FilterCriteria": {"Filters": [{"Pattern": "x"}]}}, "Invalid filter pattern definition."),
        ({"BisectBatchOnFunctionError": True}, "Unsupported BisectBatchOnFunctionError parameter for given event source mapping type."),
        (
            {"ScalingConfig": {"MaximumConcurrency": 2}, "ProvisionedPollerConfig": {"MinimumPollers": 2}},
            "ScalingConfig and ProvisionedPollerConfig cannot both be configured for an event source mapping.",
        ),
        (
            {"ProvisionedPollerConfig": {"MinimumPollers": 9, "MaximumPollers": 3}},
            "MinimumPollers must be at least 2 and not greater than MaximumPollers.",
        ),
    ],
)
def test_what_is_wrong_with_a_mapping_is_said_in_aws_words(here: Here, given: dict[str, Any], message: str) -> None:
    make(here, "f")
    _, queue_arn = queue(here, "q")
    request = {"EventSourceArn": queue_arn, "FunctionName": "f", **given}
    with pytest.raises(Fault) as raised:
        here.lambda_.create_event_source_mapping(**{name: value for name, value in request.items() if value is not None})
    assert (raised.value.code, raised.value.message) == ("InvalidParameterValueException", message)


def test_a_fifo_queue_has_no_batching_window(here: Here) -> None:
    with pytest.raises(Fault, match="Batching window is not supported for FIFO queues"):
        fifo(here, PRINTS, MaximumBatchingWindowInSeconds=1)


def test_a_queue_is_mapped_to_a_function_once(here: Here) -> None:
    _, made = connect(here)
    with pytest.raises(Fault) as raised:
        here.lambda_.create_event_source_mapping(EventSourceArn=made["EventSourceArn"], FunctionName="f")
    message = (
        f'An event source mapping with SQS arn (" {made["EventSourceArn"]} ") and function (" f ") already exists. '
        f"Please update or delete the existing mapping with UUID {made['UUID']}"
    )
    assert (raised.value.code, raised.value.message) == ("ResourceConflictException", message)
