"""Resource policies kept, and the conditions under which they are changed."""

from __future__ import annotations

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.values import WRONG
from windtunnel.aws.policy_check import check_policy
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.lookup import find_arn, no_such_table
from windtunnel.services.dynamodb.state import POLICIES, STREAMS

NO_POLICY = "NO_POLICY"
POLICY_BYTES_MAX = 20_480


def keep_policy(tx: Tx, arn: str, text: str) -> str:
    """Keeps a policy and tells its revision; the same policy keeps the revision it has."""
    if len(text.encode("utf-8", "surrogatepass")) > POLICY_BYTES_MAX:
        raise invalid(f"{WRONG}Maximum policy size of {POLICY_BYTES_MAX} bytes exceeded")
    try:
        check_policy(text, "resource")
    except ValueError as error:
        raise invalid(f"{WRONG}Invalid policy document: {error}") from error
    kept = tx.get(POLICIES, arn)
    if kept is not None and kept[0] == text:
        return kept[1]
    revision = str(tx.serial())
    tx.put(POLICIES, arn, value=[text, revision])
    return revision


def check_revision(tx: Tx, arn: str, expected: str | None) -> None:
    if expected is None:
        return
    kept = tx.get(POLICIES, arn)
    if (expected != NO_POLICY or kept is not None) and (kept is None or kept[1] != expected):
        raise no_policy(arn)


def placed(tx: Tx, arn: str) -> Tx:
    """The transaction as seen from the account and region of a table or stream that is there."""
    found = find_arn(tx, arn)
    if found is None:
        raise no_such_table(arn)
    label = arn.partition("/stream/")[2]
    if label and found.tx.get(STREAMS, found.row.name, label) is None:
        raise Fault("ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found")
    return found.tx


def no_policy(arn: str) -> Fault:
    return Fault("PolicyNotFoundException", f"Resource-based policy not found for the provided ResourceArn: {arn}")
