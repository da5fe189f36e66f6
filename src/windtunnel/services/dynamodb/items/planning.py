"""What a PartiQL statement does to a table: which keys it reads, or which change of one item it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from windtunnel.aws.dynamodb import key_conditions
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.partiql.statements import statement as statement_of
from windtunnel.aws.dynamodb.partiql.trees import Statement, bound, malformed
from windtunnel.aws.dynamodb.trees import Action, Apply, Literal, Node, Path, overlap
from windtunnel.aws.dynamodb.values import WRONG, Item, Value, checked_item
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.items import selecting
from windtunnel.services.dynamodb.items.changes import Wanted
from windtunnel.services.dynamodb.items.requests import FAILED
from windtunnel.services.dynamodb.items.selecting import Span
from windtunnel.services.dynamodb.items.writing import check_size
from windtunnel.services.dynamodb.lookup import Found, find
from windtunnel.services.dynamodb.state import Index, TableRow

NO_KEY: Final = "Where clause does not contain a mandatory equality on all key attributes"
DUPLICATE: Final = ("DuplicateItemException", "Duplicate primary key exists in table")
_RANGES: Final = frozenset({"=", "<", "<=", ">", ">=", "between", "begins_with"})


class Asked(msgspec.Struct, frozen=True):
    """A statement with its parameters, and what it is about."""

    statement: Statement
    table: str
    found: Found
    index: Index | None

    @property
    def row(self) -> TableRow:
        return self.found.row

    @property
    def tx(self) -> Tx:
        return self.found.tx


def asked(tx: Tx, req: Mapping[str, Any]) -> Asked:
    statement = bound(statement_of(req["Statement"]), req.get("Parameters") or ())
    found = find(tx, statement.table)
    index = None
    if statement.index:
        index = found.row.index(statement.index)
        if index is None:
            raise invalid(f"The table does not have the specified index: {statement.index}")
        if not index.local and req.get("ConsistentRead"):
            raise invalid("Consistent reads are not supported on global secondary indexes")
    return Asked(statement, statement.table, found, index)


def spans(one: Asked) -> list[Span]:
    """The ranges of keys that a SELECT reads: partitions that it names, else all of the table."""
    row, index, statement = one.row, one.index, one.statement
    hash_name, range_name = (row.hash, row.range) if index is None else (index.hash, index.range)
    conditions = list(_conjuncts(statement.where))
    partitions = next((values for name, values in map(_equals, conditions) if name == hash_name), None)
    if partitions is None:
        if statement.order:
            raise invalid("Must have WHERE clause in the statement when using ORDER BY clause.")
        return [Span()]
    if statement.order and statement.order not in (hash_name, range_name):
        raise invalid(f"Variable reference {statement.order} in ORDER BY clause must be part of the primary key")
    ranged = next((found for found in (_ranged(node, range_name) for node in conditions) if found is not None), None)
    found: list[Span] = []
    for value in partitions:
        compared = {hash_name: ("=", [value]), **({range_name: ranged} if ranged is not None else {})}
        condition = key_conditions.asked(compared, hash_name, range_name, row.types)
        found.append(selecting.query_span(condition, reverse=statement.descending))
    return found


def fetches(one: Asked) -> bool:
    """Whether a local index has to look into its table for what it doesn't hold."""
    index, paths = one.index, one.statement.paths
    if index is None or index.projection == "ALL" or not index.local:
        return False
    held = {*one.row.keys, index.hash, index.range, *index.attributes}
    return paths is None or any(path.parts[0] not in held for path in paths)


def wanted(one: Asked, req: Mapping[str, Any]) -> Wanted:
    """The change that an INSERT, UPDATE or DELETE is, or the check that an EXISTS is."""
    statement, row = one.statement, one.row
    shows = req.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    if statement.kind == "insert":
        if not isinstance(statement.item, Literal) or "M" not in statement.item.value:
            raise malformed("Expected a map behind VALUE")
        item = checked_item(statement.item.value["M"])
        check_size(item)
        absent = Apply("attribute_not_exists", (Path((row.hash,)),), function=True)
        return Wanted("put", item, absent, shows_failed=shows, refusal=DUPLICATE)
    key = key_in(one)
    if key is None:
        raise invalid(NO_KEY)
    if statement.kind == "delete":
        more = any(_equals(node)[0] not in row.keys for node in _conjuncts(statement.where))
        return Wanted("delete", key, statement.where if more else None, shows_failed=shows)
    if statement.kind == "update":
        return Wanted("update", key, statement.where, _actions(one), shows_failed=shows)
    return Wanted("check", key, statement.where, shows_failed=shows, refusal=FAILED)


def key_in(one: Asked) -> Item | None:
    """The key of one item that a condition names; None where it names less, or more than one."""
    key: Item = {}
    for name, values in map(_equals, _conjuncts(one.statement.where)):
        if name in one.row.keys and len(values) == 1:
            key[name] = values[0]
    return key if len(key) == len(one.row.keys) else None


def _actions(one: Asked) -> tuple[Action, ...]:
    actions = tuple(_action(assignment.path, assignment.value) for assignment in one.statement.assignments)
    for action in actions:
        if action.path.parts[0] in one.row.keys:
            raise invalid(f"{WRONG}Cannot update attribute {action.path.parts[0]}. This attribute is part of the key")
    if wrong := overlap(action.path for action in actions):
        raise invalid(wrong)
    return actions


def _action(path: Path, value: Node | None) -> Action:
    if value is None:
        return Action("REMOVE", path)
    if isinstance(value, Apply) and value.name in ("set_add", "set_delete"):
        first, second = value.args
        if first != path or not isinstance(second, Literal):
            raise malformed(f"{value.name} changes the attribute that it is assigned to, by a literal")
        return Action("ADD" if value.name == "set_add" else "DELETE", path, second)
    _check_value(value)
    return Action("SET", path, value)


def _check_value(node: Node) -> None:
    """Refuses what no attribute can be set to."""
    if not isinstance(node, Apply):
        return
    if node.name not in ("+", "-", "list_append", "if_not_exists") or (node.name == "if_not_exists" and not isinstance(node.args[0], Path)):
        raise malformed(f"Unexpected function {node.name} in SET")
    for argument in node.args:
        _check_value(argument)


def _conjuncts(node: Node | None) -> Iterator[Apply]:
    """The conditions that all have to hold."""
    if isinstance(node, Apply):
        if node.name == "and":
            for argument in node.args:
                yield from _conjuncts(argument)
        else:
            yield node


def _equals(node: Apply) -> tuple[str, list[Value]]:
    """The attribute that a condition sets equal to one of some values; "" where it is another condition."""
    if node.name not in ("=", "in"):
        return "", []
    args = node.args if node.name == "in" or isinstance(node.args[0], Path) else node.args[::-1]
    path, values = args[0], [argument.value for argument in args[1:] if isinstance(argument, Literal)]
    if not isinstance(path, Path) or len(values) < len(args) - 1:
        return "", []
    name, *rest = path.parts
    return ("", []) if rest else (str(name), values)


def _ranged(node: Apply, name: str) -> tuple[str, list[Value]] | None:
    """What a condition says of a sort key, where it is a range of it."""
    first = node.args[0]
    values = [argument.value for argument in node.args[1:] if isinstance(argument, Literal)]
    if not name or node.name not in _RANGES or first != Path((name,)) or len(values) < len(node.args) - 1:
        return None
    return node.name, values
