"""Published versions of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws.pages import page
from windtunnel.fabric import Tx
from windtunnel.services.lambda_.access.sharing import shared
from windtunnel.services.lambda_.functions.publish import publish
from windtunnel.services.lambda_.places import latest, own, printed, printed_whole, start_of
from windtunnel.services.lambda_.rules import PAGE_MAX, check_revision, invalid, shown_number
from windtunnel.services.lambda_.state import VERSIONS

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t


@shared
def publish_version(tx: Tx, req: t.PublishVersionRequest) -> dict[str, Any]:
    name = own(tx, req).name
    function, version = latest(tx, name)
    check_revision(req, version.revision, "GetFunction/GetAlias")
    if (code := req.get("CodeSha256")) and code != version.code:
        raise invalid(
            f"CodeSHA256 ({code}) is different from current CodeSHA256 in $LATEST ({version.code}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )
    number, published = publish(tx, name, function, version, req.get("Description") or version.description)
    return printed_whole(tx, name, number, published, shown_number(number))


@shared
def list_versions_by_function(tx: Tx, req: t.ListVersionsByFunctionRequest) -> dict[str, Any]:
    name = own(tx, req).name
    latest(tx, name)
    rows, marker = page(tx.scan(VERSIONS, name, start=start_of(req, name)), min(req.get("MaxItems", PAGE_MAX), PAGE_MAX))
    shown = [printed(tx, name, int(key[1] or 0), version, shown_number(int(key[1] or 0))) for key, version in rows]
    return {"Versions": shown, **({"NextMarker": marker} if marker else {})}
