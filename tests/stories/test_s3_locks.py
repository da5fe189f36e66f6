"""Object Lock: versions that may not go before their time, and legal holds."""

from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.s3_kit import refused

DAY = 86_400
LOCKED = ("AccessDenied", "Access Denied because object protected by object lock.", {})
MALFORMED = ("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", {})


@pytest.fixture
def s3(here: Here) -> Any:
    here.s3.create_bucket(Bucket="vault", ObjectLockEnabledForBucket=True)
    here.s3.create_bucket(Bucket="open")
    return here.s3


def test_a_bucket_that_locks_is_versioned_for_ever(s3: Any) -> None:
    assert s3.get_bucket_versioning(Bucket="vault") == {"Status": "Enabled"}
    assert s3.get_object_lock_configuration(Bucket="vault") == {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}
    message = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
    suspended = {"Status": "Suspended"}
    assert refused(s3.put_bucket_versioning, Bucket="vault", VersioningConfiguration=suspended) == ("InvalidBucketState", message, {})
    enabled = {"ObjectLockEnabled": "Enabled"}
    message = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
    asked = {"Bucket": "open", "ObjectLockConfiguration": enabled}
    assert refused(s3.put_object_lock_configuration, **asked) == ("InvalidBucketState", message, {})


def test_governance_holds_a_version_until_its_day_or_until_it_is_bypassed(here: Here, s3: Any) -> None:
    until = BEGIN + DAY
    version = {"Bucket": "vault", "Key": "deed"}
    version["VersionId"] = s3.put_object(**version, Body=b"x", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until)["VersionId"]
    assert s3.get_object_retention(**version) == {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": until}}
    assert refused(s3.delete_object, **version) == LOCKED
    shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": until - 1}
    assert refused(s3.put_object_retention, **version, Retention=shorter) == LOCKED
    s3.put_object_retention(**version, Retention=shorter, BypassGovernanceRetention=True)
    assert s3.delete_object(Bucket="vault", Key="deed")["DeleteMarker"] is True
    here.jump(DAY)
    assert s3.delete_object(**version) == {"VersionId": version["VersionId"]}


def test_compliance_may_grow_and_nobody_may_bypass_it(s3: Any) -> None:
    version = {"Bucket": "vault", "Key": "deed"}
    version["VersionId"] = s3.put_object(**version)["VersionId"]
    s3.put_object_retention(**version, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": BEGIN + DAY})
    s3.put_object_retention(**version, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": BEGIN + 2 * DAY})
    bypass = {"BypassGovernanceRetention": True}
    assert refused(s3.delete_object, **version, **bypass) == LOCKED
    weaker = {"Mode": "GOVERNANCE", "RetainUntilDate": BEGIN + 3 * DAY}
    assert refused(s3.put_object_retention, **version, Retention=weaker, **bypass) == LOCKED
    errors = s3.delete_objects(Bucket="vault", Delete={"Objects": [{"Key": "deed", "VersionId": version["VersionId"]}]})["Errors"]
    assert [error["Code"] for error in errors] == ["AccessDenied"]


def test_a_bucket_gives_what_comes_its_default_retention(s3: Any) -> None:
    default = {"DefaultRetention": {"Mode": "GOVERNANCE", "Years": 1}}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": default}
    s3.put_object_lock_configuration(Bucket="vault", ObjectLockConfiguration=configuration)
    assert s3.get_object_lock_configuration(Bucket="vault") == {"ObjectLockConfiguration": configuration}
    s3.put_object(Bucket="vault", Key="deed")
    head = s3.head_object(Bucket="vault", Key="deed")
    assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", BEGIN + 365 * DAY)
    both = {"DefaultRetention": {"Mode": "GOVERNANCE", "Years": 1, "Days": 1}}
    asked = {"Bucket": "vault", "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": both}}
    assert refused(s3.put_object_lock_configuration, **asked) == MALFORMED


def test_a_legal_hold_holds_without_a_day_and_a_copy_has_none(s3: Any) -> None:
    version = {"Bucket": "vault", "Key": "deed"}
    version["VersionId"] = s3.put_object(**version, ObjectLockLegalHoldStatus="ON")["VersionId"]
    assert s3.get_object_legal_hold(**version) == {"LegalHold": {"Status": "ON"}}
    assert refused(s3.delete_object, **version, BypassGovernanceRetention=True) == LOCKED
    s3.copy_object(Bucket="vault", Key="copy", CopySource="vault/deed")
    unlocked = ("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration", {})
    assert refused(s3.get_object_legal_hold, Bucket="vault", Key="copy") == unlocked
    s3.put_object_legal_hold(**version, LegalHold={"Status": "OFF"})
    assert s3.delete_object(**version) == {"VersionId": version["VersionId"]}


@pytest.mark.parametrize(
    ("asked", "message", "members"),
    [
        (
            {"ObjectLockMode": "GOVERNANCE"},
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
            {"ArgumentName": "x-amz-object-lock-retain-until-date"},
        ),
        (
            {"ObjectLockMode": "ETERNITY", "ObjectLockRetainUntilDate": BEGIN + DAY},
            "Unknown wormMode directive.",
            {"ArgumentName": "x-amz-object-lock-mode", "ArgumentValue": "ETERNITY"},
        ),
        (
            {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": BEGIN - DAY},
            "The retain until date must be in the future!",
            {"ArgumentName": "x-amz-object-lock-retain-until-date", "ArgumentValue": "Tue Dec 30 16:00:00 PST 2025"},
        ),
    ],
)
def test_a_lock_that_is_none_is_refused(s3: Any, asked: dict[str, Any], message: str, members: dict[str, str]) -> None:
    assert refused(s3.put_object, Bucket="vault", Key="deed", **asked) == ("InvalidArgument", message, members)


def test_an_open_bucket_locks_nothing(s3: Any) -> None:
    s3.put_object(Bucket="open", Key="deed")
    missing = ("InvalidRequest", "Bucket is missing Object Lock Configuration", {})
    assert refused(s3.get_object_retention, Bucket="open", Key="deed") == missing
    assert refused(s3.put_object_legal_hold, Bucket="open", Key="deed", LegalHold={"Status": "ON"}) == missing
    assert refused(s3.put_object, Bucket="open", Key="deed", ObjectLockLegalHoldStatus="ON") == missing
