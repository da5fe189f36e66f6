"""AWS's own description of its APIs, read from botocore's data: services, operations and shapes.

Nothing else imports botocore. Only its data files are used, not its classes: importing those costs 150 ms and 20 MB (they
pull in an HTTP client), and they have no types. The classes here have the same names and attributes, so that whoever knows
botocore's model knows this one. A model is loaded when it is first asked for, without its documentation.
"""

import gzip
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import botocore
import msgspec
import orjson

Raw = dict[str, Any]

DATA: Final = Path(botocore.__file__).parent / "data"
VERSION: Final[str] = botocore.__version__

_SERIALIZED: Final = (
    "queryName", "flattened", "location", "payload", "streaming", "timestampFormat", "xmlNamespace", "resultWrapper",
    "xmlAttribute", "eventstream", "event", "eventheader", "eventpayload", "jsonvalue", "hostLabel",
)  # fmt: skip
_METADATA: Final = (
    "required", "min", "max", "pattern", "sensitive", "enum", "idempotencyToken", "error", "exception", "retryable",
    "document", "union", "contextParam", "requiresLength", "deprecated", "fault", "sparse", "box",
)  # fmt: skip

_NAMING: Final = ("Url", "Arn", "ARN", "Name", "Bucket", "Id")


class Shape:
    """One type of an API, with the traits of the member that refers to it laid over its own.

    `members` is for structures, `member` for lists, `key` and `value` for maps, `enum` for strings.
    """

    def __init__(self, name: str, raw: Raw, service: "ServiceModel") -> None:
        self.name = name
        self.type_name: str = raw["type"]
        self.raw = raw
        self._service = service

    @cached_property
    def serialization(self) -> Raw:
        """How the shape is written; `locationName` is called `name`."""
        found = {key: self.raw[key] for key in _SERIALIZED if key in self.raw}
        if "locationName" in self.raw:
            found["name"] = self.raw["locationName"]
        return found

    @cached_property
    def metadata(self) -> Raw:
        """What holds of the shape's values: bounds, required members, error traits."""
        return {key: self.raw[key] for key in _METADATA if key in self.raw}

    @cached_property
    def members(self) -> dict[str, "Shape"]:
        """A structure's members, in the model's order."""
        refs: dict[str, Raw] = self.raw.get("members", {})
        return {name: self._service.resolve(ref) for name, ref in refs.items()}

    def with_members(self, members: Raw) -> "Shape":
        """The structure with other references to members."""
        return Shape(self.name, self.raw | {"members": members}, self._service)

    @cached_property
    def member(self) -> "Shape":
        """A list's element."""
        return self._service.resolve(self.raw["member"])

    @cached_property
    def key(self) -> "Shape":
        """A map's key."""
        return self._service.resolve(self.raw["key"])

    @cached_property
    def value(self) -> "Shape":
        """A map's value."""
        return self._service.resolve(self.raw["value"])

    @property
    def required_members(self) -> list[str]:
        """Names of the members that must be given."""
        return self.raw.get("required", [])

    @property
    def enum(self) -> list[str]:
        """The words a string may be; empty where any will do."""
        return self.raw.get("enum", [])

    @property
    def is_document_type(self) -> bool:
        """Any JSON value, instead of the structure it pretends to be."""
        return bool(self.raw.get("document"))

    @property
    def is_tagged_union(self) -> bool:
        """Exactly one member is set."""
        return bool(self.raw.get("union"))

    @cached_property
    def event_stream_name(self) -> str | None:
        """The member that is a stream of events, if there is one."""
        if self.type_name != "structure":
            return None
        return next((name for name, member in self.members.items() if member.serialization.get("eventstream")), None)

    @property
    def error_code(self) -> str | None:
        """The code of an error shape, as the query protocol prints it; None for other shapes."""
        if not self.raw.get("exception"):
            return None
        return self.raw.get("error", {}).get("code") or self.name

    def __repr__(self) -> str:
        return f"Shape({self.name})"


class OperationModel:
    """One operation: its HTTP binding, its input, output and errors."""

    def __init__(self, name: str, raw: Raw, service_model: "ServiceModel") -> None:
        self.name = name
        self.raw = raw
        self.service_model = service_model
        self.http: Raw = raw.get("http", {})

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.http.get("method", "POST")

    @property
    def deprecated(self) -> bool:
        """Whether a newer operation has taken its place."""
        return bool(self.raw.get("deprecated"))

    @property
    def endpoint(self) -> Raw | None:
        """`hostPrefix`, where the operation has a host of its own."""
        return self.raw.get("endpoint")

    @cached_property
    def input_shape(self) -> Shape | None:
        """The request's structure; None where nothing is sent."""
        return self.service_model.resolve(self.raw["input"]) if "input" in self.raw else None

    @cached_property
    def output_shape(self) -> Shape | None:
        """The result's structure; None where nothing is answered."""
        return self.service_model.resolve(self.raw["output"]) if "output" in self.raw else None

    @cached_property
    def error_shapes(self) -> list[Shape]:
        """The errors that the operation documents."""
        return [self.service_model.resolve(ref) for ref in self.raw.get("errors", ())]

    def __repr__(self) -> str:
        return f"OperationModel({self.name})"


class ServiceModel:
    """One service: metadata, operations, shapes."""

    def __init__(self, service_name: str, raw: Raw) -> None:
        self.service_name = service_name
        self.raw = raw
        self.metadata: Raw = raw["metadata"]
        self._operations: dict[str, OperationModel] = {}

    @property
    def protocols(self) -> list[str]:
        """Every protocol the service speaks, its favourite first."""
        return self.metadata.get("protocols") or [self.metadata["protocol"]]

    @property
    def signing_name(self) -> str:
        """The service's name in a credential scope."""
        return self.metadata.get("signingName") or self.metadata["endpointPrefix"]

    @property
    def is_query_compatible(self) -> bool:
        """Whether the service once spoke the query protocol, and its errors still name their codes of that time."""
        return "awsQueryCompatible" in self.metadata

    @cached_property
    def operation_names(self) -> list[str]:
        """The names of all operations."""
        return list(self.raw["operations"])

    def operation_model(self, name: str) -> OperationModel:
        """The operation of that name; KeyError where there is none."""
        found = self._operations.get(name)
        if found is None:
            found = self._operations[name] = OperationModel(name, self.raw["operations"][name], self)
        return found

    def shape_for(self, name: str) -> Shape:
        """The shape of that name."""
        return Shape(name, self.raw["shapes"][name], self)

    def resolve(self, ref: Raw) -> Shape:
        """The shape a reference names, with the reference's traits over its own."""
        name: str = ref["shape"]
        raw: Raw = self.raw["shapes"][name]
        return Shape(name, raw if len(ref) == 1 else raw | ref, self)

    @cached_property
    def error_shapes(self) -> dict[str, Shape]:
        """Error shapes by each name they go by: the shape's own and the code it prints."""
        shapes = [self.shape_for(name) for name, raw in self.raw["shapes"].items() if raw.get("exception")]
        by_code = {shape.error_code or shape.name: shape for shape in shapes}
        return by_code | {shape.name: shape for shape in shapes}

    def __repr__(self) -> str:
        return f"ServiceModel({self.service_name})"


class FaultModel(msgspec.Struct, frozen=True):
    """What the model says of one error code of a service."""

    code: str
    """The name of the error's shape: what JSON protocols print."""
    query_code: str
    """What the query protocol prints, and JSON with `x-amzn-query-error`."""
    status: int
    sender: bool
    """The client's fault, not the service's."""
    query_error: bool
    """Whether JSON answers name the query protocol's code in a header."""
    shape: Shape | None


@cache
def services() -> tuple[str, ...]:
    """The names of all services of the installed botocore."""
    return tuple(sorted(entry.name for entry in DATA.iterdir() if entry.is_dir() and any(entry.glob("*/service-2.json.gz"))))


@cache
def service_model(service: str) -> ServiceModel:
    """The newest model of a service. Raises KeyError for an unknown one."""
    versions = sorted((DATA / service).glob("*/service-2.json.gz"))
    if not versions:
        raise KeyError(service)
    raw: Raw = orjson.loads(gzip.decompress(versions[-1].read_bytes()))
    return ServiceModel(service, _without_documentation(raw))


@cache
def endpoints() -> list[Raw]:
    """Partitions with their regions, and which services each has where, as botocore lists them."""
    return list(orjson.loads((DATA / "endpoints.json").read_bytes())["partitions"])


@cache
def operation_model(service: str, operation: str) -> OperationModel:
    """One operation of a service. Raises KeyError for an unknown one."""
    return service_model(service).operation_model(operation)


def operation_names(service: str) -> tuple[str, ...]:
    """The names of a service's operations."""
    return tuple(service_model(service).operation_names)


@cache
@cache
def naming_member(service: str, operation: str) -> str:
    """The member of a request that says what the call is about (a queue's URL, a role's name), "" where there is none."""
    shape = operation_model(service, operation).input_shape
    if shape is None:
        return ""
    names = (*shape.required_members, *shape.members)
    return next((name for name in names if name.endswith(_NAMING) and shape.members[name].type_name == "string"), "")


def snake(name: str) -> str:
    """`send_message_batch` for `SendMessageBatch`: the name of an operation's function, and of a client's method."""
    return str(botocore.xform_name(name))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


@cache
def fault_of(service: str, code: str) -> FaultModel:
    """What is known of an error code. An undocumented one is the sender's fault, 400 (who raises it may know another status)."""
    model = service_model(service)
    if model.is_query_compatible and code in _PRESENT_COMMON and code not in model.error_shapes:
        code = _PRESENT_COMMON[code]
    shape = model.error_shapes.get(code)
    error: Mapping[str, Any] = shape.raw.get("error", {}) if shape is not None else {}
    receiver = shape is not None and bool(shape.raw.get("fault"))
    name = shape.name if shape is not None else code
    former = _FORMER_CODES.get(service, {}).get(name)
    if former is None and model.is_query_compatible and shape is None:
        former = _FORMER_COMMON.get(name)
    return FaultModel(
        code=name,
        query_code=former or error.get("code") or name,
        status=error.get("httpStatusCode") or _FORMER_STATUS.get((service, name)) or (500 if receiver else 400),
        sender=not receiver and error.get("senderFault", True),
        query_error=model.is_query_compatible,
        shape=shape,
    )


_SQS: Final = "AWS.SimpleQueueService."
_SQS_PREFIXED: Final = (
    "BatchEntryIdsNotDistinct",
    "BatchRequestTooLong",
    "EmptyBatchRequest",
    "InvalidBatchEntryId",
    "MessageNotInflight",
    "PurgeQueueInProgress",
    "QueueDeletedRecently",
    "TooManyEntriesInBatchRequest",
    "UnsupportedOperation",
)
_FORMER_CODES: Final[dict[str, dict[str, str]]] = {
    "sqs": {
        "QueueDoesNotExist": f"{_SQS}NonExistentQueue",
        "QueueNameExists": "QueueAlreadyExists",
        "KmsAccessDenied": "KMS.AccessDeniedException",
        "KmsDisabled": "KMS.DisabledException",
        "KmsInvalidKeyUsage": "KMS.InvalidKeyUsageException",
        "KmsInvalidState": "KMS.InvalidStateException",
        "KmsNotFound": "KMS.NotFoundException",
        "KmsOptInRequired": "KMS.OptInRequired",
        "KmsThrottled": "KMS.ThrottlingException",
    }
    | {code: _SQS + code for code in _SQS_PREFIXED}
}
"""SQS's codes from before it spoke JSON, which botocore's model no longer carries.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-json-api-responses.html"""
_FORMER_STATUS: Final = {("sqs", "PurgeQueueInProgress"): 403}
"""Statuses that the model has lost, too, as real answers show them."""
_FORMER_COMMON: Final = {
    "InvalidParameterCombinationException": "InvalidParameterCombination",
    "InvalidParameterValueException": "InvalidParameterValue",
    "MissingRequiredParameterException": "MissingParameter",
    "ValidationException": "ValidationError",
}
"""The same, for what every service that once spoke the query protocol may answer."""
_PRESENT_COMMON: Final = {former: present for present, former in _FORMER_COMMON.items()}


def _without_documentation(raw: Raw) -> Raw:
    """Drop the prose, four fifths of a model's memory. A member may itself be called "documentation", so only where prose stands."""
    raw.pop("documentation", None)
    for operation in raw["operations"].values():
        operation.pop("documentation", None)
        for ref in (operation.get("input"), operation.get("output"), *operation.get("errors", ())):
            if ref:
                ref.pop("documentation", None)
    for shape in raw["shapes"].values():
        shape.pop("documentation", None)
        for ref in (*shape.get("members", {}).values(), shape.get("member"), shape.get("key"), shape.get("value")):
            if ref:
                ref.pop("documentation", None)
    return raw
