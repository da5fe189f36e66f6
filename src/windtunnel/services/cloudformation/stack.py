"""How templates deploy CloudFormation's own kinds of resources."""

from __future__ import annotations

from windtunnel.fabric import At, Deploy, Properties, Resource, Tx
from windtunnel.services.cloudformation.kinds import custom, nested, waiting
from windtunnel.services.cloudformation.state import STACKS
from windtunnel.services.cloudformation.transforms.macros import MACROS


async def _create_macro(at: At, properties: Properties) -> str:
    name, function = str(properties["Name"]), str(properties["FunctionName"])
    await at.call.transact(_put_macro, name, function)
    return name


def _put_macro(tx: Tx, name: str, function: str) -> None:
    tx.put(MACROS, name, value=function)


async def _update_macro(at: At, id: str, new: Properties, old: Properties) -> None:
    await _create_macro(at, new)


async def _delete_macro(at: At, id: str, properties: Properties) -> None:
    await at.call.transact(_remove_macro, id)


def _remove_macro(tx: Tx, name: str) -> None:
    tx.delete(MACROS, name)


RESOURCES = (
    Resource(
        "AWS::CloudFormation::Stack",
        STACKS,
        "arn:aws:cloudformation:{region}:{account}:stack/{0}",
        Deploy(
            properties="NotificationARNs Parameters Tags TemplateURL TimeoutInMinutes",
            required="TemplateURL",
            create=nested.create,
            update=nested.update,
            delete=nested.delete,
            attributes=nested.attributes,
            always=True,
            resumes=True,
        ),
    ),
    Resource(
        "AWS::CloudFormation::CustomResource",
        deploy=Deploy(
            properties="*",
            required="ServiceToken",
            create=custom.create,
            update=custom.update,
            delete=custom.delete,
            replaced="ServiceToken",
        ),
    ),
    Resource(
        "AWS::CloudFormation::WaitCondition",
        deploy=Deploy(
            properties="Count Handle Timeout", create=waiting.create, update=waiting.update, delete=waiting.nothing, resumes=True
        ),
    ),
    Resource(
        "AWS::CloudFormation::WaitConditionHandle",
        deploy=Deploy(properties="", create=waiting.create_handle, update=waiting.unchanged, delete=waiting.nothing),
    ),
    Resource(
        "AWS::CloudFormation::Macro",
        MACROS,
        deploy=Deploy(
            properties="Description FunctionName LogGroupName LogRoleARN Name",
            required="FunctionName Name",
            create=_create_macro,
            update=_update_macro,
            delete=_delete_macro,
            replaced="Name",
        ),
    ),
    # What CDK says of its constructs, for AWS to count.
    Resource(
        "AWS::CDK::Metadata", deploy=Deploy(properties="*", create=waiting.described, update=waiting.unchanged, delete=waiting.nothing)
    ),
)
