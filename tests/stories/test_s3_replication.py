"""Replication: the same version under the same id elsewhere, its status told on both sides, and failures that say why."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.s3_kit import content, keys, refused, told

OTHER = "111111111111"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/replicator"
LARGE = b"x" * 20_000
LOCK = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": BEGIN + 1000}


@pytest.fixture
def far(here: Here) -> Here:
    return here.at(region="eu-west-1")


@pytest.fixture
def s3(here: Here, far: Here) -> Iterator[Any]:
    for place, name in ((here, "box"), (far, "copies")):
        _bucket(place, name)
    return here.s3


def _bucket(here: Here, name: str, **more: Any) -> None:
    place = {} if here.scope.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": here.scope.region}}
    here.s3.create_bucket(Bucket=name, **place, **more)
    here.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def _rule(target: str = "copies", priority: int = 1, prefix: str = "", markers: str = "Disabled", **more: Any) -> dict[str, Any]:
    destination = {"Bucket": f"arn:aws:s3:::{target}", **more.pop("Destination", {})}
    return {
        "ID": f"{target}{priority}",
        "Priority": priority,
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "DeleteMarkerReplication": {"Status": markers},
        "Destination": destination,
        **more,
    }


def _replicate(s3: Any, *rules: dict[str, Any], bucket: str = "box") -> None:
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": ROLE, "Rules": list(rules)})


def _status(s3: Any, bucket: str = "box", key: str = "a", **more: Any) -> str | None:
    return s3.head_object(Bucket=bucket, Key=key, **more).get("ReplicationStatus")


def test_an_object_is_copied_to_another_region_under_its_own_version_id(here: Here, far: Here, s3: Any) -> None:
    _replicate(s3, _rule())
    said = {"ContentType": "text/plain", "CacheControl": "no-store", "Metadata": {"by": "me"}, "Tagging": "colour=blue"}
    put = s3.put_object(Bucket="box", Key="a", Body=LARGE, **said)
    here.rest()
    original, replica = (place.s3.get_object(Bucket=name, Key="a") for place, name in ((here, "box"), (far, "copies")))
    assert content(replica) == LARGE
    assert (original.pop("ReplicationStatus"), replica.pop("ReplicationStatus")) == ("COMPLETED", "REPLICA")
    assert replica["VersionId"] == put["VersionId"]
    assert {**replica, "Body": None} == {**original, "Body": None}
    assert far.s3.get_object_tagging(Bucket="copies", Key="a")["TagSet"] == [{"Key": "colour", "Value": "blue"}]


def test_only_what_a_rule_takes_is_copied_and_nothing_from_before(here: Here, far: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="in/before", Body=b"x")
    tagged = {"And": {"Prefix": "in/", "Tags": [{"Key": "go", "Value": "1"}]}}
    _replicate(s3, _rule(Filter=tagged), _rule("copies", 2, Status="Disabled"))
    s3.put_object(Bucket="box", Key="in/tagged", Body=b"x", Tagging="go=1")
    s3.put_object(Bucket="box", Key="in/plain", Body=b"x")
    s3.put_object(Bucket="box", Key="in/cold", Body=b"x", Tagging="go=1", StorageClass="GLACIER")
    here.rest()
    assert keys(far.s3.list_objects_v2(Bucket="copies")) == ["in/tagged"]
    assert _status(s3, key="in/plain") is None


def test_every_way_of_writing_an_object_replicates_it(here: Here, far: Here, s3: Any) -> None:
    _replicate(s3, _rule())
    s3.put_object(Bucket="box", Key="put", Body=b"x")
    s3.copy_object(Bucket="box", Key="copy", CopySource="box/put")
    upload = s3.create_multipart_upload(Bucket="box", Key="parts", ChecksumAlgorithm="SHA256")["UploadId"]
    part = s3.upload_part(Bucket="box", Key="parts", UploadId=upload, PartNumber=3, Body=b"part")
    named = {"Parts": [{"PartNumber": 3, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}]}
    s3.complete_multipart_upload(Bucket="box", Key="parts", UploadId=upload, MultipartUpload=named)
    here.rest()
    assert keys(far.s3.list_objects_v2(Bucket="copies")) == ["copy", "parts", "put"]
    asked = {"Key": "parts", "ObjectAttributes": ["ETag", "Checksum", "ObjectParts", "ObjectSize"]}
    assert far.s3.get_object_attributes(Bucket="copies", **asked) == s3.get_object_attributes(Bucket="box", **asked)


def test_delete_markers_go_along_where_the_rule_says_so_and_deletions_for_good_never(here: Here, far: Here, s3: Any) -> None:
    _replicate(s3, _rule(prefix="with", markers="Enabled"), _rule(priority=2, prefix="out"))
    first = s3.put_object(Bucket="box", Key="with", Body=b"x")["VersionId"]
    s3.put_object(Bucket="box", Key="out", Body=b"x")
    here.rest()
    marker = s3.delete_object(Bucket="box", Key="with")["VersionId"]
    s3.delete_object(Bucket="box", Key="out")
    s3.delete_object(Bucket="box", Key="with", VersionId=first)
    here.rest()
    listing = far.s3.list_object_versions(Bucket="copies")
    assert keys(listing, "Versions") == ["out", "with"]
    assert [(item["Key"], item["VersionId"]) for item in listing["DeleteMarkers"]] == [("with", marker)]


def test_rules_of_the_first_schema_take_delete_markers_along(here: Here, far: Here, s3: Any) -> None:
    _replicate(s3, {"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::copies"}})
    s3.put_object(Bucket="box", Key="a", Body=b"x")
    s3.delete_object(Bucket="box", Key="a")
    here.rest()
    assert keys(far.s3.list_object_versions(Bucket="copies"), "DeleteMarkers") == ["a"]


def test_what_lifecycle_rules_hide_is_hidden_in_one_bucket_only(here: Here, far: Here, s3: Any) -> None:
    _replicate(s3, _rule(markers="Enabled"))
    s3.put_object(Bucket="box", Key="a", Body=b"x")
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket="box", LifecycleConfiguration={"Rules": [rule]})
    here.jump(3 * 86_400)
    assert (keys(s3.list_objects_v2(Bucket="box")), keys(far.s3.list_objects_v2(Bucket="copies"))) == ([], ["a"])


def test_changes_of_tags_and_locks_follow_and_those_of_a_replica_stay(here: Here, far: Here) -> None:
    for place, name in ((here, "vault"), (far, "safe")):
        _bucket(place, name, ObjectLockEnabledForBucket=True)
    _replicate(here.s3, _rule("safe"), bucket="vault")
    here.s3.put_object(Bucket="vault", Key="a", Body=b"x", **LOCK)
    here.rest()
    here.s3.put_object_tagging(Bucket="vault", Key="a", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    here.s3.put_object_legal_hold(Bucket="vault", Key="a", LegalHold={"Status": "ON"})
    here.rest()
    replica = far.s3.head_object(Bucket="safe", Key="a")
    assert {name: replica[name] for name in (*LOCK, "ObjectLockLegalHoldStatus", "TagCount", "ReplicationStatus")} == {
        **LOCK, "ObjectLockLegalHoldStatus": "ON", "TagCount": 1, "ReplicationStatus": "REPLICA",
    }  # fmt: skip
    assert _status(here.s3, "vault") == "COMPLETED"


def test_two_buckets_may_replicate_each_other_and_changes_of_replicas_on_demand(here: Here, far: Here, s3: Any) -> None:
    _replicate(s3, _rule())
    both = {"ReplicaModifications": {"Status": "Enabled"}}
    _replicate(far.s3, _rule("box", SourceSelectionCriteria=both), bucket="copies")
    s3.put_object(Bucket="box", Key="a", Body=b"x")
    here.rest()
    assert len(s3.list_object_versions(Bucket="box")["Versions"]) == 1
    far.s3.put_object_tagging(Bucket="copies", Key="a", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    here.rest()
    assert s3.get_object_tagging(Bucket="box", Key="a")["TagSet"] == [{"Key": "k", "Value": "v"}]
    assert (_status(s3), _status(far.s3, "copies")) == ("COMPLETED", "REPLICA")


def test_an_older_version_that_arrives_late_is_not_the_newest(here: Here, far: Here, s3: Any) -> None:
    _replicate(s3, _rule())
    s3.put_object(Bucket="box", Key="a", Body=b"old")
    far.s3.put_object(Bucket="copies", Key="a", Body=b"newer")
    here.rest()
    assert content(far.s3.get_object(Bucket="copies", Key="a")) == b"newer"
    assert far.s3.list_objects_v2(Bucket="copies")["Contents"][0]["Size"] == 5
    assert len(far.s3.list_object_versions(Bucket="copies")["Versions"]) == 2


def test_several_destinations_each_get_a_copy_by_their_highest_priority(here: Here, far: Here, s3: Any) -> None:
    other = here.at(account=OTHER)
    _bucket(other, "partner")
    cold = {"Destination": {"StorageClass": "STANDARD_IA"}}
    theirs = {"Destination": {"Account": OTHER, "AccessControlTranslation": {"Owner": "Destination"}}}
    _replicate(s3, _rule(priority=1), _rule(priority=9, **cold), _rule("partner", 2, **theirs))
    s3.put_object(Bucket="box", Key="a", Body=LARGE)
    here.rest()
    assert _status(s3) == "COMPLETED"
    assert far.s3.head_object(Bucket="copies", Key="a")["StorageClass"] == "STANDARD_IA"
    assert content(other.s3.get_object(Bucket="partner", Key="a")) == LARGE


def test_objects_under_kms_are_replicated_only_where_the_rule_names_a_key(here: Here, far: Here, s3: Any) -> None:
    key = far.kms.create_key()["KeyMetadata"]["Arn"]
    _replicate(s3, _rule(prefix="plain"))
    s3.put_object(Bucket="box", Key="plain", Body=b"x", ServerSideEncryption="aws:kms")
    here.rest()
    assert (_status(s3, key="plain"), keys(far.s3.list_objects_v2(Bucket="copies"))) == (None, [])
    criteria = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    keyed = {"EncryptionConfiguration": {"ReplicaKmsKeyID": key}}
    _replicate(s3, _rule(SourceSelectionCriteria=criteria, Destination=keyed))
    s3.put_object(Bucket="box", Key="a", Body=b"x", ServerSideEncryption="aws:kms")
    here.rest()
    assert far.s3.head_object(Bucket="copies", Key="a")["SSEKMSKeyId"] == key
    assert content(far.s3.get_object(Bucket="copies", Key="a")) == b"x"
    far.kms.disable_key(KeyId=key)
    s3.put_object(Bucket="box", Key="b", Body=b"x", ServerSideEncryption="aws:kms")
    here.rest()
    assert (_status(s3, key="b"), keys(far.s3.list_objects_v2(Bucket="copies"))) == ("FAILED", ["a"])


def test_a_replica_is_told_of_at_its_bucket_and_a_failure_at_the_source(here: Here, far: Here, s3: Any) -> None:
    for place, bucket, event in ((here, "box", "s3:Replication:*"), (far, "copies", "s3:ObjectCreated:*")):
        place.sqs.create_queue(QueueName=bucket)
        queue = {"Id": "q", "QueueArn": f"arn:aws:sqs:{place.scope.region}:{ACCOUNT}:{bucket}", "Events": [event]}
        place.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [queue]})
    _replicate(s3, _rule(Destination={"Metrics": {"Status": "Enabled"}}))
    s3.put_object(Bucket="box", Key="a", Body=b"x")
    here.rest()
    assert [record["eventName"] for record in told(far, "copies")] == ["ObjectCreated:Put"]
    far.s3.put_bucket_versioning(Bucket="copies", VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket="box", Key="b", Body=b"x")
    here.rest()
    (record,) = told(here, "box")
    assert (_status(s3, key="b"), record["eventName"], record["eventVersion"]) == (
        "FAILED", "Replication:OperationFailedReplication", "2.2",
    )  # fmt: skip
    assert record["replicationEventData"] == {
        "replicationRuleId": "copies1",
        "destinationBucket": "arn:aws:s3:::copies",
        "s3Operation": "OBJECT_PUT",
        "requestTime": "2026-01-01T00:00:00.000Z",
        "failureReason": "DstBucketUnversioned",
    }


def test_a_destination_that_went_or_is_another_accounts_fails_the_copy(here: Here, far: Here, s3: Any) -> None:
    _bucket(here, "wrong")
    _replicate(s3, _rule(prefix="gone"), _rule("wrong", 2, prefix="wrong", Destination={"Account": OTHER}))
    far.s3.delete_bucket(Bucket="copies")
    for key in ("gone", "wrong"):
        s3.put_object(Bucket="box", Key=key, Body=b"x")
    here.rest()
    assert [_status(s3, key=key) for key in ("gone", "wrong")] == ["FAILED", "FAILED"]


def test_locked_objects_need_a_destination_that_locks(here: Here, s3: Any) -> None:
    _bucket(here, "vault", ObjectLockEnabledForBucket=True)
    _replicate(here.s3, _rule(), bucket="vault")
    here.s3.put_object(Bucket="vault", Key="a", Body=b"x", **LOCK)
    here.rest()
    assert _status(here.s3, "vault") == "FAILED"


def test_a_kill_before_the_copy_loses_nothing(here: Here, s3: Any) -> None:
    _replicate(s3, _rule())
    here.begin.s3.put_object(Bucket="box", Key="a", Body=b"x")
    assert here.result(here.begin.s3.head_object(Bucket="box", Key="a"))["ReplicationStatus"] == "PENDING"
    here.kill()
    here.rest()
    replica = here.at(region="eu-west-1").s3.get_object(Bucket="copies", Key="a")
    assert (content(replica), _status(here.s3)) == (b"x", "COMPLETED")


def test_until_its_copy_is_made_an_object_is_pending_and_a_rule_that_went_makes_none(here: Here, far: Here, s3: Any) -> None:
    if here.cloud.shared is not None:
        pytest.skip("each transaction is committed by itself here, so that the copy is made before the rule goes")
    _replicate(s3, _rule())
    here.begin.s3.put_object(Bucket="box", Key="a", Body=b"x")
    status = here.begin.s3.head_object(Bucket="box", Key="a")
    here.begin.s3.delete_bucket_replication(Bucket="box")
    assert here.result(status)["ReplicationStatus"] == "PENDING"
    here.rest()
    assert keys(far.s3.list_objects_v2(Bucket="copies")) == []


def test_a_bucket_that_replicates_keeps_its_versions(s3: Any) -> None:
    _replicate(s3, _rule())
    suspended = {"Bucket": "box", "VersioningConfiguration": {"Status": "Suspended"}}
    assert refused(s3.put_bucket_versioning, **suspended)[:2] == (
        "InvalidBucketState",
        "A replication configuration is present on this bucket, so the versioning state cannot be changed.",
    )
    s3.delete_bucket_replication(Bucket="box")
    s3.put_bucket_versioning(**suspended)


SCHEMA = "for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information."
NO_MARKERS = (
    "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide for more information."
)
KEYED = {"EncryptionConfiguration": {"ReplicaKmsKeyID": "k"}}


@pytest.mark.parametrize(
    ("rule", "code", "said"),
    [
        ({"Priority": None}, "InvalidRequest", f"Priority must be specified {SCHEMA}"),
        ({"DeleteMarkerReplication": None}, "InvalidRequest", f"DeleteMarkerReplication must be specified {SCHEMA}"),
        ({"Filter": {"Tag": {"Key": "k", "Value": "v"}}, "markers": "Enabled"}, "InvalidRequest", NO_MARKERS),
        ({"Prefix": "both"}, "MalformedXML", None),
        ({"ID": "i" * 256}, "InvalidArgument", "ID length should not exceed allowed limit of 255"),
        ({"target": "box"}, "InvalidRequest", "Destination bucket cannot be the same as the source bucket."),
        ({"target": "nowhere"}, "InvalidRequest", "Destination bucket must have versioning enabled."),
        ({"Destination": {"StorageClass": "WARM"}}, "MalformedXML", None),
        (
            {"Destination": {"AccessControlTranslation": {"Owner": "Destination"}}},
            "InvalidArgument",
            "Account must be specified when AccessControlTranslation is specified.",
        ),
        (
            {"SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}}},
            "InvalidRequest",
            "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.",
        ),
        ({"Destination": KEYED}, "InvalidRequest", "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present."),
    ],
)
def test_rules_that_make_no_sense_are_refused(s3: Any, rule: dict[str, Any], code: str, said: str | None) -> None:
    rules = {"Role": ROLE, "Rules": [_rule(**rule)]}
    found = refused(s3.put_bucket_replication, Bucket="box", ReplicationConfiguration=rules)[:2]
    assert found == (code, said or found[1])


def test_ids_and_priorities_are_each_rules_own(s3: Any) -> None:
    for second, code in (({"ID": "copies1", "priority": 2}, "InvalidArgument"), ({"ID": "other"}, "InvalidRequest")):
        rules = {"Role": ROLE, "Rules": [_rule(), _rule(**second)]}
        assert refused(s3.put_bucket_replication, Bucket="box", ReplicationConfiguration=rules)[0] == code
