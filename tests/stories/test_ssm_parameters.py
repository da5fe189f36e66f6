"""Parameters: how they are put, read, encrypted, versioned, labelled and forgotten."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

from tests.stories.here import ACCOUNT, BEGIN, Here
from tests.stories.refusals import refusal

ARN = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"


def _put(here: Here, name: str = "/shop/db", value: str = "one", **more: Any) -> int:
    """The number of the version."""
    return here.ssm.put_parameter(Name=name, Value=value, **{"Type": "String", **more})["Version"]


def _read(here: Here, name: str, **more: Any) -> str:
    return here.ssm.get_parameter(Name=name, **more)["Parameter"]["Value"]


def test_a_parameter_is_read_by_its_name_its_version_and_its_arn(here: Here) -> None:
    assert here.ssm.put_parameter(Name="/shop/db", Value="one", Type="String") == {"Version": 1, "Tier": "Standard"}
    here.jump(60)
    assert _put(here, value="two", Overwrite=True) == 2
    newest = {
        "Name": "/shop/db",
        "Type": "String",
        "Value": "two",
        "Version": 2,
        "LastModifiedDate": BEGIN + 60,
        "ARN": f"{ARN}/shop/db",
        "DataType": "text",
    }
    assert here.ssm.get_parameter(Name="/shop/db") == {"Parameter": newest}
    assert here.ssm.get_parameter(Name=f"{ARN}/shop/db") == {"Parameter": newest}
    first = {**newest, "Value": "one", "Version": 1, "LastModifiedDate": BEGIN, "Selector": ":1"}
    assert here.ssm.get_parameter(Name="/shop/db:1") == {"Parameter": first}
    assert here.ssm.get_parameter(Name=f"{ARN}/shop/db:1") == {"Parameter": first}
    names = ["/shop/none", "/shop/db", "/shop/db:9", "not a name"]
    assert here.ssm.get_parameters(Names=names) == {"Parameters": [newest], "InvalidParameters": ["/shop/db:9", "/shop/none", "not a name"]}


def test_a_name_and_the_same_with_a_slash_before_it_are_one_parameter(here: Here) -> None:
    _put(here, "db")
    assert here.ssm.get_parameter(Name="/db")["Parameter"]["Name"] == "/db"
    assert here.ssm.get_parameter(Name=" db ")["Parameter"]["Name"] == "db"
    assert here.ssm.get_parameter(Name=f"{ARN}/db")["Parameter"]["Name"] == "db"
    assert refusal(here.ssm.put_parameter, Name="/db", Value="v", Type="String")[0] == "ParameterAlreadyExists"


def test_a_secure_string_is_opened_for_who_asks_for_it(here: Here) -> None:
    key = here.kms.create_key()["KeyMetadata"]["KeyId"]
    _put(here, "/long", "s3cret" * 1000, Type="SecureString", Tier="Advanced", KeyId=key)
    _put(here, "/own", "s3cret", Type="SecureString", KeyId=key)
    _put(here, "/plain", "s3cret", Type="SecureString")
    for name, value in (("/long", "s3cret" * 1000), ("/own", "s3cret"), ("/plain", "s3cret")):
        assert _read(here, name, WithDecryption=True) == value
        assert b"s3cret" not in b64decode(_read(here, name))
    listed = here.ssm.describe_parameters(ParameterFilters=[{"Key": "Type", "Values": ["SecureString"]}])["Parameters"]
    assert [(each["Name"], each["KeyId"]) for each in listed] == [("/long", key), ("/own", key), ("/plain", "alias/aws/ssm")]
    context = {"PARAMETER_ARN": f"{ARN}/own"}
    assert here.kms.decrypt(CiphertextBlob=b64decode(_read(here, "/own")), EncryptionContext=context)["Plaintext"] == b"s3cret"
    here.kms.disable_key(KeyId=key)
    code, message = refusal(here.ssm.get_parameter, Name="/long", WithDecryption=True)
    assert (code, message.partition(" (Service")[0]) == ("InvalidKeyId", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key} is disabled.")


def test_what_an_update_leaves_out_stays_as_it_was(here: Here) -> None:
    _put(here, value="11", Description="of the shop", AllowedPattern=r"\d+", DataType="integer")
    here.ssm.put_parameter(Name="/shop/db", Value="12", Overwrite=True)
    about = {"Name": "/shop/db", "Type": "String", "Description": "of the shop", "AllowedPattern": r"\d+", "LastModifiedDate": BEGIN}
    about |= {"LastModifiedUser": ROOT, "Tier": "Standard", "Policies": [], "DataType": "integer"}
    assert here.ssm.describe_parameters() == {"Parameters": [{**about, "Version": 2, "ARN": f"{ARN}/shop/db"}]}
    history = [{**about, "Version": number, "Value": value, "Labels": []} for number, value in ((1, "11"), (2, "12"))]
    assert here.ssm.get_parameter_history(Name="/shop/db") == {"Parameters": history}
    page = here.ssm.get_parameter_history(Name="/shop/db", MaxResults=1)
    assert page["Parameters"] == history[:1]
    assert here.ssm.get_parameter_history(Name="/shop/db", NextToken=page["NextToken"]) == {"Parameters": history[1:]}


def test_labels_move_between_versions_and_select_them(here: Here) -> None:
    for number in range(1, 4):
        _put(here, value=f"v{number}", Overwrite=True)
    labels = ["live", "1st", "AWS-x", "test"]
    answer = {"InvalidLabels": ["1st", "AWS-x"], "ParameterVersion": 2}
    assert here.ssm.label_parameter_version(Name="/shop/db", ParameterVersion=2, Labels=labels) == answer
    assert _read(here, "/shop/db:live") == "v2"
    assert here.ssm.label_parameter_version(Name="/shop/db", Labels=["live"]) == {"InvalidLabels": [], "ParameterVersion": 3}
    assert _read(here, "/shop/db:live") == "v3"
    history = here.ssm.get_parameter_history(Name="/shop/db")["Parameters"]
    assert [each["Labels"] for each in history] == [[], ["test"], ["live"]]
    removed = here.ssm.unlabel_parameter_version(Name="/shop/db", ParameterVersion=3, Labels=["live", "test"])
    assert removed == {"RemovedLabels": ["live"], "InvalidLabels": ["test"]}
    assert refusal(here.ssm.get_parameter, Name="/shop/db:live")[0] == "ParameterVersionNotFound"


def test_of_a_hundred_versions_the_oldest_goes_unless_it_is_labelled(here: Here) -> None:
    for _ in range(101):
        _put(here, Overwrite=True)
    assert [each["Version"] for each in here.ssm.get_parameter_history(Name="/shop/db", MaxResults=2)["Parameters"]] == [2, 3]
    here.ssm.label_parameter_version(Name="/shop/db", ParameterVersion=2, Labels=["old"])
    why = "You attempted to create a new version of /shop/db by calling the PutParameter API with the overwrite flag. Version 2, the oldest"
    why += " version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and"
    assert refusal(_put, here=here, Overwrite=True) == ("ParameterMaxVersionLimitExceeded", f"{why} try again.")
    here.ssm.label_parameter_version(Name="/shop/db", Labels=["old"])
    assert _put(here, Overwrite=True) == 102


def test_a_parameter_goes_with_all_that_it_had(here: Here) -> None:
    _put(here, Tags=[{"Key": "team", "Value": "blue"}])
    _put(here, Overwrite=True)
    assert here.ssm.delete_parameters(Names=["/shop/db", "/none"]) == {"DeletedParameters": ["/shop/db"], "InvalidParameters": ["/none"]}
    assert _put(here) == 1
    assert here.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/shop/db") == {"TagList": []}
    here.ssm.delete_parameter(Name="/shop/db")
    assert here.ssm.describe_parameters() == {"Parameters": []}


def test_tags_are_added_listed_and_removed(here: Here) -> None:
    _put(here, Tags=[{"Key": "team", "Value": "blue"}])
    place = {"ResourceType": "Parameter", "ResourceId": "/shop/db"}
    here.ssm.add_tags_to_resource(**place, Tags=[{"Key": "cost", "Value": "7"}])
    here.ssm.remove_tags_from_resource(**place, TagKeys=["team"])
    assert here.ssm.list_tags_for_resource(**place) == {"TagList": [{"Key": "cost", "Value": "7"}]}


def test_a_secret_is_read_as_a_parameter(here: Here) -> None:
    token = "1" * 32
    arn = here.secretsmanager.create_secret(Name="db", SecretString="s3cret", ClientRequestToken=token)["ARN"]
    name = "/aws/reference/secretsmanager/db"
    read = here.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    source = json.loads(read.pop("SourceResult"))
    about = {"Name": name, "Type": "SecureString", "Value": "s3cret", "Version": 0, "LastModifiedDate": BEGIN, "ARN": arn}
    assert read == about
    assert source == {
        "ARN": arn,
        "name": "db",
        "versionId": token,
        "secretString": "s3cret",
        "versionStages": ["AWSCURRENT"],
        "createdDate": BEGIN,
    }
    assert _read(here, f"{name}:AWSCURRENT", WithDecryption=True) == _read(here, f"{name}:{token}", WithDecryption=True) == "s3cret"
    assert refusal(here.ssm.get_parameter, Name=name) == (
        "ValidationException",
        "WithDecryption flag must be True for retrieving a Secret Manager secret.",
    )
    assert refusal(here.ssm.get_parameter, Name=f"{name}2", WithDecryption=True) == (
        "ParameterNotFound",
        f"An error occurred (ResourceNotFoundException) when referencing Secrets Manager: Secret {name}2 not found.",
    )
