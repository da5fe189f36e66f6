"""Archives of code: taken from a request or from S3, tried out by unpacking, kept once for all functions and layers with the same bytes."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.cloud import Cloud
from windtunnel.planes.blobs import Piece
from windtunnel.planes.compute import ArchiveTooLarge, BadArchive
from windtunnel.services.lambda_.rules import UNZIPPED_BYTES_MAX, ZIPPED_BYTES_MAX, digest_of, hex_of, invalid
from windtunnel.services.lambda_.state import ARCHIVES, Archive

CODE_PAGE = "/_lambda/archives/"
"""Beside the API: no bucket's name begins like that."""


class Taken(msgspec.Struct, frozen=True):
    """An archive that has been looked at; `blob` is fresh, and not yet named by any row."""

    code: str
    size: int
    blob: str


async def take(call: Call, code: Mapping[str, Any]) -> Taken:
    """The archive that a request names, unpacked and stored. Raises what AWS says of archives that are none."""
    content = code.get("ZipFile")
    if content is None:
        if not code.get("S3Bucket") or not code.get("S3Key"):
            raise invalid("Please provide a source for function code.")
        content = await _from_s3(call, code)
    elif len(content) > ZIPPED_BYTES_MAX:
        raise Fault("RequestEntityTooLargeException", f"Zipped size must be smaller than {ZIPPED_BYTES_MAX} bytes")
    digest = digest_of(content)
    blob = await call.blobs.write(content)
    try:
        await call.cloud.compute.folder_of(hex_of(digest), await call.blobs.local(blob.id), UNZIPPED_BYTES_MAX)
    except BadArchive as error:
        call.blobs.delete(blob.id)
        raise invalid("Could not unzip uploaded file. Please check your file, then try to upload again.") from error
    except ArchiveTooLarge as error:
        call.blobs.delete(blob.id)
        raise invalid(f"Unzipped size must be smaller than {UNZIPPED_BYTES_MAX} bytes") from error
    return Taken(digest, len(content), blob.id)


def use(tx: Tx, code: str, taken: Taken | None = None) -> None:
    """One more row names an archive: one that is known, or the one just taken."""
    archive = tx.get(ARCHIVES, code)
    if archive is None:
        assert taken is not None, "an archive is taken before it is used"
        tx.hold(taken.blob)
        archive = Archive(taken.blob, taken.size, 0)
    elif taken is not None:
        tx.dropped.append(taken.blob)
    tx.put(ARCHIVES, code, value=msgspec.structs.replace(archive, uses=archive.uses + 1))


def leave(tx: Tx, code: str) -> None:
    """One row fewer names an archive; its bytes go with the last."""
    archive = tx.get(ARCHIVES, code)
    assert archive is not None, "what is used is there"
    if archive.uses > 1:
        tx.put(ARCHIVES, code, value=msgspec.structs.replace(archive, uses=archive.uses - 1))
    else:
        tx.delete(ARCHIVES, code)
        tx.drop(archive.blob)


def location(tx: Tx, code: str) -> str:
    """Where the archive can be fetched."""
    return f"{tx.scope.endpoint}{CODE_PAGE}{hex_of(code)}.zip"


def page(tx: Tx, path: str) -> tuple[str, bytes] | None:
    """An archive's bytes, at its location. Who knows the digest of what lies there may have it, as with a signed URL."""
    name = path.removeprefix(CODE_PAGE).removesuffix(".zip")
    try:
        code = b64encode(bytes.fromhex(name)).decode()
    except ValueError:
        return None
    archive = tx.get(ARCHIVES, code)
    if archive is None:
        return None
    with tx.blobs.open(archive.blob) as file:
        return "application/zip", file.readall()


def sweep(cloud: Cloud) -> None:
    """Removes unpacked archives that no function and no layer has any more."""
    known: set[str] = cloud.apply(lambda tx: {hex_of(str(key[0])) for key, _ in tx.scan(ARCHIVES)})
    cloud.compute.sweep(known.__contains__)


async def folder(call: Call, code: str) -> str:
    """The folder with an archive's contents."""
    archive = call.read(Tx.get, ARCHIVES, code)
    assert archive is not None, "what is used is there"
    return str(await call.cloud.compute.folder_of(hex_of(code), await call.blobs.local(archive.blob), UNZIPPED_BYTES_MAX))


async def _from_s3(call: Call, code: Mapping[str, Any]) -> bytes:
    request = {"Bucket": code["S3Bucket"], "Key": code["S3Key"]}
    if code.get("S3ObjectVersion"):
        request["VersionId"] = code["S3ObjectVersion"]
    try:
        found: dict[str, Any] = await call.aws.s3.get_object(request)  # pyright: ignore[reportAssignmentType, reportArgumentType]
    except Fault as fault:
        raise invalid(f"Error occurred while GetObject. S3 Error Code: {fault.code}. S3 Error Message: {fault.message}") from fault
    body = found["Body"]
    if isinstance(body, bytes):
        return body
    if isinstance(body, Piece):
        return await asyncio.to_thread(_read, body)
    return b"".join([piece async for piece in body])


def _read(piece: Piece) -> bytes:
    with open(piece.path, "rb") as file:
        file.seek(piece.offset)
        return file.read(piece.length)
