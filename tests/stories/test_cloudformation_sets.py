"""Stack sets: one template in several accounts and regions."""

from typing import Any

from tests.stories.here import ACCOUNT, Here
from tests.stories.refusals import refusal

OTHER = "111111111111"
TEMPLATE = """
Parameters: {Delay: {Type: Number, Default: 1}}
Resources: {Q: {Type: AWS::SQS::Queue, Properties: {QueueName: orders, DelaySeconds: !Ref Delay}}}
"""


def made(here: Here, **given: Any) -> str:
    here.cloudformation.create_stack_set(StackSetName="everywhere", TemplateBody=TEMPLATE)
    request = {"Accounts": [ACCOUNT, OTHER], "Regions": ["eu-west-1", "us-east-1"], **given}
    id = here.cloudformation.create_stack_instances(StackSetName="everywhere", **request)["OperationId"]
    here.rest()
    return str(id)


def delay(here: Here, account: str, region: str) -> str:
    there = here.at(account=account, region=region).sqs
    url = there.get_queue_url(QueueName="orders")["QueueUrl"]
    return str(there.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"]["DelaySeconds"])


PLACES = [(ACCOUNT, "eu-west-1"), (ACCOUNT, "us-east-1"), (OTHER, "eu-west-1"), (OTHER, "us-east-1")]


def test_a_set_has_its_stack_in_each_account_and_region(here: Here) -> None:
    id = made(here, ParameterOverrides=[{"ParameterKey": "Delay", "ParameterValue": "4"}])
    operation = here.cloudformation.describe_stack_set_operation(StackSetName="everywhere", OperationId=id)["StackSetOperation"]
    assert (operation["Action"], operation["Status"]) == ("CREATE", "SUCCEEDED")
    assert [delay(here, *place) for place in PLACES] == ["4"] * 4
    instances = here.cloudformation.list_stack_instances(StackSetName="everywhere")["Summaries"]
    assert [(each["Account"], each["Region"], each["Status"]) for each in instances] == [(*place, "CURRENT") for place in PLACES]
    stack = here.at(account=OTHER, region="eu-west-1").cloudformation.describe_stacks()["Stacks"][0]
    assert stack["StackName"].startswith("StackSet-everywhere-")


def test_an_update_of_a_set_changes_all_its_stacks(here: Here) -> None:
    made(here)
    given = [{"ParameterKey": "Delay", "ParameterValue": "9"}]
    here.cloudformation.update_stack_set(StackSetName="everywhere", UsePreviousTemplate=True, Parameters=given)
    here.rest()
    assert [delay(here, *place) for place in PLACES] == ["9"] * 4


def test_a_set_is_deleted_once_it_is_empty(here: Here) -> None:
    made(here)
    refused = refusal(here.cloudformation.delete_stack_set, StackSetName="everywhere")
    assert refused == ("StackSetNotEmptyException", "StackSet is not empty")
    request = {"StackSetName": "everywhere", "Accounts": [ACCOUNT, OTHER], "Regions": ["eu-west-1", "us-east-1"]}
    here.cloudformation.delete_stack_instances(**request, RetainStacks=False)
    here.rest()
    assert [here.at(account=account, region=region).sqs.list_queues() for account, region in PLACES] == [{}] * 4
    here.cloudformation.delete_stack_set(StackSetName="everywhere")
    assert here.cloudformation.list_stack_sets() == {"Summaries": []}


def test_what_fails_ends_the_rest_beyond_what_is_tolerated(here: Here) -> None:
    here.at(account=ACCOUNT, region="eu-west-1").sqs.create_queue(QueueName="orders", Attributes={"DelaySeconds": "77"})
    id = made(here)
    results = here.cloudformation.list_stack_set_operation_results(StackSetName="everywhere", OperationId=id)["Summaries"]
    assert [(each["Account"], each["Region"], each["Status"]) for each in results] == [
        (ACCOUNT, "eu-west-1", "FAILED"),
        (ACCOUNT, "us-east-1", "CANCELLED"),
        (OTHER, "eu-west-1", "CANCELLED"),
        (OTHER, "us-east-1", "CANCELLED"),
    ]
    operation = here.cloudformation.describe_stack_set_operation(StackSetName="everywhere", OperationId=id)["StackSetOperation"]
    assert operation["Status"] == "FAILED"
