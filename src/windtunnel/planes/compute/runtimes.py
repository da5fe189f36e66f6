"""Which program of this machine runs functions of which Lambda runtime, and what stands in where the exact one isn't installed."""

import functools
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import msgspec

from windtunnel.planes.compute.records import Missing, Runtime

PYTHON_PLACES = (
    "~/.pyenv/versions/{version}.*/bin/python{version}",
    "~/.local/share/uv/python/cpython-{version}.*/bin/python{version}",
    "/usr/bin/python{version}",
    "/usr/local/bin/python{version}",
    "/opt/homebrew/bin/python{version}",
    "/opt/python{version}/bin/python{version}",
    "/opt/hostedtoolcache/Python/{version}.*/*/bin/python{version}",
)
RUBY_PLACES = (
    "~/.rbenv/versions/{version}.*/bin/ruby",
    "~/.rubies/ruby-{version}.*/bin/ruby",
    "~/.rvm/rubies/ruby-{version}.*/bin/ruby",
    "/usr/bin/ruby{version}",
    "/opt/hostedtoolcache/Ruby/{version}.*/*/bin/ruby",
)
NODE_PLACES = ("~/.nvm/versions/node/v{version}.*/bin/node", "/opt/hostedtoolcache/node/{version}.*/*/bin/node")
JAVA_CLIENT_PLACE = "~/.m2/repository"
JAVA_CLIENT_PARTS = (
    "com/amazonaws/aws-lambda-java-runtime-interface-client",
    "com/amazonaws/aws-lambda-java-serialization",
    "com/amazonaws/aws-lambda-java-core",
    "software/amazon/awssdk/utils-lite",  # newer ones need it
)
MODULE_PLACES = ("/usr/lib/node_modules", "/usr/local/lib/node_modules", "/opt/homebrew/lib/node_modules")
ASK_PYTHON = (
    "import sys, sysconfig, importlib.util as u, json;"
    "print(json.dumps([sys.version.split()[0], sys.executable, sys.base_prefix, sys.prefix, sysconfig.get_path('purelib'),"
    "sysconfig.get_path('platlib'), bool(u.find_spec('boto3')), [p for p in sys.path if p.endswith('-packages')]]))"
)
ASK_RUBY = "puts RUBY_VERSION, RbConfig::CONFIG['prefix'], Gem::Specification.any? { |gem| gem.name == 'aws-sdk-core' }, Gem.path"
SDK_PYTHON_OLDEST = (3, 10)


class _Python(msgspec.Struct, frozen=True, array_like=True):
    version: str
    executable: str
    base_prefix: str
    prefix: str
    purelib: str
    platlib: str
    boto3: bool
    packages: tuple[str, ...]

    def minor(self) -> tuple[int, int]:
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)


@functools.cache
def runtime_for(name: str) -> Runtime | Missing:
    """How this machine runs `name` ("python3.12", "nodejs20.x", "provided.al2023"); asked once for each name."""
    if match := re.fullmatch(r"python(3\.\d+)", name):
        return _python(name, match[1])
    if match := re.fullmatch(r"nodejs(\d+)\.x", name):
        return _node(name, match[1])
    if match := re.fullmatch(r"java(\d+)(\.al2)?", name):
        return _java(name, match[1])
    if match := re.fullmatch(r"ruby(\d\.\d)", name):
        return _ruby(name, match[1])
    if name.startswith("provided"):
        return Runtime(name, "provided")
    for family, program, advice in (
        ("dotnet", "dotnet", ".NET functions run as provided.al2023 when published as a self-contained executable named bootstrap"),
        ("go", "go", "Go functions run as provided.al2023 when built as an executable named bootstrap"),
    ):
        if name.startswith(family):
            found = "" if shutil.which(program) else f" ({program} is not on the PATH either)"
            return Missing(name, f"{advice}{found}: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html")
    return Missing(name, f"{name} is not a runtime that windtunnel knows")


def _first(program: str | None, places: tuple[str, ...], version: str) -> list[str]:
    """Programs to try: the one on the PATH, then those under well-known places, newest first."""
    found = [program] if program else []
    for place in places:
        path = Path(place.format(version=version)).expanduser()
        found += sorted((str(hit) for hit in Path(path.anchor).glob(str(path.relative_to(path.anchor)))), reverse=True)
    return found


def _ask(command: list[str], *, errors: bool = False) -> str:
    """What a program says of itself; nothing when it can't be run (a version manager's shim for a version that isn't active)."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True, stdin=subprocess.DEVNULL)
        return done.stderr if errors else done.stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _python(name: str, version: str) -> Runtime | Missing:
    note = ""
    own = _own_python()
    chosen = own if own.version.startswith(version + ".") else None
    if chosen is None:
        for program in _first(shutil.which(f"python{version}"), PYTHON_PLACES, version):
            said = _ask([program, "-I", "-c", ASK_PYTHON])
            if said and (known := msgspec.json.decode(said, type=_Python)).version.startswith(version + "."):
                chosen = known
                break
    if chosen is None:
        chosen = own
        note = (
            f"Python {version} is not installed: functions of {name} run with Python {own.version}; install python{version} to change that"
        )
    packages = [path for path in chosen.packages if path]
    environment: dict[str, str] = {}
    lent = sysconfig.get_path("purelib")
    if chosen.minor() == own.minor():
        packages += [path for path in own.packages if path not in packages]
    elif not chosen.boto3 and chosen.minor() >= SDK_PYTHON_OLDEST:
        environment["WINDTUNNEL_PURE_PACKAGES"] = lent
    elif not chosen.boto3:
        note = f"Python {chosen.version} has no boto3, and windtunnel's own needs a newer Python: pip install boto3 there"
    environment["WINDTUNNEL_PACKAGES"] = ":".join(packages) if sys.platform != "win32" else ";".join(packages)
    executable = str(Path(chosen.executable).resolve())
    readable = dict.fromkeys([chosen.base_prefix, *packages, *environment.get("WINDTUNNEL_PURE_PACKAGES", "").split(":")])
    return Runtime(name, "python", (executable, "-S"), _beyond_system(readable), environment, note)


@functools.cache
def _own_python() -> _Python:
    base = getattr(sys, "_base_executable", sys.executable)
    said = _ask([base, "-I", "-c", ASK_PYTHON])
    known = (
        msgspec.json.decode(said, type=_Python) if said else _Python(sys.version.split()[0], base, sys.base_prefix, "", "", "", False, ())
    )
    lent = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    return msgspec.structs.replace(known, packages=(*known.packages, *(path for path in lent if path not in known.packages)))


def _node(name: str, version: str) -> Runtime | Missing:
    programs = _first(shutil.which(f"node{version}"), NODE_PLACES, version) + _first(shutil.which("node"), (), version)
    found = [(program, said.strip().lstrip("v")) for program in programs if (said := _ask([program, "--version"]))]
    exact = [pair for pair in found if pair[1].startswith(version + ".")]
    if not found:
        return Missing(name, f"Functions of {name} need Node.js, and there is no node on the PATH: install Node.js {version}")
    program, said = (exact or found)[0]
    note = "" if exact else f"Node.js {version} is not installed: functions of {name} run with Node.js {said}"
    executable = Path(program).resolve()
    modules = [place for place in (*MODULE_PLACES, str(executable.parent.parent / "lib/node_modules")) if Path(place, "@aws-sdk").is_dir()]
    if not modules:
        note = f"{note}; " if note else ""
        note += "the AWS SDK for JavaScript is not installed here, so functions must bring it: npm install --global @aws-sdk/client-…"
    environment = {"NODE_PATH": ":".join([f"/opt/nodejs/node{version}/node_modules", "/opt/nodejs/node_modules", *dict.fromkeys(modules)])}
    return Runtime(
        name,
        "nodejs",
        (str(executable),),
        _beyond_system({str(executable.parent.parent): None, **dict.fromkeys(modules)}),
        environment,
        note,
    )


def _ruby(name: str, version: str) -> Runtime | Missing:
    programs = _first(shutil.which(f"ruby{version}"), RUBY_PLACES, version) + _first(shutil.which("ruby"), (), version)
    found = [(program, said.splitlines()) for program in programs if (said := _ask([program, "-e", ASK_RUBY]))]
    exact = [pair for pair in found if pair[1][0].startswith(version + ".")]
    if not found:
        return Missing(name, f"Functions of {name} need Ruby, and there is no ruby on the PATH: install Ruby {version}")
    program, (said, prefix, sdk, *gems) = (exact or found)[0]
    notes = [] if exact else [f"Ruby {version} is not installed: functions of {name} run with Ruby {said}"]
    if sdk != "true":
        notes.append("the AWS SDK for Ruby is not installed here, so functions must bring it: gem install aws-sdk-…")
    executable = str(Path(program).resolve())
    # The trailing colon keeps the gems that Ruby knows by itself.
    places = [f"{place}/{number}" for place in ("/var/task/vendor/bundle/ruby", "/opt/ruby/gems") for number in _minors(version, said)]
    environment = {"GEM_PATH": ":".join([*places, ""]), "RUBYLIB": "/var/task:/opt/ruby/lib"}
    readable = _beyond_system(dict.fromkeys([prefix, *gems]))
    return Runtime(name, "ruby", (executable, "-EUTF-8"), readable, environment, "; ".join(notes))


def _minors(*versions: str) -> list[str]:
    """What folders of gems are called after: 3.3.0 for all Rubies 3.3."""
    return list(dict.fromkeys(".".join([*version.split(".")[:2], "0"]) for version in versions))


def _java(name: str, version: str) -> Runtime | Missing:
    """Java functions run by AWS's own client: the one that they bring along (see `prepare`), else the one that Maven keeps here."""
    program = shutil.which("java")
    said = _ask([program, "-XshowSettings:properties", "--version"], errors=True) if program else ""
    home = next((line.partition("=")[2].strip() for line in said.splitlines() if line.strip().startswith("java.home")), "")
    if not home:
        return Missing(name, f"Functions of {name} need Java, and there is no java on the PATH: install a Java {version} runtime")
    found = next((line.partition("=")[2].strip() for line in said.splitlines() if line.strip().startswith("java.version =")), "")
    note = "" if found.split(".")[0] == version else f"Java {version} is not on the PATH: functions of {name} run with Java {found}"
    settings = str(Path(home, "conf/security/java.security").resolve())  # some systems keep them elsewhere
    client = _java_client()
    readable = _beyond_system(dict.fromkeys([home, _tree(settings), *(str(jar.parent) for jar in client)]))
    return Runtime(name, "java", (str(Path(home, "bin/java")), *map(str, client)), readable, {}, note)


def _java_client() -> list[Path]:
    """AWS's client and what it needs, each in its newest version that this user's Maven repository has; none where it is not there."""
    found: list[Path] = []
    for part in JAVA_CLIENT_PARTS:
        folder = Path(JAVA_CLIENT_PLACE, part).expanduser()
        jars = [jar for jar in folder.glob("*/*.jar") if jar.name == f"{folder.name}-{jar.parent.name}.jar"]
        found += sorted(jars, key=lambda jar: [int(number) for number in re.findall(r"\d+", jar.parent.name)])[-1:]
        if not found:
            return []
    return found


def _tree(path: str) -> str:
    """The folder below /etc that a path lies in, or the path."""
    parts = Path(path).parts
    return str(Path(*parts[:3])) if parts[:2] == ("/", "etc") else path


def _beyond_system(folders: dict[str, None]) -> tuple[str, ...]:
    """Folders that a sandbox doesn't have anyway; a folder inside another of the list is left out."""
    wanted = [folder for folder in folders if folder and folder != "/usr" and not folder.startswith("/usr/") and Path(folder).is_dir()]
    return tuple(folder for folder in wanted if not any(folder.startswith(other + "/") for other in wanted))
