"""The rest-xml protocol: HTTP bindings around XML bodies (S3, Route 53, CloudFront).

https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element

import msgspec

from windtunnel.aws.digests import check_document
from windtunnel.aws.errors import Fault
from windtunnel.aws.model import OperationModel, Shape, fault_of, service_model
from windtunnel.aws.request_ids import host_id
from windtunnel.wire import eventstream, rest
from windtunnel.wire.match import Codec, Match
from windtunnel.wire.message import Request, Response
from windtunnel.wire.query import members
from windtunnel.wire.xml import PROLOG, Decoders, Encode, Encoders, MalformedXml, escape, parse

_MEDIA: Final = "application/xml"
_S3: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
_NAMESPACES: Final = {
    "s3": _S3,
    "s3control": "http://awss3control.amazonaws.com/doc/2018-08-20/",
    "route53": "https://route53.amazonaws.com/doc/2013-04-01/",
    "cloudfront": "http://cloudfront.amazonaws.com/doc/2020-05-31/",
}
_ROOTS: Final = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CreateSession": "CreateSessionResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycle": "LifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotification": "NotificationConfiguration",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBucketAnalyticsConfigurations": "ListBucketAnalyticsConfigurationResult",
    "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult",
    "ListBucketMetricsConfigurations": "ListMetricsConfigurationsResult",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}
"""The root elements of S3's results, which botocore's model doesn't name. https://docs.aws.amazon.com/AmazonS3/latest/API/"""
_STATUSES: Final = {
    "PutBucketAnalyticsConfiguration": 204,
    "PutBucketInventoryConfiguration": 204,
    "PutBucketMetricsConfiguration": 204,
    "PutBucketPolicy": 204,
    "PutBucketTagging": 204,
    "RestoreObject": 202,
}
"""What S3 answers with where botocore's model says nothing."""
_MALFORMED: Final = "The XML you provided was not well-formed or did not validate against our published schema"


def codec(operation: OperationModel) -> Codec:
    """The codec of one operation of a rest-xml service."""
    return Codec(
        parse=_parser(operation),
        respond=_responder(operation),
        refuse=refuser(operation.service_model.service_name, head=operation.method == "HEAD"),
        streams_in=rest.is_streaming(operation.input_shape),
    )


def _malformed(service: str) -> Fault:
    if service in {"s3", "s3control"}:
        return Fault("MalformedXML", _MALFORMED, status=400)
    return Fault("MalformedInput", "Unable to parse request", status=400)


def _refuser_of_parameters(service: str) -> rest.Refuse:
    if service == "s3":
        return lambda name, text: Fault(
            "InvalidArgument", f"Provided {name} not an integer or within integer range", status=400, ArgumentName=name, ArgumentValue=text
        )
    return lambda name, text: Fault("InvalidInput", f"Invalid value '{text}' for parameter '{name}'", status=400)


# ---------------------------------------------------------------- requests


def _parser(operation: OperationModel) -> Callable[[Request, Match], dict[str, Any]]:
    shape = operation.input_shape
    if shape is None:
        return lambda request, match: {}
    numbers = _numbers(shape) if operation.service_model.service_name == "s3" else frozenset[str]()
    read_head = rest.reader(operation, _refuser_of_parameters(operation.service_model.service_name))
    # The checksum in the headers of a CompleteMultipartUpload is that of the object.
    digested = operation.service_model.service_name == "s3" and operation.name != "CompleteMultipartUpload"
    read_body = _body_reader(operation.service_model.service_name, shape, digested=digested)

    def parse(request: Request, match: Match) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if read_body is not None:
            read_body(request, out)
        if numbers and any(name in numbers and values == [""] for name, values in match.query.items()):
            # S3 takes a number without digits for one that isn't there.
            query = {name: values for name, values in match.query.items() if name not in numbers or values != [""]}
            match = msgspec.structs.replace(match, query=query)
        read_head(request, match, out)
        return out

    return parse


def _numbers(shape: Shape) -> frozenset[str]:
    """The query parameters that are numbers."""
    members: Iterable[Shape] = shape.members.values()
    return frozenset(
        member.serialization["name"]
        for member in members
        if member.serialization.get("location") == "querystring" and member.type_name == "integer"
    )


def _body_reader(service: str, shape: Shape, *, digested: bool) -> Callable[[Request, dict[str, Any]], None] | None:
    payload: str | None = shape.serialization.get("payload")
    if payload is None:
        if not rest.body_members(shape):
            return None
        decode = _checked(_document(service, shape), digested=digested)
        return lambda request, out: out.update(decode(request) or {})
    member = shape.members[payload]
    if service == "s3" and member.type_name == "string":
        read_text = _checked(_characters, digested=digested)
        return lambda request, out: out.update({payload: read_text(request)})
    if member.type_name == "blob":
        return lambda request, out: rest.payload(out, payload, request.body if request.stream is None else request.stream)
    inner = _checked(_characters if member.type_name == "string" else _document(service, member), digested=digested)
    if service != "s3" or payload not in shape.required_members:
        return lambda request, out: rest.payload(out, payload, inner(request))

    def read(request: Request, out: dict[str, Any]) -> None:
        if not request.body:
            # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
            raise Fault("MissingRequestBodyError", "Request Body is empty", status=400)
        rest.payload(out, payload, inner(request))

    return read


def _checked(read: Callable[[bytes], Any], *, digested: bool) -> Callable[[Request], Any]:
    """Reads a request's document; where it is `digested` after a look whether it arrived as it was sent."""
    if not digested:
        return lambda request: read(request.body)

    def checked(request: Request) -> Any:
        check_document(request.headers, request.body)
        return read(request.body)

    return checked


def _characters(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _document(service: str, shape: Shape) -> Callable[[bytes], Any]:
    """Reads a whole body; None where it is empty."""
    decode: Callable[[Element], Any] = Decoders().node(shape)

    def read(body: bytes) -> Any:
        if not body:
            return None
        try:
            return decode(parse(body))
        except (MalformedXml, ValueError):
            raise _malformed(service) from None

    return read


# ---------------------------------------------------------------- answers


def _responder(operation: OperationModel) -> Callable[[Mapping[str, Any], str], Response]:
    shape, service = operation.output_shape, operation.service_model.service_name
    default: int = operation.http.get("responseCode") or (_STATUSES.get(operation.name, 200) if service == "s3" else 200)
    write_head = rest.writer(shape)
    write_body, media = _body_writer(operation)
    identify = _identifier(service)
    bare = operation.method == "HEAD"
    # Not in the model, and there: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
    tells_region = service == "s3" and operation.name in {"ListObjects", "ListObjectsV2"}
    typed = [("Content-Type", _MEDIA)] if service == "s3" and operation.name == "HeadBucket" else []

    def respond(result: Mapping[str, Any] | None, request_id: str) -> Response:
        result = result or {}
        headers = identify(request_id) + typed
        status = write_head(result, headers) or (206 if "ContentRange" in result else 200 if "Restored" in result else default)
        body = b"" if bare else write_body(result)
        if tells_region and "BucketRegion" in result:
            headers.append(("x-amz-bucket-region", result["BucketRegion"]))
        if media and body and not any(name == "Content-Type" for name, _ in headers):
            headers.append(("Content-Type", media))
        return Response(status, headers, body)

    return respond


def _identifier(service: str) -> Callable[[str], list[tuple[str, str]]]:
    """The headers that name the request: S3 has two."""
    if service in {"s3", "s3control"}:
        return lambda request_id: [("x-amz-request-id", request_id), ("x-amz-id-2", host_id(request_id))]
    return lambda request_id: [("x-amzn-RequestId", request_id)]


def _body_writer(operation: OperationModel) -> tuple[Callable[[Mapping[str, Any]], Any], str]:
    shape, service = operation.output_shape, operation.service_model.service_name
    if shape is None:
        return (lambda result: b""), ""
    if operation.name == "GetBucketLocation" and service == "s3":
        return _location, _MEDIA
    encoders = Encoders(rest.iso_of(service))
    payload: str | None = shape.serialization.get("payload")
    if payload is None:
        body = rest.body_members(shape)
        if not body:
            return (lambda result: b""), ""
        root = _ROOTS.get(operation.name, operation.name + "Response") if service == "s3" else shape.name
        write = _document_writer(encoders.content(shape), root, _NAMESPACES.get(service, ""))
        return (lambda result: write({name: value for name, value in result.items() if name in body})), _MEDIA
    member = shape.members[payload]
    if member.serialization.get("eventstream"):
        events = eventstream.writer(member, _event_compiler(encoders), str.encode, "text/xml")
        return (lambda result: events(result[payload], b"")), "application/vnd.amazon.eventstream"
    if member.type_name == "blob":
        return (lambda result: rest.opaque(result.get(payload))), "binary/octet-stream"
    if member.type_name == "string":
        return (lambda result: (result.get(payload) or "").encode()), "application/json"
    root = member.serialization.get("name", member.name)
    inner = _document_writer(encoders.content(member), root, _NAMESPACES.get(service, ""))
    return (lambda result: inner(result[payload]) if result.get(payload) is not None else b""), _MEDIA


def _document_writer(content: Encode, root: str, space: str) -> Callable[[Mapping[str, Any]], bytes]:
    head = f'{PROLOG}<{root} xmlns="{space}">' if space else f"{PROLOG}<{root}>"
    tail = f"</{root}>"
    return lambda value: f"{head}{content(value)}{tail}".encode()


def _location(result: Mapping[str, Any]) -> bytes:
    """The region stands in the root element itself, and us-east-1 is no word at all.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html"""
    region = result.get("LocationConstraint")
    start = f'{PROLOG}<LocationConstraint xmlns="{_S3}"'
    return (f"{start}>{escape(region)}</LocationConstraint>" if region else f"{start}/>").encode()


def _event_compiler(encoders: Encoders) -> eventstream.Compile:
    return lambda shape: encoders.element(shape, shape.serialization.get("name", shape.name))


def refuser(service: str, *, head: bool = False) -> Callable[[Fault, str], Response]:
    """Writes faults of a rest-xml service; S3's are a document of their own kind."""
    s3 = service in {"s3", "s3control"}
    identify = _identifier(service)
    space = _NAMESPACES.get(service) or service_model(service).metadata.get("xmlNamespace", "")

    def refuse(fault: Fault, request_id: str) -> Response:
        model = fault_of(service, fault.code)
        status = fault.status or model.status
        headers = identify(request_id)
        headers += fault.headers.items()
        if head or status == 304:
            return Response(status, headers, b"")
        headers.append(("Content-Type", _MEDIA if s3 else "text/xml"))
        inner = f"<Code>{escape(model.query_code)}</Code><Message>{escape(fault.message)}</Message>{members(fault, model.shape)}"
        if s3:
            body = f"{PROLOG}<Error>{inner}<RequestId>{request_id}</RequestId><HostId>{host_id(request_id)}</HostId></Error>"
        else:
            kind = "Sender" if status < 500 else "Receiver"
            body = (
                f'{PROLOG}<ErrorResponse xmlns="{space}"><Error><Type>{kind}</Type>{inner}</Error>'
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            )
        return Response(status, headers, body.encode())

    return refuse
