"""Notifications: who is told what, exactly once, in the transaction that makes it true."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.stories.here import ACCOUNT, Here
from tests.stories.s3_kit import refused, told
from windtunnel.aws.request_ids import host_id

QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:told"
OWNER = "dc907f9c5b73414f2e2c142d83d6677f70e8dc070a6e216651f00cf15fdef7a8"


@pytest.fixture
def s3(here: Here) -> Iterator[Any]:
    here.s3.create_bucket(Bucket="box")
    here.sqs.create_queue(QueueName="told")
    return here.s3


def _subscribe(s3: Any, *events: str, **rule: Any) -> None:
    configuration = {"QueueConfigurations": [{"Id": "told", "QueueArn": QUEUE, "Events": list(events), **rule}]}
    s3.put_bucket_notification_configuration(Bucket="box", NotificationConfiguration=configuration)


def _named(here: Here) -> list[tuple[str, str]]:
    return [(record["eventName"], record["s3"]["object"]["key"]) for record in told(here)]


def _filter(**rules: str) -> dict[str, Any]:
    return {"Key": {"FilterRules": [{"Name": name, "Value": value} for name, value in rules.items()]}}


def test_a_queue_is_told_of_an_object_in_the_words_of_aws(here: Here, s3: Any) -> None:
    _subscribe(s3, "s3:ObjectCreated:*")
    s3.put_object(Bucket="box", Key="a b@/ü", Body=b"hello")
    (record,) = told(here)
    sequencer = record["s3"]["object"].pop("sequencer")
    assert (len(sequencer), int(sequencer, 16) > 0) == (18, True)
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": f"AWS:{ACCOUNT}"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "request", "x-amz-id-2": host_id("request")},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "told",
            "bucket": {"name": "box", "ownerIdentity": {"principalId": OWNER}, "arn": "arn:aws:s3:::box"},
            "object": {"key": "a+b%40/%C3%BC", "size": 5, "eTag": "5d41402abc4b2a76b9719d911017c592"},
        },
    }


def test_a_new_configuration_is_tried_out_at_once(here: Here, s3: Any) -> None:
    _subscribe(s3, "s3:ObjectCreated:*")
    url = here.sqs.get_queue_url(QueueName="told")["QueueUrl"]
    (message,) = here.sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2026-01-01T00:00:00.000Z",
        "Bucket": "box",
        "RequestId": "request",
        "HostId": host_id("request"),
    }


def test_each_way_of_making_and_removing_an_object_has_its_event(here: Here, s3: Any) -> None:
    _subscribe(s3, "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*", "s3:ObjectAcl:Put")
    s3.put_object(Bucket="box", Key="put", Body=b"x")
    s3.copy_object(Bucket="box", Key="copy", CopySource="box/put")
    upload = s3.create_multipart_upload(Bucket="box", Key="parts")["UploadId"]
    etag = s3.upload_part(Bucket="box", Key="parts", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3.complete_multipart_upload(Bucket="box", Key="parts", UploadId=upload, MultipartUpload=parts)
    s3.delete_object(Bucket="box", Key="put")
    s3.delete_object(Bucket="box", Key="never")
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    s3.delete_objects(Bucket="box", Delete={"Objects": [{"Key": "copy"}]})
    assert _named(here) == [
        ("ObjectCreated:Put", "put"),
        ("ObjectCreated:Copy", "copy"),
        ("ObjectCreated:CompleteMultipartUpload", "parts"),
        ("ObjectRemoved:Delete", "put"),
        ("ObjectRemoved:DeleteMarkerCreated", "copy"),
    ]
    s3.put_object_tagging(Bucket="box", Key="parts", Tagging={"TagSet": []})
    s3.delete_object_tagging(Bucket="box", Key="parts")
    tagged = told(here)
    assert sorted(record["eventName"] for record in tagged) == ["ObjectTagging:Delete", "ObjectTagging:Put"]
    assert {(record["eventVersion"], "sequencer" in record["s3"]["object"]) for record in tagged} == {("2.3", False)}


def test_only_keys_within_the_filter_are_told_of(here: Here, s3: Any) -> None:
    _subscribe(s3, "s3:ObjectCreated:Put", Filter=_filter(prefix="images/", suffix=".jpg"))
    for key in ("images/a.jpg", "images/a.png", "a.jpg", "images/.jpg"):
        s3.put_object(Bucket="box", Key=key, Body=b"x")
    s3.copy_object(Bucket="box", Key="images/copy.jpg", CopySource="box/a.jpg")
    assert _named(here) == [("ObjectCreated:Put", "images/a.jpg"), ("ObjectCreated:Put", "images/.jpg")]


def test_a_configuration_is_given_back_as_it_was_put_and_an_empty_one_ends_it(here: Here, s3: Any) -> None:
    _subscribe(s3, "s3:ObjectCreated:*", Filter=_filter(prefix="a"))
    assert s3.get_bucket_notification_configuration(Bucket="box") == {
        "QueueConfigurations": [{"Id": "told", "QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"], "Filter": _filter(Prefix="a")}]
    }
    s3.put_bucket_notification_configuration(Bucket="box", NotificationConfiguration={"EventBridgeConfiguration": {}})
    assert s3.get_bucket_notification_configuration(Bucket="box") == {"EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket="box", NotificationConfiguration={})
    s3.put_object(Bucket="box", Key="a", Body=b"x")
    assert (s3.get_bucket_notification_configuration(Bucket="box"), told(here)) == ({}, [])


def test_destinations_that_are_not_there_are_all_named(s3: Any) -> None:
    first, second = f"{QUEUE}-1", f"{QUEUE}-2"
    rules = [
        {"QueueArn": first, "Events": ["s3:ObjectCreated:*"]},
        {"QueueArn": QUEUE, "Events": ["s3:ObjectTagging:*"]},
        {"QueueArn": second, "Events": ["s3:ObjectRemoved:*"]},
    ]
    request = {"Bucket": "box", "NotificationConfiguration": {"QueueConfigurations": rules}}
    assert refused(s3.put_bucket_notification_configuration, **request) == (
        "InvalidArgument",
        "Unable to validate the following destination configurations",
        {
            "ArgumentName1": first,
            "ArgumentValue1": "The destination queue does not exist",
            "ArgumentName2": second,
            "ArgumentValue2": "The destination queue does not exist",
        },
    )
    s3.put_bucket_notification_configuration(**request, SkipDestinationValidation=True)
    assert len(s3.get_bucket_notification_configuration(Bucket="box")["QueueConfigurations"]) == 3


@pytest.mark.parametrize(
    ("rule", "said", "name", "value"),
    [
        ({"QueueArn": "nonsense"}, "The ARN could not be parsed", "Queue", "nonsense"),
        (
            {"QueueArn": QUEUE.replace("us-east-1", "eu-west-1")},
            "The notification destination service region is not valid for the bucket location constraint",
            "Queue",
            QUEUE.replace("us-east-1", "eu-west-1"),
        ),
        ({"Filter": _filter(INVALID="x")}, "filter rule name must be either prefix or suffix", "FilterRule.Name", "INVALID"),
        (
            {"Filter": _filter(prefix="é" * 513)},
            "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation",
            "FilterRule.Value",
            "é" * 513,
        ),
        ({"Events": ["s3:Nothing"]}, "The event is not supported for notifications", "Event", "s3:Nothing"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(s3: Any, rule: dict[str, Any], said: str, name: str, value: str) -> None:
    rules = {"QueueConfigurations": [{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"], **rule}]}
    assert refused(s3.put_bucket_notification_configuration, Bucket="box", NotificationConfiguration=rules) == (
        "InvalidArgument",
        said,
        {"ArgumentName": name, "ArgumentValue": value},
    )


def test_a_bucket_has_a_hundred_configurations_at_most(s3: Any) -> None:
    rules = [{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"], "Filter": _filter(prefix=f"{number:03}/")} for number in range(101)]
    request = {"Bucket": "box", "NotificationConfiguration": {"QueueConfigurations": rules}}
    said = "A bucket can have at most 100 notification configurations"
    assert refused(s3.put_bucket_notification_configuration, **request)[:2] == ("InvalidArgument", said)
    rules.pop()
    s3.put_bucket_notification_configuration(**request)


def test_no_event_of_a_key_may_have_two_destinations(s3: Any) -> None:
    def put(*rules: dict[str, Any]) -> Any:
        wanted = [{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:Put"], **rule} for rule in rules]
        return {"Bucket": "box", "NotificationConfiguration": {"QueueConfigurations": wanted}}

    said = "Configurations overlap. Configurations on the same bucket cannot share a common event type."
    assert refused(s3.put_bucket_notification_configuration, **put({}, {"Events": ["s3:ObjectCreated:*"]}))[1] == said
    said = (
        "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same"
    )
    both = put({"Filter": _filter(prefix="a")}, {"Filter": _filter(prefix="ab", suffix=".jpg")})
    assert refused(s3.put_bucket_notification_configuration, **both)[1] == f"{said} event type."
    s3.put_bucket_notification_configuration(**put({"Filter": _filter(prefix="a")}, {"Filter": _filter(prefix="b")}))
    s3.put_bucket_notification_configuration(**put({"Filter": _filter(suffix=".a")}, {"Filter": _filter(suffix=".b")}))


@pytest.mark.parametrize(
    "event",
    [
        "s3:ObjectCreated:Post", "s3:ObjectRemoved:DeleteMarkerCreated", "s3:ObjectRestore:*", "s3:ObjectRestore:Delete",
        "s3:ReducedRedundancyLostObject", "s3:Replication:*", "s3:Replication:OperationReplicatedAfterThreshold",
        "s3:LifecycleTransition", "s3:LifecycleExpiration:*", "s3:LifecycleExpiration:DeleteMarkerCreated", "s3:IntelligentTiering",
        "s3:ObjectTagging:Delete", "s3:ObjectAcl:Put", "s3:ObjectRetention:Put", "s3:ObjectAnnotation:*",
    ],
)  # fmt: skip
def test_every_event_that_aws_lists_may_be_subscribed(s3: Any, event: str) -> None:
    _subscribe(s3, event)
    assert s3.get_bucket_notification_configuration(Bucket="box")["QueueConfigurations"][0]["Events"] == [event]


def test_a_destination_for_no_event_is_refused(s3: Any) -> None:
    rules = {"QueueConfigurations": [{"QueueArn": QUEUE, "Events": []}]}
    assert refused(s3.put_bucket_notification_configuration, Bucket="box", NotificationConfiguration=rules)[0] == "MalformedXML"


def test_a_new_retention_is_told(here: Here, s3: Any) -> None:
    s3.create_bucket(Bucket="vault", ObjectLockEnabledForBucket=True)
    rules = {"QueueConfigurations": [{"Id": "told", "QueueArn": QUEUE, "Events": ["s3:ObjectRetention:Put"]}]}
    s3.put_bucket_notification_configuration(Bucket="vault", NotificationConfiguration=rules)
    s3.put_object(Bucket="vault", Key="k", Body=b"x")
    s3.put_object_retention(Bucket="vault", Key="k", Retention={"Mode": "GOVERNANCE", "RetainUntilDate": here.now + 60})
    assert _named(here) == [("ObjectRetention:Put", "k")]


def test_facts_for_event_bridge_say_what_was_done_and_why(here: Here, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    facts: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(here.cloud, "emitted", lambda tx, source, title, detail, resources: facts.append((title, detail)))
    s3.put_bucket_notification_configuration(Bucket="box", NotificationConfiguration={"EventBridgeConfiguration": {}})
    s3.put_object(Bucket="box", Key="a b", Body=b"hello", StorageClass="GLACIER")
    s3.restore_object(Bucket="box", Key="a b", RestoreRequest={"Days": 1, "Tier": "Expedited"})
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 3}}
    s3.put_bucket_lifecycle_configuration(Bucket="box", LifecycleConfiguration={"Rules": [rule]})
    here.jump(5 * 86_400)
    assert [title for title, _ in facts] == [
        "Object Created", "Object Restore Initiated", "Object Restore Completed", "Object Restore Expired", "Object Deleted",
    ]  # fmt: skip
    created, completed, deleted = facts[0][1], facts[2][1], facts[4][1]
    etag = "5d41402abc4b2a76b9719d911017c592"
    assert (len(created["object"].pop("sequencer")), len(deleted["object"].pop("sequencer"))) == (18, 18)
    assert created == {
        "version": "0",
        "bucket": {"name": "box"},
        "object": {"key": "a b", "size": 5, "etag": etag},
        "request-id": "request",
        "requester": ACCOUNT,
        "source-ip-address": "127.0.0.1",
        "reason": "PutObject",
    }
    assert {**completed, "request-id": None} == {
        "version": "0",
        "bucket": {"name": "box"},
        "object": {"key": "a b", "size": 5, "etag": etag},
        "request-id": None,
        "requester": "s3.amazonaws.com",
        "restore-expiry-time": "2026-01-03T00:00:00Z",
        "source-storage-class": "GLACIER",
    }
    assert {**deleted, "request-id": None} == {
        "version": "0",
        "bucket": {"name": "box"},
        "object": {"key": "a b"},
        "request-id": None,
        "requester": "s3.amazonaws.com",
        "reason": "Lifecycle Expiration",
        "deletion-type": "Permanently Deleted",
    }


def test_what_is_refused_tells_nobody(here: Here, s3: Any) -> None:
    _subscribe(s3, "s3:ObjectCreated:*")
    s3.put_object(Bucket="box", Key="k", Body=b"x")
    assert refused(s3.put_object, Bucket="box", Key="k", Body=b"y", IfNoneMatch="*")[0] == "PreconditionFailed"
    assert _named(here) == [("ObjectCreated:Put", "k")]


def test_a_writer_s_trace_goes_on_through_the_queue(here: Here, s3: Any) -> None:
    _subscribe(s3, "s3:ObjectCreated:*")
    told(here)
    there = here.at()
    there.scope = msgspec.structs.replace(there.scope, trace="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    there.s3.put_object(Bucket="box", Key="k", Body=b"x")
    url = here.sqs.get_queue_url(QueueName="told")["QueueUrl"]
    (message,) = here.sqs.receive_message(QueueUrl=url, AttributeNames=["AWSTraceHeader"])["Messages"]
    assert message["Attributes"] == {"AWSTraceHeader": there.scope.trace}
