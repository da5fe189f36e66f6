"""What multipart uploads have to keep to, and what their parts add up to."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from windtunnel.aws.checksums import COMBINED, composite, full_object
from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.objects.digests import DEFAULT, MEMBERS, algorithm_of, given_checksum
from windtunnel.services.s3.objects.drafts import Request
from windtunnel.services.s3.rules import PART_BYTES_MIN, nested, several
from windtunnel.services.s3.state import PARTS, UPLOADS, Part, Upload


def upload_of(tx: Tx, req: Request) -> Upload:
    """The upload a request names."""
    upload = tx.get(UPLOADS, req["Bucket"], req["Key"], req["UploadId"])
    if upload is None:
        raise no_such_upload(req)
    return upload


def no_such_upload(req: Request) -> Fault:
    message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    return Fault("NoSuchUpload", message, UploadId=req["UploadId"])


def checksum_type_of(req: Request) -> tuple[str, str]:
    """(algorithm, type) of an upload's checksum; empty where it is left to S3.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html"""
    algorithm, kind = algorithm_of(req), req.get("ChecksumType") or ""
    if not algorithm:
        if kind:
            message = "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
            raise Fault("InvalidRequest", message)
        return "", ""
    impossible = "COMPOSITE" if algorithm == DEFAULT else "" if algorithm in COMBINED else "FULL_OBJECT"
    if kind and kind == impossible:
        message = f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        raise Fault("InvalidRequest", message)
    return algorithm, kind or ("FULL_OBJECT" if algorithm == DEFAULT else "COMPOSITE")


def check_parts(tx: Tx, req: Request, upload: Upload) -> list[tuple[int, Part]]:
    """The parts a completion names, each as it was uploaded, in order, and none but the last too small."""
    named = several(nested(req, "MultipartUpload"), "Parts")
    if not named:
        raise Fault("InvalidRequest", "You must specify at least one part")
    numbers: list[int] = [item.get("PartNumber") or 0 for item in named]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        message = "The list of parts was not in ascending order. Parts must be ordered by part number."
        raise Fault("InvalidPartOrder", message, UploadId=req["UploadId"])
    parts: list[tuple[int, Part]] = []
    for number, item in zip(numbers, named, strict=True):
        part = tx.get(PARTS, req["UploadId"], number)
        etag = (item.get("ETag") or "").strip('"')
        if part is None or part.etag != etag or not _checksum_agrees(item, upload, part, number):
            raise Fault(
                "InvalidPart",
                "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag"
                " may not match the part's entity tag.",
                UploadId=req["UploadId"],
                PartNumber=str(number),
                ETag=etag,
            )
        parts.append((number, part))
    for number, part in parts[:-1]:
        if part.size < PART_BYTES_MIN:
            raise Fault(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                ProposedSize=str(part.size),
                MinSizeAllowed=str(PART_BYTES_MIN),
                PartNumber=str(number),
                ETag=part.etag,
            )
    return parts


def _checksum_agrees(item: Request, upload: Upload, part: Part, number: int) -> bool:
    given = given_checksum(item)
    if given is not None:
        if upload.algorithm and given[0] != upload.algorithm:
            raise Fault("BadDigest", f"The {given[0].lower()} you specified for part {number} did not match what we received.")
        return bool(upload.algorithm) and given[1] == part.checksum
    if upload.checksum_type == "COMPOSITE":
        raise Fault(
            "InvalidRequest",
            f"The upload was created using a {upload.algorithm.lower()} checksum. The complete request must include the checksum for each"
            f" part. It was missing for part {number} in the request.",
        )
    return True


def check_mode(req: Request, upload: Upload) -> None:
    """A completion speaks of the same type of checksum as the upload, if it does of any."""
    kind = req.get("ChecksumType")
    if kind is not None and kind != upload.checksum_type:
        message = f"The upload was created using the {upload.checksum_type or 'null'} checksum mode."
        raise Fault("InvalidRequest", f"{message} The complete request must use the same checksum mode.")


def check_whole(req: Request, upload: Upload, parts: list[tuple[int, Part]]) -> None:
    """What a completion says of the object as a whole."""
    size, expected = sum(part.size for _, part in parts), req.get("MpuObjectSize")
    if expected is not None and expected != size:
        message = f"The provided 'x-amz-mp-object-size' header value {expected} does not match what was computed: {size}"
        raise Fault("InvalidRequest", message)
    given = given_checksum(req)
    if given is None:
        return
    algorithm = upload.algorithm or DEFAULT
    if not upload.algorithm and given[0] != algorithm:
        return  # An upload that was told of no algorithm takes no notice.
    # A value without its type is taken for the type that the algorithm has by default.
    kind = req.get("ChecksumType") or ("FULL_OBJECT" if algorithm == DEFAULT else "COMPOSITE")
    if given != (algorithm, whole_checksum(upload, parts)) or kind != (upload.checksum_type or "FULL_OBJECT"):
        raise Fault("BadDigest", f"The {algorithm.lower()} you specified did not match the calculated checksum.")


def whole_checksum(upload: Upload, parts: list[tuple[int, Part]]) -> str:
    """The object's checksum from its parts', without reading a byte."""
    if upload.checksum_type == "COMPOSITE":
        return composite(upload.algorithm, [part.checksum for _, part in parts])
    return full_object(upload.algorithm or DEFAULT, [(part.checksum, part.size) for _, part in parts])


def part_shown(number: int, part: Part, upload: Upload) -> dict[str, Any]:
    shown: dict[str, Any] = {"PartNumber": number, "LastModified": part.modified, "ETag": f'"{part.etag}"', "Size": part.size}
    if upload.algorithm:
        shown[MEMBERS[upload.algorithm]] = part.checksum
    return shown


def discard(tx: Tx, req: Request) -> None:
    """Forgets an upload and its parts."""
    for (_, number), part in list(tx.scan(PARTS, req["UploadId"])):
        tx.drop(part.blob)
        tx.delete(PARTS, req["UploadId"], number)
    tx.delete(UPLOADS, req["Bucket"], req["Key"], req["UploadId"])
