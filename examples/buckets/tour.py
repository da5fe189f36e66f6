"""Buckets at work: a form that browsers upload by, a website, and copies in another region."""

import http.client
import json
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import replication
import upload_form
import website


def tell(stage: Any) -> None:
    """Deploys three of the buckets' examples, one after the other, and uses them."""
    _tell_of_the_form(stage)
    _tell_of_the_website(stage)
    _tell_of_the_copies(stage)


def remove(stage: Any) -> None:
    """Takes everything down."""
    upload_form.remove(stage.prefix, stage.client)
    website.remove(stage.prefix, stage.client)
    replication.remove(stage.prefix, stage.client, _far(stage))


def _tell_of_the_form(stage: Any) -> None:
    uploads = upload_form.deploy(stage.prefix, stage.client)
    form = upload_form.sign(stage.client, uploads.bucket, "ada")
    stage.step("Signed a form for one visitor: pictures of at most 5 MB, for ten minutes")
    status, _ = upload_form.post(form, "hills.png", "image/png", b"\x89PNG...")
    event = stage.until(lambda: _told(stage.client, uploads.queue), "The notice of the upload")
    stage.step(
        f"A browser posted a picture ({status}); the queue was told: {event}", f"windtunnel aws s3 ls --recursive s3://{uploads.bucket}/"
    )
    status, body = upload_form.post(form, "page.html", "text/html", b"<script>")
    stage.step(f"A page of HTML is refused by the policy: {status} {body.partition('<Code>')[2].partition('<')[0]}")


def _tell_of_the_website(stage: Any) -> None:
    bucket = website.deploy(stage.prefix, stage.client)
    region = stage.client("s3").meta.region_name
    host = f"{bucket}.s3-website-{region}.localhost"
    status, title = _visit(stage, host, "/")
    stage.step(f"Made a website of a bucket; its index answers {status}: {title}", f"curl http://{host}:{urlsplit(stage.endpoint).port}/")
    status, title = _visit(stage, host, "/nowhere")
    stage.step(f"A page that is not there answers {status}: {title}")


def _tell_of_the_copies(stage: Any) -> None:
    far = _far(stage)
    mirror = replication.deploy(stage.prefix, stage.client, far)
    stage.step("Built two buckets in two regions, the first replicated to the second, and a queue over there")
    version = stage.client("s3").put_object(Bucket=mirror.original, Key="hills", Body=b"hills")["VersionId"]
    event = stage.until(lambda: _told(far, mirror.queue), "The notice of the copy")
    copy = far("s3").head_object(Bucket=mirror.copy, Key="hills")
    assert copy["VersionId"] == version, "a copy is the same version"
    stage.step(
        f"Put an object here; there it is a {copy['ReplicationStatus']} of the same version, and the queue was told: {event}",
        f"windtunnel aws --region {replication.FAR} s3api head-object --bucket {mirror.copy} --key hills",
    )


def _far(stage: Any) -> Any:
    return partial(stage.client, region=replication.FAR)


def _told(client: Any, url: str) -> str | None:
    """The name of the next event that a queue holds, once it holds one."""
    for message in client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages", []):
        client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        for record in json.loads(message["Body"]).get("Records", []):
            return record["eventName"]
    return None


def _visit(stage: Any, host: str, path: str) -> tuple[int, str]:
    """The status and the heading of a page."""
    place = urlsplit(stage.endpoint)
    connection = http.client.HTTPConnection(place.hostname or "", place.port)
    connection.request("GET", path, headers={"Host": f"{host}:{place.port}"})
    answer = connection.getresponse()
    heading = answer.read().decode().partition("<h1>")[2].partition("<")[0]
    connection.close()
    return answer.status, heading
