"""Turns what a function wants into what the launcher is ordered to do: folders, command, variables."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from windtunnel.planes.compute.groups import Group
from windtunnel.planes.compute.records import Kind, Outcome, Spec
from windtunnel.planes.compute.sandbox import BOOTSTRAP, Machine, Order

PATH = "/usr/local/bin:/usr/bin/:/bin:/opt/bin"
LIBRARIES = "/var/task:/var/task/lib:/opt/lib"
"""Where the loader looks besides the system's places: https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html"""
JAVA_CLIENT = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"
NO_JAVA_CLIENT = (
    "Java functions run by AWS's runtime interface client here: install it with mvn dependency:get "
    "-Dartifact=com.amazonaws:aws-lambda-java-runtime-interface-client:2.10.1, or put its jars and all they need into lib/ of the archive "
    "or java/lib/ of a layer"
)
PATHS = ("PATH", "PYTHONPATH", "NODE_PATH", "LD_LIBRARY_PATH", "RUBYLIB", "GEM_PATH")


def make_order(machine: Machine, spec: Spec, folder: Path, socket: int, address: str, group: Group | None) -> tuple[Order, Outcome | None]:
    """The launcher's order; with an outcome when the function can't be started at all."""
    task, runtime = ("/var/task", "/var/runtime") if machine.isolated else (str(Path(spec.code).resolve()), str(BOOTSTRAP))
    opt = "/opt" if machine.isolated else _merged(folder, spec)
    given = dict(spec.environment)
    path = PATH if machine.isolated else f"{os.defpath}:/opt/bin"
    environment: dict[str, str] = {"PATH": path, "LD_LIBRARY_PATH": LIBRARIES, "LANG": "en_US.UTF-8", "TZ": ":UTC", **given}
    lent = spec.runtime.environment
    environment |= {name: f"{given[name]}:{value}" if name in PATHS and given.get(name) else value for name, value in lent.items()}
    if not machine.isolated:
        environment |= _elsewhere(environment, {"/opt": opt, "/var/task": task})
        environment["WINDTUNNEL_OPT"] = opt
        temporary = folder / "tmp"
        temporary.mkdir()
        environment["TMPDIR"] = str(temporary)
    environment |= {"LAMBDA_TASK_ROOT": task, "LAMBDA_RUNTIME_DIR": runtime, "_HANDLER": spec.handler}
    if address:
        environment["AWS_LAMBDA_RUNTIME_API"] = address
    if socket >= 0:
        environment["WINDTUNNEL_RUNTIME_FD"] = str(socket)
    command, failure = _command(spec, task, runtime, opt)
    if machine.isolated:
        command = [_shown(part) for part in command]
        for name in (*PATHS, "WINDTUNNEL_PACKAGES", "WINDTUNNEL_PURE_PACKAGES"):
            if "/tmp/" in environment.get(name, ""):
                environment[name] = ":".join(_shown(part) for part in environment[name].split(":"))
    wrapper = given.get("AWS_LAMBDA_EXEC_WRAPPER", "")
    order = Order(
        mode=machine.mode,
        parent=os.getpid(),
        command=[wrapper, *command] if wrapper else command,
        environment=environment,
        folder=task,
        binds=[(path, _shown(path)) for path in spec.runtime.readable]
        + [(str(Path(spec.code).resolve()), "/var/task"), (str(BOOTSTRAP), "/var/runtime")],
        language=_shown(str(Path(spec.runtime.command[0]).parent.parent)) if spec.runtime.command else "",
        layers=[str(Path(layer).resolve()) for layer in spec.layers],
        tmp_mb=spec.tmp_mb,
        socket=socket,
        # Without a user of its own a process limit would count all that this user runs; the sampler counts instead.
        processes=1024 if machine.isolated else 0,
        cgroup="" if group is None else str(group.folder),
    )
    return order, failure


def _shown(path: str) -> str:
    """Where a sandbox shows a folder of the machine: one below /tmp elsewhere, for /tmp is the function's own."""
    return f"/var/lang{path}" if path.startswith("/tmp/") else path


def _command(spec: Spec, task: str, runtime: str, opt: str) -> tuple[list[str], Outcome | None]:
    if spec.runtime.family == "python":
        return [*spec.runtime.command, f"{runtime}/python.py"], None
    if spec.runtime.family == "nodejs":
        heap = f"--max-old-space-size={max(64, spec.memory_mb * 9 // 10)}"
        return [*spec.runtime.command, heap, f"{runtime}/node.cjs"], None
    if spec.runtime.family == "ruby":
        return [*spec.runtime.command, f"{runtime}/ruby.rb"], None
    if spec.runtime.family == "java":
        java, *client = spec.runtime.command
        if not client and not _brings_client(spec):
            return [], _invalid_entrypoint(NO_JAVA_CLIENT)
        heap = f"-Xmx{max(64, spec.memory_mb * 8 // 10)}m"
        path = ":".join([task, f"{task}/lib/*", f"{opt}/java/lib/*", *client])
        return [java, heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", path, JAVA_CLIENT, spec.handler], None
    for folder, shown in ((spec.code, task), *((layer, opt) for layer in reversed(spec.layers))):
        if Path(folder, "bootstrap").is_file():
            return [f"{shown}/bootstrap"], None
    return [f"{task}/bootstrap"], _invalid_entrypoint("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")


def _invalid_entrypoint(message: str) -> Outcome:
    shape = {"errorType": "Runtime.InvalidEntrypoint", "errorMessage": f"RequestId: \0 Error: {message}"}
    return Outcome(Kind.EXIT, msgspec.json.encode(shape), "Runtime.InvalidEntrypoint")


def _brings_client(spec: Spec) -> bool:
    """Whether AWS's client for Java lies in the code, in a jar of its lib folder or of a layer's java/lib."""
    entry = JAVA_CLIENT.replace(".", "/") + ".class"
    if Path(spec.code, entry).is_file():
        return True
    folders = [Path(spec.code, "lib"), *(Path(layer, "java/lib") for layer in spec.layers)]
    return any(_holds(jar, entry) for folder in folders for jar in folder.glob("*.jar"))


def _holds(jar: Path, entry: str) -> bool:
    try:
        with zipfile.ZipFile(jar) as archive:
            return entry in archive.NameToInfo
    except (OSError, zipfile.BadZipFile):
        return False


def _elsewhere(environment: Mapping[str, str], folders: Mapping[str, str]) -> dict[str, str]:
    """Where folders can't be shown under their own names, search paths name those that stand in for them."""
    moved: dict[str, str] = {}
    for name in PATHS:
        if name in environment:
            moved[name] = os.pathsep.join(_moved(part, folders) for part in environment[name].split(":"))
    return moved


def _moved(path: str, folders: Mapping[str, str]) -> str:
    return next((path.replace(shown, real, 1) for shown, real in folders.items() if f"{path}/".startswith(f"{shown}/")), path)


def _merged(folder: Path, spec: Spec) -> str:
    """The layers over each other in one folder of links, later ones on top."""
    target = folder / "opt"
    target.mkdir()
    for layer in spec.layers:
        for parent, folders, names in os.walk(layer):
            here = target / Path(parent).relative_to(layer)
            for name in folders:
                (here / name).mkdir(exist_ok=True)
            for name in names:
                link = here / name
                link.unlink(missing_ok=True)
                link.symlink_to(Path(parent, name).resolve())
    return str(target)
