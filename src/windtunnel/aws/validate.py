"""Checks a request against its model as AWS does before it acts, and says what is wrong in AWS's own sentences.

A validator is compiled once per operation into two closures: `holds` answers yes or no, touches only members that are given and
constrained, and builds nothing; only when it says no does `explain` walk again and word the errors.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.aws.java_patterns import java_pattern
from windtunnel.aws.model import OperationModel, Shape, operation_model, service_model
from windtunnel.aws.validate_dialects import Dialect, dialect_of
from windtunnel.aws.validate_words import enum_words, pattern_words, printed

Validator = Callable[[dict[str, Any]], None]
Holds = Callable[[Any], object]
"""True (or anything like it) when a value satisfies all constraints."""
Explain = Callable[[Any, str, list[str]], None]
"""Adds a sentence for each constraint a value doesn't satisfy; the path is the value's own."""

_TEXT_TYPES = frozenset({"string", "blob"})
_NUMBER_TYPES = frozenset({"integer", "long", "float", "double", "short", "byte"})


class Check(msgspec.Struct, frozen=True):
    """What is compiled of one shape."""

    holds: Holds
    explain: Explain


@cache
def validator(service: str, operation: str, protocol: str = "") -> Validator:
    """A function that raises AWS's fault for a request that its model forbids, and otherwise does nothing.

    Without a protocol the service's favourite one gives the manner: most services word their faults alike in all of theirs.
    """
    model = operation_model(service, operation)
    protocol = protocol or service_model(service).protocols[0]
    shape = model.input_shape
    dialect = dialect_of(service, protocol)
    if shape is None or not dialect.checks:
        return _nothing
    compiler = _Compiler(dialect)
    check = compiler.operation(model, shape)
    if check is None:
        return _nothing
    holds = check.holds
    refusal = _refusal(model, shape, dialect, check, protocol)

    def validate(request: dict[str, Any]) -> None:
        if not holds(request):
            raise refusal(request)

    return validate


def _nothing(request: dict[str, Any]) -> None:
    """The validator of an operation without constraints."""


def _refusal(model: OperationModel, shape: Shape, dialect: Dialect, check: Check, protocol: str) -> Callable[[dict[str, Any]], Fault]:
    declared = protocol != "query" and any(error.name == "ValidationException" for error in model.error_shapes)
    code = "ValidationException" if declared else dialect.code
    required = shape.required_members if dialect.missing and not dialect.nested_only else ()

    def refusal(request: dict[str, Any]) -> Fault:
        if dialect.any_fault is not None:
            return Fault(*dialect.any_fault, status=400)
        for name in required:
            if dialect.missing is not None and request.get(name) is None:
                own = dialect.missing(name, shape.members[name].type_name)
                if own is not None:
                    return own
        errors: list[str] = []
        check.explain(request, "", errors)
        if dialect.sentence:
            return Fault(code, errors[0], status=400)
        plural = "s" if len(errors) > 1 else ""
        return Fault(code, f"{len(errors)} validation error{plural} detected: {'; '.join(errors)}", status=400)

    return refusal


class _Compiler:
    """Turns shapes into checks, each structure once: models are recursive."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._structures: dict[str, Check] = {}
        self._constrained: dict[str, bool] = {}

    def operation(self, model: OperationModel, shape: Shape) -> Check | None:
        """The check of an operation's input."""
        if not self._is_constrained(shape, set()):
            return None
        dialect = self._dialect
        prefixes: dict[str, str] = {}
        if dialect.body_prefix:
            prefix = f"{model.name[0].lower()}{model.name[1:]}Input."
            prefixes = {name: prefix for name, member in shape.members.items() if "location" not in member.serialization}
        first = list(prefixes) if dialect.body_first else []
        order = first + [name for name in shape.members if name not in first]
        return self._structure(shape, order, prefixes, top=True)

    def _check(self, shape: Shape) -> Check | None:
        """The check of any shape, None where nothing can be wrong."""
        if not self._is_constrained(shape, set()):
            return None
        kind = shape.type_name
        if kind == "structure":
            return self._shared_structure(shape)
        if kind == "list":
            return self._list(shape)
        if kind == "map":
            return self._map(shape)
        return self._scalar(shape)

    def _is_constrained(self, shape: Shape, seen: set[str]) -> bool:
        """Whether any constraint can be reached from a shape."""
        if shape.name in self._dialect.skip or shape.is_document_type or shape.serialization.get("eventstream"):
            return False
        if self._own_constraints(shape):
            return True
        if shape.name in seen:
            return False
        if not seen and shape.name in self._constrained:
            return self._constrained[shape.name]
        root = not seen
        seen.add(shape.name)
        found = any(self._is_constrained(member, seen) for member in _children(shape))
        if root:
            self._constrained[shape.name] = found
        return found

    def _own_constraints(self, shape: Shape) -> bool:
        checks, raw = self._dialect.checks, shape.raw
        if shape.type_name == "structure":
            return "required" in checks and bool(shape.required_members)
        if shape.type_name in _NUMBER_TYPES:
            return "range" in checks and ("min" in raw or "max" in raw)
        if shape.serialization.get("streaming"):
            return False
        if "length" in checks and (raw.get("min", 0) > 0 or "max" in raw):
            return True
        if shape.type_name != "string":
            return False
        return ("enum" in checks and bool(shape.enum)) or self._pattern(shape) is not None

    def _pattern(self, shape: Shape) -> Any:
        text = shape.raw.get("pattern")
        return java_pattern(text) if text and "pattern" in self._dialect.checks and not shape.enum else None

    def _shared_structure(self, shape: Shape) -> Check:
        found = self._structures.get(shape.name)
        if found is not None:
            return found
        cell: list[Check] = []
        # Whoever meets this structure again inside of itself gets these two, which look the check up when it is there.
        self._structures[shape.name] = _late(cell)
        check = self._structure(shape, list(shape.members), {}, top=False)
        cell.append(check)
        self._structures[shape.name] = check
        return check

    def _structure(self, shape: Shape, order: list[str], prefixes: Mapping[str, str], *, top: bool) -> Check:
        dialect = self._dialect
        wanted = "required" in dialect.checks and not (top and dialect.nested_only)
        required = tuple(shape.required_members) if wanted else ()
        members = shape.members
        checks: dict[str, Check] = {}
        for name, member in members.items():
            if top and dialect.nested_only and member.type_name != "structure":
                continue
            check = self._check(member)
            if check is not None:
                checks[name] = check
        tests = {name: check.holds for name, check in checks.items()}
        test_of = tests.get

        def holds(value: dict[str, Any]) -> bool:
            for name in required:
                if value.get(name) is None:
                    return False
            for name, item in value.items():
                test = test_of(name)
                if test is not None and item is not None and not test(item):
                    return False
            return True

        def explain(value: dict[str, Any], path: str, errors: list[str]) -> None:
            for name in order:
                own = f"{path}{prefixes.get(name, '')}{name[0].lower()}{name[1:]}"
                if value.get(name) is not None:
                    if name in checks:
                        checks[name].explain(value[name], own, errors)
                elif name in required:
                    errors.append(self._sentence("null", own, "Member must not be null"))

        def explain_inside(value: dict[str, Any], path: str, errors: list[str]) -> None:
            explain(value, f"{path}.", errors)

        return Check(holds, explain if top else explain_inside)

    def _list(self, shape: Shape) -> Check:
        size, element = self._length(shape), self._check(shape.member)
        scalar = shape.member.type_name not in ("structure", "list", "map")
        phrases = self._phrases(shape.member) if element is not None and scalar else []

        def holds(value: list[Any]) -> bool:
            if size is not None and not size.holds(value):
                return False
            if element is not None:
                test = element.holds
                for item in value:
                    if not test(item):
                        return False
            return True

        def explain(value: list[Any], path: str, errors: list[str]) -> None:
            if size is not None:
                size.explain(value, path, errors)
            if element is None:
                return
            if scalar:
                if not all(element.holds(item) for item in value):
                    errors.append(self._combined(value, shape, path, "Member must satisfy constraint", phrases, null=True))
                return
            for index, item in enumerate(value, 1):
                element.explain(item, f"{path}.{index}.member", errors)

        return Check(holds, explain)

    def _map(self, shape: Shape) -> Check:
        size, key, value_check = self._length(shape), self._check(shape.key), self._check(shape.value)
        scalar = shape.value.type_name not in ("structure", "list", "map")
        key_phrases = self._phrases(shape.key) if key is not None else []
        phrases = self._phrases(shape.value) if value_check is not None and scalar else []

        def holds(value: dict[str, Any]) -> bool:
            if size is not None and not size.holds(value):
                return False
            if key is not None and not all(map(key.holds, value)):
                return False
            return value_check is None or all(map(value_check.holds, value.values()))

        def explain(value: dict[str, Any], path: str, errors: list[str]) -> None:
            if size is not None:
                size.explain(value, path, errors)
            if key is not None and not all(map(key.holds, value)):
                errors.append(self._combined(value, shape, path, "Map keys must satisfy constraint", key_phrases, null=False))
            if value_check is None:
                return
            if scalar:
                if not all(map(value_check.holds, value.values())):
                    errors.append(self._combined(value, shape, path, "Map value must satisfy constraint", phrases, null=True))
                return
            for name, item in value.items():
                value_check.explain(item, f"{path}.{name}.member", errors)

        return Check(holds, explain)

    def _scalar(self, shape: Shape) -> Check:
        parts: list[Check] = []
        pattern = self._pattern(shape)
        if pattern is not None:
            parts.append(self._single(shape, pattern.fullmatch, self._pattern_phrase(shape)))
        if shape.type_name in _NUMBER_TYPES:
            parts += self._range(shape)
        else:
            size = self._length(shape)
            if size is not None:
                parts.append(size)
        if "enum" in self._dialect.checks and shape.enum:
            parts.append(self._single(shape, frozenset(shape.enum).__contains__, self._enum_phrase(shape)))
        return _both(parts)

    def _length(self, shape: Shape) -> Check | None:
        """The check of a length, which texts, blobs, lists and maps have."""
        low, high = shape.raw.get("min", 0), shape.raw.get("max")
        if "length" not in self._dialect.checks or (low <= 0 and high is None):
            return None
        more, less = _length_phrase("greater", low), _length_phrase("less", high)

        def holds(value: Any) -> bool:
            return low <= len(value) and (high is None or len(value) <= high)

        def explain(value: Any, path: str, errors: list[str]) -> None:
            if high is not None and len(value) > high:
                errors.append(self._sentence(self._shown(value, shape), path, less))
            if len(value) < low:
                errors.append(self._sentence(self._shown(value, shape), path, more))

        return Check(holds, explain)

    def _range(self, shape: Shape) -> list[Check]:
        found: list[Check] = []
        low, high = shape.raw.get("min"), shape.raw.get("max")
        if high is not None:
            found.append(self._single(shape, lambda value: value <= high, _range_phrase("less", high, shape)))
        if low is not None:
            found.append(self._single(shape, lambda value: value >= low, _range_phrase("greater", low, shape)))
        return found

    def _single(self, shape: Shape, holds: Holds, phrase: str) -> Check:
        def explain(value: Any, path: str, errors: list[str]) -> None:
            if not holds(value):
                errors.append(self._sentence(self._shown(value, shape), path, phrase))

        return Check(holds, explain)

    def _pattern_phrase(self, shape: Shape) -> str:
        return f"Member must satisfy regular expression pattern: {pattern_words(shape.raw['pattern'])}"

    def _enum_phrase(self, shape: Shape) -> str:
        if not self._dialect.values:
            return "Member must satisfy enum value set"
        return f"Member must satisfy enum value set: [{', '.join(enum_words(shape.enum))}]"

    def _phrases(self, shape: Shape) -> list[str]:
        """All that an element must satisfy, in the order in which AWS lists it."""
        raw, found = shape.raw, list[str]()
        if shape.type_name in _NUMBER_TYPES:
            return [_range_phrase(word, raw[bound], shape) for word, bound in (("less", "max"), ("greater", "min")) if bound in raw]
        if "length" in self._dialect.checks:
            found += [_length_phrase(word, raw[bound]) for word, bound in (("less", "max"), ("greater", "min")) if bound in raw]
        if self._pattern(shape) is not None:
            found.append(self._pattern_phrase(shape))
        if "enum" in self._dialect.checks and shape.enum:
            found.append(self._enum_phrase(shape))
        return found

    def _combined(self, value: Any, shape: Shape, path: str, words: str, phrases: list[str], *, null: bool) -> str:
        if null and path.rpartition(".")[2] in self._dialect.not_null:
            phrases = [*phrases, "Member must not be null"]
        return self._sentence(self._shown(value, shape), path, f"{words}: [{', '.join(phrases)}]")

    def _shown(self, value: Any, shape: Shape) -> str:
        """The value in quotes, "" for one that isn't to be seen."""
        if shape.raw.get("sensitive") or not self._dialect.values:
            return ""
        return f"'{printed(value, shape)}'"

    def _sentence(self, shown: str, path: str, phrase: str) -> str:
        own = self._dialect.sentence
        if own:
            constraint = phrase.removeprefix("Member ")
            name, colon, pattern = constraint.partition(" pattern: ")
            return own.format(path=path, constraint=f"{name} '{pattern}'" if colon else constraint)
        value = f"Value {shown}" if shown else "Value"
        return f"{value} at '{path}' failed to satisfy constraint: {phrase}"


def _late(cell: list[Check]) -> Check:
    """The check that the cell will hold."""

    def holds(value: Any) -> object:
        return cell[0].holds(value)

    def explain(value: Any, path: str, errors: list[str]) -> None:
        cell[0].explain(value, path, errors)

    return Check(holds, explain)


def _children(shape: Shape) -> list[Shape]:
    if shape.type_name == "structure":
        return list(shape.members.values())
    if shape.type_name == "list":
        return [shape.member]
    return [shape.key, shape.value] if shape.type_name == "map" else []


def _both(parts: list[Check]) -> Check:
    """All of several checks as one."""
    if len(parts) == 1:
        return parts[0]
    tests = tuple(part.holds for part in parts)
    if len(tests) == 2:
        one, two = tests
        return Check(lambda value: one(value) and two(value), _explain_all(parts))

    def holds(value: Any) -> bool:
        return all(test(value) for test in tests)

    return Check(holds, _explain_all(parts))


def _explain_all(parts: list[Check]) -> Explain:
    def explain(value: Any, path: str, errors: list[str]) -> None:
        for part in parts:
            part.explain(value, path, errors)

    return explain


def _length_phrase(word: str, bound: Any) -> str:
    return f"Member must have length {word} than or equal to {bound}"


def _range_phrase(word: str, bound: Any, shape: Shape) -> str:
    number = float(bound) if shape.type_name in ("float", "double") else bound
    return f"Member must have value {word} than or equal to {number}"
