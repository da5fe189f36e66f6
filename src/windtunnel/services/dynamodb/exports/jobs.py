"""What exports and imports have in common: made once for a client's token, found by their ARN, listed with the newest first."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from windtunnel.aws import pages
from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Fault, Table, Tx
from windtunnel.services.dynamodb.exports.state import JOB_TOKENS, Job

LISTED_MAX = 25


def digest_of(req: Mapping[str, Any]) -> str:
    """What tells requests of one token apart."""
    return sha256(msgspec.msgpack.encode({name: value for name, value in req.items() if name != "ClientToken"})).hexdigest()


def made_before(tx: Tx, jobs: Table[Job], kind: str, token: str, digest: str) -> Job | None:
    """The job that a token has made, if there is one; `kind` is "Export" or "Import"."""
    known = tx.get(JOB_TOKENS, kind, token)
    job = None if known is None else tx.get(jobs, known)
    if job is not None and job.digest != digest:
        raise Fault(f"{kind}ConflictException", "ClientToken was used with other parameters before.")
    return job


def keep(tx: Tx, jobs: Table[Job], kind: str, token: str, job: Job) -> None:
    """Keeps a new job and has it run."""
    tx.put(jobs, job.id, value=job)
    tx.put(JOB_TOKENS, kind, token, value=job.id)
    tx.timer(tx.now, f"run_{kind.lower()}", {"id": job.id})


def find_job(tx: Tx, jobs: Table[Job], kind: str, text: str) -> Job:
    arn = parse_or_none(text)
    if arn is None or arn.service != "dynamodb" or f"/{kind.lower()}/" not in arn.resource:
        raise invalid(f"Invalid {kind} ARN")
    job = tx.at(account=arn.account, region=arn.region).get(jobs, arn.resource.rpartition("/")[2])
    if job is None or job.shown[f"{kind}Arn"] != text:
        raise Fault(f"{kind}NotFoundException", f"{kind} not found: {text}")
    return job


def listed(
    tx: Tx, jobs: Table[Job], table: str, req: Mapping[str, Any], limit: int | None, members: tuple[str, ...]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """A page of summaries, of one table or ("") of all, and the member of the answer that leads to the next."""
    try:
        end = pages.decode(req["NextToken"]) if req.get("NextToken") else None
    except ValueError as error:
        raise invalid("Invalid Request: Provided nextToken is invalid") from error
    rows = tx.find(jobs, "table", table, end=end, reverse=True) if table else tx.scan(jobs, end=end, reverse=True)
    page, token = pages.page(rows, limit or LISTED_MAX, reverse=True)
    return [{name: job.shown[name] for name in members if name in job.shown} for _, job in page], {"NextToken": token} if token else {}
