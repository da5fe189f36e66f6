"""Archives that objects are brought back from: Intelligent-Tiering under the clock, and copies that stay for days."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.s3_kit import refused, told

DAY = 86_400
LARGE = b"x" * 131_072
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:told"
TIERS = [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}, {"Days": 180, "AccessTier": "DEEP_ARCHIVE_ACCESS"}]


@pytest.fixture
def s3(here: Here) -> Iterator[Any]:
    here.s3.create_bucket(Bucket="box")
    here.sqs.create_queue(QueueName="told", Attributes={"MessageRetentionPeriod": "1209600"})
    events = ["s3:IntelligentTiering", "s3:ObjectRestore:*"]
    configuration = {"QueueConfigurations": [{"Id": "told", "QueueArn": QUEUE, "Events": events}]}
    here.s3.put_bucket_notification_configuration(Bucket="box", NotificationConfiguration=configuration)
    return here.s3


def _tier(s3: Any, tiers: list[dict[str, Any]], **more: Any) -> None:
    configuration = {"Id": "cold", "Status": "Enabled", "Tierings": tiers, **more}
    s3.put_bucket_intelligent_tiering_configuration(Bucket="box", Id="cold", IntelligentTieringConfiguration=configuration)


def _status(s3: Any, key: str = "a") -> str:
    return s3.head_object(Bucket="box", Key=key).get("ArchiveStatus", "")


def test_what_nobody_reads_gets_into_the_archive_tiers(here: Here, s3: Any) -> None:
    for key, body, storage in (("a", LARGE, "INTELLIGENT_TIERING"), ("small", b"x", "INTELLIGENT_TIERING"), ("plain", LARGE, "STANDARD")):
        s3.put_object(Bucket="box", Key=key, Body=body, StorageClass=storage)
    _tier(s3, TIERS)
    here.jump(91 * DAY - 1)
    assert _status(s3) == ""
    here.jump(1)
    assert (_status(s3), _status(s3, "small"), _status(s3, "plain")) == ("ARCHIVE_ACCESS", "", "")
    assert refused(s3.get_object, Bucket="box", Key="a") == (
        "InvalidObjectState",
        "The operation is not valid for the object's access tier",
        {"StorageClass": "INTELLIGENT_TIERING", "AccessTier": "ARCHIVE_ACCESS"},
    )
    (first,) = told(here)
    here.jump(90 * DAY)
    assert _status(s3) == "DEEP_ARCHIVE_ACCESS"
    (second,) = told(here)
    assert [(record["eventName"], record["eventVersion"], record["intelligentTieringEventData"]) for record in (first, second)] == [
        ("IntelligentTiering", "2.3", {"destinationAccessTier": "ARCHIVE_ACCESS"}),
        ("IntelligentTiering", "2.3", {"destinationAccessTier": "DEEP_ARCHIVE_ACCESS"}),
    ]


def test_reading_an_object_puts_its_archiving_off(here: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="a", Body=LARGE, StorageClass="INTELLIGENT_TIERING")
    _tier(s3, TIERS)
    here.jump(60 * DAY)
    s3.get_object(Bucket="box", Key="a")
    s3.head_object(Bucket="box", Key="a")
    here.jump(90 * DAY)
    assert _status(s3) == ""
    here.jump(DAY)
    assert _status(s3) == "ARCHIVE_ACCESS"


def test_an_object_that_a_rule_makes_intelligent_is_watched_from_then_on(here: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="a", Body=LARGE)
    _tier(s3, TIERS)
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Transitions": [{"Days": 10, "StorageClass": "INTELLIGENT_TIERING"}]}
    s3.put_bucket_lifecycle_configuration(Bucket="box", LifecycleConfiguration={"Rules": [rule]})
    here.jump(101 * DAY)
    assert _status(s3) == ""
    here.jump(DAY)
    assert _status(s3) == "ARCHIVE_ACCESS"


def test_a_restore_from_a_tier_brings_the_object_back_for_good(here: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="a", Body=LARGE, StorageClass="INTELLIGENT_TIERING")
    _tier(s3, TIERS, Filter={"Prefix": "a"})
    here.jump(91 * DAY)
    assert refused(s3.restore_object, Bucket="box", Key="a", RestoreRequest={"Days": 1})[0] == "MalformedXML"
    s3.restore_object(Bucket="box", Key="a", RestoreRequest={"GlacierJobParameters": {"Tier": "Standard"}})
    assert s3.head_object(Bucket="box", Key="a")["Restore"] == 'ongoing-request="true"'
    here.jump(5 * 3600)
    assert (_status(s3), s3.get_object(Bucket="box", Key="a")["ContentLength"]) == ("", len(LARGE))
    here.jump(60 * DAY)
    assert _status(s3) == ""
    here.jump(31 * DAY)
    assert _status(s3) == "ARCHIVE_ACCESS"


@pytest.mark.parametrize(
    ("tiers", "code"),
    [
        ([{"Days": 89, "AccessTier": "ARCHIVE_ACCESS"}], "InvalidArgument"),
        ([{"Days": 90, "AccessTier": "DEEP_ARCHIVE_ACCESS"}], "InvalidArgument"),
        ([{"Days": 731, "AccessTier": "ARCHIVE_ACCESS"}], "InvalidArgument"),
        ([], "MalformedXML"),
        ([{"Days": 90, "AccessTier": "COOL"}], "MalformedXML"),
        (TIERS[:1] * 2, "MalformedXML"),
    ],
)
def test_tiers_that_are_none_are_refused(s3: Any, tiers: list[dict[str, Any]], code: str) -> None:
    configuration = {"Id": "cold", "Status": "Enabled", "Tierings": tiers}
    request = {"Bucket": "box", "Id": "cold", "IntelligentTieringConfiguration": configuration}
    assert refused(s3.put_bucket_intelligent_tiering_configuration, **request)[0] == code


def test_a_restored_copy_is_announced_stays_for_its_days_and_goes(here: Here, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="a", Body=b"old", StorageClass="GLACIER")
    s3.restore_object(Bucket="box", Key="a", RestoreRequest={"Days": 2, "GlacierJobParameters": {"Tier": "Expedited"}})
    here.jump(300)
    assert s3.restore_object(Bucket="box", Key="a", RestoreRequest={"Days": 3}) == {"Restored": True}
    here.jump(4 * DAY - 301)
    assert s3.get_object(Bucket="box", Key="a")["Body"] == b"old"
    here.jump(1)
    assert refused(s3.get_object, Bucket="box", Key="a")[0] == "InvalidObjectState"
    heard = told(here)
    assert [(record["eventName"], record["eventVersion"]) for record in heard] == [
        ("ObjectRestore:Post", "2.1"), ("ObjectRestore:Completed", "2.1"), ("ObjectRestore:Delete", "2.3"),
    ]  # fmt: skip
    data = {"lifecycleRestorationExpiryTime": "2026-01-04T00:00:00.000Z", "lifecycleRestoreStorageClass": "GLACIER"}
    assert (heard[1]["glacierEventData"], here.now) == ({"restoreEventData": data}, BEGIN + 4 * DAY)
