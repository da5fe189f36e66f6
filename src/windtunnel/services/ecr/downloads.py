"""Where layers are downloaded: URLs of the region's own endpoint; on AWS they are signed URLs of objects in a bucket of ECR's."""

from __future__ import annotations

from windtunnel.fabric import Answer, Call, Tx, Visit
from windtunnel.services.ecr.state import DOWNLOADS, LAYERS, Layer

PATH = "/_aws/ecr/layers/"


async def serve(call: Call, visit: Visit) -> Answer:
    """A GET of such a URL."""
    region, _, rest = visit.path.removeprefix(PATH).partition("/")
    account, _, token = rest.partition("/")
    layer = call.at(account=account, region=region).read(_downloaded, token) if visit.method == "GET" else None
    if layer is None:
        return Answer(403, [], b"")
    return Answer(200, [("content-type", "application/octet-stream"), ("content-length", str(layer.size))], call.blobs.iter(layer.blob))  # pyright: ignore[reportArgumentType]


def _downloaded(tx: Tx, token: str) -> Layer | None:
    given = tx.get(DOWNLOADS, token)
    return None if given is None else tx.get(LAYERS, given.repository, given.digest)
