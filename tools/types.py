"""Writes `windtunnel.aws.types`: what requests and results look like, for the type checker, from the installed botocore.

Run as `make types`, or `python -m tools.types sqs lambda_ …` for services that have no folder yet. A service is named as its
folder: `lambda_` is botocore's "lambda", `cognito_idp` its "cognito-idp".
"""

import hashlib
import keyword
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import botocore
import botocore.loaders
from botocore import xform_name
from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "src/windtunnel/aws/types"
SERVICES = ROOT / "src/windtunnel/services"
STAMP = TARGET / ".stamp"

SCALARS = {
    "string": "str",
    "character": "str",
    "integer": "int",
    "long": "int",
    "short": "int",
    "byte": "int",
    "float": "float",
    "double": "float",
    "bigdecimal": "float",
    "boolean": "bool",
    "blob": "bytes",
    "timestamp": "float",
}
TYPING = ("Any", "NotRequired", "Required", "TypeAlias", "TypedDict")
RESERVED = {*SCALARS.values(), *TYPING, "list", "dict"}
EMPTY = "    ...\n"
HEADER = f"from typing import {', '.join(TYPING)}\n"


class Module:
    """The stub of one service, while it is being written."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model
        self.operations = [model.operation_model(name) for name in model.operation_names]
        self.structures: dict[str, StructureShape] = {}
        for operation in self.operations:
            for shape in (operation.input_shape, operation.output_shape):
                self.structures.update(structures_below(shape))
        self.read: set[str] = set()
        for operation in self.operations:
            self.read.update(structures_below(operation.input_shape))
        taken = {*self.structures, *RESERVED}
        self.body = "Body" if "Body" not in taken else "StreamingBody"

    def request(self, operation: OperationModel) -> str:
        return self.name(operation.input_shape.name) if operation.input_shape else f"{operation.name}Request"

    def result(self, operation: OperationModel) -> str:
        return self.name(operation.output_shape.name) if operation.output_shape else f"{operation.name}Response"

    def name(self, shape: str) -> str:
        return f"{shape}_" if shape in RESERVED or keyword.iskeyword(shape) else shape

    def type_of(self, shape: Shape, *, quoted: bool) -> str:
        if shape.serialization.get("eventstream") or getattr(shape, "is_document_type", False):
            return "Any"
        match shape.type_name:
            case "structure":
                name = self.name(shape.name)
                return f'"{name}"' if quoted else name
            case "list":
                return f"list[{self.type_of(shape.member, quoted=quoted)}]"
            case "map":
                return f"dict[str, {self.type_of(shape.value, quoted=quoted)}]"
            case "blob" if shape.serialization.get("streaming"):
                return self.body
            case scalar:
                return SCALARS[scalar]

    def structure(self, shape: StructureShape) -> str:
        """A class where the names allow it, else the functional form: keywords can't be attributes, and an attribute that is
        called as a type would hide that type from the attributes after it."""
        name, hidden = self.name(shape.name), {*RESERVED, *self.structures, self.body}
        functional = any(member in hidden or keyword.iskeyword(member) or not member.isidentifier() for member in shape.members)
        required = set(shape.required_members) if shape.name in self.read else set[str]()

        def annotation(member: str, of: Shape) -> str:
            return f"{'Required' if member in required else 'NotRequired'}[{self.type_of(of, quoted=functional)}]"

        if functional:
            rows = "".join(f'    "{member}": {annotation(member, of)},\n' for member, of in shape.members.items())
            return f'{name} = TypedDict("{name}", {{\n{rows}}})\n'
        rows = "".join(f"    {member}: {annotation(member, of)}\n" for member, of in shape.members.items())
        return f"class {name}(TypedDict):\n{rows or EMPTY}"

    def text(self) -> str:
        api = f"{self.model.service_name}, API version {self.model.api_version}"
        title = f'"""Requests and results of {api}. Generated: see tools/types.py."""\n'
        parts = [title, HEADER, f"{self.body}: TypeAlias = Any\n"]
        parts += [self.structure(self.structures[name]) for name in sorted(self.structures)]
        for operation in self.operations:
            empty = [name for name in (self.request(operation), self.result(operation)) if name not in map(self.name, self.structures)]
            parts += [f"class {name}(TypedDict): ...\n" for name in empty]
        return "\n".join(parts)


def structures_below(shape: Shape | None) -> dict[str, StructureShape]:
    """Every structure that a value of this shape may contain, itself included, by name."""
    found: dict[str, StructureShape] = {}
    waiting = [shape] if shape else []
    while waiting:
        match waiting.pop():
            case StructureShape() as structure:
                if structure.name not in found:
                    found[structure.name] = structure
                    waiting += structure.members.values()
            case one if one.type_name == "list":
                waiting.append(one.member)
            case one if one.type_name == "map":
                waiting.append(one.value)
            case _:
                pass
    return found


def clients(modules: dict[str, Module]) -> str:
    """The services as a `Call` sees them: `call.aws.sqs.send_message({…})`."""
    imports = "".join(f"from windtunnel.aws.types import {name}\n" for name in modules)
    parts = ['"""Calls between services, by service and operation. Generated: see tools/types.py."""\n', imports]
    for name, module in modules.items():
        methods = "".join(
            f"    async def {identifier(xform_name(operation.name))}"
            f"(self, request: {name}.{module.request(operation)}) -> {name}.{module.result(operation)}: ...\n"
            for operation in module.operations
        )
        parts.append(f"class {class_name(name)}:\n{methods}")
    attributes = "".join(f"    {name}: {class_name(name)}\n" for name in modules)
    parts.append(f"class Aws:\n{attributes or EMPTY}")
    return "\n".join(parts)


def class_name(module: str) -> str:
    return "".join(part.capitalize() for part in module.split("_")) + "Client"


def identifier(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def folders() -> Iterator[str]:
    """A folder's service, and those that it has beside it."""
    for path in sorted(SERVICES.glob("*/__init__.py")):
        yield path.parent.name
        for service in re.findall(r'= Service\(\s*"([\w-]+)"', path.read_text(encoding="utf-8")):
            yield identifier(service.replace("-", "_"))


def fingerprint(names: Iterable[str]) -> str:
    tool = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
    return f"botocore {botocore.__version__}, tool {tool}: {' '.join(names)}\n"


def load(name: str, loader: botocore.loaders.Loader) -> ServiceModel | None:
    service = name.rstrip("_").replace("_", "-")
    if service not in loader.list_available_services("service-2"):
        print(f"types: {name} is no service of botocore {botocore.__version__}, left out")
        return None
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


def main(arguments: list[str]) -> None:
    names = sorted({*folders(), *(argument for argument in arguments if not argument.startswith("-"))})
    stamp = fingerprint(names)
    if "--if-needed" in arguments and STAMP.exists() and STAMP.read_text() == stamp:
        return
    loader = botocore.loaders.Loader()
    modules = {name: Module(model) for name in names if (model := load(name, loader))}
    TARGET.mkdir(parents=True, exist_ok=True)
    files = {f"{name}.pyi": module.text() for name, module in modules.items()}
    files["clients.pyi"] = clients(modules)
    files["__init__.pyi"] = '"""Types of AWS\'s requests and results, one module a service. Generated: see tools/types.py."""\n'
    for stale in {path.name for path in TARGET.glob("*.pyi")} - set(files):
        (TARGET / stale).unlink()
    for file, text in files.items():
        (TARGET / file).write_text(text)
    STAMP.write_text(stamp)
    print(f"types: {len(modules)} services, {sum(len(m.structures) for m in modules.values())} shapes, botocore {botocore.__version__}")


if __name__ == "__main__":
    main(sys.argv[1:])
