"""S3: what was put is there, whole, under its key and version, listed and tagged as it was put, and its events are told."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.sim.auditor.base import Ask, Call, Wrong, ended, holds, same
from tests.sim.auditor.objects import NOTHING, Bucket, Shelves, Upload, Version, joined_etag, label, shelves
from tests.sim.auditor.sqs import Queues

NO_BUCKET = ("NoSuchBucket",)


class Buckets:
    """All buckets of the account, and uploads under way."""

    def __init__(self, ask: Ask, queues: Queues) -> None:
        self._ask, self._queues = ask, queues
        self.buckets: dict[str, Bucket] = {}
        self.uploads: dict[str, Upload] = {}

    def _bucket(self, call: Call) -> Bucket | None:
        """The bucket of a call. Where there is none, the call must have said so."""
        bucket = self.buckets.get(call.request["Bucket"])
        if bucket is None:
            ended(call, *NO_BUCKET)
        return bucket

    def _tell(self, bucket: Bucket, event: str, key: str, version: Version, now: float, *, sure: bool = True) -> None:
        if bucket.told and not event.startswith("ObjectTagging"):
            self._queues.arrive(bucket.told, label(bucket.name, event, key, version), now, sure=sure)

    # ------------------------------------------------------------ buckets

    def create_bucket(self, call: Call) -> None:
        name = call.request["Bucket"]
        if not 3 <= len(name) <= 63 or name != name.lower():
            ended(call, "InvalidBucketName")
        elif ended(call) and name not in self.buckets:
            self.buckets[name] = Bucket(name)

    def create_bucket_unknown(self, call: Call) -> None:
        name = call.request["Bucket"]
        if name not in self.buckets and not self._ask("s3", "HeadBucket", Bucket=name).fault:
            self.buckets[name] = Bucket(name)

    def delete_bucket(self, call: Call) -> None:
        if (bucket := self._bucket(call)) and ended(call, *(["BucketNotEmpty"] if bucket.keys else [])):
            self._forget(bucket)

    def delete_bucket_unknown(self, call: Call) -> None:
        bucket = self.buckets.get(call.request["Bucket"])
        if bucket and self._ask("s3", "HeadBucket", Bucket=bucket.name).fault:
            holds(not bucket.keys, f"bucket {bucket.name} is gone, and was not empty")
            self._forget(bucket)

    def _forget(self, bucket: Bucket) -> None:
        del self.buckets[bucket.name]
        self.uploads = {id: upload for id, upload in self.uploads.items() if upload.bucket != bucket.name}

    def list_buckets(self, call: Call) -> None:
        ended(call)
        same("buckets listed", [one["Name"] for one in call.result["Buckets"]], sorted(self.buckets))

    def put_bucket_versioning(self, call: Call) -> None:
        if (bucket := self._bucket(call)) and ended(call):
            bucket.versioning = call.request["VersioningConfiguration"]["Status"]

    def put_bucket_tagging(self, call: Call) -> None:
        if (bucket := self._bucket(call)) and ended(call):
            bucket.tags = _tags(call.request["Tagging"]["TagSet"])

    def get_bucket_tagging(self, call: Call) -> None:
        if (bucket := self._bucket(call)) and ended(call, *(() if bucket.tags else ["NoSuchTagSet"])):
            same(f"tags of bucket {bucket.name}", _tags(call.result["TagSet"]), bucket.tags)

    def put_bucket_notification_configuration(self, call: Call) -> None:
        bucket = self._bucket(call)
        if bucket is None:
            return
        wanted = call.request["NotificationConfiguration"].get("QueueConfigurations", [])
        queue = wanted[0]["QueueArn"].rpartition(":")[2] if wanted else ""
        if ended(call, *(["InvalidArgument"] if queue and queue not in self._queues.queues else [])):
            bucket.told = queue
            if queue:
                self._queues.arrive(queue, f"test:{bucket.name}", call.now)

    # ------------------------------------------------------------ writing

    def put_object(self, call: Call) -> None:
        bucket = self._bucket(call)
        if bucket is None:
            return
        key, current = call.request["Key"], bucket.current(call.request["Key"])
        match = call.request.get("IfMatch")
        if "IfNoneMatch" in call.request and current:
            ended(call, "PreconditionFailed")
        elif match is not None and (current is None or match.strip('"') != current.etag):
            ended(call, "NoSuchKey" if current is None else "PreconditionFailed")
        elif ended(call):
            version = self._written(call)
            same("the ETag of what was put", call.result["ETag"], f'"{version.etag}"')
            self._add(bucket, key, version, "ObjectCreated:Put", call)

    def _written(self, call: Call) -> Version:
        body = call.request.get("Body", b"")
        return Version(_version_id(call), hashlib.md5(body).hexdigest(), body, dict(parse_qsl(call.request.get("Tagging", ""))))

    def _add(self, bucket: Bucket, key: str, version: Version, event: str, call: Call) -> None:
        after = bucket.added(key, version)
        if call.result is not None:
            told = call.result.get("VersionId", "null")
            same(f"whether a version of {key} has an id of its own", told != "null", bucket.versioning == "Enabled")
        bucket.set(key, after)
        self._tell(bucket, event, key, after[0], call.now)

    def put_object_unknown(self, call: Call) -> None:
        self._settle(call, self._written(call), "ObjectCreated:Put")

    def _settle(self, call: Call, version: Version, event: str) -> bool:
        """Looks whether a version was written before the region died: whole, or not at all."""
        bucket, key = self.buckets.get(call.request["Bucket"]), call.request["Key"]
        if bucket is None:
            return False
        after = bucket.added(key, version)
        done = self._settled(bucket, key, after)
        if done is None and _tags(self._ask("s3", "GetObjectTagging", Bucket=bucket.name, Key=key).result["TagSet"]) == version.tags:
            bucket.set(key, after)
        if done is not False:
            self._tell(bucket, event, key, bucket.keys[key][0], call.now, sure=done is not None)
        return bool(done)

    def _settled(self, bucket: Bucket, key: str, after: list[Version]) -> bool | None:
        return self._all_settled(bucket, {key: after})

    def _all_settled(self, bucket: Bucket, changes: dict[str, list[Version]]) -> bool | None:
        """Looks whether keys have become what a call makes of them: all of them or none. None where that looks the same: a null delete
        marker in the place of another."""
        answer = self._ask("s3", "ListObjectVersions", Bucket=bucket.name)
        holds(not answer.fault, f"ListObjectVersions of {bucket.name}: {answer.message}")
        found = _listed(answer.result)
        before = {key: bucket.keys.get(key, []) for key in changes}
        if all(found.get(key, NOTHING) == shelves(before[key]) for key in changes):
            return None if all(shelves(before[key]) == shelves(after) for key, after in changes.items()) else False
        for key, after in changes.items():
            if found.get(key, NOTHING) != shelves(after):
                raise Wrong(f"{bucket.name}/{key} was changed in half: {found.get(key)}; expected {before[key]} or {after}")
            if after and not after[0].id:
                after[0].id = found[key].markers[0].id if after[0].marker else found[key].versions[0].id
            bucket.set(key, after)
        return True

    def copy_object(self, call: Call) -> None:
        bucket = self.buckets.get(call.request["Bucket"])
        place, source, found = self._source(call)
        key = call.request["Key"]
        if place is None:
            ended(call, *NO_BUCKET)
        elif found is None:
            ended(call, "NoSuchKey", *(() if bucket else NO_BUCKET))
        elif bucket is None:
            ended(call, *NO_BUCKET)
        elif (place.name, source) == (bucket.name, key):
            ended(call, "InvalidRequest")
        elif ended(call):
            self._add(bucket, key, self._copy(call, found), "ObjectCreated:Copy", call)

    def _source(self, call: Call) -> tuple[Bucket | None, str, Version | None]:
        name, _, key = unquote(call.request["CopySource"]).partition("/")
        place = self.buckets.get(name)
        return place, key, place.current(key) if place else None

    def _copy(self, call: Call, found: Version) -> Version:
        return Version(_version_id(call), hashlib.md5(found.body).hexdigest(), found.body, dict(found.tags))

    def copy_object_unknown(self, call: Call) -> None:
        place, source, found = self._source(call)
        if found is not None and place and (place.name, source) != (call.request["Bucket"], call.request["Key"]):
            self._settle(call, self._copy(call, found), "ObjectCreated:Copy")

    def delete_object(self, call: Call) -> None:
        if (bucket := self._bucket(call)) and ended(call):
            self._delete(bucket, call.request["Key"], call.request.get("VersionId"), call.now, call.result.get("VersionId"))

    def _delete(self, bucket: Bucket, key: str, id: str | None, now: float, made: str | None) -> None:
        after, event, version = bucket.removed(key, id)
        if event == "DeleteMarkerCreated":
            after[0].id = made or ""
        bucket.set(key, after)
        if event and version is not None:
            self._tell(bucket, f"ObjectRemoved:{event}", key, version, now)

    def delete_object_unknown(self, call: Call) -> None:
        bucket = self.buckets.get(call.request["Bucket"])
        if bucket is not None:
            key = call.request["Key"]
            after, event, version = bucket.removed(key, call.request.get("VersionId"))
            done = self._settled(bucket, key, after)
            if done is not False and event and version is not None:
                told = bucket.keys[key][0] if event == "DeleteMarkerCreated" else version
                self._tell(bucket, f"ObjectRemoved:{event}", key, told, call.now, sure=done is not None)

    def delete_objects(self, call: Call) -> None:
        if (bucket := self._bucket(call)) and ended(call):
            deleted = call.result.get("Deleted", [])
            wanted = call.request["Delete"]["Objects"]
            same("keys deleted", [one["Key"] for one in deleted], [one["Key"] for one in wanted])
            for one, told in zip(wanted, deleted, strict=True):
                self._delete(bucket, one["Key"], one.get("VersionId"), call.now, told.get("DeleteMarkerVersionId"))

    def delete_objects_unknown(self, call: Call) -> None:
        bucket = self.buckets.get(call.request["Bucket"])
        if bucket is None:
            return
        scratch = Bucket(bucket.name, bucket.versioning, keys=dict(bucket.keys))
        told: list[tuple[str, str, Version]] = []
        for one in call.request["Delete"]["Objects"]:
            after, event, version = scratch.removed(one["Key"], one.get("VersionId"))
            scratch.set(one["Key"], after)
            if event and version is not None:
                told.append((one["Key"], f"ObjectRemoved:{event}", version))
        done = self._all_settled(bucket, {one["Key"]: scratch.keys.get(one["Key"], []) for one in call.request["Delete"]["Objects"]})
        for key, event, version in told if done is not False else ():
            self._tell(bucket, event, key, version, call.now, sure=done is not None)

    # ------------------------------------------------------------ reading

    def get_object(self, call: Call) -> None:
        if (bucket := self._bucket(call)) is None or (version := self._wanted(bucket, call)) is None:
            return
        body = version.body
        if wanted := call.request.get("Range"):
            first, last = map(int, wanted.removeprefix("bytes=").split("-"))
            if not ended(call, *(["InvalidRange"] if first >= len(body) else [])):
                return
            body = body[first : last + 1]
        elif not ended(call):
            return
        same(f"the ETag of {call.request['Key']}", call.result["ETag"], f'"{version.etag}"')
        holds(call.result["Body"] == body, f"{call}: other bytes than were put")

    def _wanted(self, bucket: Bucket, call: Call) -> Version | None:
        id = call.request.get("VersionId")
        version = bucket.find(call.request["Key"], id) if id is not None else bucket.current(call.request["Key"])
        if version is None:
            ended(call, "NoSuchKey" if id is None else "NoSuchVersion")
        elif version.marker:
            ended(call, "MethodNotAllowed")
        else:
            return version
        return None

    def put_object_tagging(self, call: Call) -> None:
        if (bucket := self._bucket(call)) and (version := self._wanted(bucket, call)) and ended(call):
            version.tags = _tags(call.request["Tagging"]["TagSet"])

    def get_object_tagging(self, call: Call) -> None:
        if (bucket := self._bucket(call)) and (version := self._wanted(bucket, call)) and ended(call):
            same(f"tags of {bucket.name}/{call.request['Key']}", _tags(call.result["TagSet"]), version.tags)

    def list_objects_v2(self, call: Call) -> None:
        if (bucket := self._bucket(call)) is None or not ended(call):
            return
        request, most = call.request, call.request.get("MaxKeys", 1000)
        names = bucket.listed(request.get("Prefix", ""), request.get("Delimiter", ""), request.get("StartAfter", ""))
        found = {one["Key"]: (one["ETag"].strip('"'), one["Size"]) for one in call.result.get("Contents", [])}
        folders = [one["Prefix"] for one in call.result.get("CommonPrefixes", [])]
        same(f"names listed in {bucket.name}", sorted([*found, *folders], key=str.encode), sorted(names[:most], key=str.encode))
        same(f"whether {bucket.name} has more", call.result["IsTruncated"], len(names) > most)
        for key, shown in found.items():
            version = bucket.current(key)
            assert version is not None
            same(f"what is listed of {key}", shown, (version.etag, len(version.body)))

    def list_object_versions(self, call: Call) -> None:
        if (bucket := self._bucket(call)) and ended(call):
            prefix = call.request.get("Prefix", "")
            expected = {key: shelves(versions) for key, versions in bucket.keys.items() if key.startswith(prefix)}
            same(f"versions listed in {bucket.name}", _listed(call.result), expected)

    # ------------------------------------------------------------ uploads

    def create_multipart_upload(self, call: Call) -> None:
        if self._bucket(call) and ended(call):
            self.uploads[call.result["UploadId"]] = Upload(call.request["Bucket"], call.request["Key"])

    def etag(self, part: bytes) -> str:
        return hashlib.md5(part).hexdigest()

    def _upload(self, call: Call) -> Upload | None:
        upload = self.uploads.get(call.request["UploadId"])
        if self._bucket(call) is not None and upload is None:
            ended(call, "NoSuchUpload")
        return upload

    def upload_part(self, call: Call) -> None:
        if (upload := self._upload(call)) and ended(call):
            upload.parts[call.request["PartNumber"]] = call.request["Body"]

    def upload_part_unknown(self, call: Call) -> None:
        upload, number, body = self.uploads.get(call.request["UploadId"]), call.request["PartNumber"], call.request["Body"]
        if upload is None:
            return
        answer = self._ask("s3", "ListParts", Bucket=upload.bucket, Key=upload.key, UploadId=call.request["UploadId"])
        etag = {part["PartNumber"]: part["ETag"].strip('"') for part in answer.result.get("Parts", [])}.get(number)
        before = upload.parts.get(number)
        if etag == hashlib.md5(body).hexdigest():
            upload.parts[number] = body
        else:
            same("the ETag of a part", etag, before and hashlib.md5(before).hexdigest())

    def list_parts(self, call: Call) -> None:
        if (upload := self._upload(call)) and ended(call):
            found = {part["PartNumber"]: part["Size"] for part in call.result.get("Parts", [])}
            same(f"parts of {upload.key}", found, {number: len(part) for number, part in sorted(upload.parts.items())})

    def abort_multipart_upload(self, call: Call) -> None:
        if self._upload(call) and ended(call):
            del self.uploads[call.request["UploadId"]]

    def complete_multipart_upload(self, call: Call) -> None:
        upload = self._upload(call)
        if upload is None:
            return
        parts = [upload.parts.get(part["PartNumber"]) for part in call.request["MultipartUpload"]["Parts"]]
        if None in parts:
            ended(call, "InvalidPart")
        elif ended(call):
            version = self._whole(call, [part or b"" for part in parts])
            same("the ETag of an upload", call.result["ETag"], f'"{version.etag}"')
            self._add(self.buckets[upload.bucket], upload.key, version, "ObjectCreated:CompleteMultipartUpload", call)
            del self.uploads[call.request["UploadId"]]

    def _whole(self, call: Call, parts: list[bytes]) -> Version:
        return Version(_version_id(call), joined_etag(parts), b"".join(parts))

    def complete_multipart_upload_unknown(self, call: Call) -> None:
        upload = self.uploads.get(call.request["UploadId"])
        parts = [upload.parts.get(part["PartNumber"]) for part in call.request["MultipartUpload"]["Parts"]] if upload else [None]
        if None not in parts and self._settle(
            call, self._whole(call, [part or b"" for part in parts]), "ObjectCreated:CompleteMultipartUpload"
        ):
            del self.uploads[call.request["UploadId"]]


def _version_id(call: Call) -> str:
    """The version that a call says it made; "" where it said nothing."""
    return "" if call.result is None else str(call.result.get("VersionId", ""))


def _tags(shown: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in shown}


def _listed(result: Any) -> dict[str, Shelves]:
    """A listing of versions, by key; of what is listed the sizes stand for the bytes."""
    holds(not result["IsTruncated"], "a listing of versions has more than one page")
    found: dict[str, Shelves] = {}
    for marker, rows in ((False, result.get("Versions", [])), (True, result.get("DeleteMarkers", []))):
        for one in rows:
            shelf = found.setdefault(one["Key"], Shelves([], [], ""))
            version = Version(one["VersionId"], "" if marker else one["ETag"].strip('"'), bytes(one.get("Size", 0)), marker=marker)
            (shelf.markers if marker else shelf.versions).append(version)
            if one["IsLatest"]:
                holds(not shelf.latest, f"{one['Key']} has two latest versions")
                shelf.latest = "marker" if marker else "version"
    return found
