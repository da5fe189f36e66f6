"""Bodies as AWS writes and refuses them, byte by byte, where botocore's reader would forgive too much."""

from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import md5, sha256
from typing import Any
from urllib.parse import unquote_to_bytes

import cbor2
import msgspec
import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from windtunnel.aws.errors import Fault
from windtunnel.aws.records import Records
from windtunnel.aws.request_ids import host_id
from windtunnel.kernel.loop import step
from windtunnel.wire import cbor, eventstream, scalar
from windtunnel.wire.codec import compiled
from windtunnel.wire.match import Match
from windtunnel.wire.message import Request
from windtunnel.wire.query import form_of, unquoted
from windtunnel.wire.xml import MalformedXml, escape, parse


def parsed(service: str, operation: str, protocol: str, body: bytes, **labels: str) -> dict[str, Any]:
    return compiled(service, operation, protocol).parse(Request("POST", "/", "", {}, body), Match(service, operation, protocol, labels))


def refusal(service: str, operation: str, protocol: str, body: bytes) -> tuple[str, str]:
    with pytest.raises(Fault) as raised:
        parsed(service, operation, protocol, body)
    return raised.value.code, raised.value.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", ""),
        (b'{"TableName": 1}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"TableName": true}', "TRUE_VALUE can not be converted to a String"),
        (b'{"TableName": ["t"]}', "Start of list found where not expected"),
        (b'{"TableName": {}}', "Start of structure or map found where not expected."),
        (b'{"Key": "k"}', "Unexpected field type"),
        (b"[]", "Start of list found where not expected"),
    ],
)
def test_json_of_the_wrong_form_is_a_serialization_exception(body: bytes, message: str) -> None:
    assert refusal("dynamodb", "GetItem", "json", body) == ("SerializationException", message)


def test_a_rest_service_names_the_class_of_a_value_of_the_wrong_type() -> None:
    code, message = refusal("apigateway", "CreateRestApi", "rest-json", b'{"name": true}')
    assert (code, message) == ("SerializationException", "class java.lang.Boolean can not be converted to an String")


def test_unknown_members_and_nulls_are_ignored() -> None:
    assert parsed("sqs", "SendMessage", "json", b'{"QueueUrl":"u","Wings":2,"DelaySeconds":null}') == {"QueueUrl": "u"}


def test_a_former_query_service_names_the_code_of_that_time_in_a_header() -> None:
    response = compiled("sqs", "SendMessage", "json").refuse(Fault("QueueDoesNotExist", "The specified queue does not exist."), "id-1")
    assert response.status == 400
    assert response.headers == [
        ("x-amzn-RequestId", "id-1"),
        ("Content-Type", "application/x-amz-json-1.0"),
        ("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender"),
    ]
    assert response.body == b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}'


@pytest.mark.parametrize(
    ("code", "kind"),
    [("InvalidParameterValue", "InvalidParameterValueException"), ("MissingParameter", "MissingRequiredParameterException")],
)
def test_a_fault_that_no_model_has_goes_by_its_two_names(code: str, kind: str) -> None:
    response = compiled("sqs", "SendMessage", "json").refuse(Fault(code, "no"), "id-1")
    assert response.headers[2] == ("x-amzn-query-error", f"{code};Sender")
    assert response.body == b'{"__type":"com.amazon.coral.service#%s","message":"no"}' % kind.encode()
    written = compiled("sqs", "SendMessage", "query").refuse(Fault(code, "no"), "id-1").body
    assert isinstance(written, bytes)
    assert b"<Code>%s</Code>" % code.encode() in written


def test_a_former_query_service_says_in_that_protocol_what_it_said_then() -> None:
    response = compiled("sqs", "SendMessage", "query").refuse(Fault("QueueDoesNotExist", "The specified queue does not exist."), "id-1")
    assert response.body == (
        b'<ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type>'
        b"<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"
        b"<Message>The specified queue does not exist for this wsdl version.</Message><Detail/></Error>"
        b"<RequestId>id-1</RequestId></ErrorResponse>"
    )


def test_a_queue_is_also_read_and_answered_in_the_query_protocol() -> None:
    form = form_of(
        "QueueUrl=u&MessageBody=b&MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=v"
    )
    match = Match("sqs", "SendMessage", "query", form=form)
    got = compiled("sqs", "SendMessage", "query").parse(Request("POST", "/", "", {}), match)
    assert got == {"QueueUrl": "u", "MessageBody": "b", "MessageAttributes": {"n": {"DataType": "String", "StringValue": "v"}}}
    response = compiled("sqs", "ListQueues", "query").respond({"QueueUrls": ["a", "b"]}, "id-1")
    assert response.body == (
        b'<ListQueuesResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><ListQueuesResult><QueueUrl>a</QueueUrl>'
        b"<QueueUrl>b</QueueUrl></ListQueuesResult><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></ListQueuesResponse>"
    )
    assert compiled("sqs", "ListQueues", "query").respond({}, "id-1").body == (
        b'<ListQueuesResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><ListQueuesResult/>'
        b"<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></ListQueuesResponse>"
    )


def test_who_asks_by_a_form_may_be_answered_in_json() -> None:
    sent = compiled("sqs", "SendMessage", "query-json").respond({"MD5OfMessageBody": "0", "MessageId": "m"}, "id-1")
    assert sent.headers[1] == ("Content-Type", "application/json")
    assert sent.body == (
        b'{"SendMessageResponse":{"ResponseMetadata":{"RequestId":"id-1"},"SendMessageResult":{"MD5OfMessageAttributes":null,'
        b'"MD5OfMessageBody":"0","MD5OfMessageSystemAttributes":null,"MessageId":"m","SequenceNumber":null}}}'
    )
    received = compiled("sqs", "ReceiveMessage", "query-json")
    assert received.respond({}, "id-1").body == (
        b'{"ReceiveMessageResponse":{"ReceiveMessageResult":{"messages":null},"ResponseMetadata":{"RequestId":"id-1"}}}'
    )
    message = {"Body": "b", "MD5OfBody": "0", "MessageId": "m", "ReceiptHandle": "r", "Attributes": {"SenderId": "s"}}
    assert received.respond({"Messages": [message]}, "id-1").body == (
        b'{"ReceiveMessageResponse":{"ReceiveMessageResult":{"messages":[{"Attributes":[{"Name":"SenderId","Value":"s"}],"Body":"b",'
        b'"MD5OfBody":"0","MD5OfMessageAttributes":null,"MessageAttributes":null,"MessageId":"m","ReceiptHandle":"r"}]},'
        b'"ResponseMetadata":{"RequestId":"id-1"}}}'
    )
    deleted = compiled("sqs", "DeleteQueue", "query-json")
    assert deleted.respond({}, "id-1").body == b'{"DeleteQueueResponse":{"ResponseMetadata":{"RequestId":"id-1"}}}'
    refused = deleted.refuse(Fault("QueueDoesNotExist", "The specified queue does not exist."), "id-1")
    assert refused.status == 400
    assert refused.body == (
        b'{"Error":{"Code":"AWS.SimpleQueueService.NonExistentQueue","Message":"The specified queue does not exist for this wsdl version.",'
        b'"Type":"Sender"},"RequestId":"id-1"}'
    )


@pytest.mark.parametrize(("region", "written"), [("eu-west-1", b">eu-west-1</LocationConstraint>"), (None, b"/>")])
def test_a_buckets_location_stands_in_the_root_element(region: str | None, written: bytes) -> None:
    response = compiled("s3", "GetBucketLocation", "rest-xml").respond({"LocationConstraint": region}, "id-1")
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    assert response.body == head + written


def test_a_listing_is_the_same_whether_written_by_rows_or_by_columns() -> None:
    def entries(count: int) -> list[dict[str, Any]]:
        return [{"Key": f"k&<{at}>", "Size": at, "ETag": '"e"', "LastModified": 1.5, "Owner": {"ID": "o"}} for at in range(count)]

    codec = compiled("s3", "ListObjectsV2", "rest-xml")
    one = codec.respond({"Contents": entries(15)}, "id-1").body
    many = codec.respond({"Contents": entries(16)}, "id-1").body
    last = codec.respond({"Contents": entries(16)[15:]}, "id-1").body
    assert isinstance(one, bytes)
    assert isinstance(many, bytes)
    assert isinstance(last, bytes)
    start, end = last.index(b"<Contents>"), last.index(b"</ListBucketResult>")
    assert many == one[: one.index(b"</ListBucketResult>")] + last[start:end] + b"</ListBucketResult>"
    gaps = [*entries(20), {"Key": "no size"}, {"Key": "none", "Size": None}]
    body = codec.respond({"Contents": gaps}, "id-1").body
    assert isinstance(body, bytes)
    assert b"<Contents><Key>no size</Key></Contents><Contents><Key>none</Key></Contents>" in body


ENTRIES = st.fixed_dictionaries(
    {
        "Key": st.text("ab&<>\"'\0\x01\t\n\r\x1f\x7f\x85é\u2028\ufffe\uffff\U0001f600", max_size=4),
        "Size": st.integers(0, 2),
        "LastModified": st.sampled_from([0, 1.5, 1_800_000_000]),
        "StorageClass": st.sampled_from(["STANDARD", "of a later model <"]),
        "ChecksumAlgorithm": st.lists(st.sampled_from(["CRC32", "SHA1"]), max_size=2),
        "Owner": st.none() | st.fixed_dictionaries({"ID": st.sampled_from(["o", "p&"])}),
    }
).map(lambda entry: dict(sorted(entry.items())))


@given(st.lists(ENTRIES, min_size=16, max_size=20), st.sets(st.sampled_from(["Key", "Size", "LastModified", "StorageClass", "Owner"])))
def test_columns_say_what_rows_say_whether_they_vary_or_not(entries: list[dict[str, Any]], alike: set[str]) -> None:
    for entry in entries:
        entry.update({name: entries[0][name] for name in alike})
    codec = compiled("s3", "ListObjectsV2", "rest-xml")
    rows = [codec.respond({"Contents": [entry]}, "id-1").body for entry in entries]
    whole = codec.respond({"Contents": entries}, "id-1").body
    assert isinstance(whole, bytes)
    start, end = whole.index(b"<Contents>"), len(b"</ListBucketResult>")
    assert whole[start:-end] == b"".join(row[start:-end] for row in rows if isinstance(row, bytes))


class Entry(msgspec.Struct):
    Key: str
    Size: int
    Common: str


@given(
    st.lists(
        st.builds(Entry, st.text("a<", max_size=2), st.integers(0, 1), st.sampled_from(["STANDARD", "GLACIER"])), min_size=1, max_size=20
    )
)
def test_records_say_what_their_rows_say_as_dicts(rows: list[Entry]) -> None:
    codec = compiled("s3", "ListObjectsV2", "rest-xml")
    records = Records(rows, lambda common: {"StorageClass": common, "Owner": {"ID": "o"}})
    shown = [{"Key": row.Key, "Size": row.Size, "StorageClass": row.Common, "Owner": {"ID": "o"}} for row in rows]
    assert (list(records), records[0], records[1:]) == (shown, shown[0], shown[1:])
    assert codec.respond({"Contents": records}, "id-1").body == codec.respond({"Contents": shown}, "id-1").body


def test_errors_of_head_requests_have_no_body() -> None:
    response = compiled("s3", "HeadObject", "rest-xml").refuse(Fault("NoSuchKey", "The specified key does not exist."), "id-1")
    assert (response.status, response.body) == (404, b"")


def test_members_of_an_s3_fault_stand_beside_its_message() -> None:
    response = compiled("s3", "GetObject", "rest-xml").refuse(Fault("NoSuchKey", "The specified key does not exist.", Key="a&b"), "id-1")
    assert response.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>'
        b"<Key>a&amp;b</Key><RequestId>id-1</RequestId><HostId>" + host_id("id-1").encode() + b"</HostId></Error>"
    )


@pytest.mark.parametrize("body", [b"<a", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<a/>".encode("utf-16"), b"<a>&b;</a>"])
def test_what_is_no_xml_or_declares_entities_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedXml):
        parse(body)
    assert refusal("s3", "PutBucketTagging", "rest-xml", body)[0] == "MalformedXML"


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\ufffe\uffff", min_codepoint=32)))
def test_escaped_text_comes_back(text: str) -> None:
    assert (parse(f"<a>{escape(text)}</a>".encode()).text or "") == text


@given(st.text(alphabet=st.sampled_from("a%=é+ 0F\n\r_&"), max_size=12))
def test_percent_encoding_is_undone_as_urllib_does(text: str) -> None:
    assert unquoted(text) == unquote_to_bytes(text).decode("utf-8", "replace")


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(DOCUMENTS, st.booleans())
def test_cbor_written_by_others_is_read(value: Any, canonical: bool) -> None:
    assert cbor.loads(cbor2.dumps(value, canonical=canonical)) == value
    assert cbor.loads(cbor2.dumps(value, indefinite_containers=True)) == value


@given(st.binary(max_size=20))
def test_bytes_that_are_no_cbor_raise_nothing_else(data: bytes) -> None:
    try:
        value = cbor.loads(data)
    except cbor.MalformedCbor:
        value = None
    assert value is None or isinstance(value, bool | int | float | str | bytes | list | dict)


def test_cbor_reads_chunks_half_floats_and_times() -> None:
    assert cbor.loads(bytes.fromhex("5f4101420203ff")) == b"\x01\x02\x03"
    assert cbor.loads(bytes.fromhex("7f61616162ff")) == "ab"
    assert cbor.loads(bytes.fromhex("f93e00")) == 1.5
    assert cbor.loads(bytes.fromhex("c11a5e0d4b65")) == 1577929573


def test_event_frames_are_those_of_botocore() -> None:
    headers: eventstream.Headers = {":event-type": "Records", "n": 7, "big": 2**40, "yes": True, "no": False, "raw": b"\x00", "at": 1.5}
    framed = eventstream.frame(headers, b"payload")
    buffer = EventStreamBuffer()
    buffer.add_data(framed)
    message = next(iter(buffer))
    assert message.payload == b"payload"
    assert message.headers == headers | {"at": 1500}
    assert eventstream.unframe(framed + b"next") == (headers, b"payload", len(framed))
    assert eventstream.unframe(framed[:-1]) is None
    with pytest.raises(Fault):
        eventstream.unframe(framed[:-5] + b"\x00" + framed[-4:])


async def _events() -> AsyncIterator[dict[str, Any]]:
    yield {"Records": {"Payload": b"a,b\n"}}
    yield {"Stats": {"Details": {"BytesScanned": 4}}}
    yield {"End": {}}


async def _collected(body: AsyncIterator[bytes]) -> list[bytes]:
    return [piece async for piece in body]


def test_a_results_events_become_frames_as_they_come() -> None:
    response = compiled("s3", "SelectObjectContent", "rest-xml").respond({"Payload": _events()}, "id-1")
    assert not isinstance(response.body, bytes)
    frames = [eventstream.unframe(piece) for piece in run(_collected(response.body))]
    assert [(found[0][":event-type"], found[1]) for found in frames if found] == [
        ("Records", b"a,b\n"),
        ("Stats", b"<Stats><BytesScanned>4</BytesScanned></Stats>"),
        ("End", b""),
    ]


def run(coroutine: Any) -> Any:
    return step(coroutine)


@pytest.mark.parametrize(
    ("time", "iso", "milli", "rfc"),
    [
        (0.0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1445412480.123, "2015-10-21T07:28:00.123Z", "2015-10-21T07:28:00.123Z", "Wed, 21 Oct 2015 07:28:00 GMT"),
        (951827696.9999, "2000-02-29T12:34:57Z", "2000-02-29T12:34:57.000Z", "Tue, 29 Feb 2000 12:34:56 GMT"),
        (-1.0, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.000Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
    ],
)
def test_times_are_written_in_three_ways(time: float, iso: str, milli: str, rfc: str) -> None:
    assert (scalar.iso8601(time), scalar.iso8601_milli(time), scalar.rfc822(time)) == (iso, milli, rfc)


@pytest.mark.parametrize(
    "text", ["2015-10-21T07:28:00Z", "2015-10-21T09:28:00+02:00", "Wed, 21 Oct 2015 07:28:00 GMT", "1445412480", "1445412480.0"]
)
def test_times_are_read_in_all_of_them(text: str) -> None:
    assert scalar.time_of(text) == 1445412480


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="tomorrow"):
        scalar.time_of("tomorrow")


def test_the_older_cbor_has_times_in_milliseconds_both_ways() -> None:
    codec = compiled("kinesis", "GetRecords", "cbor-1.1")
    record = {"SequenceNumber": "1", "ApproximateArrivalTimestamp": 1577929573.25, "Data": b"\x01", "PartitionKey": "k"}
    answer = codec.respond({"Records": [record], "MillisBehindLatest": 0}, "id-1")
    assert answer.headers == [("x-amzn-RequestId", "id-1"), ("Content-Type", "application/x-amz-cbor-1.1")]
    time = b"\xc1\x1b" + (1577929573250).to_bytes(8, "big")
    assert isinstance(answer.body, bytes)
    assert time in answer.body
    body = b"\xa1\x69Timestamp" + time
    assert parsed("kinesis", "GetShardIterator", "cbor-1.1", body) == {"Timestamp": 1577929573.25}


def test_the_older_cbor_says_what_it_refuses_in_its_body() -> None:
    answer = compiled("kinesis", "PutRecord", "cbor-1.1").refuse(Fault("ResourceNotFoundException", "Stream s not found."), "id-1")
    assert isinstance(answer.body, bytes)
    said = {"__type": "ResourceNotFoundException", "message": "Stream s not found."}
    assert (answer.status, cbor.loads(answer.body)) == (400, said)
    assert refusal("kinesis", "PutRecord", "cbor-1.1", b"\xff") == ("SerializationException", "")


TAGGING = b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"
OTHER_MD5 = "eHh4eHh4eHh4eHh4eHh4eA=="


@pytest.mark.parametrize(
    ("header", "value", "code", "message"),
    [
        ("content-md5", "x", "InvalidDigest", "The Content-MD5 you specified was invalid."),
        ("content-md5", OTHER_MD5, "BadDigest", "The Content-MD5 you specified did not match what we received."),
        ("x-amz-checksum-crc32", "x", "InvalidRequest", "Value for x-amz-checksum-crc32 header is invalid."),
        ("x-amz-checksum-crc32", "AAAAAA==", "BadDigest", "The CRC32 you specified did not match the calculated checksum."),
    ],
)
def test_a_document_that_is_not_what_its_digest_says_is_refused(header: str, value: str, code: str, message: str) -> None:
    codec = compiled("s3", "PutBucketTagging", "rest-xml")
    match = Match("s3", "PutBucketTagging", "rest-xml", {"Bucket": "b"})
    with pytest.raises(Fault) as raised:
        codec.parse(Request("PUT", "/b", "tagging", {header: value}, TAGGING), match)
    assert (raised.value.code, raised.value.message) == (code, message)


def test_a_document_that_is_what_its_digests_say_is_read() -> None:
    digests = {
        "content-md5": b64encode(md5(TAGGING, usedforsecurity=False).digest()).decode(),
        "x-amz-checksum-sha256": b64encode(sha256(TAGGING).digest()).decode(),
    }
    match = Match("s3", "PutBucketTagging", "rest-xml", {"Bucket": "b"})
    got = compiled("s3", "PutBucketTagging", "rest-xml").parse(Request("PUT", "/b", "tagging", digests, TAGGING), match)
    assert got["Tagging"] == {"TagSet": [{"Key": "k", "Value": "v"}]}


CORS = (
    "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin><MaxAgeSeconds>{}</MaxAgeSeconds>"
    "</CORSRule></CORSConfiguration>"
)


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775809", "9" * 30])
def test_a_whole_number_has_sixty_four_bits_at_most(text: str) -> None:
    assert refusal("dynamodb", "Scan", "json", f'{{"TableName": "t", "Limit": 1{"0" * 30}}}'.encode())[0] == "SerializationException"
    body = cbor2.dumps({"AlarmName": "a", "EvaluationPeriods": int(text)})
    assert refusal("cloudwatch", "PutMetricAlarm", "smithy-rpc-v2-cbor", body) == ("SerializationException", "Unexpected CBOR type")
    assert refusal("s3", "PutBucketCors", "rest-xml", CORS.format(text).encode())[0] == "MalformedXML"
    for match, said in (
        (
            Match("s3", "ListBuckets", "rest-xml", query={"max-buckets": [text]}),
            "Provided max-buckets not an integer or within integer range",
        ),
        (Match("sns", "ListSMSSandboxPhoneNumbers", "query", form={"MaxResults": text}), f"{text} can not be converted to Integer"),
    ):
        codec = compiled(match.service, match.operation, match.protocol)
        with pytest.raises(Fault) as raised:
            codec.parse(Request("GET", "/", "", {}, b""), match)
        assert raised.value.message == said
