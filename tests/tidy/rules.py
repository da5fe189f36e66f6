"""The project's own rules, each a function from a module's syntax tree to what breaks it: `(line, message)`, nothing when tidy."""

import ast
import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src/windtunnel"
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70

Finding = tuple[int, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module:
    """One file of Python, parsed once."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        """Relative to the root, with slashes: "src/windtunnel/fabric/cloud.py"."""
        self.text = text

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def imported(self) -> dict[str, str]:
        """What each name that an import binds stands for: `from datetime import datetime as dt` gives dt → datetime.datetime."""
        names: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                names |= {(a.asname or a.name.split(".")[0]): (a.name if a.asname else a.name.split(".")[0]) for a in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names |= {(a.asname or a.name): f"{node.module}.{a.name}" for a in node.names}
        return names

    def within(self, *places: str) -> bool:
        return any(self.name == f"src/windtunnel/{p}" or self.name.startswith(f"src/windtunnel/{p}/") for p in places)


@lru_cache(maxsize=1)
def modules() -> list[Module]:
    """Every module of ours: the package, the tests, the tools and the benchmarks."""
    paths = [p for top in ("src/windtunnel", "tests", "tools", "bench") for p in sorted((ROOT / top).rglob("*.py"))]
    ours = [p for p in paths if not {".peers", "__pycache__", "node_modules"} & set(p.parts)]
    return [Module(p.relative_to(ROOT).as_posix(), p.read_text(encoding="utf-8")) for p in ours]


def dotted(node: ast.AST, imported: dict[str, str]) -> str:
    """The full name of `a.b.c` with imports resolved, "" for anything that isn't a chain of names."""
    if isinstance(node, ast.Name):
        return imported.get(node.id, "")
    if isinstance(node, ast.Attribute) and (base := dotted(node.value, imported)):
        return f"{base}.{node.attr}"
    return ""


def file_is_short(module: Module) -> Iterator[Finding]:
    if (lines := module.text.count("\n")) > FILE_LINES_MAX:
        yield lines, f"{lines} lines, at most {FILE_LINES_MAX}: split it by noun"


def functions_are_short(module: Module) -> Iterator[Finding]:
    for node in module.nodes:
        if isinstance(node, Function) and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX:
            yield node.lineno, f"{node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}"


def module_says_why_it_exists(module: Module) -> Iterator[Finding]:
    if not ast.get_docstring(module.tree):
        yield 1, "begin with a docstring that says why this module exists"


def nothing_is_put_off(module: Module) -> Iterator[Finding]:
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b")
    for number, line in enumerate(module.text.splitlines(), 1):
        if found := words.search(line):
            yield number, f"{found[0]}: do it, or write in the README that it is missing"


WHOLE_MODULES = {"time", "random", "uuid"}
IMPURE = {
    "asyncio.sleep": "wait with call.wait",
    "datetime.datetime.now": "take the time as an argument",
    "datetime.datetime.today": "take the time as an argument",
    "datetime.datetime.utcnow": "take the time as an argument",
    "datetime.date.today": "take the time as an argument",
    "os.environ": "take the setting as an argument",
    "os.environb": "take the setting as an argument",
    "os.getenv": "take the setting as an argument",
    "os.putenv": "take the setting as an argument",
}


def only_the_kernel_knows_time_and_chance(module: Module) -> Iterator[Finding]:
    """Programs that run inside functions' processes live in the function's time, and are left out."""
    if not module.name.startswith("src/") or module.within("kernel", "app", "planes/compute/bootstrap"):
        return
    for node in module.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for name in WHOLE_MODULES & set(names) if not getattr(node, "level", 0) else ():
                yield node.lineno, f"imports {name}: time, ids and chance come from the kernel, as arguments"
            for name in (f"{node.module}.{a.name}" for a in node.names) if isinstance(node, ast.ImportFrom) else ():
                if name in IMPURE:
                    yield node.lineno, f"imports {name}: {IMPURE[name]}"
        elif isinstance(node, ast.Attribute):
            if advice := IMPURE.get(name := dotted(node, module.imported)):
                yield node.lineno, f"{name}: {advice}"
            elif node.attr == "time" and "loop" in ast.unparse(node.value) and not module.within("gateway"):
                yield node.lineno, "reads the event loop's clock, which is the gateway's alone"


def bugs_are_not_swallowed(module: Module) -> Iterator[Finding]:
    """`except BaseException: …; raise` cleans up and is fine. Programs inside functions' processes report their user's bugs."""
    if not module.name.startswith("src/") or module.within(
        "fabric/cloud.py", "fabric/door.py", "fabric/visits.py", "kernel/loop.py", "planes/compute/bootstrap"
    ):
        return
    for node in module.nodes:
        if isinstance(node, ast.ExceptHandler):
            caught = {ast.unparse(n) for n in ast.walk(node.type)} if node.type else {"everything"}
            ends = node.body[-1]
            if "BaseException" in caught and isinstance(ends, ast.Raise) and ends.exc is None:
                continue
            if caught & {"Exception", "BaseException", "everything"}:
                yield node.lineno, "catches every exception: name those that are expected"
        elif isinstance(node, ast.Call) and dotted(node.func, module.imported) == "contextlib.suppress":
            if {"Exception", "BaseException"} & {ast.unparse(argument) for argument in node.args}:
                yield node.lineno, "suppresses every exception: name those that are expected"


CONTAINERS = {
    *("list", "dict", "set", "bytearray", "defaultdict", "deque", "OrderedDict", "Counter"),
    *("WeakValueDictionary", "WeakKeyDictionary", "WeakSet"),
}
READ_ONLY = ("Mapping", "Sequence", "Collection", "Set", "AbstractSet")
MUTATORS = {
    *("add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert"),
    *("pop", "popitem", "popleft", "remove", "setdefault", "update"),
}


def _containers(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif (
            isinstance(node, ast.AnnAssign) and node.value and not ast.unparse(node.annotation).removeprefix("Final[").startswith(READ_ONLY)
        ):
            pairs = [(node.target, node.value)]
        else:
            continue
        for target, value in pairs:
            called = ast.unparse(value.func).split(".")[-1].split("[")[0] if isinstance(value, ast.Call) else ""
            literal = isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)
            if isinstance(target, ast.Name) and (literal or called in CONTAINERS):
                yield target.id, value


def _is_empty(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return not [a for a in value.args if not isinstance(a, ast.Name)] and not value.keywords
    return not (value.keys if isinstance(value, ast.Dict) else getattr(value, "elts", True))


def _changed(node: ast.AST) -> tuple[str, int] | None:
    """The bare name whose value this node changes in place."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MUTATORS:
        changed = node.func.value
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        changed = node.value
    else:
        return None
    return (changed.id, node.lineno) if isinstance(changed, ast.Name) else None


def modules_hold_no_state(module: Module) -> Iterator[Finding]:
    """Constants and tables are fine, in UPPER_CASE; what a program fills while it runs belongs to an object that is passed on."""
    if not module.name.startswith("src/"):
        return
    containers = dict(_containers(module.tree))
    for name, value in containers.items():
        if name.startswith("__"):
            continue
        if not name.isupper():
            yield value.lineno, f"{name} is mutable state of the module: a constant is UPPER_CASE, a value that changes has an owner"
        elif _is_empty(value):
            yield value.lineno, f"{name} begins empty, so something fills it: give it an owner, or annotate it as Mapping or Sequence"
    for function in (n for n in module.nodes if isinstance(n, Function)):
        inside = list(ast.walk(function))
        own = {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} | {
            n.arg for n in inside if isinstance(n, ast.arg)
        }
        for node in inside:
            if isinstance(node, ast.Global):
                yield node.lineno, f"global {', '.join(node.names)}: give it an owner"
            elif (change := _changed(node)) and change[0] in containers and change[0] not in own:
                yield change[1], f"{function.name} changes {change[0]}, which belongs to the module"


SERVICES_MAY_IMPORT = ("windtunnel.fabric", "windtunnel.planes", "windtunnel.aws", "windtunnel.kernel.store")


def services_keep_to_themselves(module: Module) -> Iterator[Finding]:
    parts = module.name.split("/")
    if not module.within("services") or len(parts) < 5:
        return
    allowed = (*SERVICES_MAY_IMPORT, f"windtunnel.services.{parts[3]}")
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        else:
            continue
        for name in names:
            if name.startswith("windtunnel.") and not any(name == a or name.startswith(f"{a}.") for a in allowed):
                yield node.lineno, f"imports {name}: a service knows {', '.join(SERVICES_MAY_IMPORT)} and itself"


def areas_have_no_face(module: Module) -> Iterator[Finding]:
    """An area of a service, a folder in its folder, hands nothing on: each name is imported from the module it stands in."""
    if module.within("services") and module.name.count("/") > 4 and module.name.endswith("/__init__.py"):
        for node in module.tree.body[1:]:
            yield node.lineno, "an area's __init__ says what the area is, and nothing else"


def tests_move_the_clock(module: Module) -> Iterator[Finding]:
    if not module.name.startswith("tests/"):
        return
    for node in module.nodes:
        if isinstance(node, ast.Call) and dotted(node.func, module.imported) == "time.sleep":
            yield node.lineno, "sleeps: move the clock, or wait for the thing itself"


def tests_can_fail(module: Module) -> Iterator[Finding]:
    """By an assertion of their own, of a helper beside them, or of one whose name says that it checks."""
    if not module.name.startswith("tests/"):
        return
    functions = {n.name: n for n in module.nodes if isinstance(n, Function)}

    def checks(node: ast.AST, seen: frozenset[str]) -> bool:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Assert):
                return True
            if isinstance(inner, ast.Call):
                called = inner.func.attr if isinstance(inner.func, ast.Attribute) else getattr(inner.func, "id", "")
                if called in {"raises", "fail", "warns"} or re.match(r"_?(assert|expect|verify|check|refuse|audit)", called):
                    return True
                if called in functions and called not in seen and checks(functions[called], seen | {called}):
                    return True
        return False

    for name, function in functions.items():
        if name.startswith("test_") and not checks(function, frozenset({name})):
            yield function.lineno, f"{name} asserts nothing, so it can't fail"


RULES = (
    file_is_short,
    functions_are_short,
    module_says_why_it_exists,
    nothing_is_put_off,
    only_the_kernel_knows_time_and_chance,
    bugs_are_not_swallowed,
    modules_hold_no_state,
    services_keep_to_themselves,
    areas_have_no_face,
    tests_move_the_clock,
    tests_can_fail,
)
