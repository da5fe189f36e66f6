"""Account policies, for many groups at once: data protection, subscriptions, indexes, transformers, metric extraction, retention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import orjson

from windtunnel.aws import pages
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.logs import retention
from windtunnel.services.logs.criteria import Criteria, criteria_of, overlap
from windtunnel.services.logs.fields.indexing import check_indexes
from windtunnel.services.logs.filters.reaching import check_form, try_destination
from windtunnel.services.logs.life import hold
from windtunnel.services.logs.protection.check import check_protection
from windtunnel.services.logs.rules import DESCRIBE_LIMIT, MILLISECONDS, bad_token, invalid, matcher
from windtunnel.services.logs.state import ACCOUNT_POLICIES, AccountPolicy
from windtunnel.services.logs.transform.check import checked_transformer

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

DOCUMENT_CHARACTERS_MAX = 30_720
CRITERIA_BYTES_MAX = 25 * 1024
RESERVED = "aws/"
POLICIES_MAX = {
    "DATA_PROTECTION_POLICY": 1,
    "SUBSCRIPTION_FILTER_POLICY": 1,
    "TRANSFORMER_POLICY": 20,
    "FIELD_INDEX_POLICY": 20,
    "METRIC_EXTRACTION_POLICY": 20,
    "RETENTION_POLICY": 20,
}
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html"""
SELECTED_BY = {
    "SUBSCRIPTION_FILTER_POLICY": ("LogGroupName NOT IN",),
    "TRANSFORMER_POLICY": ("LogGroupNamePrefix IN", "LogGroupNamePrefix ="),
    "FIELD_INDEX_POLICY": ("LogGroupNamePrefix IN", "LogGroupNamePrefix ="),
    "RETENTION_POLICY": ("LogGroupNamePrefix IN", "LogGroupNamePrefix ="),
    "METRIC_EXTRACTION_POLICY": ("LogGroupNamePrefix IN", "LogGroupNamePrefix NOT IN", "LogGroupName IN", "LogGroupName NOT IN"),
}


async def put_account_policy(call: Call, req: t.PutAccountPolicyRequest) -> t.PutAccountPolicyResponse:
    kind, document = req["policyType"], req["policyDocument"]
    if req["policyName"].lower().startswith(RESERVED) or not req["policyName"]:
        raise invalid("The policyName must not be empty and must not start with aws/.")
    if len(document) > DOCUMENT_CHARACTERS_MAX:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
    await _check(call, kind, document)
    criteria = _criteria(kind, req.get("selectionCriteria", ""))
    if _is_dry(req):
        return {"dryRunResult": call.read(_dry_put, req)}  # pyright: ignore[reportReturnType]
    return {"accountPolicy": await call.transact(_put, req, criteria)}


def describe_account_policies(tx: Tx, req: t.DescribeAccountPoliciesRequest) -> t.DescribeAccountPoliciesResponse:
    accounts, kind, name = req.get("accountIdentifiers", []), req["policyType"], req.get("policyName")
    if len(accounts) > 1:
        raise invalid("Only one account identifier can be specified.")
    try:
        start = pages.decode(req["nextToken"])[1:] if "nextToken" in req else None
    except ValueError as error:
        raise bad_token() from error
    found = (
        (key, policy)
        for key, policy in tx.scan(ACCOUNT_POLICIES, kind, start=start)
        if name in (None, key[1]) and accounts in ([], [tx.account])
    )
    page, token = pages.page(found, DESCRIBE_LIMIT)
    shown = [_shown(tx, kind, str(key[1]), policy) for key, policy in page]
    return {"accountPolicies": shown, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def delete_account_policy(tx: Tx, req: t.DeleteAccountPolicyRequest) -> t.DeleteAccountPolicyResponse:
    kind, name = req["policyType"], req["policyName"]
    if tx.get(ACCOUNT_POLICIES, kind, name) is None:
        raise Fault("ResourceNotFoundException", f"Policy with name [{name}] does not exist.")
    if _is_dry(req):
        return {"dryRunResult": retention.impact(tx, name, None)}  # pyright: ignore[reportReturnType]
    tx.delete(ACCOUNT_POLICIES, kind, name)
    if kind == retention.KIND:
        hold(tx, tx.now)
    return {}


def _is_dry(req: t.PutAccountPolicyRequest | t.DeleteAccountPolicyRequest) -> bool:
    if req.get("dryRun") and req["policyType"] != retention.KIND:
        raise invalid(f"The dryRun parameter is valid only for a policy of the type {retention.KIND}.")
    return req.get("dryRun", False)


def _dry_put(tx: Tx, req: t.PutAccountPolicyRequest) -> dict[str, Any]:
    return retention.impact(tx, req["policyName"], _policy(tx, req))


def _put(tx: Tx, req: t.PutAccountPolicyRequest, criteria: Criteria | None) -> Any:
    kind, name = req["policyType"], req["policyName"]
    others = [policy for key, policy in tx.scan(ACCOUNT_POLICIES, kind) if key[1] != name]
    if len(others) >= POLICIES_MAX[kind]:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
    if kind != retention.KIND and any(overlap(criteria, criteria_of(other.criteria)) for other in others):
        raise invalid("The selection criteria of the policy overlap with those of another policy.")
    policy = _policy(tx, req)
    tx.put(ACCOUNT_POLICIES, kind, name, value=policy)
    if kind == retention.KIND:
        hold(tx, tx.now + retention.HOLDS_AFTER_SECONDS)
    return _shown(tx, kind, name, policy)


def _policy(tx: Tx, req: t.PutAccountPolicyRequest) -> AccountPolicy:
    """The policy as it is to be kept."""
    now, old = int(tx.now * MILLISECONDS), tx.get(ACCOUNT_POLICIES, req["policyType"], req["policyName"])
    if old is None:
        return AccountPolicy(now, req["policyDocument"], req.get("selectionCriteria", ""), now)
    before = old.before if now < old.updated + retention.HOLDS_AFTER_SECONDS * MILLISECONDS else (old.document, old.criteria)
    return AccountPolicy(now, req["policyDocument"], req.get("selectionCriteria", ""), old.created, before)


async def _check(call: Call, kind: str, text: str) -> None:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise invalid("The policyDocument is not valid JSON.") from error
    if kind == "DATA_PROTECTION_POLICY":
        check_protection(text)
    elif kind == "FIELD_INDEX_POLICY":
        check_indexes(text)
    elif kind == "TRANSFORMER_POLICY":
        _check_transformer(document)
    elif kind == retention.KIND:
        retention.check(text)
    elif not isinstance(document, dict):
        raise invalid("The policyDocument must be a JSON object.")
    elif kind == "METRIC_EXTRACTION_POLICY":
        if cast("dict[str, Any]", document).get("EmbeddedMetricFormat", {}).get("Status") not in ("Enabled", "Disabled"):
            raise invalid("The policyDocument must say whether EmbeddedMetricFormat has the Status Enabled or Disabled.")
    else:
        await _check_subscription(call, cast("dict[str, Any]", document))


def _check_transformer(document: Any) -> None:
    if not isinstance(document, list) or any(not isinstance(one, dict) for one in cast("list[Any]", document)):
        raise invalid("The policyDocument must be a list of processors.")
    checked_transformer(cast("list[Any]", document))


async def _check_subscription(call: Call, document: dict[str, Any]) -> None:
    if not isinstance(document.get("DestinationArn"), str) or not isinstance(document.get("FilterPattern"), str):
        raise invalid("The policyDocument must have a DestinationArn and a FilterPattern.")
    if document.get("Distribution", "ByLogStream") not in ("ByLogStream", "Random"):
        raise invalid("The Distribution must be ByLogStream or Random.")
    matcher(document["FilterPattern"])
    check_form(call.account, document["DestinationArn"], document.get("RoleArn", ""))
    await try_destination(call, document["DestinationArn"], "log-group:*")


def _criteria(kind: str, text: str) -> Criteria | None:
    if not text:
        return None
    if len(text.encode()) > CRITERIA_BYTES_MAX:
        raise invalid("The selectionCriteria are too long.")
    criteria = criteria_of(text)
    if criteria is None or f"{criteria.field} {criteria.operator}" not in SELECTED_BY.get(kind, ()):
        raise invalid(f"The selectionCriteria are not valid for a policy of the type {kind}.")
    return criteria


def _shown(tx: Tx, kind: str, name: str, policy: AccountPolicy) -> Any:
    shown = {
        "policyName": name,
        "policyDocument": policy.document,
        "lastUpdatedTime": policy.updated,
        "policyType": kind,
        "scope": "ALL",
        "accountId": tx.account,
    }
    return {**shown, "selectionCriteria": policy.criteria} if policy.criteria else shown
