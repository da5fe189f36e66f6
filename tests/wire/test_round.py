"""Every operation goes round: botocore writes a request and we read it, we write a result or a fault and botocore reads it."""

import re
from collections.abc import Callable
from typing import Any

from botocore.model import OperationModel

from tests.wire import peer, samples
from windtunnel.aws.checksums import ALGORITHMS
from windtunnel.aws.errors import Fault
from windtunnel.aws.model import fault_of
from windtunnel.wire.codec import codec_of, compiled
from windtunnel.wire.route import Match, route

SUPERSEDED = {
    "s3.GetBucketLifecycle",
    "s3.PutBucketLifecycle",
    "s3.GetBucketNotification",
    "s3.PutBucketNotification",
    "s3.ListDirectoryBuckets",
}
"""Requests that are the same, byte by byte, as those of what took their place, or (ListDirectoryBuckets) differ by endpoint only."""

RESERVED = {"message", "code", "type", "status"}
"""Members that every error has, and names that `Fault` itself needs."""


DIGESTS = {"ContentMD5", *(f"Checksum{algorithm}" for algorithm in ALGORITHMS)}


def failures(operations: list[OperationModel], check: Callable[[OperationModel, str], object]) -> dict[str, object]:
    """What went wrong, by operation and protocol: one test covers thousands, and the first failure is not the only one."""
    found: dict[str, object] = {}
    for operation in operations:
        service = operation.service_model.service_name
        for protocol in peer.protocols(service):
            problem = check(operation, protocol)
            if problem is not None:
                found[f"{service}.{operation.name} {protocol}"] = problem
    return found


def request_problem(operation: OperationModel, protocol: str) -> object:
    params = samples.request_of(operation.input_shape) if operation.input_shape else {}
    if protocol in {"query", "ec2"}:
        params = without_empty(params)
    if operation.service_model.service_name == "s3" and not operation.has_streaming_input:  # documents are held against their digests
        params = {name: value for name, value in params.items() if name not in DIGESTS}
    request = peer.request_for(operation, protocol, params)
    service = operation.service_model.service_name
    if f"{service}.{operation.name}" in SUPERSEDED:
        return None
    try:
        match = route(request)
        if (match.service, match.operation, match.protocol) != (service, operation.name, protocol):
            if is_same(operation, match):
                return None
            return f"routed to {match.service}.{match.operation} {match.protocol}"
        got = codec_of(match).parse(request, match)
    except Fault as fault:
        return str(fault)
    stream = operation.input_shape.event_stream_name if operation.input_shape else None
    got.pop(stream or "", None)
    return None if got == params else difference(params, got)


def is_same(operation: OperationModel, match: Match) -> bool:
    """Some services share operations: neptune, docdb and rds; greengrass and its second version. On the wire they are one."""
    if match.service == operation.service_model.service_name or match.operation != operation.name:
        return False
    other = peer.model(match.service)
    twin = other.operation_model(match.operation)
    signing = other.signing_name == operation.service_model.signing_name
    return signing and twin.http["method"] == operation.http["method"] and without_names(twin) == without_names(operation)


def without_names(operation: OperationModel) -> str:
    return re.sub(r"\{[^}]*\}", "{}", operation.http["requestUri"]).rstrip("/")


def without_empty(value: Any) -> Any:
    """Structures without members leave no trace in a form."""
    if isinstance(value, dict):
        return {key: inner for key, item in value.items() if (inner := without_empty(item)) not in ({}, [])}
    return [without_empty(item) for item in value] if isinstance(value, list) else value


def result_problem(operation: OperationModel, protocol: str) -> object:
    shape = operation.output_shape
    result = samples.result_of(shape) if shape else {}
    if (shape and shape.event_stream_name) or operation.name in {"GetBucketLocation", "GetBucketNotification"}:
        return None
    response = compiled(operation.service_model.service_name, operation.name, protocol).respond(result, "id-1")
    got = peer.parsed(protocol, response, shape)
    return None if got == result else difference(result, got)


def fault_problem(operation: OperationModel, protocol: str) -> object:
    service = operation.service_model.service_name
    codec = compiled(service, operation.name, protocol)
    problems: list[object] = []
    for shape in operation.error_shapes:
        members = {name: value for name, value in samples.result_of(shape).items() if name.lower() not in RESERVED}
        for name, member in shape.members.items():
            if member.serialization.get("name", "").lower() == "x-amzn-errortype":
                members[name] = shape.name
        response = codec.refuse(Fault(shape.name, "It is so & not otherwise.", **members), "id-1")
        if operation.http.get("method") == "HEAD":
            continue
        error = peer.parsed(protocol, response, operation.output_shape)["Error"]
        model = fault_of(service, shape.name)
        old = protocol in {"query", "ec2", "rest-xml"} or model.query_error
        if (error["Code"], error["Message"]) != (model.query_code if old else shape.name, "It is so & not otherwise."):
            problems.append(error)
        message = {name: "It is so & not otherwise." for name in shape.members if name.lower() == "message"}
        got = {name: value for name, value in peer.parsed(protocol, response, shape).items() if name not in {"Code", "code", "Type"}}
        if protocol in {"query", "ec2", "rest-xml"}:
            # It is always <Message> there, also where the model has another name for it.
            message = {}
            got = {name: value for name, value in got.items() if name.lower() != "message"}
        if got != members | message:
            problems.append(difference(members | message, got))
    return problems or None


def difference(wanted: object, got: object, at: str = "") -> object:
    """The first place where two values differ."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key in [*wanted, *got]:
            if key not in got or key not in wanted or wanted[key] != got[key]:
                return difference(wanted.get(key, "(absent)"), got.get(key, "(absent)"), f"{at}.{key}")
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for index, (one, other) in enumerate(zip(wanted, got, strict=True)):
            if one != other:
                return difference(one, other, f"{at}[{index}]")
    return f"{at}: wanted {wanted!r}, got {got!r}"


def test_every_request_that_botocore_writes_is_routed_and_read_as_it_was_meant(all_services: bool) -> None:
    assert failures(peer.chosen(all_services), request_problem) == {}


def test_botocore_reads_every_result_as_it_was_meant(all_services: bool) -> None:
    assert failures(peer.chosen(all_services), result_problem) == {}


def test_botocore_reads_every_fault_as_it_was_meant(all_services: bool) -> None:
    assert failures(peer.chosen(all_services), fault_problem) == {}
