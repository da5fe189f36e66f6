"""Other services call functions: topics, buckets, and functions each other."""

import json
from typing import Any

from tests.stories.here import REGION, Here
from tests.stories.lambdas import arn, logged, make

PRINTS = "import json\ndef handler(event, context):\n    print('got', json.dumps(event))\n"


def got(here: Here) -> list[Any]:
    return [json.loads(line.removeprefix("got ")) for line in logged(here, "/aws/lambda/f") if line.startswith("got ")]


def test_a_topic_hands_its_messages_to_functions(here: Here) -> None:
    make(here, "f", PRINTS)
    topic = here.sns.create_topic(Name="news")["TopicArn"]
    here.sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn("f"))
    sent = here.sns.publish(TopicArn=topic, Message="hello", Subject="greeting")
    (event,) = got(here)
    (record,) = event["Records"]
    assert (record["EventSource"], record["Sns"]["MessageId"]) == ("aws:sns", sent["MessageId"])
    assert (record["Sns"]["Subject"], record["Sns"]["Message"]) == ("greeting", "hello")


def test_a_bucket_tells_functions_what_was_put_into_it(here: Here) -> None:
    make(here, "f", PRINTS)
    here.s3.create_bucket(Bucket="pictures")
    request = {"FunctionName": "f", "StatementId": "s3", "Action": "lambda:InvokeFunction"}
    here.lambda_.add_permission(**request, Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::pictures")
    configuration = {"LambdaFunctionArn": arn("f"), "Events": ["s3:ObjectCreated:*"]}
    here.s3.put_bucket_notification_configuration(
        Bucket="pictures", NotificationConfiguration={"LambdaFunctionConfigurations": [configuration]}
    )
    here.s3.put_object(Bucket="pictures", Key="cat.png", Body=b"meow")
    records = [record for event in got(here) for record in event.get("Records", [])]
    assert [(record["eventSource"], record["eventName"], record["awsRegion"]) for record in records] == [
        ("aws:s3", "ObjectCreated:Put", REGION)
    ]
    assert records[0]["s3"]["object"]["key"] == "cat.png"


def test_a_function_is_a_destination_of_another(here: Here) -> None:
    make(here, "f", PRINTS)
    make(here, "first")
    here.lambda_.put_function_event_invoke_config(FunctionName="first", DestinationConfig={"OnSuccess": {"Destination": arn("f")}})
    here.lambda_.invoke(FunctionName="first", InvocationType="Event", Payload=b'"word"')
    (event,) = got(here)
    assert (event["requestContext"]["functionArn"], event["responsePayload"]) == (arn("first", "$LATEST"), "word")
