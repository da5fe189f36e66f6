"""SQS as it was before it spoke JSON: AWS still takes its query requests, but the model has lost their names.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
"""

from functools import cache
from typing import Any, Final

from windtunnel.aws.model import OperationModel, ServiceModel, service_model

NAMESPACES: Final = {"sqs": "http://queue.amazonaws.com/doc/2012-11-05/"}
"""The XML namespace of services that prefer another protocol now."""
MESSAGES: Final = {("sqs", "QueueDoesNotExist"): "The specified queue does not exist for this wsdl version."}
"""What faults said at that time, where they say something else now."""

_LISTS: Final = {
    "QueueUrlList": "QueueUrl",
    "MessageList": "Message",
    "TagKeyList": "TagKey",
    "AttributeNameList": "AttributeName",
    "MessageSystemAttributeList": "MessageSystemAttributeName",
    "MessageAttributeNameList": "MessageAttributeName",
    "AWSAccountIdList": "AWSAccountId",
    "ActionNameList": "ActionName",
    "StringList": "StringListValue",
    "BinaryList": "BinaryListValue",
}
_MAPS: Final = {
    "QueueAttributeMap": ("Attribute", "Name", "Value"),
    "MessageSystemAttributeMap": ("Attribute", "Name", "Value"),
    "MessageBodyAttributeMap": ("MessageAttribute", "Name", "Value"),
    "MessageBodySystemAttributeMap": ("MessageSystemAttribute", "Name", "Value"),
    "TagMap": ("Tag", "Key", "Value"),
}


def with_former_names(operation: OperationModel) -> OperationModel:
    """The operation with the names that its service's query protocol had; itself, where the model still has them."""
    if operation.service_model.service_name != "sqs":
        return operation
    return _sqs().operation_model(operation.name)


@cache
def _sqs() -> ServiceModel:
    raw = service_model("sqs").raw
    shapes: dict[str, dict[str, Any]] = {name: dict(shape) for name, shape in raw["shapes"].items()}
    for name, shape in shapes.items():
        if shape["type"] == "list":
            # The lists of batches are named after their elements: SendMessageBatchRequestEntryList.
            element = _LISTS.get(name) or (shape["member"]["shape"] if name.endswith("EntryList") else None)
            if element:
                shape["member"] = shape["member"] | {"locationName": element}
        elif name in _MAPS:
            _, key, value = _MAPS[name]
            shape["key"] = shape["key"] | {"locationName": key}
            shape["value"] = shape["value"] | {"locationName": value}
        elif shape["type"] == "structure":
            shape["members"] = {
                member: ref | {"locationName": _MAPS[ref["shape"]][0]} if ref["shape"] in _MAPS else ref
                for member, ref in shape["members"].items()
            }
    return ServiceModel("sqs", raw | {"shapes": shapes})
