"""Reserved concurrency, and what happens to functions that call each other in circles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.lambda_.access.sharing import shared
from windtunnel.services.lambda_.places import latest, own
from windtunnel.services.lambda_.rules import CONCURRENCY_MAX, LATEST, UNRESERVED_MIN, arn_of, beyond_account, invalid, not_found
from windtunnel.services.lambda_.state import FUNCTIONS, PROVISIONED, RESERVED, Function

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t


@shared
def put_function_concurrency(tx: Tx, req: t.PutFunctionConcurrencyRequest) -> dict[str, Any]:
    name = own(tx, req)
    if name.qualifier:
        raise invalid(
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
            "Please specify either a function name or an unqualified function ARN."
        )
    function = tx.get(FUNCTIONS, name.name)
    if function is None:
        raise not_found(f"Function not found: {arn_of(tx.region, tx.account, name.name, LATEST)}")
    number = req["ReservedConcurrentExecutions"]
    others = sum(reserved for key, reserved in tx.scan(RESERVED) if key[0] != name.name)
    if CONCURRENCY_MAX - others - number < UNRESERVED_MIN:
        raise beyond_account(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum "
            f"value of [{UNRESERVED_MIN}]."
        )
    provisioned = sum(one.number for _, one in tx.scan(PROVISIONED, name.name))
    if number < provisioned:
        # The blanks are AWS's.
        raise beyond_account(
            f" ReservedConcurrentExecutions  {number} should not be lower than function's total provisioned concurrency [{provisioned}]."
        )
    tx.put(RESERVED, name.name, value=number)
    _keep(tx, name.name, msgspec.structs.replace(function, reserved=number))
    return {"ReservedConcurrentExecutions": number}


@shared
def get_function_concurrency(tx: Tx, req: t.GetFunctionConcurrencyRequest) -> dict[str, Any]:
    function, _ = latest(tx, own(tx, req).name)
    return {} if function.reserved is None else {"ReservedConcurrentExecutions": function.reserved}


@shared
def delete_function_concurrency(tx: Tx, req: t.DeleteFunctionConcurrencyRequest) -> None:
    name = own(tx, req).name
    function, _ = latest(tx, name)
    tx.delete(RESERVED, name)
    _keep(tx, name, msgspec.structs.replace(function, reserved=None))


def put_function_recursion_config(tx: Tx, req: t.PutFunctionRecursionConfigRequest) -> dict[str, Any]:
    name = own(tx, req).name
    function, _ = latest(tx, name)
    _keep(tx, name, msgspec.structs.replace(function, recursion=req["RecursiveLoop"]))
    return {"RecursiveLoop": req["RecursiveLoop"]}


def get_function_recursion_config(tx: Tx, req: t.GetFunctionRecursionConfigRequest) -> dict[str, Any]:
    return {"RecursiveLoop": latest(tx, own(tx, req).name)[0].recursion}


def _keep(tx: Tx, name: str, function: Function) -> None:
    tx.put(FUNCTIONS, name, value=function)
