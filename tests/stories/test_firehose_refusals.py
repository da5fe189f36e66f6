"""What Data Firehose refuses, operation by operation: each case its request, its code and its sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.refusals import Case, refusal, untold

ROLE = f"arn:aws:iam::{ACCOUNT}:role/delivers"
PLACE = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"}
GONE = ("ResourceNotFoundException", f"Firehose gone under account {ACCOUNT} not found.")
INVALID = "InvalidArgumentException"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
KINESIS = {"KinesisStreamARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/gone", "RoleARN": ROLE}
UPDATE = {"DeliveryStreamName": "d", "CurrentDeliveryStreamVersionId": "1", "DestinationId": "destinationId-000000000001"}
RECORD = {"Data": b"x"}
TAG = {"Key": "k", "Value": "v"}

OF_A_STREAM: dict[str, dict[str, Any]] = {
    "delete_delivery_stream": {},
    "describe_delivery_stream": {},
    "list_tags_for_delivery_stream": {},
    "put_record": {"Record": RECORD},
    "put_record_batch": {"Records": [RECORD]},
    "start_delivery_stream_encryption": {},
    "stop_delivery_stream_encryption": {},
    "tag_delivery_stream": {"Tags": [TAG]},
    "untag_delivery_stream": {"TagKeys": ["k"]},
    "update_destination": {**UPDATE, "ExtendedS3DestinationUpdate": {}},
}


def make(said: str, code: str = INVALID, **settings: Any) -> Case:
    """A stream whose settings in S3 are refused."""
    return "create_delivery_stream", {"DeliveryStreamName": "n", "ExtendedS3DestinationConfiguration": {**PLACE, **settings}}, code, said


def missing(what: str, **settings: Any) -> Case:
    return make(f"windtunnel's Firehose does not implement {what}.", "NotImplemented", **settings)


def processor(kind: str, **parameters: str) -> dict[str, Any]:
    listed = [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()]
    return {"Enabled": True, "Processors": [{"Type": kind, "Parameters": listed}]}


CASES: list[Case] = [
    *((operation, {**request, "DeliveryStreamName": "gone"}, *GONE) for operation, request in OF_A_STREAM.items()),
    (
        "create_delivery_stream",
        {"DeliveryStreamName": "d", "ExtendedS3DestinationConfiguration": PLACE},
        "ResourceInUseException",
        f"Firehose d under accountId {ACCOUNT} already exists",
    ),
    ("create_delivery_stream", {"DeliveryStreamName": "n"}, INVALID, "Exactly one destination configuration is supported for a Firehose."),
    (
        "create_delivery_stream",
        {"DeliveryStreamName": "n", "DeliveryStreamType": "MSKAsSource", "ExtendedS3DestinationConfiguration": PLACE},
        "NotImplemented",
        "windtunnel's Firehose takes records directly and from Kinesis, not yet MSKAsSource.",
    ),
    (
        "create_delivery_stream",
        {"DeliveryStreamName": "n", "DeliveryStreamType": "KinesisStreamAsSource", "ExtendedS3DestinationConfiguration": PLACE},
        INVALID,
        "KinesisStreamSourceConfiguration goes with delivery streams of type KinesisStreamAsSource, and only with these.",
    ),
    (
        "create_delivery_stream",
        {
            "DeliveryStreamName": "n",
            "DeliveryStreamType": "KinesisStreamAsSource",
            "KinesisStreamSourceConfiguration": KINESIS,
            "ExtendedS3DestinationConfiguration": PLACE,
        },
        INVALID,
        f"Stream gone under account {ACCOUNT} not found.",
    ),
    make("Invalid prefix expression namespace: time.", Prefix="!{time:yyyy}/", ErrorOutputPrefix="e"),
    make("Invalid timestamp expression: QQ.", Prefix="!{timestamp:QQ}/", ErrorOutputPrefix="e"),
    make("Invalid value for prefix expression namespace firehose: dice.", Prefix="!{firehose:dice}/", ErrorOutputPrefix="e"),
    make("ErrorOutputPrefix cannot be null or empty when Prefix contains expressions.", Prefix="!{timestamp:yyyy}/"),
    make("ErrorOutputPrefix must contain !{firehose:error-output-type} where it has expressions.", ErrorOutputPrefix="!{timestamp:yyyy}/"),
    make(
        "!{firehose:error-output-type} can only be used in ErrorOutputPrefix.",
        Prefix="!{firehose:error-output-type}/",
        ErrorOutputPrefix="e",
    ),
    make(
        "Partition keys can be used in Prefix only, and where dynamic partitioning is enabled.",
        Prefix="!{partitionKeyFromQuery:k}/",
        ErrorOutputPrefix="e",
    ),
    make("Prefix must contain partition keys where dynamic partitioning is enabled.", DynamicPartitioningConfiguration={"Enabled": True}),
    make("S3BackupConfiguration must be specified where S3BackupMode is Enabled.", S3BackupMode="Enabled"),
    make("Lambda processor must have a LambdaArn.", ProcessingConfiguration=processor("Lambda")),
    make(
        "MetadataExtractionQuery must be an object of partition keys.",
        ProcessingConfiguration=processor("MetadataExtraction", MetadataExtractionQuery=".a"),
    ),
    make(
        "windtunnel does not implement this part of jq: {a: .a|length}",
        "NotImplemented",
        ProcessingConfiguration=processor("MetadataExtraction", MetadataExtractionQuery="{a: .a|length}"),
    ),
    make(
        "Invalid Delimiter of the processor AppendDelimiterToRecord.",
        ProcessingConfiguration=processor("AppendDelimiterToRecord", Delimiter="\\x"),
    ),
    missing("compression Snappy", CompressionFormat="Snappy"),
    missing("the conversion of formats", DataFormatConversionConfiguration={"Enabled": True}),
    (
        "put_record_batch",
        {"DeliveryStreamName": "d", "Records": [{"Data": b"x" * 1_000_000}] * 5},
        INVALID,
        "Records size exceeds 4 MB limit",
    ),
    (
        "start_delivery_stream_encryption",
        {"DeliveryStreamName": "d", "DeliveryStreamEncryptionConfigurationInput": {"KeyType": "CUSTOMER_MANAGED_CMK"}},
        INVALID,
        "KeyARN must be specified where KeyType is CUSTOMER_MANAGED_CMK.",
    ),
    (
        "start_delivery_stream_encryption",
        {"DeliveryStreamName": "d", "DeliveryStreamEncryptionConfigurationInput": {"KeyType": "AWS_OWNED_CMK", "KeyARN": KEY}},
        INVALID,
        "KeyARN must not be specified where KeyType is AWS_OWNED_CMK.",
    ),
    (
        "tag_delivery_stream",
        {"DeliveryStreamName": "full", "Tags": [{"Key": "one more", "Value": ""}]},
        "LimitExceededException",
        f"Firehose full under account {ACCOUNT} can't have more than 50 tags.",
    ),
    (
        "update_destination",
        {**UPDATE, "CurrentDeliveryStreamVersionId": "7", "ExtendedS3DestinationUpdate": {}},
        "ConcurrentModificationException",
        "Cannot update firehose: d since the current version id: 1 and specified version id: 7 do not match",
    ),
    (
        "update_destination",
        {**UPDATE, "DestinationId": "other", "ExtendedS3DestinationUpdate": {}},
        INVALID,
        "Destination Id other not found",
    ),
    ("update_destination", UPDATE, INVALID, "The destination update must be one, and of the kind of the stream's destination."),
]

NEVER = {
    # No key is asked for, puts are not throttled, streams are never anything but ACTIVE, 5,000 streams are many: see README.md.
    *(
        "InvalidKMSResourceException",
        "ServiceUnavailableException",
        "InvalidSourceException",
        "create_delivery_stream LimitExceededException",
    ),
    *(f"{operation} ResourceInUseException" for operation in OF_A_STREAM),
    *(f"{kind}_delivery_stream_encryption LimitExceededException" for kind in ("start", "stop")),
    *(f"{operation}_delivery_stream LimitExceededException" for operation in ("untag", "list_tags_for")),
    *(f"{operation} InvalidArgumentException" for operation in ("tag_delivery_stream", "untag_delivery_stream")),
    *("list_tags_for_delivery_stream InvalidArgumentException", "stop_delivery_stream_encryption InvalidArgumentException"),
}
ELSEWHERE = {
    "put_record InvalidArgumentException": "test_firehose.py::test_a_kinesis_stream_is_read_from_when_the_delivery_stream_was_made"
}


@pytest.fixture
def world(here: Here) -> None:
    for name, tags in (("d", [TAG]), ("full", [{"Key": str(number), "Value": ""} for number in range(50)])):
        here.firehose.create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration=PLACE, Tags=tags)


@pytest.mark.parametrize(("operation", "request_", "code", "said"), CASES, ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.usefixtures("world")
def test_what_firehose_refuses_is_refused_in_its_words(here: Here, operation: str, request_: dict[str, Any], code: str, said: str) -> None:
    assert refusal(getattr(here.firehose, operation), **request_) == (code, said)


def test_a_destination_that_is_not_there_yet_says_so(here: Here) -> None:
    endpoint = {"HECEndpoint": "https://splunk", "HECEndpointType": "Raw", "HECToken": "t", "S3Configuration": PLACE}
    said = "windtunnel delivers to S3 and to HTTP endpoints, not yet to Splunk."
    create = here.firehose.create_delivery_stream
    assert refusal(create, DeliveryStreamName="n", SplunkDestinationConfiguration=endpoint) == ("NotImplemented", said)


def test_each_error_that_the_model_documents_has_its_story() -> None:
    assert untold("firehose", CASES, ELSEWHERE, NEVER) == []
