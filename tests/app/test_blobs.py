"""`windtunnel up --blobs`: objects' bytes in an object store, which here is another region."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import boto3

from tests.app.kit import up, windtunnel

BODY = bytes(range(256)) * 1_000


def _s3(endpoint: str) -> Any:
    return boto3.client("s3", endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")


def test_bytes_lie_in_another_regions_bucket_and_are_read_without_a_cache(tmp_path: Path) -> None:
    with up(tmp_path / "store") as (_, store):
        _s3(store).create_bucket(Bucket="bytes")
        url = f"s3://bytes/windtunnel?endpoint={store}&region=us-east-1&access_key_id=test&secret_access_key=test"
        with up(tmp_path / "served", "--blobs", url) as (region, endpoint):
            s3 = _s3(endpoint)
            s3.create_bucket(Bucket="pictures")
            s3.put_object(Bucket="pictures", Key="hills", Body=BODY)
            kept = _s3(store).list_objects_v2(Bucket="bytes", Prefix="windtunnel/")["Contents"]
            assert [item["Size"] for item in kept] == [len(BODY)]
            for folder in (tmp_path / "served/blobs/objects").iterdir():
                shutil.rmtree(folder)
            assert s3.get_object(Bucket="pictures", Key="hills", Range="bytes=255-70000")["Body"].read() == BODY[255:70_001]
            assert s3.get_object(Bucket="pictures", Key="hills")["Body"].read() == BODY
            s3.delete_object(Bucket="pictures", Key="hills")
            region.terminate()
            region.wait(30)
        assert _s3(store).list_objects_v2(Bucket="bytes").get("Contents", []) == []


def test_a_place_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    ended = windtunnel("up", "--port", "0", "--data", str(tmp_path), "--blobs", "nowhere://bucket")
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"windtunnel: Cannot open the region's state in {tmp_path}: nowhere://bucket: ")
