"""CloudFormation's own kinds: nested stacks, custom resources, wait conditions and macros."""

import json
from typing import Any
from urllib.parse import urlsplit

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.lambdas import make
from tests.stories.test_cloudformation_stacks import create, status, story
from windtunnel.fabric import Visit


def put(here: Here, url: str, **body: Any) -> int:
    """PUTs an answer to a URL of the region's, as a function would over HTTP."""
    path = urlsplit(url).path
    host = here.cloud.visits.path(path)
    assert host is not None
    visit = Visit("", "", "PUT", path, "", {}, json.dumps(body).encode(), "http", None)
    answer = here.run(here.cloud.visits.answer(host, visit, here.scope))
    here.rest()
    return answer.status


def uploaded(here: Here, template: str) -> str:
    here.s3.create_bucket(Bucket="templates")
    here.s3.put_object(Bucket="templates", Key="child.yaml", Body=template.encode())
    return "https://templates.s3.amazonaws.com/child.yaml"


CHILD = """
Parameters: {Delay: {Type: Number}}
Resources: {Q: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: !Ref Delay}}}
Outputs: {Name: {Value: !GetAtt Q.QueueName}}
"""
PARENT = """
Resources:
  Child: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: %s, Parameters: {Delay: %s}}}
  After: {Type: AWS::SQS::Queue, Properties: {Tags: [{Key: of, Value: !GetAtt Child.Outputs.Name}]}}
"""


def test_a_nested_stack_is_made_changed_and_removed_with_its_parent(here: Here) -> None:
    url = uploaded(here, CHILD)
    id = create(here, "parent", PARENT % (url, 3))
    assert status(here, "parent")[0] == "CREATE_COMPLETE"
    child = here.cloudformation.describe_stack_resource(StackName="parent", LogicalResourceId="Child")["StackResourceDetail"][
        "PhysicalResourceId"
    ]
    described = here.cloudformation.describe_stacks(StackName=child)["Stacks"][0]
    assert (described["ParentId"], described["RootId"], described["StackStatus"]) == (id, id, "CREATE_COMPLETE")
    assert described["StackName"].startswith("parent-Child-")
    here.cloudformation.update_stack(StackName="parent", TemplateBody=PARENT % (url, 7))
    here.rest()
    assert [status(here, name)[0] for name in ("parent", child)] == ["UPDATE_COMPLETE", "UPDATE_COMPLETE"]
    here.cloudformation.delete_stack(StackName="parent")
    here.rest()
    assert [status(here, name)[0] for name in (id, child)] == ["DELETE_COMPLETE", "DELETE_COMPLETE"]
    assert here.sqs.list_queues() == {}


NESTED = """
Parameters: {Delay: {Type: Number}}
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Wait: {Type: AWS::CloudFormation::WaitCondition, Properties: {Handle: !Ref Handle, Timeout: 600, Count: 2}}
Outputs: {Name: {Value: !Ref Delay}}
"""


def test_a_template_in_a_bucket_may_be_a_long_one(here: Here) -> None:
    url = uploaded(here, f"Metadata: {{Long: {'x' * 20_000}}}\nResources: {{Q: {{Type: AWS::SQS::Queue}}}}")
    here.cloudformation.create_stack(StackName="long", TemplateURL=url)
    here.rest()
    assert status(here, "long") == ("CREATE_COMPLETE", "")


def test_a_nested_stack_goes_on_after_a_kill(here: Here) -> None:
    id = here.cloudformation.create_stack(StackName="parent", TemplateBody=PARENT % (uploaded(here, NESTED), 3))["StackId"]
    here.rest()
    (child,) = (each for each in here.cloudformation.list_stacks()["StackSummaries"] if each.get("ParentId") == id)
    here.kill()
    here.rest()
    row = here.cloudformation.describe_stack_resource(StackName=child["StackId"], LogicalResourceId="Handle")["StackResourceDetail"]
    for name in ("a", "b"):
        put(here, row["PhysicalResourceId"], Status="SUCCESS", UniqueId=name, Data="", Reason="")
    assert [status(here, name)[0] for name in (id, child["StackId"])] == ["CREATE_COMPLETE", "CREATE_COMPLETE"]


def test_a_nested_stack_that_fails_fails_its_parent(here: Here) -> None:
    url = uploaded(here, CHILD)
    id = create(here, "parent", PARENT % (url, 5000))
    reason = next(line[2] for line in story(here, id) if line[:2] == ("Child", "CREATE_FAILED"))
    assert reason.startswith("Embedded stack arn:aws:cloudformation:")
    assert reason.endswith("was not successfully created: The following resource(s) failed to create: [Q]. ")
    assert status(here, id)[0] == "ROLLBACK_COMPLETE"
    assert here.sqs.list_queues() == {}


CUSTOM = """
Resources:
  It: {Type: Custom::Thing, Properties: {ServiceToken: %s, Size: %s}}
Outputs: {Colour: {Value: !GetAtt It.Colour}, Id: {Value: !Ref It}}
"""


def custom(here: Here) -> tuple[str, str]:
    """A topic for custom resources, and the URL of the queue that its requests arrive in."""
    topic = here.sns.create_topic(Name="things")["TopicArn"]
    url = here.sqs.create_queue(QueueName="things")["QueueUrl"]
    here.sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:things", Attributes={"RawMessageDelivery": "true"}
    )
    return topic, url


def asked(here: Here, url: str) -> dict[str, Any]:
    here.rest()
    (message,) = here.sqs.receive_message(QueueUrl=url)["Messages"]
    here.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return dict(json.loads(message["Body"]))


def answer(here: Here, request: dict[str, Any], **more: Any) -> None:
    same = {name: request[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    assert put(here, request["ResponseURL"], **{"Status": "SUCCESS", **same, **more}) == 200


def test_a_custom_resource_is_made_by_who_answers_its_requests(here: Here) -> None:
    topic, url = custom(here)
    id = create(here, "shop", CUSTOM % (topic, 3))
    request = asked(here, url)
    assert request == {
        "RequestType": "Create",
        "ServiceToken": topic,
        "ResponseURL": request["ResponseURL"],
        "StackId": id,
        "RequestId": request["RequestId"],
        "LogicalResourceId": "It",
        "ResourceType": "Custom::Thing",
        "ResourceProperties": {"ServiceToken": topic, "Size": "3"},
    }
    assert status(here, "shop")[0] == "CREATE_IN_PROGRESS"
    answer(here, request, PhysicalResourceId="thing-1", Data={"Colour": "red"})
    assert status(here, "shop")[0] == "CREATE_COMPLETE"
    outputs = here.cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["Outputs"]
    assert {each["OutputKey"]: each["OutputValue"] for each in outputs} == {"Colour": "red", "Id": "thing-1"}


def test_an_update_that_answers_another_id_has_the_old_one_removed(here: Here) -> None:
    topic, url = custom(here)
    create(here, "shop", CUSTOM % (topic, 3))
    answer(here, asked(here, url), PhysicalResourceId="thing-1", Data={"Colour": "red"})
    here.cloudformation.update_stack(StackName="shop", TemplateBody=CUSTOM % (topic, 4))
    request = asked(here, url)
    assert (request["RequestType"], request["PhysicalResourceId"]) == ("Update", "thing-1")
    assert request["OldResourceProperties"] == {"ServiceToken": topic, "Size": "3"}
    answer(here, request, PhysicalResourceId="thing-2", Data={"Colour": "blue"})
    request = asked(here, url)
    assert (request["RequestType"], request["PhysicalResourceId"]) == ("Delete", "thing-1")
    assert status(here, "shop")[0] == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    answer(here, request)
    assert status(here, "shop")[0] == "UPDATE_COMPLETE"


def test_a_custom_resource_is_asked_again_after_a_kill(here: Here) -> None:
    topic, url = custom(here)
    create(here, "shop", CUSTOM % (topic, 3))
    asked(here, url)
    here.kill()
    answer(here, asked(here, url), PhysicalResourceId="thing-1", Data={"Colour": "red"})
    assert status(here, "shop")[0] == "CREATE_COMPLETE"


def test_a_custom_resource_that_says_failed_fails(here: Here) -> None:
    topic, url = custom(here)
    create(here, "shop", CUSTOM % (topic, 3))
    request = asked(here, url)
    answer(here, request, Status="FAILED", Reason="no room", PhysicalResourceId="thing-1")
    told = f"Received response status [FAILED] from custom resource. Message returned: no room (RequestId: {request['RequestId']})"
    assert ("It", "CREATE_FAILED", told) in story(here, "shop")
    assert asked(here, url)["RequestType"] == "Delete"


def test_a_custom_resource_that_nobody_answers_fails_after_an_hour(here: Here) -> None:
    topic, _ = custom(here)
    create(here, "shop", CUSTOM % (topic, 3))
    here.jump(3_599)
    assert status(here, "shop")[0] == "CREATE_IN_PROGRESS"
    here.jump(1)
    assert status(here, "shop")[0] == "ROLLBACK_COMPLETE"


WAITING = """
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Wait: {Type: AWS::CloudFormation::WaitCondition, Properties: {Handle: !Ref Handle, Timeout: 600, Count: 2}}
Outputs: {Url: {Value: !Ref Handle}, Data: {Value: !GetAtt Wait.Data}}
"""


def test_a_stack_waits_for_as_many_signals_as_its_condition_counts(here: Here) -> None:
    create(here, "shop", WAITING)
    url = here.cloudformation.describe_stack_resource(StackName="shop", LogicalResourceId="Handle")["StackResourceDetail"][
        "PhysicalResourceId"
    ]
    put(here, url, Status="SUCCESS", UniqueId="a", Data="one", Reason="")
    put(here, url, Status="SUCCESS", UniqueId="a", Data="again", Reason="")
    assert status(here, "shop")[0] == "CREATE_IN_PROGRESS"
    put(here, url, Status="SUCCESS", UniqueId="b", Data="two", Reason="")
    assert status(here, "shop")[0] == "CREATE_COMPLETE"
    outputs = here.cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["Outputs"]
    assert json.loads(outputs[1]["OutputValue"]) == {"a": "again", "b": "two"}


def test_a_wait_that_takes_too_long_fails_its_stack(here: Here) -> None:
    create(here, "shop", WAITING)
    here.jump(600)
    assert ("Wait", "CREATE_FAILED", "WaitCondition timed out. Received 0 conditions when expecting 2") in story(here, "shop")


def test_a_resource_with_a_creation_policy_waits_for_signals(here: Here) -> None:
    template = "Resources: {Q: {Type: AWS::SQS::Queue, CreationPolicy: {ResourceSignal: {Count: 1, Timeout: PT10M}}}}"
    create(here, "shop", template)
    assert status(here, "shop")[0] == "CREATE_IN_PROGRESS"
    here.cloudformation.signal_resource(StackName="shop", LogicalResourceId="Q", UniqueId="host", Status="SUCCESS")
    here.rest()
    assert status(here, "shop")[0] == "CREATE_COMPLETE"


MACRO = """
def handler(event, context):
    fragment = event["fragment"]
    fragment["Resources"]["Q"]["Properties"] = {"DelaySeconds": event["params"]["Delay"]}
    return {"requestId": event["requestId"], "status": "success", "fragment": fragment}
"""


def test_a_macro_changes_a_template_before_it_is_deployed(here: Here) -> None:
    make(here, "delays", MACRO)
    create(here, "macros", "Resources: {M: {Type: AWS::CloudFormation::Macro, Properties: {Name: Delays, FunctionName: delays}}}")
    template = "Transform: {Name: Delays, Parameters: {Delay: 9}}\nResources: {Q: {Type: AWS::SQS::Queue}}"
    create(here, "shop", template, Capabilities=["CAPABILITY_AUTO_EXPAND"])
    (url,) = here.sqs.list_queues()["QueueUrls"]
    assert here.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"] == {"DelaySeconds": "9"}
    processed = here.cloudformation.get_template(StackName="shop", TemplateStage="Processed")["TemplateBody"]
    assert json.loads(processed) == {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 9}}}}


def test_a_loop_writes_out_its_resources(here: Here) -> None:
    template = """
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList, Default: "a,b"}}
Resources:
  Fn::ForEach::Queues:
    - Name
    - !Ref Names
    - Queue${Name}: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "queue-${Name}"}}
Outputs: {Number: {Value: !Length {Ref: Names}}}
"""
    create(here, "shop", template, Capabilities=["CAPABILITY_AUTO_EXPAND"])
    assert [url.rpartition("/")[2] for url in here.sqs.list_queues()["QueueUrls"]] == ["queue-a", "queue-b"]
    assert here.cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["Outputs"] == [{"OutputKey": "Number", "OutputValue": "2"}]
