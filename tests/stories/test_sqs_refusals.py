"""What SQS refuses, operation by operation: each case its request, its code and its sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.refusals import Case, filled, one_region, refusal, untold
from windtunnel.services.sqs import standard

ARN = "arn:aws:sqs:us-east-1:000000000000:"
URL = "http://localhost:4566/000000000000/"
HANDLE = {"QueueUrl": "$q", "ReceiptHandle": "cut"}
CUT = ("ReceiptHandleIsInvalid", 'The input receipt handle "cut" is not a valid receipt handle.')
ENTRY_ID = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
NO_RESOURCE = "The resource that you specified for the SourceArn parameter doesn't exist."
TASK = "eyJ0YXNrSWQiOiJub25lIiwic291cmNlQXJuIjoiYXJuOmF3czpzcXM6dXMtZWFzdC0xOjAwMDAwMDAwMDAwMDpncmF2ZSJ9"
STATEMENT: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": f"{ARN}q"}
ACTIONS = [
    *("*", "SendMessage", "ReceiveMessage", "DeleteMessage"),
    *("ChangeMessageVisibility", "GetQueueUrl", "PurgeQueue", "GetQueueAttributes"),
]

OF_A_QUEUE: dict[str, dict[str, Any]] = {
    "add_permission": {"Label": "l", "AWSAccountIds": ["111122223333"], "Actions": ["SendMessage"]},
    "change_message_visibility": {"ReceiptHandle": "r", "VisibilityTimeout": 1},
    "change_message_visibility_batch": {"Entries": [{"Id": "a", "ReceiptHandle": "r", "VisibilityTimeout": 1}]},
    "delete_message": {"ReceiptHandle": "r"},
    "delete_message_batch": {"Entries": [{"Id": "a", "ReceiptHandle": "r"}]},
    "delete_queue": {},
    "get_queue_attributes": {},
    "list_dead_letter_source_queues": {},
    "list_queue_tags": {},
    "purge_queue": {},
    "receive_message": {},
    "remove_permission": {"Label": "l"},
    "send_message": {"MessageBody": "m"},
    "send_message_batch": {"Entries": [{"Id": "a", "MessageBody": "m"}]},
    "set_queue_attributes": {"Attributes": {}},
    "tag_queue": {"Tags": {"a": "b"}},
    "untag_queue": {"TagKeys": ["a"]},
}
"""Valid requests but for their queue."""


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _set(policy: dict[str, Any]) -> dict[str, Any]:
    return {"QueueUrl": "$q", "Attributes": {"Policy": json.dumps(policy)}}


def _batch(operation: str, kind: str, member: dict[str, Any]) -> list[Case]:
    def case(entries: list[dict[str, Any]], code: str, said: str) -> Case:
        return operation, {"QueueUrl": "$q", "Entries": entries}, code, said

    return [
        case([], "EmptyBatchRequest", f"There should be at least one {kind} in the request."),
        case(
            [{"Id": str(number), **member} for number in range(11)],
            "TooManyEntriesInBatchRequest",
            "Maximum number of entries per request are 10. You have sent 11.",
        ),
        case([{"Id": "1", **member}] * 2, "BatchEntryIdsNotDistinct", "Id 1 repeated."),
        case([{"Id": "a:b", **member}], "InvalidBatchEntryId", ENTRY_ID),
    ]


CASES: list[Case] = [
    *(
        (operation, {"QueueUrl": f"{URL}none", **request}, "QueueDoesNotExist", "The specified queue does not exist.")
        for operation, request in OF_A_QUEUE.items()
    ),
    *(
        (operation, {"QueueUrl": "http://host/q", **request}, "InvalidAddress", "The address http://host/q is not valid for this endpoint.")
        for operation, request in OF_A_QUEUE.items()
    ),
    ("delete_queue", {"QueueUrl": "http://["}, "InvalidAddress", "The address http://[ is not valid for this endpoint."),
    ("get_queue_url", {"QueueName": "none"}, "QueueDoesNotExist", "The specified queue does not exist."),
    *_batch("send_message_batch", "SendMessageBatchRequestEntry", {"MessageBody": "m"}),
    *_batch("delete_message_batch", "DeleteMessageBatchRequestEntry", {"ReceiptHandle": "r"}),
    *_batch(
        "change_message_visibility_batch", "ChangeMessageVisibilityBatchRequestEntry", {"ReceiptHandle": "r", "VisibilityTimeout": 1}
    ),
    (
        "send_message_batch",
        {"QueueUrl": "$q", "Entries": [{"Id": "a", "MessageBody": "a" * 1_048_577}]},
        "BatchRequestTooLong",
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
    ),
    (
        "send_message",
        {"QueueUrl": "$q", "MessageBody": "\x02"},
        "InvalidMessageContents",
        (
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to"
            " #x10FFFF"
        ),
    ),
    ("delete_message", HANDLE, *CUT),
    ("change_message_visibility", {**HANDLE, "VisibilityTimeout": 1}, *CUT),
    (
        "add_permission",
        {"QueueUrl": "$q", "Label": "l", "AWSAccountIds": ["111122223333"], "Actions": ACTIONS},
        "OverLimit",
        "8 Actions were found, maximum allowed is 7.",
    ),
    (
        "add_permission",
        {"QueueUrl": "$full", "Label": "l", "AWSAccountIds": ["111122223333"], "Actions": ["*"]},
        "OverLimit",
        "21 statements were found in the submitted policy, max allowed is 20",
    ),
    (
        "set_queue_attributes",
        _set(_policy(*[STATEMENT] * 21)),
        "OverLimit",
        "21 statements were found in the submitted policy, max allowed is 20",
    ),
    (
        "set_queue_attributes",
        _set(_policy({**STATEMENT, "Action": [f"sqs:{action}" for action in ACTIONS]})),
        "OverLimit",
        "8 actions were found in a statement from the submitted policy, max allowed is 7",
    ),
    ("set_queue_attributes", _set(_policy({**STATEMENT, "Sid": "s" * 8192})), "OverLimit", "Submitted policy is over max allowed size."),
    ("set_queue_attributes", {"QueueUrl": "$q", "Attributes": {"Colour": "red"}}, "InvalidAttributeName", "Unknown Attribute Colour."),
    (
        "set_queue_attributes",
        {"QueueUrl": "$q", "Attributes": {"DelaySeconds": "901"}},
        "InvalidAttributeValue",
        "Invalid value for the parameter DelaySeconds.",
    ),
    ("get_queue_attributes", {"QueueUrl": "$q", "AttributeNames": ["Colour"]}, "InvalidAttributeName", "Unknown Attribute Colour."),
    ("receive_message", {"QueueUrl": "$q", "AttributeNames": ["Colour"]}, "InvalidAttributeName", "Unknown Attribute Colour."),
    ("create_queue", {"QueueName": "n", "Attributes": {"Colour": "red"}}, "InvalidAttributeName", "Unknown Attribute Colour."),
    (
        "create_queue",
        {"QueueName": "n", "Attributes": {"VisibilityTimeout": "-1"}},
        "InvalidAttributeValue",
        "Invalid value for the parameter VisibilityTimeout.",
    ),
    (
        "create_queue",
        {"QueueName": "q", "Attributes": {"DelaySeconds": "1"}},
        "QueueNameExists",
        "A queue already exists with the same name and a different value for attribute DelaySeconds",
    ),
    (
        "create_queue",
        {"QueueName": "gone"},
        "QueueDeletedRecently",
        "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
    ),
    ("purge_queue", {"QueueUrl": "$grave"}, "PurgeQueueInProgress", "Only one PurgeQueue operation on grave is allowed every 60 seconds."),
    ("start_message_move_task", {"SourceArn": f"{ARN}none"}, "ResourceNotFoundException", NO_RESOURCE),
    ("list_message_move_tasks", {"SourceArn": f"{ARN}none"}, "ResourceNotFoundException", NO_RESOURCE),
    ("cancel_message_move_task", {"TaskHandle": TASK}, "ResourceNotFoundException", "Task does not exist."),
    ("cancel_message_move_task", {"TaskHandle": "$task"}, "UnsupportedOperation", "Only active tasks can be cancelled."),
]  # fmt: skip
KMS = "test_kms_in_messages.py::test_without_its_key_a_queue_takes_and_gives_nothing"
NO_KEY = "test_kms_in_messages.py::test_a_key_that_does_not_encrypt_is_no_key_for_a_queue"
ELSEWHERE = {
    "receive_message OverLimit": "test_sqs_refusals.py::test_a_queue_has_so_many_messages_in_flight",
    **{
        f"{operation} Kms{why}": KMS
        for operation in ("send_message", "send_message_batch", "receive_message")
        for why in ("AccessDenied", "Disabled", "InvalidState", "NotFound")
        if (operation, why) != ("receive_message", "NotFound")
    },
    **{f"{operation} KmsInvalidKeyUsage": NO_KEY for operation in ("send_message", "send_message_batch")},
}
NEVER = (
    *("InvalidSecurity", "RequestThrottled", "UnsupportedOperation", "KmsOptInRequired", "KmsThrottled"),
    # A queue's data key is there by then, so its key could make it; who can't open it isn't told whether the key is gone.
    *("receive_message KmsInvalidKeyUsage", "receive_message KmsNotFound"),
    *("change_message_visibility MessageNotInflight", "delete_message InvalidIdFormat"),
    # These name no queue by its URL.
    *(
        f"{operation} InvalidAddress"
        for operation in (
            *("create_queue", "get_queue_url", "list_queues", "start_message_move_task", "list_message_move_tasks"),
            "cancel_message_move_task",
        )
    ),
)


here = one_region()


@pytest.fixture(scope="module")
def world(here: Here) -> dict[str, str]:
    sqs = here.sqs
    for name in ("q", "grave", "full", "gone"):
        sqs.create_queue(QueueName=name)
    redrive = json.dumps({"deadLetterTargetArn": f"{ARN}grave", "maxReceiveCount": 1})
    sqs.create_queue(QueueName="source", Attributes={"RedrivePolicy": redrive})
    sqs.purge_queue(QueueUrl=f"{URL}grave")
    sqs.delete_queue(QueueUrl=f"{URL}gone")
    sqs.set_queue_attributes(**filled(_set(_policy(*[STATEMENT] * 20)), {"$q": f"{URL}full"}))
    task = sqs.start_message_move_task(SourceArn=f"{ARN}grave")["TaskHandle"]
    here.rest()
    return {"$q": f"{URL}q", "$grave": f"{URL}grave", "$full": f"{URL}full", "$task": task}


@pytest.mark.parametrize(("operation", "request_", "code", "said"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_what_sqs_refuses_is_refused_in_its_words(
    here: Here, world: dict[str, str], operation: str, request_: dict[str, Any], code: str, said: str
) -> None:
    assert refusal(getattr(here.sqs, operation), **filled(request_, world)) == (code, said)


def test_a_queue_has_so_many_messages_in_flight(here: Here, world: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standard, "IN_FLIGHT_MAX", 2)
    for number in range(3):
        here.sqs.send_message(QueueUrl=world["$q"], MessageBody=str(number))
    handles = [here.sqs.receive_message(QueueUrl=world["$q"])["Messages"][0]["ReceiptHandle"] for _ in range(2)]
    assert refusal(here.sqs.receive_message, QueueUrl=world["$q"]) == ("OverLimit", "The maximum number of in flight messages is reached.")
    here.sqs.delete_message(QueueUrl=world["$q"], ReceiptHandle=handles[0])
    assert [one["Body"] for one in here.sqs.receive_message(QueueUrl=world["$q"])["Messages"]] == ["2"]


def test_each_error_that_the_model_documents_has_its_story() -> None:
    assert untold("sqs", CASES, ELSEWHERE, NEVER) == []
