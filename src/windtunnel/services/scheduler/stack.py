"""How templates deploy schedules and their groups.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Scheduler.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from windtunnel.fabric import At, Deploy, Properties, Resource
from windtunnel.fabric.resource import deletes, picked
from windtunnel.services.scheduler.state import GROUPS, SCHEDULES

SCHEDULE = (
    "Name GroupName ScheduleExpression ScheduleExpressionTimezone StartDate EndDate Description State KmsKeyArn Target FlexibleTimeWindow"
    " ActionAfterCompletion"
)


async def _create(at: At, properties: Properties) -> str:
    await at.aws.scheduler.create_schedule(picked(properties, SCHEDULE))
    return properties["Name"]


async def _update(at: At, id: str, new: Properties, old: Properties) -> None:
    await at.aws.scheduler.update_schedule({**picked(new, SCHEDULE), "Name": id})


async def _delete(at: At, id: str, properties: Properties) -> None:
    await at.aws.scheduler.delete_schedule({"Name": id, "GroupName": properties.get("GroupName")})


async def _told(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"Arn": (await at.aws.scheduler.get_schedule({"Name": id, "GroupName": properties.get("GroupName")}))["Arn"]}


async def _create_group(at: At, properties: Properties) -> str:
    await at.aws.scheduler.create_schedule_group({"Name": properties["Name"], "Tags": at.tag_list(properties.get("Tags"))})
    return properties["Name"]


async def _update_group(at: At, id: str, new: Properties, old: Properties) -> None:
    arn = (await at.aws.scheduler.get_schedule_group({"Name": id}))["Arn"]
    await at.retag(new, old, {"ResourceArn": arn}, at.aws.scheduler.tag_resource, at.aws.scheduler.untag_resource)


async def _told_group(at: At, id: str, properties: Properties) -> dict[str, Any]:
    shown = await at.aws.scheduler.get_schedule_group({"Name": id})
    dates = {member: datetime.fromtimestamp(shown[member], UTC).isoformat() for member in ("CreationDate", "LastModificationDate")}
    return {"Arn": shown["Arn"], "State": shown["State"], **dates}


RESOURCES = (
    Resource(
        "AWS::Scheduler::Schedule",
        SCHEDULES,
        "arn:aws:scheduler:{region}:{account}:schedule/{0}/{1}",
        Deploy(
            properties=SCHEDULE,
            required="ScheduleExpression Target FlexibleTimeWindow",
            replaced="Name GroupName",
            name="Name",
            create=_create,
            update=_update,
            delete=_delete,
            attributes=_told,
        ),
    ),
    Resource(
        "AWS::Scheduler::ScheduleGroup",
        GROUPS,
        "arn:aws:scheduler:{region}:{account}:schedule-group/{0}",
        Deploy(
            properties="Name Tags",
            replaced="Name",
            name="Name",
            create=_create_group,
            update=_update_group,
            delete=deletes("scheduler", "delete_schedule_group", "Name"),
            attributes=_told_group,
            tagged=True,
        ),
    ),
)
