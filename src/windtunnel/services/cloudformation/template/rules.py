"""The Rules of a template: assertions on its parameters that hold before anything is deployed.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

from __future__ import annotations

from typing import Any

from windtunnel.aws.coerce import plain_text
from windtunnel.services.cloudformation.template.conditions import holds
from windtunnel.services.cloudformation.template.context import Context
from windtunnel.services.cloudformation.template.functions import resolve
from windtunnel.services.cloudformation.template.parsing import a_list, a_map, invalid


def check_rules(context: Context) -> None:
    """Raises ValidationError for the assertions that don't hold."""
    failed: list[str] = []
    for rule in context.template.rules.values():
        if "RuleCondition" in rule and not _holds(rule["RuleCondition"], context):
            continue
        assertions = [each for each in rule.get("Assertions", []) if not _holds(each["Assert"], context)]
        failed += [str(each.get("AssertDescription", "Assertion failed")) for each in assertions]
    if failed:
        raise invalid(f"Template error: {'; '.join(failed)}")


def _holds(value: Any, context: Context) -> bool:
    if not a_map(value) or len(value) != 1:
        return holds(value, context)
    ((name, argument),) = value.items()
    match name:
        case "Fn::Contains":
            items, wanted = (resolve(part, context, "Rules") for part in argument)
            return plain_text(wanted) in map(plain_text, items)
        case "Fn::EachMemberEquals":
            items, wanted = (resolve(part, context, "Rules") for part in argument)
            return all(plain_text(item) == plain_text(wanted) for item in items)
        case "Fn::EachMemberIn":
            items, allowed = (resolve(part, context, "Rules") for part in argument)
            return {*map(plain_text, items)} <= {*map(plain_text, allowed)}
        case "Fn::Not" if a_list(argument):
            return not _holds(argument[0], context)
        case "Fn::And" if a_list(argument):
            return all(_holds(each, context) for each in argument)
        case "Fn::Or" if a_list(argument):
            return any(_holds(each, context) for each in argument)
        case "Fn::RefAll" | "Fn::ValueOf" | "Fn::ValueOfAll":
            raise invalid(f"windtunnel does not implement {name} in the Rules of a template.")
        case _:
            return holds(value, context)
