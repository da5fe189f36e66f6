"""Outputs of a stack, what it exports, and whose exports it uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from windtunnel.aws.coerce import plain_text
from windtunnel.fabric import Fault, Tx
from windtunnel.services.cloudformation.state import EXPORTS, IMPORTS, Export, Stack
from windtunnel.services.cloudformation.template.context import NO_VALUE, Context
from windtunnel.services.cloudformation.template.functions import resolve
from windtunnel.services.cloudformation.template.parsing import a_list, a_map


def publish(tx: Tx, stack: Stack, context: Context) -> list[dict[str, str]]:
    """The outputs as descriptions print them; exports and imports are kept. Raises ValidationError."""
    outputs = [_output(name, output, context) for name, output in context.template.outputs.items() if _wanted(output, context)]
    exports = {output["ExportName"]: output["OutputValue"] for output in outputs if "ExportName" in output}
    had = exported_by(tx, stack)
    for name, value in exports.items():
        existing = tx.get(EXPORTS, name)
        if existing is not None and existing.stack_id != stack.id:
            raise Fault("ValidationError", f"Export with name {name} is already exported by stack {existing.stack_id.split('/')[1]}")
        if existing is not None and existing.value != value:
            _check_unused(tx, name, "updated")
    for name in had:
        if name not in exports:
            _check_unused(tx, name, "deleted")
            tx.delete(EXPORTS, name)
    for name, value in exports.items():
        tx.put(EXPORTS, name, value=Export(stack.id, value))
    _note_imports(tx, stack, context)
    return outputs


def _wanted(output: dict[str, Any], context: Context) -> bool:
    return "Condition" not in output or context.condition(str(output["Condition"]))


def _output(name: str, output: dict[str, Any], context: Context) -> dict[str, str]:
    try:
        value = resolve(output["Value"], context, "Outputs")
    except Fault as fault:
        function = next(iter(output["Value"]), "") if a_map(output["Value"]) else ""
        raise Fault("ValidationError", f"[Error] /Outputs/{name}/Value/{function}: {fault.message}") from fault
    shown = {"OutputKey": name, "OutputValue": _text(value)}
    if "Description" in output:
        shown["Description"] = plain_text(output["Description"])
    if "Export" in output:
        shown["ExportName"] = plain_text(resolve(output["Export"].get("Name", ""), context, "Outputs"))
    return shown


def _text(value: Any) -> str:
    if a_list(value) and not any(a_map(each) for each in value):
        return f"[{', '.join(map(plain_text, value))}]"
    return "" if value is NO_VALUE else plain_text(value)


def exported_by(tx: Tx, stack: Stack) -> list[str]:
    """The names of what a stack exports."""
    return [output["ExportName"] for output in stack.outputs if "ExportName" in output and _is_own(tx, stack, output["ExportName"])]


def _is_own(tx: Tx, stack: Stack, name: str) -> bool:
    export = tx.get(EXPORTS, name)
    return export is not None and export.stack_id == stack.id


def check_exports_unused(tx: Tx, stack: Stack) -> None:
    """Raises ValidationError where another stack uses what this one exports."""
    for name in exported_by(tx, stack):
        _check_unused(tx, name, "deleted")


def _check_unused(tx: Tx, name: str, verb: str) -> None:
    users = [user for _, user in tx.scan(IMPORTS, name, limit=100)]
    if users:
        raise Fault("ValidationError", f"Export {name} cannot be {verb} as it is in use by {' and '.join(users)}")


def forget_exports(tx: Tx, stack: Stack) -> None:
    """A stack that is gone exports and imports nothing."""
    for name in exported_by(tx, stack):
        tx.delete(EXPORTS, name)
    _forget_imports(tx, stack)


def _forget_imports(tx: Tx, stack: Stack) -> None:
    for key, _ in list(tx.find(IMPORTS, "by", stack.uuid)):
        tx.delete(IMPORTS, *key)


def _note_imports(tx: Tx, stack: Stack, context: Context) -> None:
    _forget_imports(tx, stack)
    wanted = [resource for name, resource in context.template.resources.items() if context.wanted(name)]
    for argument in _imports([wanted, [output for output in context.template.outputs.values() if _wanted(output, context)]], context):
        tx.put(IMPORTS, plain_text(resolve(argument, context)), stack.uuid, value=stack.name)


def _imports(value: Any, context: Context) -> Iterator[Any]:
    """The arguments of all imports in a value, in branches that are taken."""
    if a_list(value):
        for item in value:
            yield from _imports(item, context)
    if not a_map(value):
        return
    if "Fn::ImportValue" in value:
        yield value["Fn::ImportValue"]
    elif "Fn::If" in value and a_list(value["Fn::If"]):
        condition, met, otherwise = value["Fn::If"]
        yield from _imports(met if context.condition(condition) else otherwise, context)
    else:
        for item in value.values():
            yield from _imports(item, context)
