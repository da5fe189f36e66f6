"""How templates deploy parameters.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-parameter.html
"""

from __future__ import annotations

from windtunnel.fabric import At, Deploy, Properties, Resource
from windtunnel.fabric.resource import Unmade, changed, deletes, picked
from windtunnel.services.ssm.parameters.state import PARAMETERS

_PUT = "Name Type Value Description AllowedPattern Tier Policies DataType"


def _check(properties: Properties) -> None:
    if properties["Type"] not in ("String", "StringList"):
        raise Unmade("SSM Parameters of type SecureString cannot be created using CloudFormation")


async def _create(at: At, properties: Properties) -> str:
    _check(properties)
    await at.aws.ssm.put_parameter({**picked(properties, _PUT), "Tags": at.tag_list(properties.get("Tags"))})
    return properties["Name"]


async def _update(at: At, id: str, new: Properties, old: Properties) -> None:
    _check(new)
    if changed(new, old, *_PUT.split()):
        gone = {"Description": "", "AllowedPattern": "", "Policies": "[{}]"}
        lost = {name: empty for name, empty in gone.items() if name in old and name not in new}
        await at.aws.ssm.put_parameter({**lost, **picked(new, _PUT), "Name": id, "Overwrite": True})
    named = {"ResourceType": "Parameter", "ResourceId": id}
    await at.retag(new, old, named, at.aws.ssm.add_tags_to_resource, at.aws.ssm.remove_tags_from_resource)


async def _told(at: At, id: str, properties: Properties) -> Properties:
    return {name: value for name, value in (await _read(at, id, properties)).items() if name in ("Type", "Value")}


async def _read(at: At, id: str, properties: Properties) -> Properties:
    parameter = (await at.aws.ssm.get_parameter({"Name": id}))["Parameter"]
    about = (await at.aws.ssm.describe_parameters({"ParameterFilters": [{"Key": "Name", "Values": [id]}]}))["Parameters"][0]
    known = {**about, **parameter}
    return {name: known.get(name, "") for name in picked(properties, "Name Type Value Description AllowedPattern Tier DataType")}


RESOURCES = (
    Resource(
        "AWS::SSM::Parameter",
        PARAMETERS,
        "arn:aws:ssm:{region}:{account}:parameter{0}{1}",
        Deploy(
            properties=f"{_PUT} Tags",
            required="Type Value",
            replaced="Name",
            name="Name",
            create=_create,
            update=_update,
            delete=deletes("ssm", "delete_parameter", "Name"),
            attributes=_told,
            read=_read,
            tagged=True,
            marked=False,
        ),
    ),
)
