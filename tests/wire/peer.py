"""botocore as the other end of the line: it writes requests for us and reads our answers."""

import gzip
from datetime import datetime
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson
from botocore.awsrequest import AWSRequest, HeadersDict, prepare_request_dict
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.parsers import PROTOCOL_PARSERS
from botocore.serialize import create_serializer
from botocore.utils import parse_timestamp

from windtunnel.aws.model import DATA, services
from windtunnel.wire.message import Request, Response

ALWAYS = (
    "sqs", "sns", "s3", "lambda", "logs", "iam", "sts", "dynamodb", "kinesis", "cloudwatch", "ec2", "events", "cloudformation",
    "stepfunctions", "apigateway", "apigatewayv2",
)  # fmt: skip
STEP = 11
"""Of other services every eleventh operation goes round, unless all are asked for."""


@cache
def model(service: str) -> ServiceModel:
    path = max((DATA / service).glob("*/service-2.json.gz"))
    return ServiceModel(orjson.loads(gzip.decompress(path.read_bytes())), service)


def protocols(service: str) -> list[str]:
    metadata = model(service).metadata
    return metadata.get("protocols") or [metadata["protocol"]]


def chosen(everything: bool) -> list[OperationModel]:
    """The operations to try."""
    found: list[OperationModel] = []
    for at, service in enumerate(services()):
        names = model(service).operation_names
        step = 1 if everything or service in ALWAYS else STEP
        found += [model(service).operation_model(name) for name in names[at % step :: step]]
    return found


def request_for(operation: OperationModel, protocol: str, params: dict[str, Any], host: str | None = None) -> Request:
    """The request that botocore would send."""
    service = operation.service_model
    written = create_serializer(protocol, include_validation=False).serialize_to_request(params, operation)
    endpoint = host or f"{written.get('host_prefix', '')}{service.endpoint_prefix}.us-east-1.amazonaws.com"
    prefix = written.pop("host_prefix", None)
    del prefix
    prepare_request_dict(written, endpoint_url=f"http://{endpoint}")
    prepared = AWSRequest(method=written["method"], url=written["url"], data=written["body"], headers=written["headers"]).prepare()
    url = urlsplit(prepared.url)
    body = prepared.body or b""
    headers = {name.lower(): value.decode() if isinstance(value, bytes) else str(value) for name, value in prepared.headers.items()}
    headers["host"] = endpoint
    scope = f"test/20200101/us-east-1/{service.signing_name}/aws4_request"
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"
    return Request(prepared.method, url.path or "/", url.query, headers, body.encode() if isinstance(body, str) else bytes(body))


class Stream:
    def __init__(self, data: bytes) -> None:
        self.data = data


OWN_HEADERS = {"x-amzn-requestid", "content-type"}


@lru_cache(1024)
def _seconds(text: Any) -> float:
    at: datetime = parse_timestamp(text)
    return at.timestamp()


def parsed(protocol: str, response: Response, shape: Shape | None) -> dict[str, Any]:
    """The response as botocore reads it, its metadata apart."""
    parser = PROTOCOL_PARSERS[protocol](timestamp_parser=_seconds)
    assert isinstance(response.body, bytes)
    http = {"status_code": response.status, "headers": HeadersDict(response.headers), "body": response.body, "context": {}}
    payload = shape.members.get(shape.serialization.get("payload", "")) if shape else None
    if payload and payload.type_name == "blob" and response.status < 300:
        # botocore leaves such a body alone, as it is a stream in its hands.
        http["body"] = Stream(response.body)
    found = parser.parse(http, shape)
    found.pop("ResponseMetadata", None)
    for name, member in shape.members.items() if shape else ():
        if name in found and member.serialization.get("location") == "headers" and not member.serialization.get("name"):
            found[name] = {key: value for key, value in found[name].items() if key.lower() not in OWN_HEADERS}
    return {name: value.data if isinstance(value, Stream) else value for name, value in found.items()}
