"""Archives of code: taken from a request or from S3, tried out by unpacking, kept once for all functions and layers with the same bytes."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.cloud import Cloud
from windtunnel.planes.blobs import whole
from windtunnel.planes.compute import ArchiveTooLarge, BadArchive
from windtunnel.services.lambda_.rules import TOTAL_CODE_BYTES_MAX, UNZIPPED_BYTES_MAX, ZIPPED_BYTES_MAX, digest_of, hex_of, invalid
from windtunnel.services.lambda_.state import ARCHIVES, CODE_BYTES, SIGNINGS, Archive, Used

CODE_PAGE = "/_lambda/archives/"
"""Beside the API: no bucket's name begins like that."""


SIGNATURE = "META_INF/aws_signer_signature_v1.0.SF"


class Taken(msgspec.Struct, frozen=True):
    """An archive that has been looked at; `blob` is fresh, and not yet named by any row."""

    code: str
    size: int
    blob: str
    signed: bool
    """Whether AWS Signer has left its signature inside; what it says is not verified."""


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
        unpacked = await _unpacked(call, digest, blob.id)
    except BadArchive as error:
        call.blobs.delete(blob.id)
        raise invalid("Could not unzip uploaded file. Please check your file, then try to upload again.") from error
    except ArchiveTooLarge as error:
        call.blobs.delete(blob.id)
        raise invalid(f"Unzipped size must be smaller than {UNZIPPED_BYTES_MAX} bytes") from error
    return Taken(digest, len(content), blob.id, _is_signed(unpacked))


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


def count(tx: Tx, amount: int) -> None:
    """Each version counts in full, also where it has the code of another. Raises CodeStorageExceededException."""
    if amount > 0 and tx.amount(CODE_BYTES) + amount > TOTAL_CODE_BYTES_MAX:
        raise Fault("CodeStorageExceededException", "Code storage limit exceeded.", Type="User")
    tx.add(CODE_BYTES, amount=amount)


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


async def folder(call: Call, code: str) -> Path:
    """The folder with an archive's contents."""
    archive = call.read(Tx.get, ARCHIVES, code)
    assert archive is not None, "what is used is there"
    return await _unpacked(call, code, archive.blob)


async def _unpacked(call: Call, code: str, blob: str) -> Path:
    call.cloud.held("lambda.swept", partial(_sweep, call.cloud))
    return await call.cloud.compute.folder_of(hex_of(code), await call.blobs.local(blob), UNZIPPED_BYTES_MAX)


def _sweep(cloud: Cloud) -> None:
    """Removes, before this process unpacks its first, what an earlier one unpacked and no function and no layer has any more."""
    known: set[str] = cloud.apply(lambda tx: {hex_of(str(key[0])) for key, _ in tx.scan(ARCHIVES)})
    cloud.compute.sweep(known.__contains__)


async def check_signed(call: Call, signing_id: str, name: str, layers: Sequence[Used], *, signed: bool = True) -> None:
    """Raises CodeVerificationFailedException where a configuration wants signatures and an archive has none.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html
    """
    config = call.read(Tx.get, SIGNINGS, signing_id) if signing_id else None
    if config is None or config.policy != "Enforce":
        return
    if signed and all([_is_signed(await folder(call, layer.code)) for layer in layers]):
        return
    raise Fault(
        "CodeVerificationFailedException",
        "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured to "
        f"accept. Check the provided signature for {name}.",
        Type="User",
    )


def _is_signed(unpacked: Path) -> bool:
    return (unpacked / SIGNATURE).is_file()


async def _from_s3(call: Call, code: Mapping[str, Any]) -> bytes:
    request = {"Bucket": code["S3Bucket"], "Key": code["S3Key"]}
    if code.get("S3ObjectVersion"):
        request["VersionId"] = code["S3ObjectVersion"]
    try:
        found: dict[str, Any] = await call.aws.s3.get_object(request)  # pyright: ignore[reportAssignmentType, reportArgumentType]
    except Fault as fault:
        raise invalid(f"Error occurred while GetObject. S3 Error Code: {fault.code}. S3 Error Message: {fault.message}") from fault
    return await whole(found["Body"])
