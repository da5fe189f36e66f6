"""Who of another account may: whom the resource policies of a parameter let in."""

from __future__ import annotations

from windtunnel.fabric import Tx
from windtunnel.fabric.asking import check_let_in
from windtunnel.services.ssm.state import POLICIES


def check_shared(tx: Tx, arn: str, action: str) -> None:
    """Raises AccessDeniedException where no policy of a parameter lets in a caller of another account."""
    if tx.scope.principal.account != tx.account:
        check_let_in(tx, [policy for _, policy in tx.scan(POLICIES, arn)], f"ssm:{action}", arn)


def forget_policies(tx: Tx, arn: str) -> None:
    """With the parameter."""
    for key, _ in list(tx.scan(POLICIES, arn)):
        tx.delete(POLICIES, *key)
