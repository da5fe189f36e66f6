"""Templates deploy buses, rules and schedules."""

from __future__ import annotations

import json
from typing import Any

from tests.stories.events_kit import PREFIX, details, put
from tests.stories.here import ACCOUNT, Here
from tests.stories.test_cloudformation_stacks import create, status

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "mine", "Tags": [{"Key": "a", "Value": "b"}]}},
        "Letters": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}},
        "Policy": {
            "Type": "AWS::Events::EventBusPolicy",
            "Properties": {
                "EventBusName": {"Ref": "Bus"},
                "StatementId": "in",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                    "Action": "events:PutEvents",
                    "Resource": {"Fn::GetAtt": ["Bus", "Arn"]},
                },
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventBusName": {"Ref": "Bus"},
                "EventPattern": {"source": ["shop"]},
                "Targets": [{"Id": "one", "Arn": {"Fn::GetAtt": ["Letters", "Arn"]}, "RetryPolicy": {"MaximumRetryAttempts": "4"}}],
            },
        },
        "Daily": {"Type": "AWS::Events::Rule", "Properties": {"Name": "daily", "ScheduleExpression": "rate(1 day)", "State": "DISABLED"}},
        "Archive": {"Type": "AWS::Events::Archive", "Properties": {"SourceArn": {"Fn::GetAtt": ["Bus", "Arn"]}, "RetentionDays": 3}},
        "Connection": {
            "Type": "AWS::Events::Connection",
            "Properties": {
                "AuthorizationType": "API_KEY",
                "AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "v"}},
            },
        },
        "Destination": {
            "Type": "AWS::Events::ApiDestination",
            "Properties": {
                "ConnectionArn": {"Fn::GetAtt": ["Connection", "Arn"]},
                "InvocationEndpoint": "https://example.com/",
                "HttpMethod": "POST",
            },
        },
        "Group": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": "g"}},
        "Schedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "Name": "s",
                "GroupName": {"Ref": "Group"},
                "ScheduleExpression": "rate(1 hour)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": {"Fn::GetAtt": ["Letters", "Arn"]},
                    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r",
                    "Input": '{"detail": 1}',
                },
            },
        },
    },
    "Outputs": {
        "Rule": {"Value": {"Fn::GetAtt": ["Rule", "Arn"]}},
        "Archive": {"Value": {"Fn::GetAtt": ["Archive", "Arn"]}},
        "Destination": {"Value": {"Fn::GetAtt": ["Destination", "ArnForPolicy"]}},
        "Schedule": {"Value": {"Fn::GetAtt": ["Schedule", "Arn"]}},
        "Group": {"Value": {"Fn::GetAtt": ["Group", "State"]}},
    },
}


def test_a_template_makes_changes_and_removes_what_events_need(here: Here) -> None:
    create(here, "shop", json.dumps(TEMPLATE))
    assert status(here, "shop") == ("CREATE_COMPLETE", "")
    outputs = {
        one["OutputKey"]: one["OutputValue"] for one in here.cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["Outputs"]
    }
    rule = outputs["Rule"]
    assert (rule.startswith(f"{PREFIX}rule/mine/shop-Rule-"), outputs["Schedule"]) == (
        True,
        f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/g/s",
    )
    put(here, {"n": 1}, EventBusName="mine")
    assert details(here) == [1, {"n": 1}]
    name = rule.rpartition("/")[2]
    changed = json.loads(json.dumps(TEMPLATE))
    changed["Resources"]["Rule"]["Properties"] |= {"EventPattern": {"source": ["stock"]}}
    changed["Resources"]["Rule"]["Properties"]["Targets"][0]["Id"] = "two"
    changed["Resources"]["Daily"]["Properties"]["State"] = "ENABLED"
    changed["Resources"]["Archive"]["Properties"]["RetentionDays"] = 5
    changed["Resources"]["Schedule"]["Properties"]["State"] = "DISABLED"
    changed["Resources"]["Bus"]["Properties"] |= {"Description": "x", "Tags": []}
    here.cloudformation.update_stack(StackName="shop", TemplateBody=json.dumps(changed))
    here.rest()
    assert status(here, "shop")[0] == "UPDATE_COMPLETE"
    targets = here.events.list_targets_by_rule(Rule=name, EventBusName="mine")["Targets"]
    assert [(target["Id"], target["RetryPolicy"]) for target in targets] == [("two", {"MaximumRetryAttempts": 4})]
    put(here, {"n": 2}, EventBusName="mine", source="stock")
    assert details(here) == [{"n": 2}]
    assert here.events.describe_rule(Name="daily")["State"] == "ENABLED"
    assert here.events.list_archives()["Archives"][0]["RetentionDays"] == 5
    assert here.scheduler.get_schedule(Name="s", GroupName="g")["State"] == "DISABLED"
    here.cloudformation.delete_stack(StackName="shop")
    here.rest()
    assert [one["Name"] for one in here.events.list_event_buses()["EventBuses"]] == ["default"]
    assert (here.events.list_rules(), here.events.list_archives(), here.events.list_connections()) == (
        {"Rules": []},
        {"Archives": []},
        {"Connections": []},
    )
    assert (here.events.list_api_destinations(), here.scheduler.list_schedules()) == ({"ApiDestinations": []}, {"Schedules": []})


def test_a_global_endpoint_is_deployed_over_buses_of_two_regions(here: Here) -> None:
    for region in ("us-east-1", "us-west-2"):
        here.at(region=region).events.create_event_bus(Name="mine")
    buses = [{"EventBusArn": f"arn:aws:events:{region}:{ACCOUNT}:event-bus/mine"} for region in ("us-east-1", "us-west-2")]
    routing = {"FailoverConfig": {"Primary": {"HealthCheck": "arn:aws:route53:::healthcheck/1"}, "Secondary": {"Route": "us-west-2"}}}
    properties = {"Name": "e", "RoutingConfig": routing, "EventBuses": buses, "ReplicationConfig": {"State": "DISABLED"}}
    template = {
        "Resources": {"Endpoint": {"Type": "AWS::Events::Endpoint", "Properties": properties}},
        "Outputs": {"Id": {"Value": {"Fn::GetAtt": ["Endpoint", "EndpointId"]}}},
    }
    create(here, "shop", json.dumps(template))
    (output,) = here.cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["Outputs"]
    assert here.events.describe_endpoint(Name="e")["EndpointId"] == output["OutputValue"]
    here.cloudformation.delete_stack(StackName="shop")
    here.rest()
    assert here.events.list_endpoints() == {"Endpoints": []}
