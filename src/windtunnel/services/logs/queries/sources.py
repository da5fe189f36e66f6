"""Which groups a query's SOURCE stands for."""

from __future__ import annotations

from windtunnel.fabric import Fault, Tx
from windtunnel.services.logs.insights.plan import Source
from windtunnel.services.logs.rules import invalid
from windtunnel.services.logs.state import GROUPS, find_group

SOURCE_GROUPS_MAX = 10_000
PREFIXES_MAX, ACCOUNTS_MAX = 5, 20
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Source.html"""


def chosen_groups(tx: Tx, source: Source) -> list[tuple[int, str]]:
    """The groups with their numbers, by name."""
    if source.names:
        return [(find_group(tx, name).id, name) for name in source.names]
    if len(source.prefixes) > PREFIXES_MAX or len(source.accounts) > ACCOUNTS_MAX:
        raise invalid("A SOURCE has at most 5 prefixes of names and 20 accounts.")
    if source.accounts and tx.account not in source.accounts:
        return []
    found: dict[str, int] = {}
    for prefix in source.prefixes:
        for key, group in tx.scan(GROUPS, start=(prefix,)):
            if not str(key[0]).startswith(prefix):
                break
            if group.kind in source.kinds:
                found[str(key[0])] = group.id
            if len(found) > SOURCE_GROUPS_MAX:
                raise Fault("LimitExceededException", "Resource limit exceeded.")
    return [(number, name) for name, number in sorted(found.items())]
