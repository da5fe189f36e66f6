"""Objects copied from others, within a bucket and across."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.s3.annotations.rules import Named, annotate, copy_annotations, let_go_of
from windtunnel.services.s3.lifecycle.expiration import expiration_shown
from windtunnel.services.s3.notifications.events import tell
from windtunnel.services.s3.objects.digests import DEFAULT, MEMBERS, Received, algorithm_of, computed, md5_of_blob
from windtunnel.services.s3.objects.drafts import Request, check_write, draft_of, encryption_shown, filled, hides_bytes
from windtunnel.services.s3.objects.kms import open_data_key
from windtunnel.services.s3.objects.sources import Source, source_of
from windtunnel.services.s3.places import add, bucket_of, charge_shown, current, shown_id
from windtunnel.services.s3.rules import check_key

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t


DIRECTIVES = {"Metadata": ("COPY", "REPLACE"), "Tagging": ("COPY", "REPLACE"), "Annotation": ("COPY", "EXCLUDE")}


async def copy_object(call: Call, req: t.CopyObjectRequest) -> t.CopyObjectOutput:
    """A copy gets a name of its own for the same bytes: no byte moves where the disk has links."""
    source = call.read(source_of, req)
    call.read(_check_copy, req, source)
    try:
        return await _copied(call, req, source)
    except FileNotFoundError:  # the source went meanwhile
        raise Fault("NoSuchKey", "The specified key does not exist.", Key=source.key) from None


async def _copied(call: Call, req: Request, source: Source) -> t.CopyObjectOutput:
    version, annotations = source.version, list[Named]()
    blob = (await call.blobs.copy(version.blob)).id if version.blob else ""
    try:
        if req.get("AnnotationDirective") != "EXCLUDE":
            await copy_annotations(call, source.annotations, annotations)
        algorithm = algorithm_of(req) or version.algorithm or DEFAULT
        whole = algorithm == version.algorithm and version.checksum_type == "FULL_OBJECT"
        text = version.checksum if whole else await computed(call, algorithm, blob, version.inline)
        unknown = version.parts or hides_bytes(version.encryption)
        etag = await md5_of_blob(call, blob, version.inline) if unknown else version.etag
        received = Received(version.size, version.inline, blob, etag, algorithm, text)
        return await call.transact(_copy, req, source, received, annotations)
    except BaseException:
        let_go_of(call, annotations)
        if blob:
            call.blobs.delete(blob)
        raise


def _check_copy(tx: Tx, req: Request, source: Source) -> None:
    bucket = bucket_of(tx, req)
    check_key(req["Key"])
    check_write(tx, bucket, req)
    _check_directives(req)
    itself = (source.bucket, source.key) == (req["Bucket"], req["Key"])
    newest = current(tx, source.bucket, bucket, source.key) if itself else None
    changed = ("StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption")
    if newest is None or newest[1].id != source.version.id:
        return
    if req.get("MetadataDirective") != "REPLACE" and not any(req.get(member) for member in changed):
        raise Fault(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata,"
            " storage class, website redirect location or encryption attributes.",
        )


def _check_directives(req: Request) -> None:
    for kind, known in DIRECTIVES.items():
        asked = req.get(f"{kind}Directive")
        if asked is not None and asked not in known:
            header = f"x-amz-{kind.lower()}-directive"
            raise Fault("InvalidArgument", f"Unknown {kind.lower()} directive.", ArgumentName=header, ArgumentValue=asked)


def _copy(tx: Tx, req: Request, source: Source, received: Received, annotations: list[Named]) -> t.CopyObjectOutput:
    bucket = bucket_of(tx, req)
    check_write(tx, bucket, req, again=True)
    if source.version.encryption.data_key:
        open_data_key(tx, source.bucket, source.key, source.version.encryption)
    draft = filled(draft_of(tx, bucket, req), received)
    old = source.version
    if req.get("MetadataDirective") != "REPLACE":
        kept = {member: value for member, value in old.headers.items() if member != "WebsiteRedirectLocation"}
        moved = {"WebsiteRedirectLocation": req["WebsiteRedirectLocation"]} if req.get("WebsiteRedirectLocation") else {}
        draft = msgspec.structs.replace(draft, headers=kept | moved, metadata=old.metadata, content_type=old.content_type)
    if req.get("TaggingDirective") != "REPLACE":
        draft = msgspec.structs.replace(draft, tags=old.tags)
    at, version = add(tx, req["Bucket"], bucket, req["Key"], draft)
    annotate(tx, req["Bucket"], req["Key"], at, version, annotations)
    tell(tx, req["Bucket"], bucket, req["Key"], "ObjectCreated:Copy", version)
    result: Any = {
        "ETag": f'"{version.etag}"',
        "LastModified": version.modified,
        "ChecksumType": "FULL_OBJECT",
        MEMBERS[version.algorithm]: version.checksum,
    }
    return {
        "CopyObjectResult": result,
        **encryption_shown(version.encryption, written=True),
        **expiration_shown(tx, req["Bucket"], req["Key"], version),
        **shown_id(bucket, version),
        **charge_shown(tx, bucket),
        **({"CopySourceVersionId": source.shown_id} if source.shown_id is not None else {}),
    }  # pyright: ignore[reportReturnType]
