"""Each operation refuses, with AWS's faults, what is not there, what does not fit and what is too much."""

import json
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.lambdas import arn, make, queue, refusal, zipped
from windtunnel.services.lambda_.code import archives

SIGNING = f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-{'x' * 17}"
LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:none"
UUID = "12345678-1234-1234-1234-123456789012"
ABSENT = "The resource you requested does not exist."
NO_FUNCTION = f"Function not found: {arn('none')}"
NO_CONFIG = f"The function {arn('none', '$LATEST')} doesn't have an EventInvokeConfig"
NO_SIGNING = f"The Lambda code signing configuration {SIGNING} can not be found."
STATEMENT = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"}
LAYER_STATEMENT = {"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "lambda:*", "Resource": "*"}]})


@pytest.mark.parametrize(
    ("operation", "given", "message"),
    [
        ("get_function", {}, NO_FUNCTION),
        ("get_function_configuration", {}, NO_FUNCTION),
        ("update_function_code", {"ZipFile": zipped(app="")}, NO_FUNCTION),
        ("update_function_configuration", {"Timeout": 4}, NO_FUNCTION),
        ("delete_function", {}, NO_FUNCTION),
        ("invoke", {}, f"{NO_FUNCTION}:$LATEST"),
        ("invoke", {"Qualifier": "live"}, f"{NO_FUNCTION}:live"),
        ("invoke_async", {"InvokeArgs": b"{}"}, f"{NO_FUNCTION}:$LATEST"),
        ("invoke_with_response_stream", {}, f"{NO_FUNCTION}:$LATEST"),
        ("publish_version", {}, NO_FUNCTION),
        ("list_versions_by_function", {}, NO_FUNCTION),
        ("create_alias", {"Name": "live", "FunctionVersion": "1"}, f"{NO_FUNCTION}:1"),
        ("update_alias", {"Name": "live"}, f"Alias not found: {arn('none', 'live')}"),
        ("get_alias", {"Name": "live"}, f"Cannot find alias arn: {arn('none', 'live')}"),
        ("delete_alias", {"Name": "live"}, NO_FUNCTION),
        ("list_aliases", {}, NO_FUNCTION),
        ("add_permission", STATEMENT, NO_FUNCTION),
        ("remove_permission", {"StatementId": "s"}, f"No policy found for: {arn('none')}"),
        ("get_policy", {}, ABSENT),
        ("put_function_concurrency", {"ReservedConcurrentExecutions": 1}, f"{NO_FUNCTION}:$LATEST"),
        ("get_function_concurrency", {}, NO_FUNCTION),
        ("delete_function_concurrency", {}, NO_FUNCTION),
        ("put_function_recursion_config", {"RecursiveLoop": "Allow"}, NO_FUNCTION),
        ("get_function_recursion_config", {}, NO_FUNCTION),
        ("put_provisioned_concurrency_config", {"Qualifier": "1", "ProvisionedConcurrentExecutions": 1}, f"{NO_FUNCTION}:1"),
        ("get_provisioned_concurrency_config", {"Qualifier": "1"}, f"{NO_FUNCTION}:1"),
        ("delete_provisioned_concurrency_config", {"Qualifier": "live"}, f"Cannot find alias arn: {arn('none', 'live')}"),
        ("list_provisioned_concurrency_configs", {}, NO_FUNCTION),
        ("put_function_event_invoke_config", {"MaximumRetryAttempts": 1}, "The function doesn't exist."),
        ("update_function_event_invoke_config", {"MaximumRetryAttempts": 1}, "The function doesn't exist."),
        ("get_function_event_invoke_config", {}, NO_CONFIG),
        ("delete_function_event_invoke_config", {}, NO_CONFIG),
        ("list_function_event_invoke_configs", {}, "The function doesn't exist."),
        ("create_function_url_config", {"AuthType": "NONE"}, "Function does not exist"),
        ("update_function_url_config", {"AuthType": "NONE"}, "Function does not exist"),
        ("get_function_url_config", {}, ABSENT),
        ("delete_function_url_config", {}, ABSENT),
        ("list_function_url_configs", {}, "Function does not exist"),
        ("get_function_code_signing_config", {}, NO_FUNCTION),
        ("delete_function_code_signing_config", {}, NO_FUNCTION),
        ("put_runtime_management_config", {"UpdateRuntimeOn": "Auto"}, NO_FUNCTION),
        ("get_runtime_management_config", {}, NO_FUNCTION),
    ],
)
def test_a_function_that_is_not_there_is_named(here: Here, operation: str, given: dict[str, Any], message: str) -> None:
    assert refusal(getattr(here.lambda_, operation), FunctionName="none", **given) == ("ResourceNotFoundException", message)


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (
            {"Timeout": 901},
            "ValidationException",
            "Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900",
        ),
        (
            {"EphemeralStorage": {"Size": 10241}},
            "ValidationException",
            "Value '10241' at 'ephemeralStorage.size' failed to satisfy constraint: Member must have value less than or equal to 10240",
        ),
        (
            {"MemorySize": 10241},
            "InvalidParameterValueException",
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 10240",
        ),
    ],
)
def test_a_function_without_a_capacity_provider_gets_only_so_much(here: Here, given: dict[str, Any], code: str, message: str) -> None:
    make(here, "f")
    told = refusal(here.lambda_.update_function_configuration, FunctionName="f", **given)
    assert (told[0], told[1].removeprefix("1 validation error detected: ")) == (code, message)


@pytest.mark.parametrize(
    ("operation", "given", "message"),
    [
        ("get_layer_version", {"LayerName": "none", "VersionNumber": 1}, ABSENT),
        ("get_layer_version_by_arn", {"Arn": f"{LAYER}:1"}, ABSENT),
        ("get_layer_version_policy", {"LayerName": "none", "VersionNumber": 1}, f"Layer version {LAYER}:1 does not exist."),
        (
            "add_layer_version_permission",
            {"LayerName": "none", "VersionNumber": 1, **LAYER_STATEMENT},
            f"Layer version {LAYER}:1 does not exist.",
        ),
        (
            "remove_layer_version_permission",
            {"LayerName": "none", "VersionNumber": 1, "StatementId": "s"},
            f"Layer version {LAYER}:1 does not exist.",
        ),
        ("get_event_source_mapping", {"UUID": UUID}, ABSENT),
        ("update_event_source_mapping", {"UUID": UUID}, ABSENT),
        ("delete_event_source_mapping", {"UUID": UUID}, ABSENT),
        ("get_code_signing_config", {"CodeSigningConfigArn": SIGNING}, NO_SIGNING),
        ("update_code_signing_config", {"CodeSigningConfigArn": SIGNING}, NO_SIGNING),
        ("delete_code_signing_config", {"CodeSigningConfigArn": SIGNING}, NO_SIGNING),
        ("list_functions_by_code_signing_config", {"CodeSigningConfigArn": SIGNING}, NO_SIGNING),
        ("put_resource_policy", {"ResourceArn": arn("none"), "Policy": DOCUMENT}, NO_FUNCTION),
        ("get_resource_policy", {"ResourceArn": arn("none")}, NO_FUNCTION),
        ("delete_resource_policy", {"ResourceArn": arn("none")}, NO_FUNCTION),
    ],
)
def test_a_layer_a_mapping_or_a_configuration_that_is_not_there_is_refused(
    here: Here, operation: str, given: dict[str, Any], message: str
) -> None:
    assert refusal(getattr(here.lambda_, operation), **given) == ("ResourceNotFoundException", message)


@pytest.mark.parametrize("operation", ["list_tags", "tag_resource", "untag_resource"])
@pytest.mark.parametrize(
    ("resource", "message"),
    [
        (arn("none"), f"Function not found: {arn('none')}"),
        (f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{UUID}", "Event source mapping not found: {}"),
        (SIGNING, "Code signing config not found: {}"),
        (f"arn:aws:lambda:{REGION}:{ACCOUNT}:capacity-provider:fleet", "Capacity provider not found: {}"),
    ],
)
def test_tags_of_what_is_not_there_are_refused(here: Here, operation: str, resource: str, message: str) -> None:
    given: dict[str, Any] = {"tag_resource": {"Tags": {"a": "b"}}, "untag_resource": {"TagKeys": ["a"]}}.get(operation, {})
    refused = refusal(getattr(here.lambda_, operation), Resource=resource, **given)
    assert refused == ("ResourceNotFoundException", message.format(resource))


@pytest.mark.parametrize("operation", ["list_tags", "tag_resource", "untag_resource"])
def test_versions_have_no_tags(here: Here, operation: str) -> None:
    make(here, "f", Publish=True)
    given: dict[str, Any] = {"tag_resource": {"Tags": {"a": "b"}}, "untag_resource": {"TagKeys": ["a"]}}.get(operation, {})
    assert refusal(getattr(here.lambda_, operation), Resource=arn("f", "1"), **given) == (
        "InvalidParameterValueException",
        "Tags on function aliases and versions are not supported. Please specify a function ARN.",
    )


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("get_function", {}),
        ("get_function_configuration", {}),
        ("delete_function", {}),
        ("invoke", {}),
        ("invoke_with_response_stream", {}),
        ("add_permission", STATEMENT),
        ("remove_permission", {"StatementId": "s"}),
        ("get_policy", {}),
        ("put_function_event_invoke_config", {"MaximumRetryAttempts": 1}),
        ("update_function_event_invoke_config", {"MaximumRetryAttempts": 1}),
        ("get_function_event_invoke_config", {}),
        ("delete_function_event_invoke_config", {}),
        ("create_function_url_config", {"AuthType": "NONE"}),
        ("update_function_url_config", {}),
        ("get_function_url_config", {}),
        ("delete_function_url_config", {}),
        ("put_provisioned_concurrency_config", {"ProvisionedConcurrentExecutions": 1}),
        ("get_provisioned_concurrency_config", {}),
        ("delete_provisioned_concurrency_config", {}),
        ("put_runtime_management_config", {"UpdateRuntimeOn": "Auto"}),
        ("get_runtime_management_config", {}),
    ],
)
def test_a_qualifier_in_the_name_must_be_the_one_beside_it(here: Here, operation: str, given: dict[str, Any]) -> None:
    refused = refusal(getattr(here.lambda_, operation), FunctionName=arn("f", "one"), Qualifier="other", **given)
    message = "The derived qualifier from the function name does not match the specified qualifier."
    assert refused == ("InvalidParameterValueException", message)


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("list_functions", {}),
        ("list_functions", {"FunctionVersion": "ALL"}),
        ("list_versions_by_function", {"FunctionName": "f"}),
        ("list_aliases", {"FunctionName": "f"}),
        ("list_aliases", {"FunctionName": "f", "FunctionVersion": "1"}),
        ("list_function_event_invoke_configs", {"FunctionName": "f"}),
        ("list_function_url_configs", {"FunctionName": "f"}),
        ("list_provisioned_concurrency_configs", {"FunctionName": "f"}),
        ("list_event_source_mappings", {}),
        ("list_layers", {}),
        ("list_layer_versions", {"LayerName": "l"}),
        ("list_code_signing_configs", {}),
    ],
)
def test_a_marker_that_no_listing_gave_is_refused(here: Here, operation: str, given: dict[str, Any]) -> None:
    make(here, "f")
    refused = refusal(getattr(here.lambda_, operation), Marker="no marker", **given)
    assert refused == ("InvalidParameterValueException", "Invalid marker.")


def test_a_marker_goes_on_where_it_came_from_and_nowhere_else(here: Here) -> None:
    for name in ("f", "g"):
        make(here, name, Publish=True)
    marker = here.lambda_.list_versions_by_function(FunctionName="f", MaxItems=1)["NextMarker"]
    (rest,) = here.lambda_.list_versions_by_function(FunctionName="f", Marker=marker)["Versions"]
    assert rest["Version"] == "1"
    refused = refusal(here.lambda_.list_versions_by_function, FunctionName="g", Marker=marker)
    assert refused == ("InvalidParameterValueException", "Invalid marker.")


@pytest.mark.parametrize(
    ("operation", "given", "what", "asked"),
    [
        ("update_function_code", {"ZipFile": zipped(app="")}, "FunctionName", "GetFunction/GetAlias"),
        ("update_function_configuration", {"Timeout": 4}, "FunctionName", "GetFunction/GetAlias"),
        ("publish_version", {}, "FunctionName", "GetFunction/GetAlias"),
        ("update_alias", {"Name": "live"}, "FunctionName", "GetFunction/GetAlias"),
        ("add_permission", STATEMENT, "FunctionName", "GetPolicy"),
        ("remove_permission", {"StatementId": "there"}, "FunctionName", "GetPolicy"),
        ("put_resource_policy", {"Policy": DOCUMENT}, "ResourceArn", "GetResourcePolicy"),
        ("delete_resource_policy", {}, "ResourceArn", "GetResourcePolicy"),
        ("add_layer_version_permission", {"VersionNumber": 1, **LAYER_STATEMENT}, "LayerName", "GetLayerPolicy"),
        ("remove_layer_version_permission", {"VersionNumber": 1, "StatementId": "there"}, "LayerName", "GetLayerPolicy"),
    ],
)
def test_another_revision_than_the_current_one_is_refused(here: Here, operation: str, given: dict[str, Any], what: str, asked: str) -> None:
    make(here, "f", Publish=True)
    here.lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    here.lambda_.add_permission(FunctionName="f", **STATEMENT | {"StatementId": "there"})
    here.lambda_.publish_layer_version(LayerName="f", Content={"ZipFile": zipped(app="")})
    here.lambda_.add_layer_version_permission(LayerName="f", VersionNumber=1, **LAYER_STATEMENT | {"StatementId": "there"})
    name = arn("f") if what == "ResourceArn" else "f"
    assert refusal(getattr(here.lambda_, operation), **{what: name}, RevisionId=UUID, **given) == (
        "PreconditionFailedException",
        f"The Revision Id provided does not match the latest Revision Id. Call the {asked} API to retrieve the latest Revision Id",
    )


@pytest.mark.parametrize(
    ("operation", "given", "message"),
    [
        ("update_function_configuration", {"Runtime": "cobol74"}, "Value cobol74 at 'runtime' failed to satisfy constraint"),
        (
            "update_function_configuration",
            {"DeadLetterConfig": {"TargetArn": arn("g")}},
            f"The provided dead letter configuration {arn('g')}",
        ),
        ("update_function_code", {"ZipFile": b"no zip"}, "Could not unzip uploaded file."),
        ("update_function_code", {"ImageUri": "image"}, "Please don't provide ImageUri when updating a function with packageType Zip."),
        ("update_function_code", {}, "Please provide a source for function code."),
        ("publish_version", {"CodeSha256": "other"}, "CodeSHA256 (other) is different from current CodeSHA256 in $LATEST"),
        ("delete_function", {"Qualifier": "$LATEST"}, "$LATEST version cannot be deleted without deleting the function."),
        ("delete_function", {"Qualifier": "live"}, "Deletion of aliases is not currently supported."),
        ("add_permission", {**STATEMENT, "Principal": "nobody"}, "The provided principal was invalid."),
        ("add_permission", {**STATEMENT, "Qualifier": "$LATEST"}, "We currently do not support adding policies for $LATEST."),
        ("put_function_event_invoke_config", {}, "You must specify at least one of error handling or destination setting."),
        ("update_function_event_invoke_config", {}, "You must specify at least one of error handling"),
        ("put_runtime_management_config", {"UpdateRuntimeOn": "Manual"}, "RuntimeVersionArn is required when UpdateRuntimeOn is Manual."),
        ("update_alias", {"Name": "live", "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}}, "Invalid function version 1."),
        ("put_provisioned_concurrency_config", {"Qualifier": "$LATEST", "ProvisionedConcurrentExecutions": 1}, "Provisioned Concurrency"),
        ("get_provisioned_concurrency_config", {"Qualifier": "$LATEST"}, "The function resource provided must be an alias or a published"),
        ("delete_provisioned_concurrency_config", {"Qualifier": "$LATEST"}, "The function resource provided must be an alias or a pub"),
        (
            "put_function_concurrency",
            {"ReservedConcurrentExecutions": 901},
            "Specified ReservedConcurrentExecutions for function decreases",
        ),
    ],
)
def test_what_a_function_may_not_be_told_is_refused(here: Here, operation: str, given: dict[str, Any], message: str) -> None:
    make(here, "f", Publish=True)
    here.lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    here.lambda_.put_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=60)
    code, said = refusal(getattr(here.lambda_, operation), FunctionName="f", **given)
    assert (code, said[: len(message)]) == ("InvalidParameterValueException", message)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"BatchSize": 11}, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "["}]}}, "Invalid filter pattern definition."),
        ({"FunctionName": "none"}, "Function does not exist"),
    ],
)
def test_a_mapping_is_not_changed_to_what_it_could_not_be(here: Here, given: dict[str, Any], message: str) -> None:
    make(here, "f")
    _, source = queue(here, "q")
    uuid = here.lambda_.create_event_source_mapping(FunctionName="f", EventSourceArn=source)["UUID"]
    before = here.lambda_.get_event_source_mapping(UUID=uuid)
    refused = refusal(here.lambda_.update_event_source_mapping, UUID=uuid, **given)
    assert refused == ("InvalidParameterValueException", message)
    assert here.lambda_.get_event_source_mapping(UUID=uuid) == before


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("get_layer_version", {"LayerName": "l", "VersionNumber": 0}),
        ("delete_layer_version", {"LayerName": "l", "VersionNumber": -1}),
        ("get_layer_version_by_arn", {"Arn": f"{LAYER}:0"}),
    ],
)
def test_versions_of_layers_begin_with_one(here: Here, operation: str, given: dict[str, Any]) -> None:
    refused = refusal(getattr(here.lambda_, operation), **given)
    assert refused == ("InvalidParameterValueException", "Layer Version Cannot be less than 1")


def test_all_that_is_wrong_with_a_layer_is_said_at_once(here: Here) -> None:
    given = {"CompatibleRuntimes": ["cobol74", "python3.12"], "CompatibleArchitectures": ["vax"]}
    code, message = refusal(here.lambda_.publish_layer_version, LayerName="l", Content={"ZipFile": zipped(app="")}, **given)
    runtimes, architectures = message.split("; ")
    assert code == "ValidationException"
    assert runtimes.startswith(
        "2 validation errors detected: Value '[cobol74, python3.12]' at 'compatibleRuntimes' failed to satisfy constraint: "
        "Member must satisfy enum value set: [nodejs20.x, "
    )
    assert architectures == (
        "Value '[vax]' at 'compatibleArchitectures' failed to satisfy constraint: Member must satisfy constraint: "
        "[Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"
    )
    del given["CompatibleRuntimes"]
    code, message = refusal(here.lambda_.publish_layer_version, LayerName="l", Content={"ZipFile": zipped(app="")}, **given)
    assert message == f"1 validation error detected: {architectures}"
    refused = refusal(here.lambda_.publish_layer_version, LayerName="l", Content={"ZipFile": b"no zip"})
    message = "Could not unzip uploaded file. Please check your file, then try to upload again."
    assert refused == ("InvalidParameterValueException", message)


def test_a_layer_may_be_for_runtimes_that_functions_cannot_have_any_more(here: Here) -> None:
    runtimes = ["nodejs14.x", "python3.7", "go1.x"]
    made = here.lambda_.publish_layer_version(LayerName="l", Content={"ZipFile": zipped(app="")}, CompatibleRuntimes=runtimes)
    assert made["CompatibleRuntimes"] == runtimes


def test_what_is_wrong_with_a_request_is_said_before_what_is_there_and_what_is_not(here: Here) -> None:
    nothing = ("InvalidParameterValueException", "You must specify at least one of error handling or destination setting.")
    assert refusal(here.lambda_.put_function_event_invoke_config, FunctionName="none") == nothing
    make(here, "f")
    layer = f"arn:aws:lambda:ap-south-1:{ACCOUNT}:layer:l:1"
    elsewhere = f"Layers are not in the same region as the function. Layers are expected to be in region {REGION}."
    assert refusal(make, here=here, name="f", Layers=[layer]) == ("InvalidParameterValueException", elsewhere)


def test_unpacked_code_is_smaller_than_the_limit(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "UNZIPPED_BYTES_MAX", 100)
    make(here, "fits", "#" * 99)
    refused = refusal(make, here=here, name="f", code="#" * 100)
    assert refused == ("InvalidParameterValueException", "Unzipped size must be smaller than 100 bytes")


def test_kafka_is_not_polled_and_that_is_said(here: Here) -> None:
    make(here, "f")
    servers = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka.example.com:1000"]}}
    refused = refusal(here.lambda_.create_event_source_mapping, FunctionName="f", SelfManagedEventSource=servers, Topics=["orders"])
    assert refused == ("NotImplemented", "windtunnel polls queues and streams only, not yet Kafka.")


def test_a_statement_is_added_once_and_removed_once(here: Here) -> None:
    make(here, "f")
    here.lambda_.publish_layer_version(LayerName="l", Content={"ZipFile": zipped(app="")})
    layer = {"LayerName": "l", "VersionNumber": 1}
    none = ("ResourceNotFoundException", "No policy is associated with the given resource.")
    assert refusal(here.lambda_.remove_permission, FunctionName="f", StatementId="s") == none
    assert refusal(here.lambda_.get_layer_version_policy, **layer) == none
    assert refusal(here.lambda_.remove_layer_version_permission, **layer, StatementId="s") == none
    here.lambda_.add_layer_version_permission(**layer, **LAYER_STATEMENT)
    assert refusal(here.lambda_.add_layer_version_permission, **layer, **LAYER_STATEMENT) == (
        "ResourceConflictException",
        "The statement id (s) provided already exists. Please provide a new statement id, or remove the existing statement.",
    )
    missing = ("ResourceNotFoundException", "Statement other is not found in resource policy.")
    assert refusal(here.lambda_.remove_layer_version_permission, **layer, StatementId="other") == missing


def test_a_function_has_one_url(here: Here) -> None:
    make(here, "f")
    here.lambda_.create_function_url_config(FunctionName="f", AuthType="NONE")
    assert refusal(here.lambda_.create_function_url_config, FunctionName="f", AuthType="AWS_IAM") == (
        "ResourceConflictException",
        (
            f"Failed to create function url config for [functionArn = {arn('f')}]. "
            "Error message:  FunctionUrlConfig exists for this Lambda function"
        ),
    )


def test_a_code_signing_configuration_that_is_not_there_signs_nothing(here: Here) -> None:
    message = f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {SIGNING}."
    refused = ("CodeSigningConfigNotFoundException", message)
    assert refusal(make, here=here, name="f", CodeSigningConfigArn=SIGNING) == refused
    make(here, "f")
    assert refusal(here.lambda_.put_function_code_signing_config, FunctionName="f", CodeSigningConfigArn=SIGNING) == refused
    made = here.lambda_.create_code_signing_config(
        AllowedPublishers={"SigningProfileVersionArns": [f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/test"]}
    )["CodeSigningConfig"]["CodeSigningConfigArn"]
    refused = ("ResourceNotFoundException", NO_FUNCTION)
    assert refusal(here.lambda_.put_function_code_signing_config, FunctionName="none", CodeSigningConfigArn=made) == refused
    refused = ("InvalidParameterValueException", "Invalid marker.")
    assert refusal(here.lambda_.list_functions_by_code_signing_config, CodeSigningConfigArn=made, Marker="no marker") == refused


def test_a_policy_has_twenty_kilobytes(here: Here) -> None:
    make(here, "f")
    here.lambda_.publish_layer_version(LayerName="l", Content={"ZipFile": zipped(app="")})
    document = json.loads(DOCUMENT)

    def sized(size: int) -> str:
        """A document that is so long where it is kept, beside its `Id`."""
        document["Statement"][0]["Sid"] = ""
        kept = json.dumps({**document, "Id": "default"}, separators=(",", ":"))
        document["Statement"][0]["Sid"] = "x" * (size - len(kept))
        return json.dumps(document, separators=(",", ":"))

    code, message = refusal(here.lambda_.put_resource_policy, ResourceArn=arn("f"), Policy=sized(20_481))
    assert (code, message) == ("PolicyLengthExceededException", "The final policy size (20481) is bigger than the limit (20480).")
    put = here.lambda_.put_resource_policy(ResourceArn=arn("f"), Policy=sized(20_480))
    assert refusal(here.lambda_.add_permission, FunctionName="f", **STATEMENT)[0] == code
    assert here.lambda_.get_policy(FunctionName="f") == put
    layer = {**LAYER_STATEMENT, "LayerName": "l", "VersionNumber": 1}

    def fill() -> None:
        for number in range(100):
            here.lambda_.add_layer_version_permission(**layer | {"StatementId": f"{number:0100}"})

    assert refusal(fill)[0] == code
    kept = here.lambda_.get_layer_version_policy(LayerName="l", VersionNumber=1)["Policy"]
    assert 20_200 < len(kept) <= 20_480


def test_the_code_of_an_account_has_a_limit(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    size = make(here, "f", Publish=True)["CodeSize"]
    monkeypatch.setattr(archives, "TOTAL_CODE_BYTES_MAX", 3 * size)
    content = {"ZipFile": zipped(app="def handler(event, context):\n    return 'more'\n" * 9)}
    refused = ("CodeStorageExceededException", "Code storage limit exceeded.")
    assert refusal(make, here=here, name="g", Code=content) == refused
    assert refusal(here.lambda_.publish_layer_version, LayerName="l", Content=content) == refused
    assert refusal(here.lambda_.update_function_code, FunctionName="f", **content) == refused
    here.lambda_.update_function_configuration(FunctionName="f", Timeout=7)
    here.lambda_.publish_version(FunctionName="f")
    here.lambda_.update_function_configuration(FunctionName="f", Timeout=8)
    assert refusal(here.lambda_.publish_version, FunctionName="f") == refused
    here.lambda_.delete_function(FunctionName="f", Qualifier="1")
    assert here.lambda_.publish_version(FunctionName="f")["Version"] == "3"
    assert here.lambda_.get_account_settings()["AccountUsage"] == {"TotalCodeSize": 3 * size, "FunctionCount": 1}
    here.lambda_.delete_function(FunctionName="f")
    assert here.lambda_.get_account_settings()["AccountUsage"] == {"TotalCodeSize": 0, "FunctionCount": 0}


def test_container_images_are_not_run_and_that_is_said(here: Here) -> None:
    image = {"FunctionName": "f", "Role": f"arn:aws:iam::{ACCOUNT}:role/runs", "PackageType": "Image", "Code": {"ImageUri": "image"}}
    message = "windtunnel runs functions of package type Zip only, not container images."
    assert refusal(here.lambda_.create_function, **image) == ("NotImplemented", message)
    assert here.lambda_.list_functions() == {"Functions": []}


@pytest.mark.parametrize("operation", ["invoke", "invoke_with_response_stream"])
def test_an_event_is_json_and_not_too_long(here: Here, operation: str) -> None:
    make(here, "f")
    call = getattr(here.lambda_, operation)
    code, message = refusal(call, FunctionName="f", Payload=b"{no json")
    assert (code, message.split(": ")[0]) == ("InvalidRequestContentException", "Could not parse request body into json")
    assert refusal(call, FunctionName="f", ClientContext="no base64") == (
        "InvalidRequestContentException",
        "Client context must be a valid Base64-encoded JSON object.",
    )
    assert refusal(call, FunctionName="f", Payload=b'"' + b"x" * 6_291_456 + b'"') == (
        "RequestTooLargeException",
        "6294958 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)",
    )
