"""Buckets: names that belong to the whole world, each in its region."""

import pytest

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.s3_kit import refused
from windtunnel.services.s3.buckets import buckets

OWNER = {"ID": "dc907f9c5b73414f2e2c142d83d6677f70e8dc070a6e216651f00cf15fdef7a8"}


def test_a_bucket_is_created_found_and_deleted(here: Here) -> None:
    assert here.s3.create_bucket(Bucket="first") == {"Location": "/first", "BucketArn": "arn:aws:s3:::first"}
    assert here.s3.head_bucket(Bucket="first") == {
        "BucketArn": "arn:aws:s3:::first",
        "BucketRegion": "us-east-1",
        "AccessPointAlias": False,
    }
    assert here.s3.list_buckets() == {"Buckets": [{"Name": "first", "CreationDate": int(BEGIN)}], "Owner": OWNER}
    here.s3.delete_bucket(Bucket="first")
    assert refused(here.s3.head_bucket, Bucket="first") == ("NoSuchBucket", "The specified bucket does not exist", {"BucketName": "first"})


def test_us_east_1_makes_buckets_everywhere_and_other_regions_only_at_home(here: Here) -> None:
    here.s3.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    here.s3.create_bucket(Bucket="near")
    assert here.s3.get_bucket_location(Bucket="far") == {"LocationConstraint": "eu-west-1"}
    assert here.s3.get_bucket_location(Bucket="near") == {}
    europe = here.at(region="eu-west-1")
    said = "The {} location constraint is incompatible for the region specific endpoint this request was sent to."
    assert refused(europe.s3.create_bucket, Bucket="other") == ("IllegalLocationConstraintException", said.format("unspecified"), {})
    constraint = {"LocationConstraint": "us-west-2"}
    assert refused(europe.s3.create_bucket, Bucket="other", CreateBucketConfiguration=constraint) == (
        "IllegalLocationConstraintException",
        said.format("us-west-2"),
        {},
    )
    constraint = {"LocationConstraint": "mars-1"}
    assert refused(here.s3.create_bucket, Bucket="other", CreateBucketConfiguration=constraint) == (
        "InvalidLocationConstraint",
        "The specified location-constraint is not valid",
        constraint,
    )


def test_a_bucket_of_another_region_is_redirected_to(here: Here) -> None:
    here.s3.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    code, _, members = refused(here.s3.get_object, Bucket="far", Key="k")
    assert (code, members) == ("PermanentRedirect", {"Endpoint": "far.s3.eu-west-1.amazonaws.com", "Bucket": "far"})
    assert here.at(region="eu-west-1").s3.head_bucket(Bucket="far")["BucketRegion"] == "eu-west-1"


def test_only_us_east_1_lets_an_owner_create_a_bucket_again(here: Here) -> None:
    here.s3.create_bucket(Bucket="mine")
    assert here.s3.create_bucket(Bucket="mine") == {"Location": "/mine", "BucketArn": "arn:aws:s3:::mine"}
    taken = "The requested bucket name is not available. The bucket namespace is shared by all users of the system."
    taken += " Please select a different name and try again."
    stranger = here.at(account="111111111111")
    assert refused(stranger.s3.create_bucket, Bucket="mine") == ("BucketAlreadyExists", taken, {"BucketName": "mine"})
    europe = here.at(region="eu-west-1")
    europe.s3.create_bucket(Bucket="ours", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert refused(europe.s3.create_bucket, Bucket="ours", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}) == (
        "BucketAlreadyOwnedByYou",
        "Your previous request to create the named bucket succeeded and you already own it.",
        {"BucketName": "ours"},
    )


@pytest.mark.parametrize("name", ["Upper", "ab", "a..b", "192.168.0.1", "-a-b", "xn--abc", "under_score", "a" * 64])
def test_a_name_that_breaks_the_rules_is_refused(here: Here, name: str) -> None:
    assert refused(here.s3.create_bucket, Bucket=name) == ("InvalidBucketName", "The specified bucket is not valid.", {"BucketName": name})


def test_a_bucket_with_anything_in_it_is_not_deleted(here: Here) -> None:
    here.s3.create_bucket(Bucket="full")
    here.s3.put_object(Bucket="full", Key="k", Body=b"1")
    said = "The bucket you tried to delete is not empty"
    assert refused(here.s3.delete_bucket, Bucket="full") == ("BucketNotEmpty", said, {"BucketName": "full"})
    here.s3.put_bucket_versioning(Bucket="full", VersioningConfiguration={"Status": "Enabled"})
    here.s3.delete_object(Bucket="full", Key="k")
    assert refused(here.s3.delete_bucket, Bucket="full") == (
        "BucketNotEmpty",
        f"{said}. You must delete all versions in the bucket.",
        {"BucketName": "full"},
    )


def test_buckets_are_listed_in_pages_by_prefix_and_by_region(here: Here) -> None:
    for name in ("b-2", "a-1", "b-1", "b-3"):
        here.s3.create_bucket(Bucket=name)
    here.s3.create_bucket(Bucket="b-4", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    first = here.s3.list_buckets(Prefix="b", MaxBuckets=2)
    names = [bucket["Name"] for bucket in first["Buckets"]]
    rest = here.s3.list_buckets(Prefix="b", MaxBuckets=2, ContinuationToken=first["ContinuationToken"])
    assert (names, [bucket["Name"] for bucket in rest["Buckets"]]) == (["b-1", "b-2"], ["b-3", "b-4"])
    assert "ContinuationToken" not in rest
    europe = here.s3.list_buckets(BucketRegion="eu-west-1")["Buckets"]
    assert europe == [{"Name": "b-4", "CreationDate": int(BEGIN), "BucketRegion": "eu-west-1", "BucketArn": "arn:aws:s3:::b-4"}]


def test_who_expects_another_owner_is_turned_away(here: Here) -> None:
    here.s3.create_bucket(Bucket="mine")
    here.s3.head_bucket(Bucket="mine", ExpectedBucketOwner=ACCOUNT)
    assert refused(here.s3.head_bucket, Bucket="mine", ExpectedBucketOwner="1" * 12) == ("AccessDenied", "Access Denied", {})
    said = "The value of the expected bucket owner parameter must be an AWS Account ID... [abcd]"
    assert refused(here.s3.head_bucket, Bucket="mine", ExpectedBucketOwner="abcd") == ("InvalidBucketOwnerAWSAccountID", said, {})


def test_a_bucket_that_is_shared_by_its_acl_is_not_its_owner_s_alone(here: Here) -> None:
    enforced = {"Bucket": "box", "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
    here.s3.create_bucket(Bucket="box", ObjectOwnership="ObjectWriter", ACL="public-read")
    assert refused(here.s3.put_bucket_ownership_controls, **enforced) == (
        "InvalidBucketAclWithObjectOwnership",
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        {},
    )
    here.s3.put_bucket_acl(Bucket="box", ACL="private")
    here.s3.put_bucket_ownership_controls(**enforced)


def test_an_account_has_so_many_buckets_at_most(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "BUCKETS_MAX", 2)
    for name in ("one", "two", "one"):
        here.s3.create_bucket(Bucket=name)
    assert refused(here.s3.create_bucket, Bucket="three")[:2] == (
        "TooManyBuckets",
        "You have attempted to create more buckets than allowed",
    )
    here.at(account="111111111111").s3.create_bucket(Bucket="three")
    here.s3.delete_bucket(Bucket="one")
    here.s3.create_bucket(Bucket="four")
