"""Conditions: whether resources and outputs are wanted, and which branch `Fn::If` takes.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html
"""

from __future__ import annotations

from typing import Any

from windtunnel.aws.coerce import plain_text
from windtunnel.services.cloudformation.template.context import Context
from windtunnel.services.cloudformation.template.parsing import a_list, a_map, invalid

OPERANDS_MIN, OPERANDS_MAX = 2, 10


def holds(value: Any, context: Context) -> bool:
    """Whether a condition's expression is true."""
    from windtunnel.services.cloudformation.template.functions import resolve

    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, bool):
        return value
    if not a_map(value) or len(value) != 1:
        raise invalid("Template format error: Every Conditions member must be a function.")
    ((name, operands),) = value.items()
    if name == "Condition":
        return context.condition(str(operands))
    operands = operands if a_list(operands) else [operands]
    if name == "Fn::Equals":
        both = [resolve(operand, context, "Conditions") for operand in operands]
        if len(both) != OPERANDS_MIN:
            raise invalid("Template error: every Fn::Equals object requires a list of 2 string parameters.")
        return plain_text(both[0]) == plain_text(both[1])
    if name == "Fn::Not":
        if len(operands) != 1:
            raise invalid("Template error: Fn::Not takes one boolean parameter.")
        return not holds(operands[0], context)
    if name in ("Fn::And", "Fn::Or"):
        if not OPERANDS_MIN <= len(operands) <= OPERANDS_MAX:
            raise invalid(f"Template error: every {name} object requires a list of at least 2 and at most 10 boolean parameters.")
        met = [holds(operand, context) for operand in operands]
        return all(met) if name == "Fn::And" else any(met)
    raise invalid(f"Template format error: Conditions can't use {name}.")
