"""An upload form: a browser puts pictures straight into a bucket, within what a signed policy allows; a queue is told.

python upload_form.py up [PREFIX]      python upload_form.py down [PREFIX]
"""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config
from common import Client, account_of, create_bucket, main, remove_bucket, remove_queue, tell_queue

BYTES_MAX = 5_000_000
SECONDS = 600
PAGE = Path("upload.html")


@dataclass(frozen=True)
class Uploads:
    """What is deployed: the bucket, and the URL of the queue that hears of each upload."""

    bucket: str
    queue: str


def deploy(prefix: str, client: Client = boto3.client, origin: str = "*") -> Uploads:
    """`origin`: the page that may read the bucket's answers."""
    s3, bucket = client("s3"), f"{prefix}-form-{account_of(client)}"
    create_bucket(s3, bucket)
    rule = {"AllowedMethods": ["POST"], "AllowedOrigins": [origin], "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag", "Location"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    return Uploads(bucket, tell_queue(client, bucket, ["s3:ObjectCreated:Post"]))


def sign(client: Client, bucket: str, visitor: str) -> dict[str, Any]:
    """A form for one visitor: pictures only, up to 5 MB, into the visitor's own folder, for ten minutes."""
    fields = {"success_action_status": "201", "x-amz-meta-visitor": visitor}
    limits = [["starts-with", "$Content-Type", "image/"], ["content-length-range", 1, BYTES_MAX]]
    conditions = [*({name: value} for name, value in fields.items()), *limits]
    s3 = client("s3", config=Config(signature_version="s3v4"))  # older signatures don't tell when they were made
    return s3.generate_presigned_post(bucket, f"{visitor}/${{filename}}", Fields=fields, Conditions=conditions, ExpiresIn=SECONDS)


def page(form: dict[str, Any]) -> str:
    """The form as a page."""
    fields = {**form["fields"], "Content-Type": "image/png"}
    hidden = [f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()]
    opening = f'<form action="{escape(form["url"])}" method="post" enctype="multipart/form-data">'
    lines = [
        "<!doctype html>",
        opening,
        *hidden,
        '<input type="file" name="file" accept="image/png">',
        "<button>Upload</button>",
        "</form>",
    ]
    return "\n".join(lines)


def post(form: dict[str, Any], filename: str, content_type: str, data: bytes) -> tuple[int, str]:
    """What the browser does when the button is pressed; returns the status and the body of the answer."""
    edge = "----form"
    fields = {**form["fields"], "Content-Type": content_type}
    parts = [f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    parts.append(f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n')
    body = "".join(parts).encode() + data + f"\r\n--{edge}--\r\n".encode()
    request = Request(form["url"], body, {"Content-Type": f"multipart/form-data; boundary={edge}"})
    try:
        with urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def remove(prefix: str, client: Client = boto3.client) -> None:
    bucket = f"{prefix}-form-{account_of(client)}"
    remove_queue(client, bucket)
    remove_bucket(client("s3"), bucket)


def _up(prefix: str) -> list[str]:
    uploads = deploy(prefix)
    PAGE.write_text(page(sign(boto3.client, uploads.bucket, "ada")))
    return [f"Open {PAGE} in a browser, then: aws s3 ls --recursive s3://{uploads.bucket}/", f"Told:  {uploads.queue}"]


if __name__ == "__main__":
    main(_up, remove, __doc__ or "")
