"""Listings of uploads under way and of their parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.lifecycle.expiration import abortion_shown
from windtunnel.services.s3.listings.walk import check_number, most_of, show_folders, start_of, walk, writer_of
from windtunnel.services.s3.multipart.uploads import part_shown, upload_of
from windtunnel.services.s3.places import bucket_of
from windtunnel.services.s3.rules import PART_NUMBER_MAX, owner_of
from windtunnel.services.s3.state import PARTS, UPLOADS, Upload

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

Key = tuple[Any, ...]


def list_parts(tx: Tx, req: t.ListPartsRequest) -> t.ListPartsOutput:
    bucket_of(tx, req)
    upload = upload_of(tx, req)
    marker, most = int(req.get("PartNumberMarker") or 0), most_of(req.get("MaxParts"), "max-parts")
    check_number(marker, "part-number-marker")
    found = list(tx.scan(PARTS, req["UploadId"], start=(min(marker, PART_NUMBER_MAX) + 1,), limit=most + 1))
    page = found[:most]
    result: Any = {
        "Bucket": req["Bucket"],
        "Key": req["Key"],
        "UploadId": req["UploadId"],
        "PartNumberMarker": marker,
        "NextPartNumberMarker": page[-1][0][1] if page else 0,
        "MaxParts": most,
        "IsTruncated": len(found) > len(page),
        **_who(upload),
        **abortion_shown(tx, req["Bucket"], req["Key"], upload.initiated),
    }
    if upload.algorithm:
        result |= {"ChecksumAlgorithm": upload.algorithm, "ChecksumType": upload.checksum_type}
    if page:
        result["Parts"] = [part_shown(number, part, upload) for (_, number), part in page]  # pyright: ignore[reportArgumentType]
    return result


def _who(upload: Upload) -> dict[str, Any]:
    return {
        "StorageClass": upload.draft.storage,
        "Owner": owner_of(upload.draft.owner),
        "Initiator": {**owner_of(upload.initiator), "DisplayName": upload.initiator},
    }


def list_multipart_uploads(tx: Tx, req: t.ListMultipartUploadsRequest) -> t.ListMultipartUploadsOutput:
    bucket_of(tx, req)
    write = writer_of(req)
    name, prefix, delimiter = req["Bucket"], req.get("Prefix") or "", req.get("Delimiter") or ""
    most = most_of(req.get("MaxUploads"), "max-uploads")
    after, after_id = req.get("KeyMarker") or "", req.get("UploadIdMarker") or ""
    start = start_of(prefix, delimiter, after)
    if after and after_id:
        if tx.get(UPLOADS, name, after, after_id) is None:
            raise Fault("InvalidArgument", "Invalid uploadId marker", ArgumentName="upload-id-marker", ArgumentValue=after_id)
        start = (after, after_id + "\0")

    def scan(start: Key | None, end: Key | None, limit: int) -> list[tuple[Key, Upload]]:
        return list(tx.scan(UPLOADS, name, start=start, end=end, limit=limit))

    page = walk(scan, prefix, delimiter, start, most, name=lambda row: row[0][1], follow=lambda row: (row[0][1], row[0][2] + "\0"))
    last = ("", "", "") if page.last is None else page.last[0]
    result: Any = {
        "Bucket": name,
        "KeyMarker": write(after),
        "UploadIdMarker": after_id if after else "",
        "NextKeyMarker": write(last[1]),
        "NextUploadIdMarker": last[2],
        "MaxUploads": most,
        "IsTruncated": page.truncated,
    }
    if prefix:
        result["Prefix"] = write(prefix)
    if page.items:
        result["Uploads"] = [_shown(key, upload, write(key[1])) for key, upload in page.items]
    show_folders(result, req, page, write)
    return result


def _shown(key: Key, upload: Upload, written: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"Key": written, "UploadId": key[2], "Initiated": upload.initiated, **_who(upload)}
    if upload.algorithm:
        shown |= {"ChecksumAlgorithm": upload.algorithm, "ChecksumType": upload.checksum_type}
    return shown
