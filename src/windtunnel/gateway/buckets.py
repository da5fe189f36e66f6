"""What browsers ask of buckets and no SDK does: whether a page of another origin may call, a form's upload, a bucket of no named region.

The front imports this when such a request comes, and S3 with it.
"""

from __future__ import annotations

from windtunnel.aws.errors import Fault
from windtunnel.fabric.cloud import Cloud
from windtunnel.gateway.cors import ChangedReply
from windtunnel.gateway.http.app import Reply
from windtunnel.gateway.posts import Posted, posted
from windtunnel.services.s3 import places
from windtunnel.services.s3.websites.cross_origin import granted, preflight
from windtunnel.wire.buckets import place_of
from windtunnel.wire.codec import refusal
from windtunnel.wire.hosts import host_of
from windtunnel.wire.message import Request, Response


def asked(cloud: Cloud, request: Request, request_id: str) -> Response | Posted | None:
    """The answer to a browser's question whether a page may call, or the call that a form makes; None for anything else."""
    bucket, key = place_of(request, host_of(request.host).bucket)
    if not bucket or (request.method != "OPTIONS" and (request.method != "POST" or key or request.query)):
        return None
    try:
        if request.method == "POST":
            return posted(request, bucket, cloud.clock)
        allowed = cloud.apply(lambda tx: preflight(tx, bucket, request.headers))
        return Response(200, [*refusal("s3", "rest-xml", Fault("", status=304), request_id).headers, *allowed])
    except Fault as fault:
        return refusal("s3", "rest-xml", fault, request_id)


def shared(cloud: Cloud, request: Request, bucket: str, reply: Reply) -> Reply:
    """A reply that the page which asked may read where the bucket's CORS configuration says so."""
    allowed = cloud.apply(lambda tx: granted(tx, bucket, request.method, request.headers))
    if not allowed:
        return reply
    return ChangedReply(reply, lambda response: Response(response.status, [*response.headers, *allowed], response.body))


def region_of(cloud: Cloud, bucket: str) -> str:
    """Who asks for a bucket and names no region, as browsers and old signatures do, means the bucket's; "" where there is none."""
    return cloud.apply(lambda tx: places.region_of(tx, bucket))
