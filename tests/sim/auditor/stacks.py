"""CloudFormation: what a stack says it has is what the services have, as its template says, and no step is left half done."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.sim.auditor.base import Ask, Call, ended, holds, same
from tests.sim.auditor.elsewhere import Elsewhere, Troubles

Parts = dict[str, int]
"""Resources by their logical ids, which are kinds as well, each in one of several variants."""
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
KINDS: dict[str, Callable[[int], tuple[str, dict[str, Any]]]] = {
    "Queue": lambda n: ("AWS::SQS::Queue", {"DelaySeconds": n}),
    "Group": lambda n: ("AWS::Logs::LogGroup", {"RetentionInDays": (1, 3, 5)[n - 1]}),
    "Named": lambda n: ("AWS::Logs::LogGroup", {"LogGroupName": {"Fn::Sub": f"${{AWS::StackName}}-named-{n}"}}),
    "Topic": lambda n: ("AWS::SNS::Topic", {"DisplayName": f"n{n}"}),
    "Table": lambda n: (
        "AWS::DynamoDB::Table",
        {
            "KeySchema": [{"AttributeName": f"k{n}", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": f"k{n}", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    ),
    "Rule": lambda n: ("AWS::Events::Rule", {"EventPattern": {"source": [f"s{n}"]}}),
    "Bucket": lambda n: ("AWS::S3::Bucket", {"Tags": [{"Key": "k", "Value": f"v{n}"}]}),
    "Role": lambda n: (
        "AWS::IAM::Role",
        {"Description": f"d{n}", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [TRUST]}},
    ),
}
NEEDS = {"Rule": "Queue", "Table": "Topic", "Bucket": "Group", "Role": "Table"}
UPDATABLE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
IN_THE_WAY = ("ValidationError",)


def template(parts: Parts, wrong: str | None) -> dict[str, Any]:
    """A template of such resources. `wrong`: after this one comes one that can't be made."""
    resources: dict[str, Any] = {}
    for logical, variant in parts.items():
        type, properties = KINDS[logical](variant)
        resources[logical] = {"Type": type, "Properties": properties}
        if NEEDS.get(logical) in parts:
            resources[logical]["DependsOn"] = NEEDS[logical]
    if "Rule" in parts and "Queue" in parts:
        target = {"Id": "1", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}
        resources["Rule"]["Properties"] = {**resources["Rule"]["Properties"], "Targets": [target]}
    if wrong is not None:
        resources["Wrong"] = {"Type": "AWS::SQS::Queue", "DependsOn": wrong, "Properties": {"DelaySeconds": 99_999}}
    return {"Resources": resources, "Metadata": parts}


@dataclass(eq=False, slots=True)
class Stack:
    """One stack: what it has once it is at rest, by which template, and the statuses that it may have."""

    name: str
    body: str
    parts: Parts
    statuses: set[str]


class Stacks(Elsewhere):
    """All stacks, in a region of their own."""

    region = "eu-west-1"

    def __init__(self, ask: Ask, troubles: Troubles) -> None:
        super().__init__(ask, troubles)
        self.stacks: dict[str, Stack] = {}

    def _stack(self, call: Call) -> Stack | None:
        return self.stacks.get(call.request["StackName"])

    def create_stack(self, call: Call) -> None:
        if ended(call, *(["AlreadyExistsException"] if self._stack(call) else [])):
            self._created(call)

    def _created(self, call: Call) -> None:
        name, body = call.request["StackName"], call.request["TemplateBody"]
        wrong = "Wrong" in json.loads(body)["Resources"]
        parts = {} if wrong else json.loads(body)["Metadata"]
        self.stacks[name] = Stack(name, body, parts, {"ROLLBACK_COMPLETE" if wrong else "CREATE_COMPLETE"})

    def create_stack_unknown(self, call: Call) -> None:
        if not self._stack(call) and not self.ask("cloudformation", "DescribeStacks", StackName=call.request["StackName"]).fault:
            self._created(call)

    def update_stack(self, call: Call) -> None:
        stack = self._stack(call)
        if stack is None or "ROLLBACK_COMPLETE" in stack.statuses or call.request["TemplateBody"] == stack.body:
            ended(call, *IN_THE_WAY)
        elif call.fault and self.troubles.last:
            ended(call, *IN_THE_WAY)  # what came before waits for room on the disk
        elif ended(call):
            self._updated(stack, call)

    def _updated(self, stack: Stack, call: Call) -> None:
        body = call.request["TemplateBody"]
        if "Wrong" in json.loads(body)["Resources"]:
            stack.statuses = {"UPDATE_ROLLBACK_COMPLETE"}
        else:
            stack.body, stack.parts, stack.statuses = body, json.loads(body)["Metadata"], {"UPDATE_COMPLETE"}

    def update_stack_unknown(self, call: Call) -> None:
        stack = self._stack(call)
        if stack is None or "ROLLBACK_COMPLETE" in stack.statuses or call.request["TemplateBody"] == stack.body:
            return
        before = stack.statuses
        if "Wrong" in json.loads(call.request["TemplateBody"])["Resources"]:
            stack.statuses = before | {"UPDATE_ROLLBACK_COMPLETE"}
        elif self.ask("cloudformation", "GetTemplate", StackName=stack.name).result["TemplateBody"] == call.request["TemplateBody"]:
            self._updated(stack, call)

    def delete_stack(self, call: Call) -> None:
        if ended(call):
            self.stacks.pop(call.request["StackName"], None)

    def delete_stack_unknown(self, call: Call) -> None:
        if self.ask("cloudformation", "DescribeStacks", StackName=call.request["StackName"]).fault:
            self.stacks.pop(call.request["StackName"], None)

    def describe_stack_resources(self, call: Call) -> None:
        stack = self._stack(call)
        if ended(call, *([] if stack else IN_THE_WAY)) and stack is not None and not self.troubles.last:
            present = {one["LogicalResourceId"] for one in call.result["StackResources"] if one["ResourceStatus"] != "DELETE_COMPLETE"}
            same(f"resources of {stack.name}", present - {"Wrong"}, set(stack.parts))

    # ------------------------------------------------------------ the whole

    def audit(self) -> None:
        """Nothing is under way, and all that the region has is what stacks say that they have."""
        told = self.said("cloudformation", "DescribeStacks")["Stacks"]
        same("stacks", sorted(one["StackName"] for one in told), sorted(self.stacks))
        has: dict[str, dict[str, int]] = defaultdict(dict)
        for one in told:
            stack = self.stacks[one["StackName"]]
            holds(one["StackStatus"] in stack.statuses, f"{stack.name} is {one['StackStatus']}; expected {stack.statuses}")
            resources = self.said("cloudformation", "DescribeStackResources", StackName=stack.name)["StackResources"]
            present = {
                row["LogicalResourceId"]: row["PhysicalResourceId"] for row in resources if not row["ResourceStatus"].startswith("DELETE")
            }
            same(f"resources of {stack.name}", set(present), set(stack.parts))
            for logical, physical in present.items():
                has[logical][physical.rpartition("/")[2] if logical == "Queue" else physical] = stack.parts[logical]
        for logical, listed in self._listed().items():
            same(f"each {logical} in the region", listed, has[logical])

    def _listed(self) -> dict[str, dict[str, int]]:
        """What the services have, by the kinds of resources: names, and in which variant each is there."""
        said = self.said
        groups = said("logs", "DescribeLogGroups")["logGroups"]
        buckets = [one["Name"] for one in said("s3", "ListBuckets")["Buckets"]]
        return {
            "Queue": {url.rpartition("/")[2]: self._delay(url) for url in said("sqs", "ListQueues").get("QueueUrls", [])},
            "Group": {one["logGroupName"]: (1, 3, 5).index(one["retentionInDays"]) + 1 for one in groups if "retentionInDays" in one},
            "Named": {one["logGroupName"]: int(one["logGroupName"][-1]) for one in groups if "retentionInDays" not in one},
            "Topic": {one["TopicArn"]: self._title(one["TopicArn"]) for one in said("sns", "ListTopics")["Topics"]},
            "Table": {name: self._key(name) for name in said("dynamodb", "ListTables")["TableNames"]},
            "Rule": {one["Name"]: int(json.loads(one["EventPattern"])["source"][0][1:]) for one in said("events", "ListRules")["Rules"]},
            "Bucket": {name: self._tag(name) for name in buckets if name.startswith("stack-")},
            "Role": {one["RoleName"]: int(one["Description"][1:]) for one in said("iam", "ListRoles")["Roles"]},
        }

    def _delay(self, url: str) -> int:
        return int(self.said("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"]["DelaySeconds"])

    def _title(self, arn: str) -> int:
        return int(self.said("sns", "GetTopicAttributes", TopicArn=arn)["Attributes"]["DisplayName"][1:])

    def _key(self, table: str) -> int:
        return int(self.said("dynamodb", "DescribeTable", TableName=table)["Table"]["KeySchema"][0]["AttributeName"][1:])

    def _tag(self, bucket: str) -> int:
        return next(int(one["Value"][1:]) for one in self.said("s3", "GetBucketTagging", Bucket=bucket)["TagSet"] if one["Key"] == "k")
