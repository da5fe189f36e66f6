"""Versions, aliases, layers, policies and tags: what a function goes by and what belongs to it."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.lambdas import arn, make, refusal, run, zipped

TWICE = "Invalid function version 1. Function version 1 is already included in routing configuration."
SAYS = "def handler(event, context):\n    return {!r}\n"


def change(here: Here, text: str) -> None:
    here.lambda_.update_function_code(FunctionName="f", ZipFile=zipped(app=SAYS.format(text)))


def test_a_version_stays_as_it_was_published(here: Here) -> None:
    make(here, "f", SAYS.format("one"))
    published = here.lambda_.publish_version(FunctionName="f", Description="first")
    assert (published["Version"], published["FunctionArn"], published["Description"]) == ("1", arn("f", "1"), "first")
    change(here, "two")
    assert [run(here, "f", Qualifier="1"), run(here, "f"), run(here, "f:1"), run(here, arn("f", "$LATEST"))] == ["one", "two", "one", "two"]
    assert here.lambda_.invoke(FunctionName="f", Qualifier="1")["ExecutedVersion"] == "1"


def test_publishing_what_has_not_changed_gives_the_last_version_again(here: Here) -> None:
    make(here, "f", Publish=True)
    assert here.lambda_.publish_version(FunctionName="f")["Version"] == "1"
    change(here, "new")
    assert here.lambda_.publish_version(FunctionName="f")["Version"] == "2"
    here.lambda_.delete_function(FunctionName="f", Qualifier="2")
    assert here.lambda_.publish_version(FunctionName="f")["Version"] == "3", "numbers are not given twice"
    versions = here.lambda_.list_versions_by_function(FunctionName="f")["Versions"]
    assert [version["FunctionArn"] for version in versions] == [arn("f", qualifier) for qualifier in ("$LATEST", "1", "3")]


def test_another_description_is_a_change_but_not_one_that_was_given_when_publishing(here: Here) -> None:
    make(here, "f")
    assert here.lambda_.publish_version(FunctionName="f", Description="first")["Version"] == "1"
    assert here.lambda_.publish_version(FunctionName="f", Description="other words")["Version"] == "1"
    here.lambda_.update_function_configuration(FunctionName="f", Description="changed")
    published = [here.lambda_.publish_version(FunctionName="f", **given) for given in ({}, {"Description": "third"})]
    assert [(version["Version"], version["Description"]) for version in published] == [("2", "changed"), ("2", "changed")]


def test_a_name_with_two_qualifiers_must_mean_one(here: Here) -> None:
    make(here, "f", Publish=True)
    message = "The derived qualifier from the function name does not match the specified qualifier."
    assert refusal(here.lambda_.get_function, FunctionName="f:1", Qualifier="2") == ("InvalidParameterValueException", message)


def test_an_alias_moves_from_version_to_version(here: Here) -> None:
    make(here, "f", SAYS.format("one"), Publish=True)
    made = here.lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    assert made == {
        "AliasArn": arn("f", "live"),
        "Name": "live",
        "FunctionVersion": "1",
        "Description": "",
        "RevisionId": made["RevisionId"],
    }
    change(here, "two")
    here.lambda_.publish_version(FunctionName="f")
    assert run(here, "f", Qualifier="live") == "one"
    moved = here.lambda_.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
    assert moved == made | {"FunctionVersion": "2", "RevisionId": moved["RevisionId"]} != made
    assert run(here, "f", Qualifier="live") == "two"
    assert here.lambda_.list_aliases(FunctionName="f", FunctionVersion="1") == {"Aliases": []}
    assert here.lambda_.list_aliases(FunctionName="f", FunctionVersion="2") == {"Aliases": [moved]}
    assert refusal(here.lambda_.delete_function, FunctionName="f", Qualifier="2")[0] == "ResourceConflictException"


def test_an_alias_with_weights_sends_a_share_to_the_other_version(here: Here) -> None:
    make(here, "f", SAYS.format("one"), Publish=True)
    change(here, "two")
    here.lambda_.publish_version(FunctionName="f")
    here.lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}})
    seen = Counter(run(here, "f", Qualifier="live") for _ in range(80))
    assert 8 <= seen["two"] <= 32, seen
    assert seen["one"] + seen["two"] == 80


@pytest.mark.parametrize(
    ("versions", "code", "message"),
    [
        (("10", None), "ResourceNotFoundException", f"Function not found: {arn('f', '10')}"),
        (("$LATEST", "1"), "InvalidParameterValueException", "$LATEST is not supported for an alias pointing to more than 1 version"),
        (("1", "1"), "InvalidParameterValueException", TWICE),
    ],
)
def test_what_is_wrong_with_an_alias_is_said_in_aws_words(here: Here, versions: tuple[str, Any], code: str, message: str) -> None:
    make(here, "f", Publish=True)
    first, other = versions
    routing = {"RoutingConfig": {"AdditionalVersionWeights": {other: 0.5}}} if other else {}
    assert refusal(here.lambda_.create_alias, FunctionName="f", Name="live", FunctionVersion=first, **routing) == (code, message)


def test_an_alias_is_made_once(here: Here) -> None:
    make(here, "f", Publish=True)
    here.lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    assert refusal(here.lambda_.create_alias, FunctionName="f", Name="live", FunctionVersion="1") == (
        "ResourceConflictException",
        f"Alias already exists: {arn('f', 'live')}",
    )


def test_a_layer_lends_its_files_to_functions(here: Here) -> None:
    content = {"ZipFile": zipped(**{"python/shared.py": "WORD = 'from the layer'\n"})}
    layer = here.lambda_.publish_layer_version(LayerName="shared", Content=content, CompatibleRuntimes=["python3.11"])
    layer_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:shared"
    assert layer == {
        "LayerArn": layer_arn,
        "LayerVersionArn": f"{layer_arn}:1",
        "Version": 1,
        "Description": "",
        "CreatedDate": "2026-01-01T00:00:00.000+0000",
        "CompatibleRuntimes": ["python3.11"],
        "Content": layer["Content"],
    }
    make(here, "f", "import shared\ndef handler(event, context):\n    return shared.WORD\n", Layers=[f"{layer_arn}:1"])
    assert run(here, "f") == "from the layer"
    here.lambda_.delete_layer_version(LayerName="shared", VersionNumber=1)
    here.restart()
    assert run(here, "f") == "from the layer", "a function keeps what it was made with"
    assert here.lambda_.list_layers() == {"Layers": []}
    assert here.lambda_.publish_layer_version(LayerName="shared", Content=content)["Version"] == 2


def test_a_policy_grows_and_shrinks_by_statements(here: Here) -> None:
    make(here, "f")
    bucket = "arn:aws:s3:::pictures"
    request = {"FunctionName": "f", "Action": "lambda:InvokeFunction"}
    added = here.lambda_.add_permission(**request, StatementId="s3", Principal="s3.amazonaws.com", SourceArn=bucket, SourceAccount=ACCOUNT)
    statement = {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": arn("f"),
        "Condition": {"StringEquals": {"AWS:SourceAccount": ACCOUNT}, "ArnLike": {"AWS:SourceArn": bucket}},
    }
    assert json.loads(added["Statement"]) == statement
    other = json.loads(here.lambda_.add_permission(**request, StatementId="all", Principal=ACCOUNT)["Statement"])
    assert other["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    policy = here.lambda_.get_policy(FunctionName="f")
    assert json.loads(policy["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": [statement, other]}
    assert refusal(here.lambda_.add_permission, **request, StatementId="s3", Principal="*") == (
        "ResourceConflictException",
        "The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing statement.",
    )
    for sid in ("s3", "all"):
        here.lambda_.remove_permission(FunctionName="f", StatementId=sid)
    assert refusal(here.lambda_.get_policy, FunctionName="f") == ("ResourceNotFoundException", "The resource you requested does not exist.")


def test_tags_are_of_the_function_and_not_of_its_versions(here: Here) -> None:
    make(here, "f", Tags={"a": "1"}, Publish=True)
    here.lambda_.tag_resource(Resource=arn("f"), Tags={"b": "2"})
    here.lambda_.untag_resource(Resource=arn("f"), TagKeys=["a"])
    assert here.lambda_.list_tags(Resource=arn("f")) == {"Tags": {"b": "2"}}
    assert here.lambda_.get_function(FunctionName="f")["Tags"] == {"b": "2"}
    assert refusal(here.lambda_.tag_resource, Resource=arn("f", "1"), Tags={"c": "3"}) == (
        "InvalidParameterValueException",
        "Tags on function aliases and versions are not supported. Please specify a function ARN.",
    )


def test_a_policy_lets_another_account_work_with_a_function(here: Here) -> None:
    make(here, "f")
    other = here.at(account="123456789012").lambda_
    assert refusal(other.get_function_configuration, FunctionName=arn("f"))[0] == "AccessDeniedException"
    assert refusal(other.invoke, FunctionName=arn("f")) == (
        "AccessDeniedException",
        (
            f"User: arn:aws:iam::123456789012:root is not authorized to perform: lambda:InvokeFunction on resource: {arn('f')} because no "
            "resource-based policy allows the lambda:InvokeFunction action"
        ),
    )
    given = {"Principal": "123456789012", "StatementId": "other"}
    here.lambda_.add_permission(FunctionName="f", Action="lambda:GetFunctionConfiguration", **given)
    assert other.get_function_configuration(FunctionName=arn("f"))["FunctionArn"] == arn("f")
    assert refusal(other.delete_function, FunctionName=arn("f"))[0] == "AccessDeniedException", "that was not granted"
    here.lambda_.add_permission(FunctionName="f", Action="lambda:*", **given | {"StatementId": "all"})
    assert other.invoke(FunctionName=arn("f"))["StatusCode"] == 200
    other.create_alias(FunctionName=arn("f"), Name="live", FunctionVersion="$LATEST")
    assert [alias["Name"] for alias in here.lambda_.list_aliases(FunctionName="f")["Aliases"]] == ["live"]
    other.tag_resource(Resource=arn("f"), Tags={"a": "1", "b": "2"})
    other.untag_resource(Resource=arn("f"), TagKeys=["a"])
    assert here.lambda_.list_tags(Resource=arn("f")) == other.list_tags(Resource=arn("f")) == {"Tags": {"b": "2"}}
    elsewhere = arn("f").replace(REGION, "ap-south-1")
    assert refusal(here.lambda_.list_tags, Resource=elsewhere) == ("ResourceNotFoundException", f"Function not found: {elsewhere}")
    other.delete_function(FunctionName=arn("f"))
    assert here.lambda_.list_functions() == {"Functions": []}


def test_reserved_concurrency_leaves_a_hundred_to_the_others(here: Here) -> None:
    make(here, "f")
    make(here, "g")
    here.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=800)
    message = (
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum "
        "value of [100]."
    )
    request = {"FunctionName": "g", "ReservedConcurrentExecutions": 101}
    assert refusal(here.lambda_.put_function_concurrency, **request) == ("InvalidParameterValueException", message)
    limit = here.lambda_.get_account_settings()["AccountLimit"]
    assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (1000, 200)


def test_a_function_url_has_a_configuration(here: Here) -> None:
    make(here, "f")
    made = here.lambda_.create_function_url_config(FunctionName="f", AuthType="NONE")
    got = here.lambda_.get_function_url_config(FunctionName="f")
    assert got == made | {"LastModifiedTime": got["LastModifiedTime"], "InvokeMode": "BUFFERED"}, "only what was given is answered at first"
    changed = here.lambda_.update_function_url_config(FunctionName="f", InvokeMode="RESPONSE_STREAM")
    assert changed == got | {"InvokeMode": "RESPONSE_STREAM"} == here.lambda_.update_function_url_config(FunctionName="f")
    assert made["FunctionUrl"].endswith(f".lambda-url.{REGION}.localhost:4566/")
    here.lambda_.delete_function_url_config(FunctionName="f")
    assert here.lambda_.list_function_url_configs(FunctionName="f") == {"FunctionUrlConfigs": []}


def test_provisioned_concurrency_is_of_a_version_or_of_an_alias(here: Here) -> None:
    make(here, "f", Publish=True)
    here.lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    number = {"ProvisionedConcurrentExecutions": 5}
    put = here.lambda_.put_provisioned_concurrency_config(FunctionName="f", Qualifier="live", **number)
    assert (put["Status"], put["AvailableProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 0)
    here.rest()
    assert here.lambda_.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live") == {
        "RequestedProvisionedConcurrentExecutions": 5,
        "AvailableProvisionedConcurrentExecutions": 5,
        "AllocatedProvisionedConcurrentExecutions": 5,
        "Status": "READY",
        "LastModified": "2026-01-01T00:00:00.000+0000",
    }
    assert refusal(here.lambda_.put_provisioned_concurrency_config, FunctionName="f", Qualifier="1", **number) == (
        "ResourceConflictException",
        "Version is pointed by a Provisioned Concurrency alias",
    )
    assert refusal(here.lambda_.put_function_concurrency, FunctionName="f", ReservedConcurrentExecutions=1) == (
        "InvalidParameterValueException",
        " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [5].",
    )
    here.lambda_.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    assert here.lambda_.list_provisioned_concurrency_configs(FunctionName="f") == {"ProvisionedConcurrencyConfigs": []}


def test_tools_that_ask_about_runtimes_and_signatures_are_answered(here: Here) -> None:
    make(here, "f")
    assert here.lambda_.get_function_code_signing_config(FunctionName="f") == {}
    assert here.lambda_.get_runtime_management_config(FunctionName="f") == {"UpdateRuntimeOn": "Auto", "FunctionArn": arn("f", "$LATEST")}
    here.lambda_.put_runtime_management_config(FunctionName="f", UpdateRuntimeOn="FunctionUpdate")
    assert here.lambda_.get_runtime_management_config(FunctionName="f")["UpdateRuntimeOn"] == "FunctionUpdate"
