"""How each service words what is wrong with a request, and which of its model's constraints it checks at the door.

Most of AWS shares one framework and its sentence ("1 validation error detected: …"); older services have their own. A service
that checks something itself, in its own words, leaves that kind of constraint out here.
"""

from collections.abc import Callable

import msgspec

from windtunnel.aws.errors import Fault

ALL = frozenset({"required", "length", "range", "pattern", "enum"})
REQUIRED = frozenset({"required"})
NOTHING: frozenset[str] = frozenset()


class Dialect(msgspec.Struct, frozen=True):
    """The manner of one service."""

    code: str = "ValidationException"
    """Of the fault. An operation that declares `ValidationException` answers with that, whatever stands here."""
    checks: frozenset[str] = ALL
    """Kinds of constraints: required, length (texts, blobs, lists, maps), range, pattern, enum."""
    missing: Callable[[str, str], Fault | None] | None = None
    """A fault of its own for an absent top-level member, from its name and type; None where the common sentence does."""
    values: bool = True
    """Whether it prints the value it refuses, and the words it would have taken."""
    body_prefix: bool = False
    """Whether paths of members in the body begin with the name of the operation's input."""
    body_first: bool = False
    """Whether what is wrong in the body is named before what is wrong in the path, the query or the headers."""
    any_fault: tuple[str, str] | None = None
    """Code and message of the one fault for everything that is wrong."""
    nested_only: bool = False
    """Whether only what lies inside of structures is checked."""
    skip: frozenset[str] = frozenset()
    """Shapes that the service checks itself, or that would cost more than they tell."""
    not_null: frozenset[str] = frozenset()
    """Lists and maps whose elements are also said not to be null, which the public model doesn't tell."""
    sentence: str = ""
    """The form of one error where the common one is not used: {path} and {constraint}."""


def _request_must_contain(name: str, kind: str) -> Fault | None:
    return Fault("MissingParameter", f"The request must contain the parameter {name}.", status=400)


def _request_must_contain_ec2(name: str, kind: str) -> Fault | None:
    return Fault("MissingParameter", f"The request must contain the parameter {name}", status=400)


def _no_value(name: str, kind: str) -> Fault | None:
    if kind in ("structure", "list", "map"):
        return None
    return Fault("InvalidParameter", f"Invalid parameter: {name} Reason: no value for required parameter", status=400)


def _is_required(name: str, kind: str) -> Fault | None:
    return Fault("MissingRequiredParameterException", f"The parameter {name} is required.", status=400)


_MALFORMED_XML = ("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
_OLD_QUERY = Dialect(checks=REQUIRED, missing=_request_must_contain_ec2)

_BY_PROTOCOL = {
    "json": Dialect(),
    "smithy-rpc-v2-cbor": Dialect(),
    "rest-json": Dialect(),
    "query": Dialect(code="ValidationError"),
    "ec2": _OLD_QUERY,
    "rest-xml": Dialect(checks=frozenset({"required", "enum"}), any_fault=_MALFORMED_XML, nested_only=True),
}
_BY_SERVICE = {
    "apigateway": Dialect(body_prefix=True, body_first=True),
    "apigatewayv2": Dialect(code="BadRequestException"),
    "appsync": Dialect(code="BadRequestException"),
    "backup": Dialect(code="InvalidParameterValueException"),
    "cognito-idp": Dialect(code="InvalidParameterException"),
    "docdb": _OLD_QUERY,
    # Attribute values are walked once, by the service, whose bounds are on their bytes.
    "dynamodb": Dialect(skip=frozenset({"AttributeValue", "AttributeName", "AttributeMap", "PutItemInputAttributeMap", "Key"})),
    "ecr": Dialect(code="InvalidParameterException", sentence="Invalid parameter at '{path}' failed to satisfy constraint: '{constraint}'"),
    "elasticache": _OLD_QUERY,
    # The method of an OAuth request may be written in small letters.
    "events": Dialect(skip=frozenset({"ConnectionOAuthHttpMethod"})),
    # An endpoint on this machine has no certificate: its URL may be plain.
    "firehose": Dialect(skip=frozenset({"HttpEndpointUrl"})),
    "iot": Dialect(code="InvalidRequestException"),
    "lambda": Dialect(
        # Runtimes and function names have sentences of their own there, and what is wrong with a layer's is said in one.
        skip=frozenset({"Runtime", "CompatibleArchitectures"}),
        not_null=frozenset({"architectures", "layers", "additionalVersionWeights"}),
    ),
    # What a name has too much of has a sentence of its own there.
    "logs": Dialect(code="InvalidParameterException", skip=frozenset({"LogGroupName", "LogStreamName"})),
    "neptune": _OLD_QUERY,
    "rds": _OLD_QUERY,
    "redshift": _OLD_QUERY,
    "route53": Dialect(code="InvalidInput"),
    # Bucket regions, event names, filters and redirects and ACLs have faults of their own; a tag set may be absent; a bucket that isn't
    # there goes before what its encryption should be; grants for logs are not looked at.
    "s3": Dialect(
        checks=frozenset({"required", "enum"}),
        any_fault=_MALFORMED_XML,
        nested_only=True,
        skip=frozenset(
            {
                "BucketLocationConstraint",
                "BucketLogsPermission",
                "Event",
                "Permission",
                "FilterRuleName",
                "Protocol",
                "ServerSideEncryptionConfiguration",
                "Tagging",
                "Type",
            }
        ),
    ),
    "sesv2": Dialect(code="BadRequestException"),
    # An application's ARN is looked at before what is to be set of it; ARNs and numbers of telephones have words of their own.
    "sns": Dialect(
        code="ValidationError",
        missing=_no_value,
        skip=frozenset({"SetPlatformApplicationAttributesInput", "AmazonResourceName", "PhoneNumberString"}),
    ),
    # Entries of batches fail one by one, and attributes of messages in sentences of their own.
    "sqs": Dialect(
        checks=REQUIRED,
        missing=_request_must_contain,
        skip=frozenset(
            {
                "SendMessageBatchRequestEntry",
                "DeleteMessageBatchRequestEntry",
                "ChangeMessageVisibilityBatchRequestEntry",
                "MessageAttributeValue",
                "MessageSystemAttributeValue",
            }
        ),
    ),
    "cloudwatch": Dialect(missing=_is_required),
    "iam": Dialect(code="ValidationError", values=False),
    "transcribe": Dialect(code="BadRequestException"),
}


def dialect_of(service: str, protocol: str) -> Dialect:
    """The manner of a service that is spoken to in a protocol."""
    dialect = _BY_SERVICE.get(service) or _BY_PROTOCOL[protocol]
    if protocol == "query" and dialect.code == "ValidationException":
        return msgspec.structs.replace(dialect, code="ValidationError")
    return dialect
