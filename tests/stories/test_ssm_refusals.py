"""What Systems Manager refuses, operation by operation: each case its request, its code and its sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, Here
from tests.stories.refusals import Case, filled, one_region, refusal, untold
from windtunnel.services.ssm.parameters import tiers
from windtunnel.services.ssm.parameters.rules import BAD_PATH, TIERS_PAGE

ARN = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter"
NEW = {"Name": "new", "Value": "v", "Type": "String"}
BAD_NAME = (
    'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash'
    " symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_"
)
REGIONS = "/aws/service/global-infrastructure/regions"
TOKEN = "The specified token isn't valid."
NO_VERSION = "Systems Manager could not find version 9 of db. Verify the version and try again."
RESOURCE_ID = "The resource ID isn't valid. Verify that you entered the correct ID and try again."
OFF = (
    f"arn:aws:kms:us-east-1:{ACCOUNT}:key/$key is disabled. (Service: AWSKMS; Status Code: 400; Error Code: DisabledException; Proxy: null)"
)
NO_KEY = (
    f"Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/none is not found. (Service: AWSKMS; Status Code: 400; Error Code: NotFoundException;"
    " Proxy: null)"
)
NO_HASH = "No policies with the specified policy ID and hash could be found."
OLD_HASH = "The hash provided in the call doesn't match the stored hash."
NOT_SHARED = "The specified parameter to be shared could not be found."
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]})
RESERVED = (
    'Filters for common parameters can\'t be prefixed with "aws" or "ssm" (case-insensitive). When using global parameters, please specify'
    " within a global namespace."
)
EXPIRATION = {"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": "2027-01-01T00:00:00.000Z"}}
NOTICE = {"Type": "ExpirationNotification", "Version": "1.0", "Attributes": {"Before": "1", "Unit": "Days"}}
NO_CHANGE = {"Type": "NoChangeNotification", "Version": "1.0", "Attributes": {"After": "1", "Unit": "Days"}}
POLICY_FAULT = "InvalidPolicyAttributeException"


def _policies(*policies: Any) -> dict[str, str]:
    return {**NEW, "Tier": "Advanced", "Policies": json.dumps(policies)}


def _filtered(key: str, *values: str, **more: Any) -> dict[str, Any]:
    return {"ParameterFilters": [{"Key": key, "Values": list(values), **more}]}


CASES: list[Case] = [
    *((name, {"Name": "none", **more}, "ParameterNotFound", "") for name, more in (
        ("get_parameter", {}),
        ("get_parameter_history", {}),
        ("delete_parameter", {}),
        ("label_parameter_version", {"Labels": ["a"]}),
        ("unlabel_parameter_version", {"Labels": ["a"], "ParameterVersion": 1}),
    )),
    ("get_parameter", {"Name": "/aws/service/none"}, "ParameterNotFound", ""),
    *((name, {"Name": "a/b", **more}, "ValidationException", BAD_NAME) for name, more in (
        ("get_parameter", {}),
        ("get_parameter_history", {}),
        ("delete_parameter", {}),
        ("put_parameter", {"Value": "v"}),
    )),
    *((name, {"Name": f"{ARN}/db", **more}, "ValidationException", "Parameter name can't be an ARN.") for name, more in (
        ("delete_parameter", {}),
        ("label_parameter_version", {"Labels": ["a"]}),
    )),
    ("get_parameter", {"Name": "arn:aws:ssm:eu-west-1:000000000000:parameter/db"}, "ValidationException", (
        "The parameter ARN arn:aws:ssm:eu-west-1:000000000000:parameter/db is not valid."
    )),
    ("get_parameter", {"Name": "db:9"}, "ParameterVersionNotFound", NO_VERSION),
    ("get_parameter", {"Name": "db:live"}, "ParameterVersionNotFound", (
        "Systems Manager could not find label live of db. Verify the label and try again."
    )),
    ("get_parameter", {"Name": f"{REGIONS}/eu-west-1:2"}, "ParameterVersionNotFound", (
        f"Systems Manager could not find version 2 of {REGIONS}/eu-west-1. Verify the version and try again."
    )),
    ("get_parameter", {"Name": "/aws/reference/secretsmanager/bytes", "WithDecryption": True}, "ValidationException", (
        "Secret /aws/reference/secretsmanager/bytes holds binary data, which Parameter Store can't return."
    )),
    ("get_parameter", {"Name": "/aws/reference/secretsmanager/bytes:none", "WithDecryption": True}, "ParameterNotFound", (
        "An error occurred (ResourceNotFoundException) when referencing Secrets Manager: Secret /aws/reference/secretsmanager/bytes:none"
        " not found."
    )),
    *((name, {"Labels": ["a"], "Name": "db", "ParameterVersion": 9}, "ParameterVersionNotFound", NO_VERSION) for name in (
        "label_parameter_version", "unlabel_parameter_version"
    )),
    ("label_parameter_version", {"Name": "db", "Labels": [f"a{each}" for each in range(10)]}, "ParameterVersionLabelLimitExceeded", (
        "A parameter version can have maximum 10 labels. Move one or more labels to another version and try again."
    )),
    *((name, {**named, "WithDecryption": True}, "InvalidKeyId", OFF) for name, named in (
        ("get_parameter", {"Name": "/locked/one"}),
        ("get_parameters", {"Names": ["/locked/one"]}),
        ("get_parameters_by_path", {"Path": "/locked"}),
        ("get_parameter_history", {"Name": "/locked/one"}),
    )),
    ("put_parameter", {**NEW, "Type": "SecureString", "KeyId": "alias/none"}, "InvalidKeyId", NO_KEY),
    *((name, {**named, "NextToken": "x"}, "InvalidNextToken", TOKEN) for name, named in (
        ("describe_parameters", {}),
        ("get_parameter_history", {"Name": "db"}),
        ("get_parameters_by_path", {"Path": "/"}),
        ("get_parameters_by_path", {"Path": "/aws/service/ecs"}),
    )),
    ("put_parameter", {**NEW, "Name": "AWSx"}, "ValidationException", (
        'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).'
    )),
    ("put_parameter", {**NEW, "Name": "/aws/x"}, "AccessDeniedException", "No access to reserved parameter name: /aws/x."),
    ("put_parameter", {**NEW, "Name": "/ssm/x"}, "ValidationException", BAD_NAME),
    ("put_parameter", {**NEW, "Name": "n" * 970}, "ValidationException", (
        "Parameter name exceeds the limit of 1011 characters, the ARN's characters before it included."
    )),
    ("put_parameter", {**NEW, "Name": "/a" * 16}, "HierarchyLevelLimitExceededException", (
        "A hierarchy can have a maximum of 15 levels. For more information, see Requirements and constraints for parameter names in the AWS"
        " Systems Manager User Guide."
    )),
    ("put_parameter", {"Name": "new", "Value": "v"}, "ValidationException", "A parameter type is required when you create a parameter."),
    ("put_parameter", {**NEW, "Value": ""}, "ValidationException", (
        "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1."
    )),
    ("put_parameter", {**NEW, "Value": "a {{ssm:db}}"}, "ValidationException", (
        'Parameter value can\'t nest another parameter. Do not use "{{}}" in the value: a {{ssm:db}}'
    )),
    ("put_parameter", {**NEW, "KeyId": "alias/aws/ssm"}, "ValidationException", "KeyId is required for SecureString type parameter only."),
    ("put_parameter", {**NEW, "Overwrite": True, "Tags": [{"Key": "a", "Value": "b"}]}, "ValidationException", (
        "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To"
        " update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource."
    )),
    ("put_parameter", {**NEW, "Name": "db"}, "ParameterAlreadyExists", (
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."
    )),
    ("put_parameter", {**NEW, "Name": "high", "Overwrite": True, "Tier": "Standard"}, "ValidationException", (
        "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the"
        " standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter."
    )),
    ("put_parameter", {**NEW, "Value": "v" * 4097}, "ValidationException", (
        "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the"
        f" parameter to use the advanced-parameter tier. For more information, see {TIERS_PAGE}"
    )),
    ("put_parameter", {**NEW, "Value": "v" * 8193, "Tier": "Intelligent-Tiering"}, "ValidationException", (
        "Advanced tier parameters support a maximum parameter value of 8192 characters."
    )),
    ("put_parameter", {**NEW, "Value": "{}", "DataType": "json"}, "ValidationException", (
        "Standard tier parameters don't support the data type json. Upgrade the parameter to use the advanced-parameter tier."
    )),
    ("put_parameter", {**_policies(EXPIRATION), "Tier": "Standard"}, "ValidationException", (
        "Standard tier parameters don't support parameter policies. Upgrade the parameter to use the advanced-parameter tier."
    )),
    ("put_parameter", {**NEW, "DataType": "Text"}, "ValidationException", (
        "The following data type is not supported: Text (Data type names are all lowercase.)"
    )),
    *(("put_parameter", {**NEW, "Tier": "Advanced", "Value": value, "DataType": kind}, "ValidationException", (
        f"The parameter value doesn't match the data type {kind}."
    )) for kind, value in (
        ("aws:account:id", "12"), ("aws:region", "here"), ("binary", "a"), ("boolean", "yes"), ("email", "a@b"), ("float", "1.2.3"),
        ("hostname", "-a.example"), ("integer", "1.5"), ("ipv4-address", "1.2.3"), ("ipv6-address", "1.2.3.4"), ("json", "{} // a"),
        ("jsonc", "{ // a"), ("url", "a.example"),
    )),
    ("put_parameter", {**NEW, "Value": "v1", "AllowedPattern": r"\d+"}, "ParameterPatternMismatchException", (
        r"Parameter value, cannot be validated against allowedPattern: \d+"
    )),
    ("put_parameter", {**NEW, "AllowedPattern": "("}, "InvalidAllowedPatternException", (
        "The allowed pattern ( is not a valid regular expression."
    )),
    ("put_parameter", {**NEW, "Tags": [{"Key": str(number), "Value": ""} for number in range(51)]}, "ValidationException", (
        "A parameter can't have more than 50 tags."
    )),
    ("put_parameter", {**NEW, "Tier": "Advanced", "Policies": "no"}, POLICY_FAULT, "The policies are not a JSON array of policies."),
    ("put_parameter", _policies(*[NO_CHANGE] * 11), "PoliciesLimitExceededException", (
        "You specified more than the maximum number of allowed policies for the parameter. The maximum is 10."
    )),
    ("put_parameter", _policies({**EXPIRATION, "Type": "End"}), "InvalidPolicyTypeException", (
        "The policy type isn't supported. Parameter Store supports the following policy types: Expiration, ExpirationNotification, and"
        " NoChangeNotification."
    )),
    ("put_parameter", _policies({**EXPIRATION, "Version": "2.0"}), POLICY_FAULT, "The version of the policy Expiration must be 1.0."),
    ("put_parameter", _policies({**NO_CHANGE, "Attributes": {"Before": "1"}}), POLICY_FAULT, (
        "The attributes of the policy NoChangeNotification must be After and Unit."
    )),
    *(("put_parameter", _policies({**NO_CHANGE, "Attributes": attributes}), POLICY_FAULT, (
        "The attributes of the policy NoChangeNotification must be a number greater than 0, and Days or Hours."
    )) for attributes in ({"After": "0", "Unit": "Days"}, {"After": "soon", "Unit": "Days"}, {"After": "1", "Unit": "Weeks"})),
    ("put_parameter", _policies({**EXPIRATION, "Attributes": {"Timestamp": "soon"}}), POLICY_FAULT, (
        "The timestamp soon of the policy Expiration is neither ISO_INSTANT nor ISO_OFFSET_DATE_TIME."
    )),
    ("put_parameter", _policies({**EXPIRATION, "Attributes": {"Timestamp": "2026-01-01T00:00:00Z"}}), POLICY_FAULT, (
        "The timestamp 2026-01-01T00:00:00Z of the policy Expiration is over."
    )),
    ("put_parameter", _policies(EXPIRATION, EXPIRATION), "IncompatiblePolicyException", (
        "You can't specify two Expiration policies for a parameter."
    )),
    ("put_parameter", _policies(NOTICE), "IncompatiblePolicyException", "An ExpirationNotification policy needs an Expiration policy."),
    ("describe_parameters", _filtered("Label", "a"), "InvalidFilterKey", (
        "The following filter key is not valid: Label. Valid filter keys include: [Path, Name, Type, KeyId, Tier, DataType]."
    )),
    *(("get_parameters_by_path", {"Path": "/", **_filtered(key, "a")}, "InvalidFilterKey", (
        f"The following filter key is not valid: {key}. Valid filter keys include: [Type, KeyId, Label]."
    )) for key in ("Name", "Path", "Tier", "DataType", "tag:a")),
    ("describe_parameters", {"ParameterFilters": [{"Key": "Type", "Values": ["String"]}] * 2}, "InvalidFilterKey", (
        "The following filter is duplicated in the request: Type. A request can contain only one occurrence of a specific filter."
    )),
    *((name, {**named, **_filtered("Type", "Number")}, "InvalidFilterValue", (
        "The following filter value is not valid: Number. Valid values include: [String, StringList, SecureString]."
    )) for name, named in (("describe_parameters", {}), ("get_parameters_by_path", {"Path": "/"}))),
    ("describe_parameters", {"ParameterFilters": [{"Key": "Name"}]}, "InvalidFilterValue", (
        "The following filter values are missing : null for filter key Name."
    )),
    *((name, {**named, **_filtered("Type", "String", Option="Contains")}, "InvalidFilterOption", (
        "The following filter option is not valid: Contains. Valid options include: [BeginsWith, Equals]."
    )) for name, named in (("describe_parameters", {}), ("get_parameters_by_path", {"Path": "/"}))),
    ("describe_parameters", _filtered("Path", "/a", Option="Equals"), "InvalidFilterOption", (
        "The following filter option is not valid: Equals. Valid options include: [Recursive, OneLevel]."
    )),
    ("get_parameters_by_path", {"Path": "/", **_filtered("Label", "a", Option="BeginsWith")}, "InvalidFilterOption", (
        "The following filter option is not valid: BeginsWith. Valid options include: [Equals]."
    )),
    ("describe_parameters", _filtered("Path", "/aws/service"), "ValidationException", RESERVED),
    ("describe_parameters", _filtered("Path", "a"), "ValidationException", BAD_PATH),
    ("describe_parameters", {"Filters": [{"Key": "Name", "Values": ["a"]}], **_filtered("Name", "a")}, "ValidationException", (
        "You can use either Filters or ParameterFilters in a single request."
    )),
    *(("get_parameters_by_path", {"Path": path}, "ValidationException", BAD_PATH) for path in ("a", "/a//b", "/a b", "/ssm")),
    *((name, {"ResourceType": kind, "ResourceId": "none", **more}, "InvalidResourceId", RESOURCE_ID) for name, more in (
        ("add_tags_to_resource", {"Tags": [{"Key": "a", "Value": "b"}]}),
        ("list_tags_for_resource", {}),
        ("remove_tags_from_resource", {"TagKeys": ["a"]}),
    ) for kind in ("Parameter", "Document")),
    ("add_tags_to_resource", {"ResourceType": "Parameter", "ResourceId": "db", "Tags": [
        {"Key": str(number), "Value": ""} for number in range(51)
    ]}, "TooManyTagsError", "A resource can't have more than 50 tags."),
    *((name, {"SettingId": "/ssm/none", **more}, "ServiceSettingNotFound", (
        "The service setting /ssm/none was not found."
    )) for name, more in (("get_service_setting", {}), ("reset_service_setting", {}), ("update_service_setting", {"SettingValue": "x"}))),
    ("update_service_setting", {"SettingId": "/ssm/parameter-store/high-throughput-enabled", "SettingValue": "x"}, "ValidationException", (
        "The value x of the setting /ssm/parameter-store/high-throughput-enabled is not valid. Valid values include: [false, true]."
    )),
    ("get_service_setting", {"SettingId": "/ssm/opsinsights/opscenter"}, "NotImplemented", (
        "windtunnel does not implement the setting /ssm/opsinsights/opscenter."
    )),
    *((name, {"ResourceArn": f"{ARN}/none", **more}, "ResourceNotFoundException", NOT_SHARED) for name, more in (
        ("get_resource_policies", {}),
        ("put_resource_policy", {"Policy": POLICY}),
        ("delete_resource_policy", {"PolicyId": "1", "PolicyHash": "1"}),
    )),
    *((name, {"ResourceArn": "arn:aws:ssm:x:1:parameter/a", **more}, "ResourcePolicyInvalidParameterException", (
        "The resource ARN arn:aws:ssm:x:1:parameter/a isn't valid."
    )) for name, more in (
        ("get_resource_policies", {}),
        ("put_resource_policy", {"Policy": POLICY}),
        ("delete_resource_policy", {"PolicyId": "1", "PolicyHash": "1"}),
    )),
    ("get_resource_policies", {"ResourceArn": f"{ARN}/high", "NextToken": "x"}, "ResourcePolicyInvalidParameterException", TOKEN),
    ("get_resource_policies", {"ResourceArn": f"arn:aws:ssm:us-east-1:{ACCOUNT}:document/a"}, "NotImplemented", (
        "windtunnel does not implement resource policies of a document."
    )),
    ("put_resource_policy", {"ResourceArn": f"{ARN}/db", "Policy": POLICY}, "ResourcePolicyInvalidParameterException", (
        "The parameter db is in the standard tier. Only advanced parameters can be shared."
    )),
    ("put_resource_policy", {"ResourceArn": f"{ARN}/high", "Policy": POLICY, "PolicyId": "1"}, "ResourcePolicyInvalidParameterException", (
        "To update a policy, you must specify PolicyId and PolicyHash."
    )),
    ("put_resource_policy", {"ResourceArn": f"{ARN}/high", "Policy": "p" * 1025}, "ResourcePolicyLimitExceededException", (
        "A policy can't be greater than 1024 bytes in size."
    )),
    ("put_resource_policy", {"ResourceArn": f"{ARN}/high", "Policy": "no"}, "MalformedResourcePolicyDocumentException", (
        "Syntax errors in policy."
    )),
    *((name, {"ResourceArn": f"{ARN}/high", "PolicyId": "1", "PolicyHash": "1", **more}, "ResourcePolicyNotFoundException", NO_HASH)
      for name, more in (("put_resource_policy", {"Policy": POLICY}), ("delete_resource_policy", {}))),
    *((name, {"ResourceArn": f"{ARN}/high", "PolicyId": "$policy", "PolicyHash": "1", **more}, "ResourcePolicyConflictException", OLD_HASH)
      for name, more in (("put_resource_policy", {"Policy": POLICY}), ("delete_resource_policy", {}))),
]  # fmt: skip
ELSEWHERE = {
    "put_parameter ParameterLimitExceeded": "test_ssm_refusals.py::test_there_are_so_many_parameters_of_a_tier",
    "put_parameter ParameterMaxVersionLimitExceeded": (
        "test_ssm_parameters.py::test_of_a_hundred_versions_the_oldest_goes_unless_it_is_labelled"
    ),
}
NEVER = (
    *("InternalServerError", "TooManyUpdates", "HierarchyTypeMismatchException", "UnsupportedParameterType", "InvalidResourceType"),
    "delete_resource_policy MalformedResourcePolicyDocumentException",
)


here = one_region()


@pytest.fixture(scope="module")
def world(here: Here) -> dict[str, str]:
    """A parameter with a label, one whose key is off, an advanced one that is shared, and a secret that is no text."""
    key = here.kms.create_key()["KeyMetadata"]["KeyId"]
    put = here.ssm.put_parameter
    put(Name="db", Value="v", Type="String")
    here.ssm.label_parameter_version(Name="db", Labels=["test"])
    put(Name="/locked/one", Value="v", Type="SecureString", KeyId=key)
    put(Name="high", Value="v", Type="String", Tier="Advanced")
    here.kms.disable_key(KeyId=key)
    here.secretsmanager.create_secret(Name="bytes", SecretBinary=b"\x00", ClientRequestToken="1" * 32)
    return {"$key": key, "$policy": here.ssm.put_resource_policy(ResourceArn=f"{ARN}/high", Policy=POLICY)["PolicyId"]}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[2]}")
def test_what_is_refused(here: Here, world: dict[str, str], case: Case) -> None:
    operation, request, code, said = case
    for name, text in world.items():
        said = said.replace(name, text)
    assert refusal(getattr(here.ssm, operation), **filled(request, world)) == (code, said)


def test_there_are_so_many_parameters_of_a_tier(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "STANDARD_MAX", 1)
    abroad = here.at(region="eu-west-1")
    abroad.ssm.put_parameter(**{**NEW, "Name": "first"})
    why = "You have reached the maximum number of standard parameters for this AWS account and Region (1). To add more parameters,"
    full = ("ParameterLimitExceeded", f"{why} either delete existing parameters or upgrade to the advanced-parameter tier (charges apply).")
    assert refusal(abroad.ssm.put_parameter, **NEW) == full
    assert abroad.ssm.put_parameter(**NEW, Tier="Intelligent-Tiering")["Tier"] == "Advanced"


def test_every_error_that_aws_documents_has_a_story() -> None:
    assert untold("ssm", CASES, ELSEWHERE, NEVER) == []
