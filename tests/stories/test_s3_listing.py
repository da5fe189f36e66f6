"""Listings: in UTF-8 order, in pages, with folders that are told once and stepped over."""

from email.utils import parsedate_to_datetime
from typing import Any

from tests.stories.here import BEGIN, Here
from tests.stories.s3_kit import keys, prefixes, refused

NAMES = ["folder/a/1", "folder/a/2", "folder/file1", "folder/file2"]


def _fill(s3: Any, names: list[str]) -> None:
    for name in names:
        s3.put_object(Bucket="box", Key=name, Body=b"x")


def test_a_listing_shows_what_is_known_of_each_key(s3: Any) -> None:
    _fill(s3, ["k"])
    item = {
        "Key": "k",
        "LastModified": int(BEGIN),
        "ETag": '"9dd4e461268c8034f5c8564e155c67a6"',
        "ChecksumAlgorithm": ["CRC64NVME"],
        "ChecksumType": "FULL_OBJECT",
        "Size": 1,
        "StorageClass": "STANDARD",
    }
    about = {"IsTruncated": False, "Name": "box", "Prefix": "", "MaxKeys": 1000, "BucketRegion": "us-east-1"}
    owner = s3.get_object_acl(Bucket="box", Key="k")["Owner"]
    assert s3.list_objects_v2(Bucket="box") == {**about, "KeyCount": 1, "Contents": [item]}
    assert s3.list_objects_v2(Bucket="box", FetchOwner=True)["Contents"] == [{**item, "Owner": owner}]
    assert s3.list_objects(Bucket="box") == {**about, "Marker": "", "Contents": [{**item, "Owner": owner}]}


def test_pages_follow_each_other_without_gap_or_repetition(s3: Any) -> None:
    names = sorted([f"{folder}/{number}" for folder in "abc" for number in range(5)] + ["a", "b!", "z"])
    _fill(s3, names)
    for size in (1, 2, 3, 7):
        for delimiter in ("", "/"):
            found: list[str] = []
            more: dict[str, str] = {}
            while True:
                page = s3.list_objects_v2(Bucket="box", MaxKeys=size, Delimiter=delimiter, **more)
                assert page["KeyCount"] <= size
                found += sorted(keys(page) + prefixes(page))
                if not page["IsTruncated"]:
                    break
                more = {"ContinuationToken": page["NextContinuationToken"]}
            assert found == (["a", "a/", "b!", "b/", "c/", "z"] if delimiter else names)


def test_a_folder_is_told_once_and_its_marker_steps_over_it(s3: Any) -> None:
    _fill(s3, NAMES)
    first = s3.list_objects(Bucket="box", Prefix="folder/", Delimiter="/", MaxKeys=1)
    assert (prefixes(first), keys(first), first["NextMarker"]) == (["folder/a/"], [], "folder/a/")
    for marker in ("folder/a/", "folder/a/1"):
        second = s3.list_objects(Bucket="box", Prefix="folder/", Delimiter="/", MaxKeys=1, Marker=marker)
        assert (prefixes(second), keys(second), second["NextMarker"]) == ([], ["folder/file1"], "folder/file1")
    last = s3.list_objects(Bucket="box", Prefix="folder/", Delimiter="/", MaxKeys=1, Marker="folder/file1")
    assert (keys(last), last["IsTruncated"], "NextMarker" in last) == (["folder/file2"], False, False)


def test_without_a_delimiter_there_is_no_next_marker(s3: Any) -> None:
    _fill(s3, NAMES)
    page = s3.list_objects(Bucket="box", MaxKeys=2)
    assert (keys(page), page["IsTruncated"], "NextMarker" in page) == (NAMES[:2], True, False)


def test_prefix_delimiter_and_start_after_are_any_text(s3: Any) -> None:
    _fill(s3, ["a\U0010ffff", "a\U0010ffff\U0010ffffb", "ab--c", "ab--d", "b"])
    assert keys(s3.list_objects_v2(Bucket="box", Prefix="a\U0010ffff")) == ["a\U0010ffff", "a\U0010ffff\U0010ffffb"]
    assert prefixes(s3.list_objects_v2(Bucket="box", Prefix="a", Delimiter="--")) == ["ab--"]
    assert keys(s3.list_objects_v2(Bucket="box", StartAfter="ab--c")) == ["ab--d", "a\U0010ffff", "a\U0010ffff\U0010ffffb", "b"]
    assert keys(s3.list_objects_v2(Bucket="box", Prefix="c")) == []


def test_names_are_percent_encoded_on_request(s3: Any) -> None:
    _fill(s3, ["a b/ü+", "a b/x"])
    listed = s3.list_objects_v2(Bucket="box", EncodingType="url", Prefix="a b", StartAfter="a a")
    assert (keys(listed), listed["Prefix"], listed["StartAfter"], listed["EncodingType"]) == (
        ["a+b/x", "a+b/%C3%BC%2B"],
        "a+b",
        "a+a",
        "url",
    )
    assert prefixes(s3.list_objects_v2(Bucket="box", EncodingType="url", Delimiter="/")) == ["a+b/"]
    assert refused(s3.list_objects_v2, Bucket="box", EncodingType="value") == (
        "InvalidArgument",
        "Invalid Encoding Method specified in Request",
        {"ArgumentName": "encoding-type", "ArgumentValue": "value"},
    )


def test_a_token_of_somebody_elses_making_is_refused(s3: Any) -> None:
    assert refused(s3.list_objects_v2, Bucket="box", ContinuationToken="made-up") == (
        "InvalidArgument",
        "The continuation token provided is incorrect",
        {"ArgumentName": "continuation-token"},
    )


def test_a_page_of_no_keys_is_empty_and_a_page_has_a_thousand_at_most(s3: Any) -> None:
    _fill(s3, NAMES)
    none = s3.list_objects_v2(Bucket="box", MaxKeys=0)
    assert (keys(none), none["KeyCount"], none["IsTruncated"], none["MaxKeys"]) == ([], 0, False, 0)
    assert s3.list_objects_v2(Bucket="box", MaxKeys=5000)["MaxKeys"] == 1000


def test_a_folder_costs_the_same_however_much_is_in_it(here: Here, s3: Any) -> None:
    _fill(s3, [f"one/{number:04}" for number in range(300)] + ["two/1"])
    read: list[int] = []
    engine = here.cloud.store._engine  # pyright: ignore[reportPrivateUsage]
    values = engine.values

    def counted(start: bytes, end: bytes, limit: int) -> list[bytes]:
        found = values(start, end, limit)
        read.append(len(found))
        return found

    engine.values = counted
    assert prefixes(s3.list_objects_v2(Bucket="box", Delimiter="/")) == ["one/", "two/"]
    # The first page is read ahead, each folder after it is one seek.
    assert read == [32, 1, 0]


def test_keys_that_need_no_percent_encoding_stand_as_they_are_beside_those_that_do(s3: Any) -> None:
    _fill(s3, ["folder/plain-key_1.~*"])
    assert keys(s3.list_objects_v2(Bucket="box", EncodingType="url")) == ["folder/plain-key_1.~*"]
    _fill(s3, ["a+b", "nul\0", "\x01", "\U0001f600"])
    assert keys(s3.list_objects_v2(Bucket="box", EncodingType="url")) == ["%01", "a%2Bb", "folder/plain-key_1.~*", "nul%00", "%F0%9F%98%80"]
    assert keys(s3.list_objects_v2(Bucket="box")) == ["\x01", "a+b", "folder/plain-key_1.~*", "nul\0", "\U0001f600"]


def test_a_key_that_no_listing_could_print_is_refused(s3: Any) -> None:
    assert refused(s3.put_object, Bucket="box", Key="half \ud800", Body=b"x") == ("InvalidURI", "Couldn't parse the specified URI.", {})
    assert keys(s3.list_objects_v2(Bucket="box")) == []


def test_a_listing_says_how_restores_stand_where_it_is_asked(here: Here) -> None:
    s3 = here.s3
    s3.create_bucket(Bucket="cold")
    for key in ("asked", "left"):
        s3.put_object(Bucket="cold", Key=key, Body=b"x", StorageClass="GLACIER")
    s3.restore_object(Bucket="cold", Key="asked", RestoreRequest={"Days": 2, "GlacierJobParameters": {"Tier": "Expedited"}})

    def told(operation: str, member: str) -> list[Any]:
        listed = getattr(s3, operation)(Bucket="cold", OptionalObjectAttributes=["RestoreStatus"])[member]
        return [item.get("RestoreStatus") for item in listed]

    kinds = (("list_objects", "Contents"), ("list_objects_v2", "Contents"), ("list_object_versions", "Versions"))
    assert [told(*kind) for kind in kinds] == [[{"IsRestoreInProgress": True}, None]] * 3
    here.jump(3_600)
    until = s3.head_object(Bucket="cold", Key="asked")["Restore"].partition('expiry-date="')[2].removesuffix('"')
    done = {"IsRestoreInProgress": False, "RestoreExpiryDate": parsedate_to_datetime(until).timestamp()}
    assert [told(*kind) for kind in kinds] == [[done, None]] * 3
    here.jump(5 * 86_400)
    assert [told(*kind) for kind in kinds] == [[None, None]] * 3
