"""What annotations may be called, and how those of an object come and go with it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/annotations-overview.html
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.s3.places import rewrite
from windtunnel.services.s3.state import ANNOTATIONS, Annotation, Version

ANNOTATIONS_MAX = 1000
NAME_BYTES_MAX = 512
PAYLOAD_BYTES_MAX = 1024 * 1024
_RESERVED = ("aws", "s3")
Named = tuple[str, Annotation]


def check_name(name: str) -> None:
    if len(name.encode("utf-8", "surrogatepass")) > NAME_BYTES_MAX:
        raise Fault("AnnotationNameTooLong", "The annotation name you provided is too long.")
    if not name or name.lower().startswith(_RESERVED):
        raise Fault("InvalidAnnotationName", "The annotation name you provided is invalid.")


def annotate(tx: Tx, bucket: str, key: str, at: int, version: Version, annotations: Sequence[Named]) -> None:
    """Gives a version annotations; those of the same names go."""
    count = version.annotations
    for name, annotation in annotations:
        old = tx.get(ANNOTATIONS, bucket, key, at, name)
        if old is None:
            count += 1
        elif old.blob:
            tx.drop(old.blob)
        tx.put(ANNOTATIONS, bucket, key, at, name, value=annotation)
        if annotation.blob:
            tx.hold(annotation.blob)
    if count > ANNOTATIONS_MAX:
        raise Fault("AnnotationLimitExceeded", f"An object can have at most {ANNOTATIONS_MAX} annotations.")
    if count != version.annotations:
        rewrite(tx, bucket, key, at, msgspec.structs.replace(version, annotations=count))


def annotations_of(tx: Tx, bucket: str, key: str, at: int) -> list[Named]:
    return [(str(place[3]), annotation) for place, annotation in tx.scan(ANNOTATIONS, bucket, key, at)]


async def copy_annotations(call: Call, annotations: Sequence[Named], into: list[Named]) -> None:
    """Adds the same annotations with bytes of their own, which belong to the caller."""
    for name, annotation in annotations:
        blob = (await call.blobs.copy(annotation.blob)).id if annotation.blob else ""
        into.append((name, msgspec.structs.replace(annotation, blob=blob)))


def let_go_of(call: Call, annotations: Sequence[Named]) -> None:
    for _, annotation in annotations:
        if annotation.blob:
            call.blobs.delete(annotation.blob)
