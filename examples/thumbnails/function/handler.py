"""The function: makes a thumbnail of each picture that an S3 event names, and puts it into the bucket for thumbnails."""

import io
import os
from urllib.parse import unquote_plus

import boto3
from PIL import Image

SIDE_PIXELS_MAX = 128
s3 = boto3.client("s3")


def handler(event: dict, context: object) -> dict:
    made = [make_thumbnail(record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"])) for record in event["Records"]]
    return {"thumbnails": made}


def make_thumbnail(bucket: str, key: str) -> str:
    uploaded = s3.get_object(Bucket=bucket, Key=key)
    picture = Image.open(io.BytesIO(uploaded["Body"].read()))
    kind, size = picture.format or "PNG", picture.size
    picture.thumbnail((SIDE_PIXELS_MAX, SIDE_PIXELS_MAX))
    thumbnail = io.BytesIO()
    picture.save(thumbnail, kind)
    s3.put_object(
        Bucket=os.environ["THUMBNAILS"], Key=key, Body=thumbnail.getvalue(), ContentType=Image.MIME[kind],
        Metadata={"original-size": f"{size[0]}x{size[1]}"},
    )  # fmt: skip
    print(f"{key}: {kind} of {size[0]}x{size[1]} became {picture.width}x{picture.height}")
    return key
