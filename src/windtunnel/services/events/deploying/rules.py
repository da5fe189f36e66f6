"""Rules with their targets, and archives."""

from __future__ import annotations

from typing import Any

from windtunnel.fabric import At, Deploy, Properties
from windtunnel.fabric.resource import deletes, picked
from windtunnel.services.events.state import DEFAULT

MADE_WITH = "Name EventBusName EventPattern ScheduleExpression Description State RoleArn"
KEPT_WITH = "ArchiveName Description EventPattern RetentionDays KmsKeyIdentifier"
BETWEEN = "|"
"""Between the bus and the name of a rule of another bus than the default one, in its id."""


def _named(id: str, member: str = "Name") -> dict[str, str]:
    """A rule, as operations name it that are its own, or those of its targets."""
    bus, _, name = id.rpartition(BETWEEN)
    return {member: name, "EventBusName": bus or DEFAULT}


async def _put_rule(at: At, properties: Properties) -> str:
    await at.aws.events.put_rule({**picked(properties, MADE_WITH), "Tags": at.tag_list(properties.get("Tags"))})
    bus = str(properties.get("EventBusName") or DEFAULT).rpartition("/")[2]
    return properties["Name"] if bus == DEFAULT else f"{bus}{BETWEEN}{properties['Name']}"


async def _create_rule(at: At, properties: Properties) -> str:
    id = await _put_rule(at, properties)
    await at.made(id)
    await _put_targets(at, id, properties)
    return id


async def _put_targets(at: At, id: str, properties: Properties) -> None:
    if targets := properties.get("Targets"):
        await at.aws.events.put_targets({**_named(id, "Rule"), "Targets": targets})


async def _remove_targets(at: At, id: str, ids: list[str]) -> None:
    if ids:
        await at.aws.events.remove_targets({**_named(id, "Rule"), "Ids": ids})


async def _update_rule(at: At, id: str, new: Properties, old: Properties) -> None:
    await _put_rule(at, new)
    kept = {target["Id"] for target in new.get("Targets", [])}
    await _remove_targets(at, id, [target["Id"] for target in old.get("Targets", []) if target["Id"] not in kept])
    await _put_targets(at, id, new)
    arn = (await at.aws.events.describe_rule(_named(id)))["Arn"]
    await at.retag(new, old, {"ResourceARN": arn}, at.aws.events.tag_resource, at.aws.events.untag_resource)


async def _delete_rule(at: At, id: str, properties: Properties) -> None:
    listed = await at.aws.events.list_targets_by_rule(_named(id, "Rule"))
    await _remove_targets(at, id, [target["Id"] for target in listed["Targets"]])
    await at.aws.events.delete_rule(_named(id))


async def _told_rule(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"Arn": (await at.aws.events.describe_rule(_named(id)))["Arn"]}


async def _create_archive(at: At, properties: Properties) -> str:
    await at.aws.events.create_archive({**picked(properties, KEPT_WITH), "EventSourceArn": properties["SourceArn"]})
    return properties["ArchiveName"]


async def _update_archive(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.events.update_archive({**picked(new, KEPT_WITH), "ArchiveName": id})


async def _told_archive(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"Arn": (await at.aws.events.describe_archive({"ArchiveName": id}))["ArchiveArn"]}


RULE = Deploy(
    properties=f"{MADE_WITH} Targets Tags",
    replaced="Name EventBusName",
    name="Name",
    create=_create_rule,
    update=_update_rule,
    delete=_delete_rule,
    attributes=_told_rule,
    tagged=True,
)
ARCHIVE = Deploy(
    properties=f"{KEPT_WITH} SourceArn",
    required="SourceArn",
    replaced="ArchiveName SourceArn",
    name="ArchiveName",
    name_max=48,
    create=_create_archive,
    update=_update_archive,
    delete=deletes("events", "delete_archive", "ArchiveName"),
    attributes=_told_archive,
)
