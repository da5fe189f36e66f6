"""What ECR tells EventBridge.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
"""

from __future__ import annotations

from windtunnel.services.ecr.state import Found


def tell(found: Found, action: str, digest: str, tag: str, media_type: str = "") -> None:
    """An image was pushed or deleted."""
    detail = {"result": "SUCCESS", "repository-name": found.name, "image-digest": digest, "action-type": action, "image-tag": tag}
    if media_type:
        detail["manifest-media-type"] = media_type
    found.tx.emit("aws.ecr", "ECR Image Action", detail)
