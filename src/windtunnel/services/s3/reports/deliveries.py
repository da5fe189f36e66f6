"""Objects that S3 itself puts into a bucket: logs, inventories."""

from __future__ import annotations

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.notifications.events import tell
from windtunnel.services.s3.objects.digests import Received
from windtunnel.services.s3.objects.drafts import draft_of, filled
from windtunnel.services.s3.places import add
from windtunnel.services.s3.state import BUCKETS


def put(tx: Tx, name: str, key: str, received: Received, content_type: str) -> bool:
    """Puts an object as PutObject would; False where the bucket isn't there any more, or its KMS key is not for S3's logs."""
    bucket = tx.get(BUCKETS, name)
    if bucket is None:
        return False
    try:
        draft = draft_of(tx, bucket, {"Bucket": name, "Key": key, "ContentType": content_type})
    except Fault:
        return False
    _, version = add(tx, name, bucket, key, filled(draft, received))
    tell(tx, name, bucket, key, "ObjectCreated:Put", version)
    return True
