"""Code signing configurations, and the functions that have one."""

from typing import Any

import pytest

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.lambdas import ECHO, arn, make, refusal, run, zipped
from windtunnel.fabric import Fault

PROFILE = f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/test"
ABSENT = f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-{'x' * 17}"
SIGNED = zipped(app=ECHO, **{"META_INF/aws_signer_signature_v1.0.SF": "signature"})


def create(here: Here, **given: Any) -> Any:
    made = here.lambda_.create_code_signing_config(AllowedPublishers={"SigningProfileVersionArns": [PROFILE]}, **given)
    return made["CodeSigningConfig"]


def test_a_configuration_lives_until_no_function_has_it(here: Here) -> None:
    made = create(here, Description="for all")
    signing = made["CodeSigningConfigArn"]
    assert made == {
        "CodeSigningConfigId": signing.rpartition(":")[2],
        "CodeSigningConfigArn": signing,
        "Description": "for all",
        "AllowedPublishers": {"SigningProfileVersionArns": [PROFILE]},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"},
        "LastModified": "2026-01-01T00:00:00.000+0000",
    }
    here.jump(60)
    enforced = {"UntrustedArtifactOnDeployment": "Enforce"}
    changed = here.lambda_.update_code_signing_config(CodeSigningConfigArn=signing, CodeSigningPolicies=enforced)["CodeSigningConfig"]
    assert changed == made | {"CodeSigningPolicies": enforced, "LastModified": "2026-01-01T00:01:00.000+0000"}
    assert here.lambda_.update_code_signing_config(CodeSigningConfigArn=signing) == {"CodeSigningConfig": changed}
    assert here.lambda_.list_code_signing_configs() == {"CodeSigningConfigs": [changed]}
    make(here, "f")
    make(here, "g", CodeSigningConfigArn=signing, Code={"ZipFile": SIGNED})
    assert here.lambda_.get_function_code_signing_config(FunctionName="f") == {}
    here.lambda_.put_function_code_signing_config(FunctionName="f", CodeSigningConfigArn=signing)
    assert here.lambda_.get_function_code_signing_config(FunctionName="f") == {"CodeSigningConfigArn": signing, "FunctionName": "f"}
    users = here.lambda_.list_functions_by_code_signing_config
    assert users(CodeSigningConfigArn=signing) == {"FunctionArns": [arn("f"), arn("g")]}
    first = users(CodeSigningConfigArn=signing, MaxItems=1)
    assert users(CodeSigningConfigArn=signing, Marker=first["NextMarker"]) == {"FunctionArns": [arn("g")]}
    with pytest.raises(Fault) as raised:
        here.lambda_.delete_code_signing_config(CodeSigningConfigArn=signing)
    assert raised.value.code == "ResourceConflictException"
    here.lambda_.delete_function_code_signing_config(FunctionName="f")
    here.lambda_.delete_function(FunctionName="g")
    here.lambda_.delete_code_signing_config(CodeSigningConfigArn=signing)
    assert here.lambda_.list_code_signing_configs() == {"CodeSigningConfigs": []}


def test_a_configuration_that_is_not_there_is_named(here: Here) -> None:
    with pytest.raises(Fault) as raised:
        here.lambda_.get_code_signing_config(CodeSigningConfigArn=ABSENT)
    assert (raised.value.code, raised.value.message) == (
        "ResourceNotFoundException",
        f"The Lambda code signing configuration {ABSENT} can not be found.",
    )
    with pytest.raises(Fault) as raised:
        here.lambda_.put_function_code_signing_config(FunctionName="none", CodeSigningConfigArn=ABSENT)
    assert (raised.value.code, raised.value.message) == (
        "CodeSigningConfigNotFoundException",
        f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {ABSENT}.",
    )


def test_where_signatures_are_enforced_nothing_goes_without_one(here: Here) -> None:
    signing = create(here, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"})["CodeSigningConfigArn"]
    refused = (
        "CodeVerificationFailedException",
        (
            "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured "
            "to accept. Check the provided signature for f."
        ),
    )
    layer = here.lambda_.publish_layer_version(LayerName="l", Content={"ZipFile": zipped(shared="")})["LayerVersionArn"]
    signed = here.lambda_.publish_layer_version(LayerName="s", Content={"ZipFile": SIGNED})["LayerVersionArn"]
    assert refusal(make, here=here, name="f", CodeSigningConfigArn=signing) == refused
    given: dict[str, Any] = {"CodeSigningConfigArn": signing, "Code": {"ZipFile": SIGNED}}
    assert refusal(make, here=here, name="f", **given, Layers=[layer]) == refused
    make(here, "f", **given, Layers=[signed])
    assert refusal(here.lambda_.update_function_code, FunctionName="f", ZipFile=zipped(app=ECHO)) == refused
    assert refusal(here.lambda_.update_function_configuration, FunctionName="f", Layers=[signed, layer]) == refused
    assert run(here, "f", 1) == 1, "and it is as it was"
    here.lambda_.update_function_configuration(FunctionName="f", Layers=[])
    here.lambda_.update_code_signing_config(CodeSigningConfigArn=signing, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"})
    here.lambda_.update_function_code(FunctionName="f", ZipFile=zipped(app=ECHO))
