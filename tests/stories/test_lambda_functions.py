"""Functions are created, described, changed and deleted as AWS does it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.stories.here import REGION, Here
from tests.stories.lambdas import ECHO, PYTHON, ROLE, arn, make, refusal, run, zipped

NO_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."
NO_BUCKET = "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"
RETIRED = (
    "The runtime parameter of python3.7 is no longer supported for creating or updating AWS Lambda functions. "
    "We recommend you use a supported runtime while creating or updating functions."
)
RESERVED = (
    "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys "
    "that are currently not supported for modification. Reserved keys used in this request: AWS_REGION"
)
NO_LAYER = f"arn:aws:lambda:{REGION}:000000000000:layer:none:1"
STALE = (
    "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
)


def test_a_function_is_described_with_all_that_aws_says_of_it(here: Here) -> None:
    made = make(here, "echo", Timeout=3)
    expected = {
        "FunctionName": "echo",
        "FunctionArn": arn("echo"),
        "Runtime": PYTHON,
        "Role": ROLE,
        "Handler": "app.handler",
        "CodeSize": len(zipped(app=ECHO)),
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "LastModified": "2026-01-01T00:00:00.000+0000",
        "CodeSha256": made["CodeSha256"],
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": made["RevisionId"],
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/echo"},
        "RuntimeVersionConfig": made["RuntimeVersionConfig"],
    }
    reason = {"StateReason": "The function is being created.", "StateReasonCode": "Creating"}
    assert made == expected | {"State": "Pending"} | reason
    got = here.lambda_.get_function(FunctionName=arn("echo"))
    expected["RevisionId"] = got["Configuration"]["RevisionId"]
    ready = expected | {"State": "Active", "LastUpdateStatus": "Successful"}
    assert here.lambda_.get_function_configuration(FunctionName="echo") == ready
    assert got["Configuration"] == ready
    assert got["Code"]["RepositoryType"] == "S3"
    path = got["Code"]["Location"].removeprefix("http://localhost:4566")
    assert here.cloud.visits.page(path) == ("application/zip", zipped(app=ECHO))
    listed = {key: value for key, value in expected.items() if key != "RuntimeVersionConfig"}
    assert here.lambda_.list_functions() == {"Functions": [listed]}


def test_functions_that_are_not_there_or_there_already_are_named_in_the_refusal(here: Here) -> None:
    make(here, "echo")
    assert refusal(here.lambda_.get_function, FunctionName="other") == ("ResourceNotFoundException", f"Function not found: {arn('other')}")
    assert refusal(here.lambda_.invoke, FunctionName="echo", Qualifier="7") == (
        "ResourceNotFoundException",
        f"Function not found: {arn('echo', '7')}",
    )
    assert refusal(make, here=here, name="echo") == ("ResourceConflictException", "Function already exist: echo")
    elsewhere = arn("echo").replace(REGION, "eu-west-1")
    assert refusal(here.lambda_.get_function, FunctionName=elsewhere) == (
        "ResourceNotFoundException",
        f"Functions from 'eu-west-1' are not reachable in this region ('{REGION}')",
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"Code": {"ZipFile": b"no zip"}}, NO_ZIP),
        ({"Code": {"ZipFile": zipped(**{"../up": ""})}}, NO_ZIP),
        ({"Code": {"S3Bucket": "none", "S3Key": "k"}}, NO_BUCKET),
        ({"Runtime": "python3.7"}, RETIRED),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, RESERVED),
        ({"Layers": [NO_LAYER]}, f"Layer version {NO_LAYER} does not exist."),
    ],
)
def test_what_is_wrong_with_a_new_function_is_said_in_aws_words(here: Here, given: dict[str, Any], message: str) -> None:
    assert refusal(make, here=here, name="f", **given) == ("InvalidParameterValueException", message)
    assert here.lambda_.list_functions() == {"Functions": []}


def test_a_role_that_lambda_may_not_assume_is_refused(here: Here) -> None:
    def trust(service: str) -> str:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    here.iam.create_role(RoleName="runs", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    message = "The role defined for the function cannot be assumed by Lambda."
    assert refusal(make, here=here, name="f") == ("InvalidParameterValueException", message)
    here.iam.update_assume_role_policy(RoleName="runs", PolicyDocument=trust("lambda.amazonaws.com"))
    make(here, "f")
    assert run(here, "f", 1) == 1


def test_code_comes_from_a_bucket_as_well(here: Here) -> None:
    here.s3.create_bucket(Bucket="code")
    here.s3.put_object(Bucket="code", Key="f.zip", Body=zipped(app=ECHO))
    make(here, "f", Code={"S3Bucket": "code", "S3Key": "f.zip"})
    assert run(here, "f", "hello") == "hello"


def test_changed_code_and_configuration_run_at_the_next_invocation(here: Here) -> None:
    code = """
import os
seen = []
def handler(event, context):
    seen.append(1)
    return [os.environ.get("AA"), len(seen), context.memory_limit_in_mb]
"""
    make(here, "f", code)
    assert [run(here, "f"), run(here, "f")] == [[None, 1, "128"], [None, 2, "128"]]
    changed = here.lambda_.update_function_configuration(FunctionName="f", Environment={"Variables": {"AA": "b"}}, MemorySize=256)
    assert (changed["LastUpdateStatus"], changed["Environment"], changed["MemorySize"]) == ("InProgress", {"Variables": {"AA": "b"}}, 256)
    assert run(here, "f") == ["b", 1, "256"]
    here.lambda_.update_function_code(FunctionName="f", ZipFile=zipped(app="def handler(event, context):\n    return 'new'\n"))
    assert run(here, "f") == "new"


def test_each_step_of_a_change_has_a_revision_of_its_own(here: Here) -> None:
    seen = [make(here, "f")["RevisionId"]]

    def now(**which: str) -> str:
        return here.lambda_.get_function_configuration(FunctionName="f", **which)["RevisionId"]

    seen.append(now())
    seen.append(here.lambda_.update_function_configuration(FunctionName="f", Description="new")["RevisionId"])
    seen.append(now())
    seen.append(here.lambda_.update_function_code(FunctionName="f", ZipFile=zipped(app=ECHO))["RevisionId"])
    seen.append(now())
    here.lambda_.tag_resource(Resource=arn("f"), Tags={"a": "1"})
    seen.append(now())
    published = here.lambda_.publish_version(FunctionName="f")["RevisionId"]
    seen += [published, now()]
    assert len(set(seen)) == len(seen) == 9
    assert now(Qualifier="1") == here.lambda_.publish_version(FunctionName="f")["RevisionId"] == published
    assert now() == seen[-1], "nothing new was published"


def test_a_stale_revision_changes_nothing(here: Here) -> None:
    make(here, "f")
    stale = here.lambda_.get_function_configuration(FunctionName="f")["RevisionId"]
    here.lambda_.update_function_configuration(FunctionName="f", Description="once", RevisionId=stale)
    assert refusal(here.lambda_.update_function_configuration, FunctionName="f", Description="twice", RevisionId=stale) == (
        "PreconditionFailedException",
        STALE,
    )
    assert here.lambda_.get_function_configuration(FunctionName="f")["Description"] == "once"


def test_a_deleted_function_leaves_nothing_behind(here: Here) -> None:
    make(here, "f", Publish=True, Tags={"a": "b"})
    here.lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    here.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=5)
    blobs = list(here.cloud.blobs.collect().glob("*/*"))
    assert len(blobs) == 1, "versions share their archive"
    assert here.lambda_.delete_function(FunctionName="f") == {"StatusCode": 204}
    here.rest()
    assert list(here.cloud.blobs.collect().glob("*/*")) == []
    assert refusal(here.lambda_.delete_function, FunctionName="f") == ("ResourceNotFoundException", f"Function not found: {arn('f')}")
    make(here, "f")
    assert here.lambda_.list_aliases(FunctionName="f") == {"Aliases": []}
    assert here.lambda_.list_tags(Resource=arn("f")) == {"Tags": {}}
    assert here.lambda_.get_function_concurrency(FunctionName="f") == {}


def test_unpacked_code_that_no_function_has_is_removed_at_the_first_call_after_a_start(here: Here, tmp_path: Path) -> None:
    make(here, "f")
    make(here, "g", "def handler(event, context):\n    return 'g'\n")
    cache = tmp_path / "region/cache/code"
    assert len(list(cache.iterdir())) == 2
    here.lambda_.delete_function(FunctionName="f")
    here.restart()
    assert run(here, "g") == "g"
    while len(list(cache.iterdir())) > 1:
        here.run(asyncio.sleep(0.001))  # a thread removes it


def test_listings_go_on_where_a_page_ended(here: Here) -> None:
    for name in ("a", "b", "c"):
        make(here, name)
    first = here.lambda_.list_functions(MaxItems=2)
    second = here.lambda_.list_functions(MaxItems=2, Marker=first["NextMarker"])
    assert [[function["FunctionName"] for function in one["Functions"]] for one in (first, second)] == [["a", "b"], ["c"]]
    assert "NextMarker" not in second


def test_functions_survive_a_restart(here: Here) -> None:
    make(here, "f")
    assert run(here, "f", 1) == 1
    here.restart()
    assert run(here, "f", 2) == 2


def test_every_version_counts_towards_the_size_of_all_code(here: Here) -> None:
    size = make(here, "f", Publish=True)["CodeSize"]
    for _ in range(2):
        here.lambda_.publish_layer_version(LayerName="l", Content={"ZipFile": zipped(app=ECHO)})
    assert here.lambda_.get_account_settings()["AccountUsage"] == {"TotalCodeSize": 4 * size, "FunctionCount": 1}


def test_levels_of_logs_are_told_where_they_are_json(here: Here) -> None:
    make(here, "f", LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "WARN"})
    group = {"LogGroup": "/aws/lambda/f"}
    levels = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN"}
    shown = here.lambda_.get_function_configuration(FunctionName="f")["LoggingConfig"]
    assert shown == {"LogFormat": "JSON"} | levels | group
    changed = here.lambda_.update_function_configuration(FunctionName="f", LoggingConfig={"LogFormat": "Text"})
    assert changed["LoggingConfig"] == {"LogFormat": "Text"} | group


def test_names_that_a_new_function_may_not_have(here: Here) -> None:
    long = "a" * 65
    message = (
        f"1 validation error detected: Value '{long}' at 'functionName' failed to satisfy constraint: "
        "Member must have length less than or equal to 64"
    )
    assert refusal(make, here=here, name=long) == ("InvalidParameterValueException", message)
    elsewhere = arn("f").replace("us-east-1", "eu-west-1")
    message = "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
    assert refusal(make, here=here, name=elsewhere) == ("ResourceNotFoundException", message)
    assert refusal(make, here=here, name=arn("f").replace("000000000000", "123456789012")) == ("AccessDeniedException", "")
    assert refusal(here.lambda_.get_function, FunctionName="a" * 257)[0] == "ValidationException"
    assert refusal(here.lambda_.get_function, FunctionName="a" * 171) == (
        "ResourceNotFoundException",
        f"Function not found: {arn('a' * 171)}",
    )
