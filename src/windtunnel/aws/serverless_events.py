"""What calls a function, in SAM's short forms: each becomes the resources that bring it about.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventsource.html
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

Tree = dict[str, Any]
POLLED = {
    "DynamoDB": ("Stream", "service-role/AWSLambdaDynamoDBExecutionRole"),
    "Kinesis": ("Stream", "service-role/AWSLambdaKinesisExecutionRole"),
    "SQS": ("Queue", "service-role/AWSLambdaSQSQueueExecutionRole"),
}
"""Kinds of events that are polled: the property that names their source, and what the function's role needs."""


class Making(msgspec.Struct, frozen=True):
    """An event of a function. `id` is what its resources are called, `target` what is called: the function or its alias."""

    function: str
    id: str
    target: Any
    properties: Tree


class Written(msgspec.Struct, frozen=True):
    """The resources of an event, and the managed policies that its function's role needs for it."""

    resources: Tree
    managed: tuple[str, ...] = ()


def event_of(kind: str, making: Making) -> Written | None:
    """What an event of a kind becomes; None where the kind isn't known."""
    if kind in POLLED:
        return _polled(kind, making)
    writers = {"SNS": _topic, "S3": _bucket, "Schedule": _rule, "EventBridgeRule": _rule, "CloudWatchEvent": _rule, "CloudWatchLogs": _logs}
    writer = writers.get(kind)
    return None if writer is None else Written(writer(making))


def _polled(kind: str, making: Making) -> Written:
    source, managed = POLLED[kind]
    settings = {name: value for name, value in making.properties.items() if name != source}
    settings |= {"EventSourceArn": making.properties[source], "FunctionName": making.target}
    return Written({making.id: {"Type": "AWS::Lambda::EventSourceMapping", "Properties": settings}}, (managed,))


def _permission(making: Making, principal: str, **source: Any) -> Tree:
    settings = {"Action": "lambda:InvokeFunction", "FunctionName": making.target, "Principal": principal, **source}
    return {f"{making.id}Permission": {"Type": "AWS::Lambda::Permission", "Properties": settings}}


def _arn(making: Making) -> Any:
    """The ARN of what is called: an alias is referred to by its ARN already."""
    return {"Fn::GetAtt": [making.function, "Arn"]} if making.target == {"Ref": making.function} else making.target


def _topic(making: Making) -> Tree:
    given = {
        name: making.properties[name]
        for name in ("FilterPolicy", "FilterPolicyScope", "RedrivePolicy", "Region")
        if name in making.properties
    }
    topic = making.properties["Topic"]
    subscription = {"TopicArn": topic, "Protocol": "lambda", "Endpoint": _arn(making), **given}
    return {
        making.id: {"Type": "AWS::SNS::Subscription", "Properties": subscription},
        **_permission(making, "sns.amazonaws.com", SourceArn=topic),
    }


def _bucket(making: Making) -> Tree:
    given: Any = making.properties["Events"]
    events = cast("list[Any]", given) if isinstance(given, list) else [given]
    filter = {"Filter": making.properties["Filter"]} if "Filter" in making.properties else {}
    configurations = [{"Event": event, "Function": _arn(making), **filter} for event in events]
    made = _permission(making, "s3.amazonaws.com", SourceAccount={"Ref": "AWS::AccountId"})
    bucket = making.properties["Bucket"]
    made[f"{making.id}Permission"]["SamEvent"] = {"Bucket": bucket.get("Ref", ""), "Configurations": configurations}
    return made


def _rule(making: Making) -> Tree:
    given = making.properties
    target: Tree = {"Arn": _arn(making), "Id": given.get("Target", {}).get("Id", f"{making.id}LambdaTarget")}
    target |= {name: given[name] for name in ("Input", "InputPath", "DeadLetterConfig", "RetryPolicy") if name in given}
    rule: Tree = {"Targets": [target]}
    names = {"Schedule": "ScheduleExpression", "Pattern": "EventPattern", "RuleName": "Name"}
    for name in ("Schedule", "Pattern", "Name", "RuleName", "Description", "EventBusName", "State"):
        if name in given:
            rule[names.get(name, name)] = given[name]
    if "Enabled" in given:
        rule["State"] = "ENABLED" if given["Enabled"] in (True, "true") else "DISABLED"
    return {
        making.id: {"Type": "AWS::Events::Rule", "Properties": rule},
        **_permission(making, "events.amazonaws.com", SourceArn={"Fn::GetAtt": [making.id, "Arn"]}),
    }


def _logs(making: Making) -> Tree:
    group, pattern = making.properties["LogGroupName"], making.properties["FilterPattern"]
    settings = {"LogGroupName": group, "FilterPattern": pattern, "DestinationArn": _arn(making)}
    arn = {"Fn::Sub": ["arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Group}:*", {"Group": group}]}
    filter = {"Type": "AWS::Logs::SubscriptionFilter", "DependsOn": [f"{making.id}Permission"], "Properties": settings}
    return {making.id: filter, **_permission(making, "logs.amazonaws.com", SourceArn=arn)}
