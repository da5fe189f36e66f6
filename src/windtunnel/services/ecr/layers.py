"""Layers: uploaded in parts, checked against their digest, and downloaded.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push.html
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.ecr.contents import forget_upload, needed
from windtunnel.services.ecr.downloads import PATH
from windtunnel.services.ecr.places import find_repository
from windtunnel.services.ecr.state import DOWNLOADS, LAYERS, UPLOADS, Download, Found, Layer, Upload

if TYPE_CHECKING:
    from windtunnel.aws.types import ecr as t

PART_BYTES = 20_971_520
PART_BYTES_MIN = 5_242_880
UPLOAD_SECONDS = 86_400
DOWNLOAD_SECONDS = 3_600
"""How long a URL can be used."""
MEDIA_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def initiate_layer_upload(tx: Tx, req: t.InitiateLayerUploadRequest) -> t.InitiateLayerUploadResponse:
    found, upload_id = find_repository(tx, req, "InitiateLayerUpload"), tx.new_id()
    found.tx.put(UPLOADS, upload_id, value=Upload(found.repository.id))
    found.tx.timer(tx.now + UPLOAD_SECONDS, "abandon", {"name": found.name, "upload": upload_id}, name=upload_id)
    return {"uploadId": upload_id, "partSize": PART_BYTES}


async def upload_layer_part(call: Call, req: t.UploadLayerPartRequest) -> t.UploadLayerPartResponse:
    call.read(_begun, req, "UploadLayerPart")
    blob = await call.blobs.write(req["layerPartBlob"])
    received = await call.transact(_add_part, req, Layer(blob.id, blob.size))
    return {**received, "uploadId": req["uploadId"], "lastByteReceived": req["partLastByte"]}  # pyright: ignore[reportReturnType]


def _begun(tx: Tx, req: Any, action: str) -> tuple[Found, Upload]:
    found = find_repository(tx, req, action)
    upload = found.tx.get(UPLOADS, req["uploadId"])
    if upload is None or upload.repository != found.repository.id:
        why = f"The upload with upload id '{req['uploadId']}' does not exist in the repository with name '{found.name}' in the registry"
        raise Fault("UploadNotFoundException", f"{why} with id '{found.tx.account}'")
    return found, upload


def _add_part(tx: Tx, req: Any, part: Layer) -> dict[str, str]:
    found, upload = _begun(tx, req, "UploadLayerPart")
    first, last = req["partFirstByte"], req["partLastByte"]
    if first != upload.size or last - first + 1 != part.size:
        raise Fault(
            "InvalidLayerPartException",
            f"The layer part from byte {first} to byte {last} has {part.size} bytes and follows on {upload.size} bytes.",
            registryId=found.tx.account,
            repositoryName=found.name,
            uploadId=req["uploadId"],
            lastValidByteReceived=upload.size - 1,
        )
    found.tx.hold(part.blob)
    found.tx.put(UPLOADS, req["uploadId"], value=msgspec.structs.replace(upload, parts=[*upload.parts, part]))
    return found.named


async def complete_layer_upload(call: Call, req: t.CompleteLayerUploadRequest) -> t.CompleteLayerUploadResponse:
    upload = call.read(_whole, req)
    blob, digest = await call.blobs.concat([part.blob for part in upload.parts]), sha256()
    async for piece in call.blobs.iter(blob.id):
        digest.update(piece)
    named = await call.transact(_completed, req, Layer(blob.id, blob.size), f"sha256:{digest.hexdigest()}")
    return {**named, "uploadId": req["uploadId"], "layerDigest": f"sha256:{digest.hexdigest()}"}  # pyright: ignore[reportReturnType]


def _whole(tx: Tx, req: Any) -> Upload:
    _, upload = _begun(tx, req, "CompleteLayerUpload")
    if not upload.parts:
        raise Fault("EmptyUploadException", f"The upload with upload id '{req['uploadId']}' has no layer parts.")
    if any(part.size < PART_BYTES_MIN for part in upload.parts[:-1]):
        raise Fault("LayerPartTooSmallException", "Layer parts must be at least 5 MiB in size.")
    return upload


def _completed(tx: Tx, req: Any, layer: Layer, digest: str) -> dict[str, str]:
    found, _ = _begun(tx, req, "CompleteLayerUpload")
    if digest not in req["layerDigests"]:
        why = f"Layer digest '{req['layerDigests'][0]}' does not match the digest '{digest}' of what was uploaded"
        raise Fault("InvalidLayerException", why)
    if found.tx.get(LAYERS, found.repository.id, digest) is not None:
        why = f"The layer with digest '{digest}' already exists in the repository with name '{found.name}' in the registry with id"
        raise Fault("LayerAlreadyExistsException", f"{why} '{found.tx.account}'")
    forget_upload(found, req["uploadId"])
    found.tx.cancel_timer("abandon", req["uploadId"])
    found.tx.hold(layer.blob)
    found.tx.put(LAYERS, found.repository.id, digest, value=layer)
    return found.named


def batch_check_layer_availability(tx: Tx, req: t.BatchCheckLayerAvailabilityRequest) -> t.BatchCheckLayerAvailabilityResponse:
    found = find_repository(tx, req, "BatchCheckLayerAvailability")
    layers: list[Any] = []
    failures: list[Any] = []
    for digest in req["layerDigests"]:
        layer = found.tx.get(LAYERS, found.repository.id, digest)
        if not digest.startswith("sha256:"):
            why = "Invalid request parameters: layer digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"
            failures.append({"layerDigest": digest, "failureCode": "InvalidLayerDigest", "failureReason": why})
        elif layer is None:
            layers.append({"layerDigest": digest, "layerAvailability": "UNAVAILABLE"})
        else:
            about = {"layerAvailability": "AVAILABLE", "layerSize": layer.size, "mediaType": MEDIA_TYPE}
            layers.append({"layerDigest": digest, **about})
    return {"layers": layers, "failures": failures}


def get_download_url_for_layer(tx: Tx, req: t.GetDownloadUrlForLayerRequest) -> t.GetDownloadUrlForLayerResponse:
    found, digest = find_repository(tx, req, "GetDownloadUrlForLayer"), req["layerDigest"]
    where = f"the repository with name '{found.name}' in the registry with id '{found.tx.account}'"
    if found.tx.get(LAYERS, found.repository.id, digest) is None:
        raise Fault("LayersNotFoundException", f"The layer with digest '{digest}' does not exist in {where}")
    if not needed(found, digest):
        raise Fault("LayerInaccessibleException", f"The layer with digest '{digest}' is not associated with an image in {where}")
    token = tx.ids.bytes(32).hex()
    found.tx.put(DOWNLOADS, token, value=Download(found.repository.id, digest))
    found.tx.timer(tx.now + DOWNLOAD_SECONDS, "close", {"token": token})
    url = f"{tx.scope.endpoint}{PATH}{found.tx.region}/{found.tx.account}/{token}"
    return {"downloadUrl": url, "layerDigest": digest}
