"""Lifecycle rules at work: what goes, what gets colder and what is given up, each at its midnight and not before."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.s3_kit import keys, refused, told

DAY = 86_400
LARGE = b"x" * 131_072
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:told"


@pytest.fixture
def s3(here: Here) -> Iterator[Any]:
    here.s3.create_bucket(Bucket="box")
    here.sqs.create_queue(QueueName="told", Attributes={"MessageRetentionPeriod": "1209600"})
    return here.s3


def _rules(s3: Any, *rules: dict[str, Any], **more: Any) -> None:
    filled = [{"Status": "Enabled", "Filter": {"Prefix": ""}, **rule} for rule in rules]
    s3.put_bucket_lifecycle_configuration(Bucket="box", LifecycleConfiguration={"Rules": filled}, **more)


def _refused(s3: Any, **rule: Any) -> tuple[str, str]:
    rules = [{"Status": "Enabled", "Filter": {"Prefix": "a"}, **rule}]
    return refused(s3.put_bucket_lifecycle_configuration, Bucket="box", LifecycleConfiguration={"Rules": rules})[:2]


def _listen(s3: Any, *events: str) -> None:
    configuration = {"QueueConfigurations": [{"Id": "told", "QueueArn": QUEUE, "Events": list(events)}]}
    s3.put_bucket_notification_configuration(Bucket="box", NotificationConfiguration=configuration)


def _versions(s3: Any) -> list[tuple[str, bool]]:
    """(key, whether it is a delete marker) of all versions, each key's newest first."""
    listing = s3.list_object_versions(Bucket="box")
    found = [(item, kind == "DeleteMarkers") for kind in ("Versions", "DeleteMarkers") for item in listing.get(kind, [])]
    found.sort(key=lambda pair: (pair[0]["Key"], not pair[0]["IsLatest"], -pair[0]["LastModified"]))
    return [(item["Key"], marker) for item, marker in found]


def _class(s3: Any, key: str = "a", **more: Any) -> str:
    return s3.head_object(Bucket="box", Key=key, **more).get("StorageClass", "STANDARD")


def test_an_object_goes_at_the_midnight_after_its_days(here: Here, s3: Any) -> None:
    here.jump(10 * 3600)
    s3.put_object(Bucket="box", Key="a", Body=b"x")
    _rules(s3, {"Expiration": {"Days": 3}})
    here.jump(4 * DAY - 10 * 3600 - 1)
    assert keys(s3.list_objects_v2(Bucket="box")) == ["a"]
    here.jump(1)
    assert (keys(s3.list_objects_v2(Bucket="box")), here.now) == ([], BEGIN + 4 * DAY)


def test_the_queue_is_told_of_an_expired_object_in_the_words_of_aws(here: Here, s3: Any) -> None:
    _listen(s3, "s3:LifecycleExpiration:*", "s3:ObjectRemoved:*")
    s3.put_object(Bucket="box", Key="a", Body=b"x")
    _rules(s3, {"Expiration": {"Days": 1}})
    here.jump(3 * DAY)
    (record,) = told(here)
    assert len(record["s3"]["object"].pop("sequencer")) == 18
    assert record | {"responseElements": None, "s3": {**record["s3"], "bucket": None}} == {
        "eventVersion": "2.3",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-03T00:00:00.000Z",
        "eventName": "LifecycleExpiration:Delete",
        "userIdentity": {"principalId": "s3.amazonaws.com"},
        "requestParameters": {"sourceIPAddress": "s3.amazonaws.com"},
        "responseElements": None,
        "s3": {"s3SchemaVersion": "1.0", "configurationId": "told", "bucket": None, "object": {"key": "a"}},
    }


def test_only_what_the_filter_takes_goes(here: Here, s3: Any) -> None:
    for key, tags, size in (("logs/a", "", 1), ("logs/big", "", 20), ("logs/kept", "keep=1", 1), ("b", "keep=0", 1)):
        s3.put_object(Bucket="box", Key=key, Body=b"x" * size, Tagging=tags)
    _rules(
        s3,
        {"Filter": {"And": {"Prefix": "logs/", "ObjectSizeGreaterThan": 10}}, "Expiration": {"Days": 1}},
        {"Filter": {"Tag": {"Key": "keep", "Value": "0"}}, "Expiration": {"Days": 2}},
        {"Status": "Disabled", "Expiration": {"Days": 1}},
    )
    here.jump(2 * DAY)
    assert keys(s3.list_objects_v2(Bucket="box")) == ["b", "logs/a", "logs/kept"]
    s3.put_object_tagging(Bucket="box", Key="logs/a", Tagging={"TagSet": [{"Key": "keep", "Value": "0"}]})
    here.jump(1 * DAY)
    assert keys(s3.list_objects_v2(Bucket="box")) == ["logs/kept"]


def test_a_date_takes_what_is_there_and_what_comes_after(here: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="a", Body=b"x")
    _rules(s3, {"Expiration": {"Date": BEGIN + 10 * DAY}})
    here.jump(10 * DAY - 1)
    assert keys(s3.list_objects_v2(Bucket="box")) == ["a"]
    here.jump(1)
    s3.put_object(Bucket="box", Key="b", Body=b"x")
    assert keys(s3.list_objects_v2(Bucket="box")) == ["b"]
    here.jump(DAY)
    assert keys(s3.list_objects_v2(Bucket="box")) == []


def test_with_versions_a_marker_hides_what_expires_and_noncurrent_versions_go_later(here: Here, s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    _listen(s3, "s3:LifecycleExpiration:*")
    s3.put_object(Bucket="box", Key="a", Body=b"1")
    _rules(s3, {"Expiration": {"Days": 1}, "NoncurrentVersionExpiration": {"NoncurrentDays": 2}})
    here.jump(2 * DAY)
    assert _versions(s3) == [("a", True), ("a", False)]
    here.jump(2 * DAY)
    assert _versions(s3) == [("a", True), ("a", False)]
    here.jump(DAY)  # the marker is alone then, and older than a day
    assert _versions(s3) == [("a", True)]
    here.jump(DAY)
    assert (_versions(s3), [record["eventName"] for record in told(here)]) == (
        [],
        ["LifecycleExpiration:DeleteMarkerCreated", "LifecycleExpiration:Delete", "LifecycleExpiration:Delete"],
    )


def test_newer_noncurrent_versions_are_kept_whatever_their_age(here: Here, s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    _rules(s3, {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 2}})
    for number in range(4):
        s3.put_object(Bucket="box", Key="a", Body=bytes([number]))
        here.jump(60)
    here.jump(30 * DAY)
    assert len(_versions(s3)) == 3
    s3.put_object(Bucket="box", Key="a", Body=b"new")
    here.jump(DAY)
    assert len(_versions(s3)) == 3


def test_a_delete_marker_with_nothing_beneath_is_cleaned_up(here: Here, s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    s3.delete_object(Bucket="box", Key="alone")
    s3.put_object(Bucket="box", Key="under", Body=b"x")
    s3.delete_object(Bucket="box", Key="under")
    _rules(s3, {"Expiration": {"ExpiredObjectDeleteMarker": True}})
    here.jump(DAY)
    assert _versions(s3) == [("under", True), ("under", False)]


def test_a_locked_version_outlives_its_rule(here: Here, s3: Any) -> None:
    s3.create_bucket(Bucket="vault", ObjectLockEnabledForBucket=True)
    until = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": BEGIN + 10 * DAY}
    s3.put_object(Bucket="vault", Key="a", Body=b"1", **until)
    s3.put_object(Bucket="vault", Key="a", Body=b"2")
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket="vault", LifecycleConfiguration={"Rules": [rule]})
    here.jump(9 * DAY)
    assert len(s3.list_object_versions(Bucket="vault")["Versions"]) == 2
    here.jump(3 * DAY)
    assert len(s3.list_object_versions(Bucket="vault")["Versions"]) == 1


def test_an_object_gets_colder_step_by_step_and_its_readers_are_told(here: Here, s3: Any) -> None:
    _listen(s3, "s3:LifecycleTransition")
    s3.put_object(Bucket="box", Key="a", Body=LARGE)
    s3.put_object(Bucket="box", Key="small", Body=b"x")
    steps = [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 90, "StorageClass": "GLACIER"}]
    _rules(s3, {"Transitions": steps, "Expiration": {"Days": 365}})
    here.jump(31 * DAY)
    assert (_class(s3), _class(s3, "small")) == ("STANDARD_IA", "STANDARD")
    heard = told(here)
    here.jump(60 * DAY)
    assert _class(s3) == "GLACIER"
    assert s3.list_objects_v2(Bucket="box")["Contents"][0]["StorageClass"] == "GLACIER"
    assert refused(s3.get_object, Bucket="box", Key="a")[0] == "InvalidObjectState"
    heard += told(here)
    assert [(record["eventVersion"], record["lifecycleEventData"]) for record in heard] == [
        ("2.3", {"transitionEventData": {"destinationStorageClass": storage}}) for storage in ("STANDARD_IA", "GLACIER")
    ]
    here.jump(300 * DAY)
    assert keys(s3.list_objects_v2(Bucket="box")) == []


def test_small_objects_move_where_the_rule_or_the_configuration_says_so(here: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="a", Body=b"x" * 2000)
    _rules(s3, {"Transitions": [{"Days": 0, "StorageClass": "GLACIER_IR"}, {"Days": 90, "StorageClass": "GLACIER"}]})
    here.jump(92 * DAY)
    assert _class(s3) == "STANDARD"
    sized = {"Filter": {"ObjectSizeGreaterThan": 1000}, "Transitions": [{"Days": 0, "StorageClass": "GLACIER_IR"}]}
    _rules(s3, sized)
    here.jump(DAY)
    assert _class(s3) == "GLACIER_IR"
    varies = {"TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}
    _rules(s3, {"Transitions": [{"Days": 0, "StorageClass": "DEEP_ARCHIVE"}]}, **varies)
    here.jump(DAY)
    assert _class(s3) == "DEEP_ARCHIVE"
    _rules(s3, {"Transitions": [{"Days": 0, "StorageClass": "GLACIER"}]}, **varies)  # nothing ever gets warmer
    here.jump(DAY)
    assert _class(s3) == "DEEP_ARCHIVE"


def test_noncurrent_versions_move_by_the_time_they_were_superseded(here: Here, s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket="box", Key="a", Body=LARGE)["VersionId"]
    _rules(s3, {"NoncurrentVersionTransitions": [{"NoncurrentDays": 5, "StorageClass": "GLACIER"}]})
    here.jump(20 * DAY)
    s3.put_object(Bucket="box", Key="a", Body=LARGE)
    here.jump(5 * DAY)
    assert _class(s3, VersionId=old) == "STANDARD"
    here.jump(DAY)
    assert (_class(s3, VersionId=old), _class(s3)) == ("GLACIER", "STANDARD")


def test_uploads_nobody_completes_are_given_up(here: Here, s3: Any) -> None:
    _rules(s3, {"ID": "tidy", "Filter": {"Prefix": "a"}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}})
    begun = s3.create_multipart_upload(Bucket="box", Key="a")
    assert (begun["AbortDate"], begun["AbortRuleId"]) == (BEGIN + 8 * DAY, "tidy")
    s3.upload_part(Bucket="box", Key="a", UploadId=begun["UploadId"], PartNumber=1, Body=b"x")
    s3.create_multipart_upload(Bucket="box", Key="b")
    here.jump(8 * DAY - 1)
    assert s3.list_parts(Bucket="box", Key="a", UploadId=begun["UploadId"])["AbortRuleId"] == "tidy"
    here.jump(1)
    assert keys(s3.list_multipart_uploads(Bucket="box"), "Uploads") == ["b"]


def test_a_thousand_objects_go_in_slices_and_a_kill_between_them_loses_none(here: Here, s3: Any) -> None:
    for number in range(600):
        s3.put_object(Bucket="box", Key=f"{number:04}", Body=b"x")
    _rules(s3, {"Expiration": {"Days": 1}})
    here.jump(2 * DAY - 1)
    here.kill()
    here.jump(1)
    assert keys(here.s3.list_objects_v2(Bucket="box")) == []


def test_a_bucket_whose_rules_went_keeps_its_objects(here: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="a", Body=b"x")
    _rules(s3, {"Expiration": {"Days": 1}})
    s3.delete_bucket_lifecycle(Bucket="box")
    here.jump(5 * DAY)
    assert keys(s3.list_objects_v2(Bucket="box")) == ["a"]


@pytest.mark.parametrize(
    ("rule", "code", "said"),
    [
        (
            {"Transitions": [{"Days": 10, "StorageClass": "STANDARD_IA"}]},
            "InvalidArgument",
            "'Days' in Transition action must be greater than or equal to 30 for storageClass 'STANDARD_IA'",
        ),
        (
            {"Transitions": [{"Days": 60, "StorageClass": "GLACIER"}], "Expiration": {"Days": 60}},
            "InvalidArgument",
            "'Days' in the Expiration action for filter '(prefix=a)' must be greater than 'Days' in the Transition action",
        ),
        (
            {"Transitions": [{"Days": 60, "StorageClass": "GLACIER"}], "Expiration": {"Date": BEGIN}},
            "InvalidRequest",
            "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for filter '(prefix=a)'",
        ),
        (
            {"Transitions": [{"Days": 60, "StorageClass": "GLACIER"}, {"Date": BEGIN, "StorageClass": "DEEP_ARCHIVE"}]},
            "InvalidRequest",
            "Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for filter '(prefix=a)'",
        ),
        (
            {"Transitions": [{"Days": 60, "StorageClass": "GLACIER"}, {"Days": 70, "StorageClass": "GLACIER"}]},
            "InvalidRequest",
            "'StorageClass' must be different for 'Transition' actions in same 'Rule' with filter '(prefix=a)'",
        ),
        ({"Transitions": [{"Days": 60, "StorageClass": "WARM"}]}, "MalformedXML", None),
        (
            {"NoncurrentVersionTransitions": [{"NoncurrentDays": 1, "StorageClass": "ONEZONE_IA"}]},
            "InvalidArgument",
            "'NoncurrentDays' in NoncurrentVersionTransition action must be greater than or equal to 30 for storageClass 'ONEZONE_IA'",
        ),
        (
            {"NoncurrentVersionExpiration": {"NoncurrentDays": 0}},
            "InvalidArgument",
            "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer",
        ),
        (
            {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 101}},
            "InvalidArgument",
            "'NewerNoncurrentVersions' must be a positive integer not greater than 100",
        ),
        ({"NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 1}}, "MalformedXML", None),
        ({"NoncurrentVersionTransitions": [{"StorageClass": "GLACIER"}]}, "MalformedXML", None),
        (
            {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 0}},
            "InvalidArgument",
            "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer",
        ),
        (
            {"Filter": {"Tag": {"Key": "k", "Value": "v"}}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
            "InvalidRequest",
            "AbortIncompleteMultipartUpload cannot be specified with Tags.",
        ),
        (
            {"Filter": {"Tag": {"Key": "k", "Value": "v"}}, "Expiration": {"ExpiredObjectDeleteMarker": True}},
            "InvalidRequest",
            "ExpiredObjectDeleteMarker cannot be specified with Tags.",
        ),
        (
            {"Filter": {"And": {"ObjectSizeGreaterThan": 2, "ObjectSizeLessThan": 2}}, "Expiration": {"Days": 1}},
            "InvalidRequest",
            "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
        ),
        ({"ID": "i" * 256, "Expiration": {"Days": 1}}, "InvalidArgument", "ID length should not exceed allowed limit of 255"),
    ],
)
def test_rules_that_make_no_sense_are_refused(s3: Any, rule: dict[str, Any], code: str, said: str | None) -> None:
    found = _refused(s3, **rule)
    assert found == (code, said or found[1])
