"""Whole policy documents of functions: read, replaced with care, and obeyed where they deny."""

import json
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.lambdas import arn, make, refusal, run, zipped
from windtunnel.fabric import Fault

ROOT = "arn:aws:iam::000000000000:root"


def document(**given: Any) -> str:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": arn("f"), **given}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_document_stands_beside_single_statements(here: Here) -> None:
    make(here, "f")
    put = here.lambda_.put_resource_policy(ResourceArn=arn("f"), Policy=document())
    assert here.lambda_.get_resource_policy(ResourceArn=arn("f")) == put
    added = here.lambda_.add_permission(FunctionName="f", StatementId="s", Action="lambda:GetFunction", Principal="*")
    statements = json.loads(here.lambda_.get_policy(FunctionName="f")["Policy"])["Statement"]
    assert statements == [*json.loads(document())["Statement"], json.loads(added["Statement"])]
    here.lambda_.delete_resource_policy(ResourceArn=arn("f"))
    for refused in (here.lambda_.get_resource_policy, here.lambda_.delete_resource_policy):
        with pytest.raises(Fault, match="The resource you requested does not exist"):
            refused(ResourceArn=arn("f"))


def test_what_a_document_denies_is_denied_to_the_functions_own_account_too(here: Here) -> None:
    make(here, "f", "def handler(event, context):\n    return 'in'\n")
    here.lambda_.put_resource_policy(ResourceArn=arn("f"), Policy=document())
    for operation in ("invoke", "invoke_with_response_stream"):
        with pytest.raises(Fault) as refused:
            getattr(here.lambda_, operation)(FunctionName="f")
        why = "with an explicit deny in a resource-based policy"
        message = f"User: {ROOT} is not authorized to perform: lambda:InvokeFunction on resource: {arn('f')} {why}"
        assert (refused.value.code, refused.value.message) == ("AccessDeniedException", message)
    here.lambda_.put_resource_policy(ResourceArn=arn("f"), Policy=document(Principal={"AWS": "arn:aws:iam::000000000000:user/eve"}))
    assert run(here, "f") == "in", "somebody else"


def test_a_document_is_replaced_by_who_has_seen_it(here: Here) -> None:
    make(here, "f")
    first = here.lambda_.put_resource_policy(ResourceArn=arn("f"), Policy=document())
    second = here.lambda_.put_resource_policy(ResourceArn=arn("f"), Policy=document(Effect="Allow"), RevisionId=first["RevisionId"])
    for refused, given in ((here.lambda_.put_resource_policy, {"Policy": document()}), (here.lambda_.delete_resource_policy, {})):
        with pytest.raises(Fault) as raised:
            refused(ResourceArn=arn("f"), RevisionId=first["RevisionId"], **given)
        assert raised.value.code == "PreconditionFailedException"
    assert here.lambda_.get_resource_policy(ResourceArn=arn("f")) == second


@pytest.mark.parametrize("policy", ["{", "[]", '{"Version": "2012-10-17"}', '{"Version": "2012-10-17", "Statement": [{"Effect": "No"}]}'])
def test_what_is_no_policy_is_refused(here: Here, policy: str) -> None:
    make(here, "f")
    with pytest.raises(Fault) as raised:
        here.lambda_.put_resource_policy(ResourceArn=arn("f"), Policy=policy)
    assert raised.value.code == "InvalidParameterValueException"
    with pytest.raises(Fault, match="Function not found"):
        here.lambda_.put_resource_policy(ResourceArn=arn("none"), Policy=document())


def test_a_layer_is_lent_to_other_accounts_by_its_policy(here: Here) -> None:
    content = {"ZipFile": zipped(**{"python/shared.py": "WORD = 'lent'\n"})}
    layer = here.lambda_.publish_layer_version(LayerName="l", Content=content)["LayerVersionArn"]
    there = here.at(account="123456789012")
    role = "arn:aws:iam::123456789012:role/runs"
    code = "import shared\ndef handler(event, context):\n    return shared.WORD\n"
    denied = (
        "AccessDeniedException",
        (
            f"User: arn:aws:iam::123456789012:root is not authorized to perform: lambda:GetLayerVersion on resource: {layer} because no "
            "resource-based policy allows the lambda:GetLayerVersion action"
        ),
    )
    assert refusal(make, here=there, name="f", code=code, Role=role, Layers=[layer]) == denied
    assert refusal(there.lambda_.get_layer_version_by_arn, Arn=layer) == denied
    make(there, "f", code, Role=role)
    assert refusal(there.lambda_.update_function_configuration, FunctionName="f", Layers=[layer]) == denied
    statement = {"LayerName": "l", "VersionNumber": 1, "Action": "lambda:GetLayerVersion"}
    here.lambda_.add_layer_version_permission(**statement, StatementId="one", Principal="111111111111")
    assert refusal(there.lambda_.get_layer_version, LayerName=layer.rpartition(":")[0], VersionNumber=1) == denied, "somebody else"
    here.lambda_.add_layer_version_permission(**statement, StatementId="two", Principal="123456789012")
    there.lambda_.update_function_configuration(FunctionName="f", Layers=[layer])
    assert run(there, "f") == "lent"
    here.lambda_.remove_layer_version_permission(LayerName="l", VersionNumber=1, StatementId="two")
    assert run(there, "f") == "lent", "a function keeps what it was made with"
