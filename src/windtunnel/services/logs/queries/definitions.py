"""Query definitions: queries that are kept under a name."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.services.logs.queries.state import DEFINITIONS, QUERIES, QUERY_SERIALS, Definition
from windtunnel.services.logs.rules import MILLISECONDS, bad_token
from windtunnel.services.logs.state import arn_of

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

DEFINITIONS_MAX = 1_000
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
DEFINITIONS_PAGE = 1000


def put_query_definition(tx: Tx, req: t.PutQueryDefinitionRequest) -> t.PutQueryDefinitionResponse:
    given = req.get("queryDefinitionId")
    if given is not None and tx.get(DEFINITIONS, given) is None:
        raise _none()
    if given is None and tx.count(DEFINITIONS, "all") >= DEFINITIONS_MAX:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
    definition_id = given or tx.new_id()
    members: dict[str, Any] = {name: value for name, value in req.items() if name not in ("queryDefinitionId", "clientToken")}
    tx.put(DEFINITIONS, definition_id, value=Definition(int(tx.now * MILLISECONDS), {"queryLanguage": "CWLI", **members}))
    return {"queryDefinitionId": definition_id}


def describe_query_definitions(tx: Tx, req: t.DescribeQueryDefinitionsRequest) -> t.DescribeQueryDefinitionsResponse:
    try:
        start = pages.decode(req["nextToken"]) if "nextToken" in req else None
    except ValueError as error:
        raise bad_token() from error
    prefix, language = req.get("queryDefinitionNamePrefix", ""), req.get("queryLanguage")
    found = (
        (key, kept)
        for key, kept in tx.scan(DEFINITIONS, start=start)
        if kept.members["name"].startswith(prefix) and language in (None, kept.members["queryLanguage"])
    )
    page, token = pages.page(found, req.get("maxResults", DEFINITIONS_PAGE))
    described = [{"queryDefinitionId": key[0], "lastModified": kept.modified, **kept.members} for key, kept in page]
    return {"queryDefinitions": described, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def delete_query_definition(tx: Tx, req: t.DeleteQueryDefinitionRequest) -> t.DeleteQueryDefinitionResponse:
    if tx.get(DEFINITIONS, req["queryDefinitionId"]) is None:
        raise _none()
    tx.delete(DEFINITIONS, req["queryDefinitionId"])
    return {"success": True}


def list_log_groups_for_query(tx: Tx, req: t.ListLogGroupsForQueryRequest) -> t.ListLogGroupsForQueryResponse:
    serial = tx.get(QUERY_SERIALS, req["queryId"])
    query = None if serial is None else tx.get(QUERIES, serial)
    if query is None:
        raise Fault("ResourceNotFoundException", f"Query with id {req['queryId']} does not exist.")
    try:
        at = int(pages.decode(req["nextToken"])[0]) if "nextToken" in req else 0
    except ValueError as error:
        raise bad_token() from error
    numbered = (((number,), arn_of(tx, name)) for number, (_, name) in islice(enumerate(query.groups), at, None))
    page, token = pages.page(numbered, req.get("maxResults", DEFINITIONS_PAGE))
    return {"logGroupIdentifiers": [arn for _, arn in page], **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def _none() -> Fault:
    return Fault("ResourceNotFoundException", "The specified query definition does not exist.")
