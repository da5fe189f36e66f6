"""Multipart uploads: parts in any order, one object of those that are named at the end."""

import hashlib
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.s3_kit import content, keys, prefixes, refused
from windtunnel.aws.checksums import ALGORITHMS, checksum_of, composite
from windtunnel.fabric import Tx
from windtunnel.services.s3.multipart import uploads
from windtunnel.services.s3.rules import PART_NUMBER_MAX
from windtunnel.services.s3.state import PARTS

LARGE = b"a" * (5 * 1024 * 1024)
NO_UPLOAD = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
NO_PART = (
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not"
    " match the part's entity tag."
)


class Upload:
    """An upload of the key "k"."""

    def __init__(self, s3: Any, **request: Any) -> None:
        self.s3 = s3
        self.place = {"Bucket": "box", "Key": "k"}
        self.place["UploadId"] = s3.create_multipart_upload(Bucket="box", Key="k", **request)["UploadId"]
        self.parts: list[dict[str, Any]] = []

    def part(self, number: int, body: bytes, **request: Any) -> dict[str, Any]:
        result = self.s3.upload_part(**self.place, PartNumber=number, Body=body, **request)
        self.parts.append({"PartNumber": number, "ETag": result["ETag"]})
        return result

    def complete(self, **request: Any) -> dict[str, Any]:
        return self.s3.complete_multipart_upload(**self.place, MultipartUpload={"Parts": self.parts}, **request)


def _files(here: Here) -> int:
    here.rest()
    return len([file for file in here.cloud.blobs.root.rglob("*") if file.is_file()])


def test_parts_become_one_object_in_the_order_of_their_numbers(here: Here, s3: Any) -> None:
    upload = Upload(s3, ContentType="text/plain", Metadata={"m": "1"}, Tagging="t=1")
    upload.part(7, b"tail")
    upload.part(2, b"never used")
    upload.part(2, LARGE)
    upload.parts = [upload.parts[2], upload.parts[0]]
    done = upload.complete()
    md5s = hashlib.md5(LARGE).digest() + hashlib.md5(b"tail").digest()
    assert done == {
        "Location": "http://localhost:4566/box/k",
        "Bucket": "box",
        "Key": "k",
        "ETag": f'"{hashlib.md5(md5s).hexdigest()}-2"',
        "ChecksumCRC64NVME": checksum_of("CRC64NVME", LARGE + b"tail"),
        "ChecksumType": "FULL_OBJECT",
        "ServerSideEncryption": "AES256",
    }
    got = s3.get_object(Bucket="box", Key="k")
    assert (content(got), got["ContentType"], got["Metadata"], got["TagCount"]) == (LARGE + b"tail", "text/plain", {"m": "1"}, 1)
    assert _files(here) == 1


def test_a_part_of_the_object_can_be_read_by_its_number(s3: Any) -> None:
    upload = Upload(s3, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    upload.part(1, LARGE)
    upload.part(3, b"tail")
    upload.complete()
    got = s3.get_object(Bucket="box", Key="k", PartNumber=2, ChecksumMode="ENABLED")
    assert (content(got), got["ContentRange"], got["PartsCount"]) == (b"tail", f"bytes {len(LARGE)}-{len(LARGE) + 3}/{len(LARGE) + 4}", 2)
    assert "ChecksumCRC32" not in got  # it is the object's, and of the whole
    assert refused(s3.get_object, Bucket="box", Key="k", PartNumber=3) == (
        "InvalidPartNumber",
        "The requested partnumber is not satisfiable",
        {"PartNumberRequested": "3", "ActualPartCount": "2"},
    )


def test_completing_is_refused_where_a_part_is_wrong(s3: Any) -> None:
    upload = Upload(s3)
    upload.part(1, b"small")
    upload.part(2, b"tail")
    one, two = upload.parts
    etag = hashlib.md5(b"small").hexdigest()
    too_small = {"ProposedSize": "5", "MinSizeAllowed": "5242880", "PartNumber": "1", "ETag": etag}
    said = "Your proposed upload is smaller than the minimum allowed size"
    assert refused(upload.complete) == ("EntityTooSmall", said, too_small)
    identity = {"UploadId": upload.place["UploadId"]}
    upload.parts = [two, one]
    said = "The list of parts was not in ascending order. Parts must be ordered by part number."
    assert refused(upload.complete) == ("InvalidPartOrder", said, identity)
    upload.parts = [{"PartNumber": 5, "ETag": '"x"'}]
    assert refused(upload.complete) == ("InvalidPart", NO_PART, {**identity, "PartNumber": "5", "ETag": "x"})
    upload.parts = []
    assert refused(upload.complete) == ("InvalidRequest", "You must specify at least one part", {})
    upload.parts = [one]
    said = "The provided 'x-amz-mp-object-size' header value 4 does not match what was computed: 5"
    assert refused(upload.complete, MpuObjectSize=4) == ("InvalidRequest", said, {})


def test_an_upload_that_is_over_is_not_there(here: Here, s3: Any) -> None:
    done, given_up = Upload(s3), Upload(s3)
    done.part(1, b"x")
    given_up.part(1, b"y")
    done.complete()
    s3.abort_multipart_upload(**given_up.place)
    for upload in (done, given_up):
        expected = ("NoSuchUpload", NO_UPLOAD, {"UploadId": upload.place["UploadId"]})
        assert refused(upload.complete) == expected
        assert refused(s3.upload_part, **upload.place, PartNumber=1, Body=b"x") == expected
        assert refused(s3.abort_multipart_upload, **upload.place) == expected
    assert _files(here) == 1


@pytest.mark.parametrize("algorithm", [algorithm for algorithm in ALGORITHMS if algorithm != "CRC64NVME"])
def test_checksums_of_parts_are_combined_in_the_way_the_upload_chose(s3: Any, algorithm: str) -> None:
    upload, member = Upload(s3, ChecksumAlgorithm=algorithm), f"Checksum{algorithm}"
    first, last = upload.part(1, LARGE)[member], upload.part(2, b"tail")[member]
    asked = f"The upload was created using a {algorithm.lower()} checksum."
    said = f"{asked} The complete request must include the checksum for each part."
    assert refused(upload.complete) == ("InvalidRequest", f"{said} It was missing for part 1 in the request.", {})
    upload.parts = [{**upload.parts[0], member: first}, {**upload.parts[1], member: last}]
    done = upload.complete()
    assert (done[member], done["ChecksumType"]) == (composite(algorithm, [first, last]), "COMPOSITE")
    attributes = s3.get_object_attributes(Bucket="box", Key="k", ObjectAttributes=["ObjectParts"])["ObjectParts"]
    assert attributes == {
        "TotalPartsCount": 2,
        "PartNumberMarker": 0,
        "NextPartNumberMarker": 2,
        "MaxParts": 1000,
        "IsTruncated": False,
        "Parts": [{"PartNumber": 1, "Size": len(LARGE), member: first}, {"PartNumber": 2, "Size": 4, member: last}],
    }


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"ChecksumType": "COMPOSITE"}, "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."),
        (
            {"ChecksumType": "FULL_OBJECT", "ChecksumAlgorithm": "SHA1"},
            "The FULL_OBJECT checksum type cannot be used with the sha1 checksum algorithm.",
        ),
        (
            {"ChecksumType": "FULL_OBJECT", "ChecksumAlgorithm": "XXHASH3"},
            "The FULL_OBJECT checksum type cannot be used with the xxhash3 checksum algorithm.",
        ),
        (
            {"ChecksumType": "COMPOSITE", "ChecksumAlgorithm": "CRC64NVME"},
            "The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.",
        ),
    ],
)
def test_not_every_checksum_can_be_combined_in_every_way(s3: Any, asked: dict[str, str], said: str) -> None:
    assert refused(s3.create_multipart_upload, Bucket="box", Key="k", **asked) == ("InvalidRequest", said, {})


def test_a_part_may_be_copied_out_of_another_object(s3: Any) -> None:
    s3.put_object(Bucket="box", Key="small", Body=b"0123456789")
    s3.put_object(Bucket="box", Key="large", Body=LARGE + b"rest")
    upload = Upload(s3)
    for number, source, span in ((1, "large", None), (2, "large", f"bytes={len(LARGE)}-{len(LARGE) + 3}"), (3, "small", "bytes=2-4")):
        asked = {} if span is None else {"CopySourceRange": span}
        result = s3.upload_part_copy(**upload.place, PartNumber=number, CopySource=f"box/{source}", **asked)
        upload.parts.append({"PartNumber": number, "ETag": result["CopyPartResult"]["ETag"]})
    said = "Range specified is not valid for source object of size: 10"
    assert refused(s3.upload_part_copy, **upload.place, PartNumber=4, CopySource="box/small", CopySourceRange="bytes=0-100")[1] == said
    code, message, members = refused(upload.complete)
    assert (code, members["PartNumber"]) == ("EntityTooSmall", "2")
    upload.parts = [upload.parts[0], upload.parts[2]]
    upload.complete()
    assert content(s3.get_object(Bucket="box", Key="k")) == LARGE + b"rest" + b"234"
    assert message.startswith("Your proposed upload")


def test_uploads_and_parts_are_listed_in_pages(s3: Any) -> None:
    uploads = [s3.create_multipart_upload(Bucket="box", Key=key)["UploadId"] for key in ("a", "a", "b/1", "c")]
    first = s3.list_multipart_uploads(Bucket="box", MaxUploads=1)
    assert (first["NextKeyMarker"], first["NextUploadIdMarker"], first["IsTruncated"]) == ("a", uploads[0], True)
    rest = s3.list_multipart_uploads(Bucket="box", KeyMarker="a", UploadIdMarker=uploads[0], Delimiter="/")
    assert (keys(rest, "Uploads"), prefixes(rest), rest["IsTruncated"]) == (["a", "c"], ["b/"], False)
    for number in (1, 2, 5):
        s3.upload_part(Bucket="box", Key="c", UploadId=uploads[3], PartNumber=number, Body=b"x")
    page = s3.list_parts(Bucket="box", Key="c", UploadId=uploads[3], MaxParts=2)
    assert ([part["PartNumber"] for part in page["Parts"]], page["NextPartNumberMarker"], page["IsTruncated"]) == ([1, 2], 2, True)
    page = s3.list_parts(Bucket="box", Key="c", UploadId=uploads[3], PartNumberMarker=2)
    assert ([part["PartNumber"] for part in page["Parts"]], page["IsTruncated"]) == ([5], False)


def test_uploads_outlive_a_crash_and_go_with_their_bucket(here: Here, s3: Any) -> None:
    upload = Upload(s3)
    upload.part(1, b"x" * 10_000)
    here.restart()
    assert len(here.s3.list_parts(**upload.place)["Parts"]) == 1
    here.s3.delete_bucket(Bucket="box")
    assert _files(here) == 0


def test_an_upload_has_ten_thousand_parts_at_most(here: Here, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PART_BYTES_MIN", 5)
    upload = Upload(s3)
    upload.part(1, b"five!")
    first, etag = (upload.place["UploadId"], 1), upload.parts[0]["ETag"]

    def upload_the_rest(tx: Tx) -> None:
        part = tx.get(PARTS, *first)
        assert part is not None
        for number in range(2, PART_NUMBER_MAX):
            tx.put(PARTS, first[0], number, value=part)
            tx.hold(part.blob)

    here.cloud.apply(upload_the_rest)
    upload.part(PART_NUMBER_MAX, b"end")
    assert refused(upload.part, number=PART_NUMBER_MAX + 1, body=b"x")[0] == "InvalidArgument"
    pages = [s3.list_parts(**upload.place, PartNumberMarker=marker)["Parts"] for marker in range(0, PART_NUMBER_MAX, 1000)]
    assert [part["PartNumber"] for page in pages for part in page] == list(range(1, PART_NUMBER_MAX + 1))
    upload.parts[1:1] = [{"PartNumber": number, "ETag": etag} for number in range(2, PART_NUMBER_MAX)]
    assert upload.complete()["ETag"].endswith(f'-{PART_NUMBER_MAX}"')
    last = s3.get_object(Bucket="box", Key="k", PartNumber=PART_NUMBER_MAX)
    assert (content(last), last["PartsCount"], last["ContentRange"]) == (b"end", PART_NUMBER_MAX, "bytes 49995-49997/49998")
