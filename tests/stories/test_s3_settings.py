"""A bucket's settings: what S3 takes, keeps and gives back, and in which words it refuses the rest."""

import json
from typing import Any

import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.s3_kit import refused

MALFORMED = ("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", {})
BOX = {"BucketName": "box"}


def test_a_new_bucket_is_private_encrypted_and_its_owners(s3: Any) -> None:
    everything = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    encryption = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    assert s3.get_public_access_block(Bucket="box") == {"PublicAccessBlockConfiguration": everything}
    assert s3.get_bucket_encryption(Bucket="box") == {"ServerSideEncryptionConfiguration": {"Rules": [encryption]}}
    assert s3.get_bucket_ownership_controls(Bucket="box") == {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
    assert s3.get_bucket_request_payment(Bucket="box") == {"Payer": "BucketOwner"}
    assert (s3.get_bucket_logging(Bucket="box"), s3.get_bucket_accelerate_configuration(Bucket="box")) == ({}, {})
    owner = s3.list_buckets()["Owner"]
    grant = {"Grantee": {"Type": "CanonicalUser", **owner}, "Permission": "FULL_CONTROL"}
    assert s3.get_bucket_acl(Bucket="box") == {"Owner": owner, "Grants": [grant]}


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        ("get_bucket_policy", "NoSuchBucketPolicy", "The bucket policy does not exist"),
        ("get_bucket_cors", "NoSuchCORSConfiguration", "The CORS configuration does not exist"),
        ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
        ("get_bucket_website", "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"),
        ("get_bucket_tagging", "NoSuchTagSet", "The TagSet does not exist"),
        ("get_bucket_replication", "ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
        (
            "get_object_lock_configuration",
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        ),
    ],
)
def test_what_was_never_put_is_not_there(s3: Any, asked: str, code: str, said: str) -> None:
    assert refused(getattr(s3, asked), Bucket="box") == (code, said, BOX)


def test_a_policy_is_kept_as_it_was_written_and_must_be_for_its_bucket(s3: Any) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "s3:GetObject"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": "arn:aws:s3:::box/*"}]}, indent=2)
    s3.put_bucket_policy(Bucket="box", Policy=policy)
    assert s3.get_bucket_policy(Bucket="box") == {"Policy": policy}
    assert s3.get_bucket_policy_status(Bucket="box") == {"PolicyStatus": {"IsPublic": False}}
    for text, said in (
        ("", "Policies must be valid JSON and the first byte must be '{'"),
        ("{", "Policies must be valid JSON and the first byte must be '{'"),
        ("{}", "Missing required field Statement"),
        (json.dumps({"Statement": [{**statement, "Resource": "arn:aws:s3:::other/*"}]}), "Policy has invalid resource"),
        (json.dumps({"Statement": [{**statement, "Action": "sqs:*", "Resource": "arn:aws:s3:::box"}]}), "Policy has invalid action"),
    ):
        assert refused(s3.put_bucket_policy, Bucket="box", Policy=text) == ("MalformedPolicy", said, {})
    s3.delete_bucket_policy(Bucket="box")
    assert refused(s3.get_bucket_policy, Bucket="box")[0] == "NoSuchBucketPolicy"


def test_a_public_policy_needs_the_block_to_be_taken_away_first(s3: Any) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::box/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert refused(s3.put_bucket_policy, Bucket="box", Policy=policy)[0] == "AccessDenied"
    s3.delete_public_access_block(Bucket="box")
    assert refused(s3.get_public_access_block, Bucket="box") == (
        "NoSuchPublicAccessBlockConfiguration",
        "The public access block configuration was not found",
        BOX,
    )
    s3.put_bucket_policy(Bucket="box", Policy=policy)
    assert s3.get_bucket_policy_status(Bucket="box") == {"PolicyStatus": {"IsPublic": True}}


def test_a_bucket_takes_acls_only_where_its_owner_does_not_own_everything(s3: Any) -> None:
    s3.put_object(Bucket="box", Key="k", Body=b"x")
    denied = ("AccessControlListNotSupported", "The bucket does not allow ACLs", {})
    assert refused(s3.put_object_acl, Bucket="box", Key="k", ACL="public-read") == denied
    assert refused(s3.put_bucket_acl, Bucket="box", ACL="public-read") == denied
    s3.put_bucket_ownership_controls(Bucket="box", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.put_object_acl(Bucket="box", Key="k", ACL="public-read")
    everyone = {"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}
    assert s3.get_object_acl(Bucket="box", Key="k")["Grants"][1:] == [everyone]
    assert refused(s3.put_bucket_acl, Bucket="box", ACL="fake") == (
        "InvalidArgument",
        "",
        {"ArgumentName": "x-amz-acl", "ArgumentValue": "fake"},
    )
    assert refused(s3.put_bucket_acl, Bucket="box")[0] == "MissingSecurityHeader"


def test_new_objects_are_encrypted_as_their_bucket_says(here: Here, s3: Any) -> None:
    key = here.kms.create_key()["KeyMetadata"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key["KeyId"]}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket="box", ServerSideEncryptionConfiguration={"Rules": [rule]})
    written = s3.put_object(Bucket="box", Key="k", Body=b"x")
    assert (written["ServerSideEncryption"], written["SSEKMSKeyId"], written["BucketKeyEnabled"]) == ("aws:kms", key["Arn"], True)
    assert s3.put_object(Bucket="box", Key="k", Body=b"x", ServerSideEncryption="AES256")["ServerSideEncryption"] == "AES256"
    wrong = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "key"}}
    assert refused(s3.put_bucket_encryption, Bucket="box", ServerSideEncryptionConfiguration={"Rules": [wrong]}) == (
        "InvalidArgument",
        "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
        {"ArgumentName": "ApplyServerSideEncryptionByDefault"},
    )


def test_cors_rules_are_checked_and_kept(s3: Any) -> None:
    rules = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 5}]
    s3.put_bucket_cors(Bucket="box", CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket="box") == {"CORSRules": rules}
    wrong = [{"AllowedMethods": ["MYMETHOD"], "AllowedOrigins": ["*"]}]
    said = "Found unsupported HTTP method in CORS config. Unsupported method is MYMETHOD"
    assert refused(s3.put_bucket_cors, Bucket="box", CORSConfiguration={"CORSRules": wrong}) == ("InvalidRequest", said, {})
    assert refused(s3.put_bucket_cors, Bucket="box", CORSConfiguration={"CORSRules": []}) == MALFORMED
    s3.delete_bucket_cors(Bucket="box")
    assert refused(s3.get_bucket_cors, Bucket="box")[0] == "NoSuchCORSConfiguration"


def test_lifecycle_rules_are_checked_and_kept(s3: Any) -> None:
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30}}

    def put(*rules: dict[str, Any]) -> dict[str, Any]:
        return {"Bucket": "box", "LifecycleConfiguration": {"Rules": list(rules)}}

    s3.put_bucket_lifecycle_configuration(**put(rule))
    kept = {"Rules": [rule], "TransitionDefaultMinimumObjectSize": "all_storage_classes_128K"}
    assert s3.get_bucket_lifecycle_configuration(Bucket="box") == kept
    for wrong in ({"Filter": None}, {"Expiration": None}, {"Prefix": "x"}, {"Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}):
        assert refused(s3.put_bucket_lifecycle_configuration, **put({**rule, **wrong})) == MALFORMED
    noon = {**rule, "Expiration": {"Date": BEGIN + 43_200}}
    assert refused(s3.put_bucket_lifecycle_configuration, **put(noon))[1] == "'Date' must be at midnight GMT"
    twice = {"And": {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}}
    assert refused(s3.put_bucket_lifecycle_configuration, **put({**rule, "Filter": twice}))[1] == "Duplicate Tag Keys are not allowed."
    s3.delete_bucket_lifecycle(Bucket="box")
    assert refused(s3.get_bucket_lifecycle_configuration, Bucket="box")[0] == "NoSuchLifecycleConfiguration"


def test_a_website_needs_an_index_or_a_place_to_send_everybody(s3: Any) -> None:
    website = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}
    s3.put_bucket_website(Bucket="box", WebsiteConfiguration=website)
    assert s3.get_bucket_website(Bucket="box") == website
    for wrong, said in (
        ({}, "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"),
        ({"IndexDocument": {"Suffix": "/index.html"}}, "The IndexDocument Suffix is not well formed"),
        (
            {"IndexDocument": {"Suffix": "i"}, "RedirectAllRequestsTo": {"HostName": "h"}},
            "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
        ),
    ):
        assert refused(s3.put_bucket_website, Bucket="box", WebsiteConfiguration=wrong)[:2] == ("InvalidArgument", said)


def test_logs_go_to_a_bucket_of_the_same_owner_and_region(here: Here, s3: Any) -> None:
    s3.create_bucket(Bucket="logs")
    s3.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    target = {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "box/"}}
    s3.put_bucket_logging(Bucket="box", BucketLoggingStatus=target)
    assert s3.get_bucket_logging(Bucket="box") == target
    nowhere = {"LoggingEnabled": {"TargetBucket": "nowhere", "TargetPrefix": ""}}
    assert refused(s3.put_bucket_logging, Bucket="box", BucketLoggingStatus=nowhere) == (
        "InvalidTargetBucketForLogging",
        "The target bucket for logging does not exist",
        {"TargetBucket": "nowhere"},
    )
    far = {"LoggingEnabled": {"TargetBucket": "far", "TargetPrefix": ""}}
    assert refused(s3.put_bucket_logging, Bucket="box", BucketLoggingStatus=far) == (
        "CrossLocationLoggingProhibitted",
        "Cross S3 location logging not allowed. ",
        {"TargetBucketLocation": "eu-west-1"},
    )
    s3.put_bucket_logging(Bucket="box", BucketLoggingStatus={})
    assert s3.get_bucket_logging(Bucket="box") == {}


def test_tags_of_a_bucket_are_replaced_as_a_whole(s3: Any) -> None:
    for tags in ([{"Key": "a", "Value": "1"}], [{"Key": "b", "Value": "2"}]):
        s3.put_bucket_tagging(Bucket="box", Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket="box") == {"TagSet": [{"Key": "b", "Value": "2"}]}
    wrong = {"TagSet": [{"Key": "aws:x", "Value": "1"}]}
    assert refused(s3.put_bucket_tagging, Bucket="box", Tagging=wrong) == (
        "InvalidTag",
        "System tags cannot be added/updated by requester",
        {"TagKey": "aws:x"},
    )
    s3.delete_bucket_tagging(Bucket="box")
    assert refused(s3.get_bucket_tagging, Bucket="box") == ("NoSuchTagSet", "The TagSet does not exist", BOX)


def test_a_bucket_keeps_many_configurations_of_a_kind_and_lists_them_by_id(s3: Any) -> None:
    target = {"S3BucketDestination": {"Bucket": "arn:aws:s3:::reports", "Format": "CSV"}}
    wanted: dict[str, Any] = {"Destination": target, "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"}}
    for name in ("b", "a"):
        s3.put_bucket_inventory_configuration(Bucket="box", Id=name, InventoryConfiguration={"Id": name, **wanted})
        s3.put_bucket_metrics_configuration(Bucket="box", Id=name, MetricsConfiguration={"Id": name})
    listed = {"IsTruncated": False, "InventoryConfigurationList": [{"Id": "a", **wanted}, {"Id": "b", **wanted}]}
    assert s3.list_bucket_inventory_configurations(Bucket="box") == listed
    s3.delete_bucket_metrics_configuration(Bucket="box", Id="a")
    missing = ("NoSuchConfiguration", "The specified configuration does not exist.", {})
    assert refused(s3.delete_bucket_metrics_configuration, Bucket="box", Id="a") == missing
    assert s3.list_bucket_metrics_configurations(Bucket="box") == {"IsTruncated": False, "MetricsConfigurationList": [{"Id": "b"}]}
    other = {"Bucket": "box", "Id": "a", "InventoryConfiguration": {"Id": "b", **wanted}}
    said = "Document ID does not match the specified configuration ID."
    assert refused(s3.put_bucket_inventory_configuration, **other) == ("IdMismatch", said, {})


def test_a_list_of_configurations_goes_on_after_a_hundred(s3: Any) -> None:
    for number in range(101):
        s3.put_bucket_metrics_configuration(Bucket="box", Id=f"{number:03}", MetricsConfiguration={"Id": f"{number:03}"})
    first = s3.list_bucket_metrics_configurations(Bucket="box")
    assert (len(first["MetricsConfigurationList"]), first["IsTruncated"]) == (100, True)
    token = first["NextContinuationToken"]
    last = s3.list_bucket_metrics_configurations(Bucket="box", ContinuationToken=token)
    assert last == {"IsTruncated": False, "ContinuationToken": token, "MetricsConfigurationList": [{"Id": "100"}]}


def test_an_object_tells_when_a_lifecycle_rule_will_expire_it(s3: Any) -> None:
    tag = {"Key": "kind", "Value": "log"}
    rules = [
        {"ID": "a week", "Status": "Enabled", "Filter": {"Tag": tag}, "Expiration": {"Days": 7}},
        {"ID": "big", "Status": "Enabled", "Filter": {"And": {"Prefix": "b", "ObjectSizeGreaterThan": 2}}, "Expiration": {"Days": 1}},
        {"ID": "off", "Status": "Disabled", "Filter": {}, "Expiration": {"Days": 1}},
    ]
    s3.put_bucket_lifecycle_configuration(Bucket="box", LifecycleConfiguration={"Rules": rules})
    week = 'expiry-date="Fri, 09 Jan 2026 00:00:00 GMT", rule-id="a%20week"'
    assert s3.put_object(Bucket="box", Key="a", Body=b"long", Tagging="kind=log")["Expiration"] == week
    assert s3.head_object(Bucket="box", Key="a")["Expiration"] == week
    soon = 'expiry-date="Sat, 03 Jan 2026 00:00:00 GMT", rule-id="big"'
    assert s3.put_object(Bucket="box", Key="b", Body=b"long", Tagging="kind=log")["Expiration"] == soon
    assert "Expiration" not in s3.put_object(Bucket="box", Key="c", Body=b"x")


def test_replication_wants_versions_at_both_ends(here: Here, s3: Any) -> None:
    here.s3.create_bucket(Bucket="mirror")
    versioned = {"VersioningConfiguration": {"Status": "Enabled"}}
    rule = {"ID": "all", "Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::mirror"}}
    asked = {"Bucket": "box", "ReplicationConfiguration": {"Role": "arn:aws:iam::000000000000:role/copier", "Rules": [rule]}}
    said = "Versioning must be 'Enabled' on the bucket to apply a replication configuration"
    assert refused(s3.put_bucket_replication, **asked) == ("InvalidRequest", said, {})
    s3.put_bucket_versioning(Bucket="box", **versioned)
    said = "Destination bucket must have versioning enabled."
    assert refused(s3.put_bucket_replication, **asked) == ("InvalidRequest", said, {})
    s3.put_bucket_versioning(Bucket="mirror", **versioned)
    s3.put_bucket_replication(**asked)
    assert s3.get_bucket_replication(Bucket="box") == {"ReplicationConfiguration": asked["ReplicationConfiguration"]}
    s3.delete_bucket_replication(Bucket="box")
    assert refused(s3.get_bucket_replication, Bucket="box")[0] == "ReplicationConfigurationNotFoundError"


def test_kms_without_a_key_uses_the_one_that_aws_manages_for_s3(here: Here, s3: Any) -> None:
    here.s3.create_bucket(Bucket="other")
    first = s3.put_object(Bucket="box", Key="k", ServerSideEncryption="aws:kms")
    assert first["SSEKMSKeyId"] == here.kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"]
    assert "BucketKeyEnabled" not in first
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket="other", ServerSideEncryptionConfiguration={"Rules": [rule]})
    second = s3.put_object(Bucket="other", Key="k", ServerSideEncryption="aws:kms")
    assert (second["SSEKMSKeyId"], second["BucketKeyEnabled"]) == (first["SSEKMSKeyId"], True)
    assert s3.get_bucket_encryption(Bucket="other") == {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


def test_tags_of_a_bucket_count_in_policies_only_where_that_is_turned_on(s3: Any) -> None:
    assert s3.get_bucket_abac(Bucket="box") == {"AbacStatus": {"Status": "Disabled"}}
    s3.put_bucket_abac(Bucket="box", AbacStatus={"Status": "Enabled"})
    assert s3.get_bucket_abac(Bucket="box") == {"AbacStatus": {"Status": "Enabled"}}
    assert refused(s3.put_bucket_abac, Bucket="box", AbacStatus={"Status": "On"}) == MALFORMED


def test_a_thousand_configurations_of_a_kind_are_enough(s3: Any) -> None:
    for number in range(1000):
        s3.put_bucket_metrics_configuration(Bucket="box", Id=f"{number}", MetricsConfiguration={"Id": f"{number}"})
    s3.put_bucket_metrics_configuration(Bucket="box", Id="0", MetricsConfiguration={"Id": "0"})
    assert refused(s3.put_bucket_metrics_configuration, Bucket="box", Id="more", MetricsConfiguration={"Id": "more"})[:2] == (
        "TooManyConfigurations",
        "You are attempting to create a new configuration but have already reached the 1,000-configuration limit.",
    )


def test_a_bucket_may_do_without_ownership_controls_and_acceleration_wants_a_name_without_periods(s3: Any) -> None:
    s3.delete_bucket_ownership_controls(Bucket="box")
    assert refused(s3.get_bucket_ownership_controls, Bucket="box")[0] == "OwnershipControlsNotFoundError"
    s3.create_bucket(Bucket="a.box")
    enabled = {"AccelerateConfiguration": {"Status": "Enabled"}}
    assert refused(s3.put_bucket_accelerate_configuration, Bucket="a.box", **enabled)[0] == "InvalidRequest"
    s3.put_bucket_accelerate_configuration(Bucket="box", **enabled)
    assert s3.get_bucket_accelerate_configuration(Bucket="box") == {"Status": "Enabled"}
