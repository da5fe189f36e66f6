"""Versioning: nothing is lost that was written under it, and what deletes is itself a version."""

from typing import Any

from tests.stories.here import ACCOUNT, Here
from tests.stories.s3_kit import keys, refused
from windtunnel.fabric.mfa import code_at, step_of
from windtunnel.services.s3.state import SIZES

DEVICE = f"arn:aws:iam::{ACCOUNT}:mfa/root"


def _turn(s3: Any, status: str) -> None:
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": status})


def _put(s3: Any, body: bytes, key: str = "k") -> str:
    return s3.put_object(Bucket="box", Key=key, Body=body).get("VersionId", "null")


def _get(s3: Any, **which: Any) -> bytes:
    return s3.get_object(Bucket="box", Key="k", **which)["Body"]


def _versions(s3: Any, **request: Any) -> list[tuple[str, str, bool]]:
    """(key, version id, whether it is the latest), delete markers among them told by a trailing "x"."""
    listing = s3.list_object_versions(Bucket="box", **request)
    found = [(item["Key"], item["VersionId"], item["IsLatest"]) for item in listing.get("Versions", [])]
    return found + [(item["Key"] + "x", item["VersionId"], item["IsLatest"]) for item in listing.get("DeleteMarkers", [])]


def test_every_write_is_kept_under_an_id_of_its_own(s3: Any) -> None:
    _put(s3, b"before")
    _turn(s3, "Enabled")
    one, two = _put(s3, b"one"), _put(s3, b"two")
    assert len({one, two, "null"}) == 3
    assert [_get(s3), *(_get(s3, VersionId=version) for version in (two, one, "null"))] == [b"two", b"two", b"one", b"before"]
    assert _versions(s3) == [("k", two, True), ("k", one, False), ("k", "null", False)]
    assert s3.get_bucket_versioning(Bucket="box") == {"Status": "Enabled"}


def test_deleting_puts_a_marker_on_top_and_deleting_the_marker_brings_the_object_back(s3: Any) -> None:
    _turn(s3, "Enabled")
    version = _put(s3, b"one")
    deleted = s3.delete_object(Bucket="box", Key="k")
    marker = deleted["VersionId"]
    assert deleted == {"DeleteMarker": True, "VersionId": marker}
    assert refused(s3.get_object, Bucket="box", Key="k") == ("NoSuchKey", "The specified key does not exist.", {"Key": "k"})
    assert refused(s3.get_object, Bucket="box", Key="k", VersionId=marker) == (
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        {"Method": "GET", "ResourceType": "DeleteMarker"},
    )
    assert _versions(s3) == [("k", version, False), ("kx", marker, True)]
    assert keys(s3.list_objects_v2(Bucket="box")) == []
    assert s3.delete_object(Bucket="box", Key="k", VersionId=marker) == {"DeleteMarker": True, "VersionId": marker}
    assert (_get(s3), keys(s3.list_objects_v2(Bucket="box"))) == (b"one", ["k"])


def test_deleting_a_version_uncovers_the_one_before_it(s3: Any) -> None:
    _turn(s3, "Enabled")
    one, two = _put(s3, b"one"), _put(s3, b"two!")
    assert s3.delete_object(Bucket="box", Key="k", VersionId=two) == {"VersionId": two}
    assert _get(s3) == b"one"
    assert [item["Size"] for item in s3.list_objects_v2(Bucket="box")["Contents"]] == [3]
    s3.delete_object(Bucket="box", Key="k", VersionId=one)
    assert (_versions(s3), keys(s3.list_objects_v2(Bucket="box"))) == ([], [])
    assert refused(s3.get_object, Bucket="box", Key="k", VersionId=one) == (
        "NoSuchVersion",
        "The specified version does not exist.",
        {"Key": "k", "VersionId": one},
    )


def test_while_suspended_there_is_one_null_version_that_is_replaced(s3: Any) -> None:
    _turn(s3, "Enabled")
    one = _put(s3, b"one")
    _turn(s3, "Suspended")
    assert (_put(s3, b"two"), _put(s3, b"three")) == ("null", "null")
    assert _versions(s3) == [("k", "null", True), ("k", one, False)]
    assert s3.delete_object(Bucket="box", Key="k") == {"DeleteMarker": True, "VersionId": "null"}
    assert _versions(s3) == [("k", one, False), ("kx", "null", True)]
    _turn(s3, "Enabled")
    two = _put(s3, b"four")
    assert _versions(s3) == [("k", two, True), ("k", one, False), ("kx", "null", False)]
    s3.delete_object(Bucket="box", Key="k", VersionId="null")
    assert _versions(s3) == [("k", two, True), ("k", one, False)]


def test_a_null_version_from_before_versioning_is_replaced_while_suspended(s3: Any) -> None:
    _put(s3, b"before")
    _turn(s3, "Enabled")
    one = _put(s3, b"one")
    _turn(s3, "Suspended")
    _put(s3, b"after")
    assert _versions(s3) == [("k", "null", True), ("k", one, False)]
    assert _get(s3, VersionId="null") == b"after"


def test_an_id_that_never_was_one_is_refused(s3: Any) -> None:
    wrong = "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"
    assert refused(s3.delete_object, Bucket="box", Key="k", VersionId=wrong) == (
        "InvalidArgument",
        "Invalid version id specified",
        {"ArgumentName": "versionId", "ArgumentValue": wrong},
    )
    assert s3.delete_objects(Bucket="box", Delete={"Objects": [{"Key": "k", "VersionId": wrong}]}) == {
        "Errors": [{"Key": "k", "VersionId": wrong, "Code": "NoSuchVersion", "Message": "The specified version does not exist."}]
    }


def test_versions_are_listed_page_by_page_without_gap_or_repetition(s3: Any) -> None:
    _turn(s3, "Enabled")
    for _ in range(3):
        for key in ("a", "b/1", "c"):
            _put(s3, b"x", key)
    whole = _versions(s3)
    for size in (1, 2, 4):
        found: list[tuple[str, str, bool]] = []
        marker: dict[str, str] = {}
        while True:
            page = s3.list_object_versions(Bucket="box", MaxKeys=size, **marker)
            found += [(item["Key"], item["VersionId"], item["IsLatest"]) for item in page["Versions"]]
            if not page["IsTruncated"]:
                break
            marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
        assert found == whole
    assert refused(s3.list_object_versions, Bucket="box", VersionIdMarker="null")[2] == {
        "ArgumentName": "version-id-marker",
        "ArgumentValue": "null",
    }


def test_what_is_stored_is_counted_with_all_its_versions(here: Here, s3: Any) -> None:
    def stored() -> tuple[int, int]:
        return here.cloud.apply(
            lambda tx: (int(tx.amount(SIZES, "box", "STANDARD", "objects")), int(tx.amount(SIZES, "box", "STANDARD", "bytes")))
        )

    _put(s3, b"12345")
    _put(s3, b"123")
    assert stored() == (1, 3)
    _turn(s3, "Enabled")
    version = _put(s3, b"1234567")
    marker = s3.delete_object(Bucket="box", Key="k")["VersionId"]
    assert stored() == (3, 10)
    for gone in (version, marker, "null"):
        s3.delete_object(Bucket="box", Key="k", VersionId=gone)
    assert stored() == (0, 0)


def test_versioning_is_enabled_or_suspended_and_nothing_else(s3: Any) -> None:
    assert s3.get_bucket_versioning(Bucket="box") == {}
    assert refused(s3.put_bucket_versioning, Bucket="box", VersioningConfiguration={}) == (
        "IllegalVersioningConfigurationException",
        "The Versioning element must be specified",
        {},
    )


def test_a_copy_of_an_old_version_makes_it_the_newest(s3: Any) -> None:
    _turn(s3, "Enabled")
    one = _put(s3, b"one")
    _put(s3, b"two")
    copied = s3.copy_object(Bucket="box", Key="k", CopySource=f"box/k?versionId={one}")
    assert (_get(s3), copied["CopySourceVersionId"], len(_versions(s3))) == (b"one", one, 3)


def _code(here: Here, seed: bytes) -> str:
    """A device's serial number and what it shows now, as the header has them."""
    return f"{DEVICE} {code_at(seed.decode(), step_of(here.now))}"


def test_with_mfa_delete_versions_go_only_with_a_code(here: Here, s3: Any) -> None:
    seed = here.iam.create_virtual_mfa_device(VirtualMFADeviceName="root")["VirtualMFADevice"]["Base32StringSeed"]
    enabled = {"Bucket": "box", "VersioningConfiguration": {"Status": "Enabled", "MFADelete": "Enabled"}}
    denied = ("AccessDenied", "Mfa Authentication must be used for this request", {})
    for wrong in ({}, {"MFA": f"{DEVICE} 000000"}, {"MFA": "nonsense"}):
        assert refused(s3.put_bucket_versioning, **enabled, **wrong) == denied
    s3.put_bucket_versioning(**enabled, MFA=_code(here, seed))
    assert s3.get_bucket_versioning(Bucket="box") == {"Status": "Enabled", "MFADelete": "Enabled"}
    version = {"Key": "k", "VersionId": s3.put_object(Bucket="box", Key="k", Body=b"x")["VersionId"]}
    s3.delete_object(Bucket="box", Key="k")  # a marker, which anybody may put over it
    assert refused(s3.delete_object, Bucket="box", **version) == denied
    assert refused(s3.delete_objects, Bucket="box", Delete={"Objects": [{"Key": "other"}, version]}) == denied
    assert refused(s3.put_bucket_versioning, Bucket="box", VersioningConfiguration={"Status": "Suspended"}) == denied
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    rules = {"Bucket": "box", "LifecycleConfiguration": {"Rules": [rule]}}
    assert refused(s3.put_bucket_lifecycle_configuration, **rules)[0] == "InvalidBucketState"
    here.jump(30)
    s3.delete_objects(Bucket="box", Delete={"Objects": [version]}, MFA=_code(here, seed))
    assert "Versions" not in s3.list_object_versions(Bucket="box")
    here.jump(30)
    off = {"Status": "Enabled", "MFADelete": "Disabled"}
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration=off, MFA=_code(here, seed))
    s3.put_bucket_lifecycle_configuration(**rules)
    here.jump(30)
    assert refused(s3.put_bucket_versioning, **enabled, MFA=_code(here, seed))[0] == "InvalidBucketState"
