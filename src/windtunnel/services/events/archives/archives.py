"""Archives: each a rule of its bus that AWS manages, and what that rule lets through.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.fabric import Fault, Tx
from windtunnel.services.events.archives.keeping import ARCHIVER, plan_sweep
from windtunnel.services.events.listings import listed
from windtunnel.services.events.routing.ruling import check_pattern, forget_rule, keep_rule
from windtunnel.services.events.state import ARCHIVE_SIZES, ARCHIVES, TARGETS, Archive, Rule, arn_within, bus_of, invalid, not_found

if TYPE_CHECKING:
    from windtunnel.aws.types import events as t

MANAGER = "prod.vhs.events.aws.internal"
RULE_PREFIX = "Events-Archive-"


def create_archive(tx: Tx, req: t.CreateArchiveRequest) -> t.CreateArchiveResponse:
    name = req["ArchiveName"]
    if tx.get(ARCHIVES, name) is not None:
        raise Fault("ResourceAlreadyExistsException", f"Archive {name} already exists.")
    bus = bus_of(tx, req, "EventSourceArn")
    pattern = req.get("EventPattern", "")
    archive = Archive(
        tx.serial(), bus, tx.now, pattern, req.get("Description", ""), req.get("RetentionDays", 0), req.get("KmsKeyIdentifier", "")
    )
    _keep(tx, name, archive)
    arn = arn_within(tx, "archive", name)
    template = {"archive-arn": arn, "event": "<aws.events.event.json>", "ingestion-time": "<aws.events.event.ingestion-time>"}
    text = json.dumps(template).replace('"<', "<").replace('>"', ">")
    to: dict[str, Any] = {"Id": name, "Arn": str(msgspec.structs.replace(parse(arn), account="", resource=ARCHIVER))}
    tx.put(TARGETS, bus, RULE_PREFIX + name, name, value={**to, "InputTransformer": {"InputPathsMap": {}, "InputTemplate": text}})
    return {"ArchiveArn": arn, "State": "ENABLED", "CreationTime": archive.created}  # pyright: ignore[reportReturnType]


def update_archive(tx: Tx, req: t.UpdateArchiveRequest) -> t.UpdateArchiveResponse:
    name = req["ArchiveName"]
    if not any(member in req for member in ("EventPattern", "RetentionDays", "Description", "KmsKeyIdentifier")):
        raise invalid("At least one of EventPattern, RetentionDays or Description must be provided.")
    old = _find(tx, name)
    archive = msgspec.structs.replace(
        old,
        pattern=req.get("EventPattern", old.pattern),
        days=req.get("RetentionDays", old.days),
        description=req.get("Description", old.description),
        kms=req.get("KmsKeyIdentifier", old.kms),
    )
    _keep(tx, name, archive)
    return {"ArchiveArn": arn_within(tx, "archive", name), "State": "ENABLED", "CreationTime": archive.created}  # pyright: ignore[reportReturnType]


def describe_archive(tx: Tx, req: t.DescribeArchiveRequest) -> t.DescribeArchiveResponse:
    name = req["ArchiveName"]
    archive = _find(tx, name)
    more = {"Description": archive.description, "EventPattern": archive.pattern, "KmsKeyIdentifier": archive.kms}
    return {  # pyright: ignore[reportReturnType]
        "ArchiveArn": arn_within(tx, "archive", name),
        **_shown(tx, name, archive),
        **{member: value for member, value in more.items() if value},
    }


def list_archives(tx: Tx, req: t.ListArchivesRequest) -> t.ListArchivesResponse:
    members = [member for member in ("NamePrefix", "EventSourceArn", "State") if member in req]
    if len(members) > 1:
        raise invalid("At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix.")
    bus = bus_of(tx, req, "EventSourceArn") if "EventSourceArn" in req else ""

    def keep(archive: Archive) -> bool:
        return bus in ("", archive.bus) and req.get("State", "ENABLED") == "ENABLED"

    return listed(tx, req, "Archives", ARCHIVES, show=lambda name, archive: _shown(tx, name, archive), keep=keep)


def delete_archive(tx: Tx, req: t.DeleteArchiveRequest) -> t.DeleteArchiveResponse:
    name = req["ArchiveName"]
    archive = _find(tx, name)
    forget_rule(tx, archive.bus, RULE_PREFIX + name)
    tx.cancel_timer("sweep", name)
    tx.timer(tx.now, "clear", {"number": archive.number})
    tx.delete(ARCHIVES, name)
    return {}


def _keep(tx: Tx, name: str, archive: Archive) -> None:
    """Writes an archive and its rule, which lets no replayed event through."""
    if archive.pattern:
        check_pattern(archive.pattern)
    pattern: dict[str, Any] = {**(json.loads(archive.pattern) if archive.pattern else {}), "replay-name": [{"exists": False}]}
    keep_rule(tx, archive.bus, RULE_PREFIX + name, Rule(json.dumps(pattern), managed_by=MANAGER))
    tx.put(ARCHIVES, name, value=archive)
    plan_sweep(tx, name, archive.days)


def _find(tx: Tx, name: str) -> Archive:
    archive = tx.get(ARCHIVES, name)
    if archive is None:
        raise not_found(f"Archive {name} does not exist.")
    return archive


def _shown(tx: Tx, name: str, archive: Archive) -> dict[str, Any]:
    return {
        "ArchiveName": name,
        "EventSourceArn": arn_within(tx, "event-bus", archive.bus),
        "State": "ENABLED",
        "RetentionDays": archive.days,
        "SizeBytes": tx.amount(ARCHIVE_SIZES, archive.number, "bytes"),
        "EventCount": tx.amount(ARCHIVE_SIZES, archive.number, "events"),
        "CreationTime": archive.created,
    }
