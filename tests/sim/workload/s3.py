"""Objects put, got, copied, tagged, listed and deleted, in buckets with and without versions."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.sim.auditor.objects import Bucket
from tests.sim.auditor.s3 import Buckets
from tests.sim.auditor.sqs import Queues
from tests.sim.workload.base import Chance, Wish, queue_arn

NAMES = ("one-bucket", "two-bucket", "three-bucket")
EVENTS = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]


class ObjectWork:
    """Wishes of S3."""

    def __init__(self, chance: Chance, model: Buckets, queues: Queues) -> None:
        self._chance, self._model, self._queues = chance, model, queues
        self._weighted = {
            self._create: 3, self._remove_bucket: 1, self._configure: 4, self._put: 25, self._get: 15, self._copy: 6, self._delete: 12,
            self._delete_many: 3, self._tag: 5, self._list: 12, self._begin_upload: 2, self._part: 5, self._end_upload: 4,
        }  # fmt: skip

    def wish(self) -> Wish | None:
        return self._chance.pick(self._weighted)

    def _make(self, operation: str, bucket: str, **request: Any) -> Wish:
        return Wish("s3", operation, {"Bucket": bucket, **request})

    def _bucket(self) -> Bucket | None:
        return self._chance.among(self._model.buckets.values())

    def _name(self) -> str:
        bucket = self._bucket()
        return bucket.name if bucket is not None and self._chance.percent(98) else self._chance.one(*NAMES, "no-bucket")

    def _key(self) -> str:
        return f"{self._chance.one('', 'a/', 'a/b/', 'ä ö/', 'z')}{self._chance.number(0, 5)}"

    def _known(self) -> tuple[str, str, str | None]:
        """A bucket, a key, and perhaps a version, for the most part of something that is there."""
        bucket, chance = self._bucket(), self._chance
        if bucket is None or not bucket.keys or chance.percent(10):
            return self._name(), self._key(), None
        key = chance.among(bucket.keys)
        version = chance.among(bucket.keys[key]) if bucket.versioning and chance.percent(30) else None
        return bucket.name, key, version and version.id

    def _versioned(self, place: tuple[str, str, str | None]) -> dict[str, Any]:
        bucket, key, id = place
        return {"bucket": bucket, "Key": key, **({"VersionId": id} if id else {})}

    def _create(self) -> Wish:
        return self._make("CreateBucket", self._chance.one(*NAMES, *NAMES, "No Bucket"))

    def _remove_bucket(self) -> Wish:
        return self._make("DeleteBucket", self._name())

    def _configure(self) -> Wish:
        chance, name = self._chance, self._name()
        kind = chance.one("versioning", "tags", "tags?", "told", "told")
        if kind == "versioning":
            status = {"Status": chance.one("Enabled", "Suspended")}
            return self._make("PutBucketVersioning", name, VersioningConfiguration=status)
        if kind == "tags":
            return self._make("PutBucketTagging", name, Tagging={"TagSet": _tag_set(chance.tags())})
        if kind == "tags?":
            return self._make("GetBucketTagging", name)
        queue = chance.among([one.name for one in self._queues.queues.values() if one.watched and not one.fifo], "nowhere")
        told = [{"QueueArn": queue_arn(queue), "Events": EVENTS}] if chance.percent(80) else []
        return self._make(
            "PutBucketNotificationConfiguration", name, NotificationConfiguration={"QueueConfigurations": told} if told else {}
        )

    def _body(self) -> bytes:
        label = self._chance.label().encode()
        return label + b"." * self._chance.one(0, 0, 10, 1_000, 5_000, 30_000, 100_000 if self._chance.percent(20) else 100)

    def _put(self) -> Wish:
        chance = self._chance
        request: dict[str, Any] = {"Key": self._key(), "Body": self._body() if chance.percent(95) else b""}
        if chance.percent(20):
            request["Tagging"] = "&".join(f"{key}={value}" for key, value in chance.tags().items())
        name = self._name()
        if chance.percent(15):
            bucket = self._model.buckets.get(name)
            current = bucket and bucket.current(request["Key"])
            request |= chance.one({"IfNoneMatch": "*"}, {"IfMatch": '"nothing"'}, {"IfMatch": f'"{current.etag}"'} if current else {})
        return self._make("PutObject", name, **request)

    def _get(self) -> Wish:
        chance, request = self._chance, self._versioned(self._known())
        if chance.percent(25):
            first = chance.number(0, 20)
            request["Range"] = f"bytes={first}-{first + chance.number(0, 2_000)}"
        return self._make("GetObject", **request)

    def _copy(self) -> Wish:
        bucket, key, _ = self._known()
        return self._make("CopyObject", self._name(), Key=self._key(), CopySource=quote(f"{bucket}/{key}"))

    def _delete(self) -> Wish:
        return self._make("DeleteObject", **self._versioned(self._known()))

    def _delete_many(self) -> Wish:
        bucket = self._name()
        keys = sorted({self._key() for _ in range(self._chance.number(1, 4))})
        return self._make("DeleteObjects", bucket, Delete={"Objects": [{"Key": key} for key in keys]})

    def _tag(self) -> Wish:
        request = self._versioned(self._known())
        if self._chance.percent(50):
            return self._make("GetObjectTagging", **request)
        return self._make("PutObjectTagging", **request, Tagging={"TagSet": _tag_set(self._chance.tags())})

    def _list(self) -> Wish:
        chance, name = self._chance, self._name()
        if chance.percent(30):
            return self._make("ListObjectVersions", name, **chance.one({}, {"Prefix": "a/"}))
        request: dict[str, Any] = {"Prefix": chance.one("", "a", "a/", "ä")}
        if chance.percent(50):
            request["Delimiter"] = "/"
        if chance.percent(40):
            request["MaxKeys"] = chance.number(1, 4)
        elif chance.percent(30) and "Delimiter" not in request:
            request["StartAfter"] = self._key()
        return self._make("ListObjectsV2", name, **request)

    def _begin_upload(self) -> Wish | None:
        return self._make("CreateMultipartUpload", self._name(), Key=self._key()) if len(self._model.uploads) < 8 else None

    def _upload(self) -> dict[str, Any] | None:
        id = self._chance.among(self._model.uploads)
        if id is None:
            return None
        upload = self._model.uploads[id]
        return {"bucket": upload.bucket, "Key": upload.key, "UploadId": id if self._chance.percent(97) else "none"}

    def _part(self) -> Wish | None:
        upload = self._upload()
        return upload and self._make("UploadPart", **upload, PartNumber=self._chance.number(1, 3), Body=self._body())

    def _end_upload(self) -> Wish | None:
        chance, upload = self._chance, self._upload()
        if upload is None:
            return None
        kind = chance.one("AbortMultipartUpload", "ListParts", "Complete", "Complete")
        if kind != "Complete":
            return self._make(kind, **upload)
        known = self._model.uploads.get(upload["UploadId"])
        number = chance.among(sorted(known.parts) if known else [], 1)
        etag = "0" * 32 if known is None or number not in known.parts else self._model.etag(known.parts[number])
        return self._make("CompleteMultipartUpload", **upload, MultipartUpload={"Parts": [{"PartNumber": number, "ETag": etag}]})


def _tag_set(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
