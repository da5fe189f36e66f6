"""Lifecycle policies of repositories: put, looked at beforehand, and acted on once a day.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.services.ecr.paging import page_of, start_of
from windtunnel.services.ecr.places import digest_of, find_repository
from windtunnel.services.ecr.rules import rules_of
from windtunnel.services.ecr.state import IMAGES, PREVIEWS, Found, Preview

if TYPE_CHECKING:
    from windtunnel.aws.types import ecr as t

_PAGE_DEFAULT = 100


def put_lifecycle_policy(tx: Tx, req: t.PutLifecyclePolicyRequest) -> t.PutLifecyclePolicyResponse:
    text = req["lifecyclePolicyText"]
    rules_of(text)
    found = find_repository(tx, req, "PutLifecyclePolicy").put(lifecycle=text)
    found.tx.timer(tx.now, "lifecycle", {"name": found.name}, name=found.name)
    return {**found.named, "lifecyclePolicyText": text}  # pyright: ignore[reportReturnType]


def get_lifecycle_policy(tx: Tx, req: t.GetLifecyclePolicyRequest) -> t.GetLifecyclePolicyResponse:
    return _shown(find_repository(tx, req, "GetLifecyclePolicy"))


def delete_lifecycle_policy(tx: Tx, req: t.DeleteLifecyclePolicyRequest) -> t.DeleteLifecyclePolicyResponse:
    found = find_repository(tx, req, "DeleteLifecyclePolicy")
    told = _shown(found)
    found.put(lifecycle="", evaluated=0.0)
    found.tx.cancel_timer("lifecycle", found.name)
    return told


def _shown(found: Found) -> Any:
    return {**found.named, "lifecyclePolicyText": _policy(found), "lastEvaluatedAt": found.repository.evaluated}


def _policy(found: Found) -> str:
    if not found.repository.lifecycle:
        why = f"Lifecycle policy does not exist for the repository with name '{found.name}' in the registry with id '{found.tx.account}'"
        raise Fault("LifecyclePolicyNotFoundException", why)
    return found.repository.lifecycle


def start_lifecycle_policy_preview(tx: Tx, req: t.StartLifecyclePolicyPreviewRequest) -> t.StartLifecyclePolicyPreviewResponse:
    found = find_repository(tx, req, "StartLifecyclePolicyPreview")
    text = req.get("lifecyclePolicyText") or _policy(found)
    rules_of(text)
    kept = found.tx.get(PREVIEWS, found.repository.id)
    if kept is not None and not kept.done:
        why = "The previous lifecycle policy preview request has not completed. Wait and try again."
        raise Fault("LifecyclePolicyPreviewInProgressException", why)
    found.tx.put(PREVIEWS, found.repository.id, value=Preview(text))
    found.tx.timer(tx.now, "preview", {"name": found.name})
    return {**found.named, "lifecyclePolicyText": text, "status": "IN_PROGRESS"}  # pyright: ignore[reportReturnType]


def get_lifecycle_policy_preview(tx: Tx, req: t.GetLifecyclePolicyPreviewRequest) -> t.GetLifecyclePolicyPreviewResponse:
    found = find_repository(tx, req, "GetLifecyclePolicyPreview")
    asked = found.tx.get(PREVIEWS, found.repository.id)
    if asked is None:
        why = f"Lifecycle policy preview does not exist for the repository with name '{found.name}' in the registry with id"
        raise Fault("LifecyclePolicyPreviewNotFoundException", f"{why} '{found.tx.account}'")
    told: dict[str, Any] = {**found.named, "lifecyclePolicyText": asked.text, "status": "COMPLETE" if asked.done else "IN_PROGRESS"}
    if not asked.done:
        return told  # pyright: ignore[reportReturnType]
    start = start_of(req)
    rows = (((digest,), each) for digest, each in _results(found, asked, req) if start is None or digest >= start[0])
    page, token = pages.page(rows, req.get("maxResults", _PAGE_DEFAULT))
    summary = {"expiringImageTotalCount": len(asked.expiring)}
    return told | page_of("previewResults", [each for _, each in page], token) | {"summary": summary}


def _results(found: Found, asked: Preview, req: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    status = req.get("filter", {}).get("tagStatus", "ANY")
    wanted = {digest_of(found, each)[0] for each in req["imageIds"]} if "imageIds" in req else None
    for digest, priority in asked.expiring:
        image = found.tx.get(IMAGES, found.repository.id, digest)
        if image is None or (wanted is not None and digest not in wanted):
            continue
        if status == "ANY" or (status == "TAGGED") is bool(image.tags):
            yield (
                digest,
                {
                    "imageTags": image.tags,
                    "imageDigest": digest,
                    "imagePushedAt": image.pushed,
                    "action": {"type": "EXPIRE"},
                    "appliedRulePriority": priority,
                },
            )
