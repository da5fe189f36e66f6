"""Who of another account may: whom the resource policies of a parameter let in."""

from __future__ import annotations

from typing import Any

from windtunnel.aws.policy import Context, Policies, compile_policy, evaluate
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.asking import WILLING, asker, known_of
from windtunnel.services.ssm.state import POLICIES


def check_shared(tx: Tx, arn: str, action: str) -> None:
    """Raises AccessDeniedException where no policy of a parameter lets in a caller of another account."""
    caller = tx.scope.principal
    given = tuple(compile_policy(policy) for _, policy in tx.scan(POLICIES, arn))
    known: Any = known_of(tx, asker(caller))
    if evaluate(Policies(identity=WILLING, resource=given), Context(asker(caller), f"ssm:{action}", arn, tx.account, known)) != "allow":
        why = f"because no resource-based policy allows the ssm:{action} action"
        raise Fault("AccessDeniedException", f"User: {caller.arn} is not authorized to perform: ssm:{action} on resource: {arn} {why}")


def forget_policies(tx: Tx, arn: str) -> None:
    """With the parameter."""
    for key, _ in list(tx.scan(POLICIES, arn)):
        tx.delete(POLICIES, *key)
