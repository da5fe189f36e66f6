"""The generated types say what botocore's model says."""

import botocore.loaders
import pytest
from botocore.model import ServiceModel

from tools.types import Module, clients


def module(service: str) -> Module:
    return Module(ServiceModel(botocore.loaders.Loader().load_service_model(service, "service-2"), service))


def shape(service: str, name: str) -> str:
    one = module(service)
    return one.structure(one.structures[name])


def test_a_request_requires_what_the_model_requires() -> None:
    assert shape("sqs", "DeleteMessageRequest") == (
        "class DeleteMessageRequest(TypedDict):\n    QueueUrl: Required[str]\n    ReceiptHandle: Required[str]\n"
    )


def test_a_result_may_leave_any_member_out() -> None:
    assert shape("sqs", "ReceiveMessageResult") == "class ReceiveMessageResult(TypedDict):\n    Messages: NotRequired[list[Message]]\n"


def test_a_member_that_is_called_as_a_type_does_not_hide_it() -> None:
    assert shape("s3", "AccessControlPolicy") == (
        'AccessControlPolicy = TypedDict("AccessControlPolicy", {\n'
        '    "Grants": NotRequired[list["Grant"]],\n'
        '    "Owner": NotRequired["Owner"],\n'
        "})\n"
    )


def test_a_shape_that_is_called_as_our_alias_moves_the_alias() -> None:
    assert (module("s3").body, module("ses").body) == ("Body", "StreamingBody")


def test_an_operation_without_shapes_has_empty_ones() -> None:
    text = module("sqs").text()
    assert "class DeleteQueueRequest(TypedDict):\n    QueueUrl: Required[str]\n" in text
    assert "class DeleteQueueResponse(TypedDict): ...\n" in text


def test_a_client_has_the_operations_in_snake_case() -> None:
    text = clients({"sqs": module("sqs")})
    assert "    async def send_message(self, request: sqs.SendMessageRequest) -> sqs.SendMessageResult: ...\n" in text
    assert text.endswith("class Aws:\n    sqs: SqsClient\n")


@pytest.mark.parametrize("service", ["sqs", "s3", "dynamodb", "stepfunctions"])
def test_a_stub_is_valid_python(service: str) -> None:
    assert compile(module(service).text(), service, "exec") is not None
