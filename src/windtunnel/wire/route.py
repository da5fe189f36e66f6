"""Finds which operation a request asks for: by its target, its signature's scope, its host, its form or its path.

Clients name the operation in five ways, by protocol; what several services share (a signing name, a path) is decided by the
next hint. A request without any hint is one to S3, path style.
"""

import re
from functools import lru_cache
from typing import Final

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import service_model
from windtunnel.wire import buckets, cbor_target, paths, query_json
from windtunnel.wire.codec import refusal
from windtunnel.wire.credential import Credential, credential_of, looks_like_s3
from windtunnel.wire.hosts import host_of
from windtunnel.wire.index import index
from windtunnel.wire.match import Match
from windtunnel.wire.message import Request, Response
from windtunnel.wire.query import form_of

__all__ = ["Match", "RouteFault", "refuse_unrouted", "route"]

_DATED: Final = re.compile(r"/(\d{4}-\d{2}-\d{2})(?:/|$)")
_QUEUE: Final = re.compile(r"/(?:queue/[a-z0-9-]+/)?\d{12}/[\w.-]+/?")
_NOT_OF_QUEUES: Final = {"CreateQueue", "ListQueues"}
_SIGNING_ALIASES: Final = {"s3express": "s3", "s3-object-lambda": "s3", "cloudwatch": "monitoring"}
_UNSIGNED_QUERIES: Final = ("sts", "sns", "sqs", "ses")
"""Where a form without signature and version may belong: web identities, and the links in SNS's messages."""
_CONTROL: Final = {"x-amz-account-id", "x-amz-outpost-id"}
_FORM: Final = "application/x-www-form-urlencoded"
_REST: Final = {"rest-json", "rest-xml"}


class RouteFault(Fault):
    """A refusal before any operation is known; names the service and protocol in which to answer (`codec.refusal`)."""

    __slots__ = ("protocol", "service")

    def __init__(self, service: str, protocol: str, fault: Fault) -> None:
        super().__init__(fault.code, fault.message, status=fault.status, headers=fault.headers, **fault.members)
        self.service = service
        self.protocol = protocol


def route(request: Request) -> Match:
    """The operation that a request asks for. Raises RouteFault, a Fault, where there is none."""
    credential = _credential(request)
    target = request.headers.get("x-amz-target")
    if target is not None:
        return _by_target(request, target, credential)
    if "smithy-protocol" in request.headers and request.path.startswith("/service/"):
        return _by_rpc_path(request, credential)
    host = host_of(request.host)
    services = _services(request, credential, host.services)
    if services == ("s3",):
        return _s3(request, credential, host.bucket)
    asked, rest = _spoken(services)
    if asked and ("Action=" in request.query or request.headers.get("content-type", "").startswith(_FORM)):
        return _by_action(request, credential, asked)
    if rest:
        return _by_path(request, credential, rest, host.bucket)
    if not services:
        return _s3(request, credential, host.bucket)
    return _by_action(request, credential, services)


def refuse_unrouted(request: Request, fault: Fault, request_id: str) -> Response:
    """The answer to a request for which `route` raised a fault, in the protocol that it seemed to be in."""
    if isinstance(fault, RouteFault):
        return refusal(fault.service, fault.protocol, fault, request_id, head=request.method == "HEAD")
    return refusal("s3", "rest-xml", fault, request_id, head=request.method == "HEAD")


def _credential(request: Request) -> Credential | None:
    try:
        return credential_of(request)
    except Fault as fault:
        if looks_like_s3(request):
            raise RouteFault("s3", "rest-xml", fault) from None
        headers = request.headers
        prefix = headers.get("x-amz-target", "").rpartition(".")[0]
        if "x-amz-target" in headers:
            raise RouteFault(index().targets.get(prefix, ("dynamodb",))[0], "json", fault) from None
        protocol = "query" if "Action=" in request.query or headers.get("content-type", "").startswith(_FORM) else "rest-json"
        raise RouteFault("sts" if protocol == "query" else "lambda", protocol, fault) from None


# ---------------------------------------------------------------- which service


def _services(request: Request, credential: Credential | None, by_host: tuple[str, ...]) -> tuple[str, ...]:
    """The services that may be meant, the likeliest first."""
    if credential is not None:
        signing = _SIGNING_ALIASES.get(credential.service, credential.service)
        if signing == "s3":
            control = _CONTROL & request.headers.keys() and request.path.startswith("/v20180820/")
            return ("s3control",) if control or "s3control" in by_host else ("s3",)
        by_signing = index().signing.get(signing) or index().endpoints.get(signing, ())
        both = tuple(name for name in by_signing if name in by_host) if by_host else ()
        return both or by_signing or by_host or (("sqs",) if signing == "sqs" else ())
    if by_host:
        return by_host
    found = _unsigned_form(request)
    if found:
        return found
    dated = _DATED.match(request.path)
    return index().dates.get(dated.group(1), ("s3",)) if dated is not None else ("s3",)


@lru_cache(maxsize=1024)
def _spoken(services: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of some services that are asked by forms and targets, and those that are asked by paths."""
    by_path = tuple(name for name in services if _REST & set(index().entries[name].protocols))
    return tuple(name for name in services if name not in by_path), by_path


def _unsigned_form(request: Request) -> tuple[str, ...]:
    """The services of an unsigned query request, by its Version or its Action."""
    form: dict[str, str] = {}
    if "Action=" in request.query:
        form = form_of(request.query)
    elif request.method == "POST" and request.headers.get("content-type", "").startswith(_FORM) and b"Action=" in request.body:
        form = form_of(request.body.decode("utf-8", "replace"))
    action = form.get("Action")
    if action is None:
        return ()
    if _QUEUE.fullmatch(request.path):
        return ("sqs",)
    named = (*index().versions.get(form.get("Version", ""), ()), *_UNSIGNED_QUERIES)
    return next(((name,) for name in named if action in service_model(name).raw["operations"]), ())


# ---------------------------------------------------------------- which operation


def _by_target(request: Request, target: str, credential: Credential | None) -> Match:
    protocol = cbor_target.PROTOCOL if request.headers.get("content-type") == cbor_target.MEDIA else "json"
    meant = _targeted(target, request.host)
    if meant is not None:
        return Match(*meant, protocol, {}, credential)
    prefix, _, _ = target.rpartition(".")
    services = index().targets.get(prefix) or index().signing.get(credential.service if credential is not None else "", ("dynamodb",))
    raise _unknown(services[0], protocol, 400)


@lru_cache(maxsize=4096)
def _targeted(target: str, host: str) -> tuple[str, str] | None:
    """Service and operation; several services may share a prefix, and then the host tells which is meant."""
    prefix, _, operation = target.rpartition(".")
    services = index().targets.get(prefix, ())
    by_host = host_of(host).services if len(services) > 1 else ()
    for service in services:
        if operation in service_model(service).raw["operations"] and (not by_host or service in by_host):
            return service, operation
    return None


def _by_rpc_path(request: Request, credential: Credential | None) -> Match:
    parts = request.path.split("/")
    # Some write the service with its namespace; some services' names contain dots themselves.
    targets = index().targets
    services = (targets.get(parts[2]) or targets.get(parts[2].rpartition(".")[2])) if len(parts) == 5 else None
    if services is None:
        raise _unknown("cloudwatch", "smithy-rpc-v2-cbor", 404)
    if parts[4] not in service_model(services[0]).raw["operations"]:
        raise _unknown(services[0], "smithy-rpc-v2-cbor", 404)
    return Match(services[0], parts[4], "smithy-rpc-v2-cbor", {}, credential)


def _by_action(request: Request, credential: Credential | None, services: tuple[str, ...]) -> Match:
    form = form_of(request.query) if request.query else {}
    if request.body and request.headers.get("content-type", _FORM).startswith(_FORM):
        form |= form_of(request.body.decode("utf-8", "replace"))
    if services[0] == "sqs":
        _check_queue_form(request, form)
    version = form.get("Version", "")
    entries = index().entries
    # Several services share a signing name and are told apart by their version, or by who has such an action at all.
    likeliest = sorted(services, key=lambda name: entries[name].version != version) if len(services) > 1 else services
    action = form.get("Action", "")
    for service in likeliest:
        if action in service_model(service).raw["operations"]:
            protocol = _form_protocol(request, service)
            return Match(service, action, protocol, {}, credential, {}, form)
    service = next(iter(likeliest))
    if not {"query", "ec2"} & set(entries[service].protocols) and service != "sqs":
        raise _unknown(service, entries[service].protocols[0], 404)
    raise RouteFault(service, _form_protocol(request, service), _invalid_action(service, action, version or entries[service].version))


def _form_protocol(request: Request, service: str) -> str:
    """The protocol in which a form is read and answered."""
    if "ec2" in index().entries[service].protocols:
        return "ec2"
    return "query-json" if service in query_json.SERVICES and request.headers.get("accept", "").startswith("application/json") else "query"


def _check_queue_form(request: Request, form: dict[str, str]) -> None:
    """The older form of a queue's requests names the queue by the path; making and listing queues is for the path "/" alone."""
    action = form.get("Action", "")
    if not action:
        raise _unknown("sqs", "query", 404)
    if _QUEUE.fullmatch(request.path):
        if action in _NOT_OF_QUEUES:
            raise RouteFault("sqs", _form_protocol(request, "sqs"), _invalid_action("sqs", action, ""))
        form.setdefault("QueueUrl", f"{request.scheme}://{request.host}{request.path}")


def _by_path(request: Request, credential: Credential | None, services: tuple[str, ...], host_bucket: str) -> Match:
    query = paths.query_of(request.query) if request.query else {}
    for service in services:
        if service == "s3":
            return _s3(request, credential, host_bucket)
        found = paths.find(service, request.method, request.path, query, request.headers)
        if found is not None:
            operation, labels = found
            return Match(service, operation, index().entries[service].protocols[0], labels, credential, query)
    raise _unknown(services[0], index().entries[services[0]].protocols[0], 404)


def _s3(request: Request, credential: Credential | None, host_bucket: str) -> Match:
    query = paths.query_of(request.query) if request.query else {}
    found = buckets.find(request, host_bucket, query)
    if found is None:
        fault = Fault(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            status=405,
            Method=request.method,
            ResourceType="OBJECT" if request.path.count("/") > 1 else "BUCKET" if len(request.path) > 1 else "SERVICE",
        )
        raise RouteFault("s3", "rest-xml", fault)
    operation, labels = found
    if operation == "ListBuckets" and credential is not None and credential.service == "s3express":
        operation = "ListDirectoryBuckets"
    return Match("s3", operation, "rest-xml", labels, credential, query)


def _unknown(service: str, protocol: str, status: int) -> RouteFault:
    return RouteFault(service, protocol, Fault("UnknownOperationException", status=status))


def _invalid_action(service: str, action: str, version: str) -> Fault:
    if not action:
        return Fault("MissingAction", "Missing Action", status=400)
    if service == "sqs":
        return Fault("InvalidAction", f"The action {action} is not valid for this endpoint.", status=400)
    if service == "ec2":
        return Fault("InvalidAction", f"The action {action} is not valid for this web service.", status=400)
    return Fault("InvalidAction", f"Could not find operation {action} for version {version}", status=400)
