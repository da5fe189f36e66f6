"""How templates deploy pipes: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Pipes.html"""

from __future__ import annotations

from typing import Any

from windtunnel.fabric import At, Deploy, Properties, Resource
from windtunnel.fabric.resource import deletes, picked
from windtunnel.services.pipes.state import PIPES

PIPE = (
    "Name Description DesiredState Source SourceParameters Enrichment EnrichmentParameters Target TargetParameters RoleArn LogConfiguration"
    " KmsKeyIdentifier"
)


async def _create(at: At, properties: Properties) -> str:
    await at.aws.pipes.create_pipe({**picked(properties, PIPE), "Tags": at.tags(properties.get("Tags")) or None})
    return properties["Name"]


async def _update(at: At, id: str, new: Properties, old: Properties) -> None:
    changes = picked(new, PIPE)
    changes.pop("Source", None)
    arn = (await at.aws.pipes.update_pipe({**changes, "Name": id}))["Arn"]
    await at.retag(new, old, {"resourceArn": arn}, at.aws.pipes.tag_resource, at.aws.pipes.untag_resource, as_map=True, small=True)


async def _told(at: At, id: str, properties: Properties) -> dict[str, Any]:
    shown = await at.aws.pipes.describe_pipe({"Name": id})
    return picked(shown, "Arn CurrentState")


RESOURCES = (
    Resource(
        "AWS::Pipes::Pipe",
        PIPES,
        "arn:aws:pipes:{region}:{account}:pipe/{0}",
        Deploy(
            properties=f"{PIPE} Tags",
            required="RoleArn Source Target",
            replaced="Name Source",
            name="Name",
            create=_create,
            update=_update,
            delete=deletes("pipes", "delete_pipe", "Name"),
            attributes=_told,
            tagged=True,
        ),
    ),
)
