"""What Lambda remembers: functions with their versions and aliases, layers, policies, waiting events and event source mappings."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric import Table


class Used(msgspec.Struct, frozen=True):
    """A layer's version as a function has it: it stays with the function when the layer's version is deleted."""

    arn: str
    size: int
    code: str


class Durable(msgspec.Struct, frozen=True):
    """How long the executions of a durable function may take, and how many days they are remembered."""

    timeout: int
    retention: int = 14
    kms: str = ""


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """A version's code and configuration. What AWS prints as it was given is kept as it was given."""

    role: str
    code: str
    """SHA-256 of the archive, base64, as AWS prints it."""
    size: int
    modified: float
    revision: str
    generation: int
    """Rises with each change of code or configuration: a sandbox of another generation is out of date."""
    runtime: str = ""
    handler: str = ""
    description: str = ""
    described: str = ""
    """Of a published version: what the unpublished one's description was then."""
    timeout: int = 3
    memory: int = 128
    environment: dict[str, str] | None = None
    layers: list[Used] = []
    architectures: list[str] = msgspec.field(default_factory=lambda: ["x86_64"])
    ephemeral: int = 512
    tracing: str = "PassThrough"
    dead_letter: str = ""
    logging: dict[str, Any] = {}
    snap_start: str = "None"
    vpc: dict[str, Any] | None = None
    files: list[dict[str, Any]] = []
    kms: str = ""
    data_key: bytes = b""
    """As KMS made it, under the key `kms`."""
    durable: Durable | None = None


class Function(msgspec.Struct, frozen=True, omit_defaults=True):
    """What all versions of a function share."""

    id: int
    last: int = 0
    """The number of the version published last."""
    reserved: int | None = None
    """Reserved concurrency."""
    provisioned: bool = False
    """Whether any of its versions or aliases had provisioned concurrency at some time: only then there is something to look up."""
    recursion: str = "Terminate"
    signing: str = ""
    """The id of its code signing configuration."""


class Alias(msgspec.Struct, frozen=True, omit_defaults=True):
    """A name for a version, or for two of them by weight."""

    version: int
    description: str
    revision: str
    weights: dict[str, float] = {}


class Policy(msgspec.Struct, frozen=True):
    """Statements of a resource's policy, as AWS prints them."""

    statements: list[dict[str, Any]]
    revision: str


class Archive(msgspec.Struct, frozen=True):
    """Bytes of code, kept once for all that use them."""

    blob: str
    size: int
    uses: int


class LayerVersion(msgspec.Struct, frozen=True, omit_defaults=True):
    """A layer's version."""

    code: str
    size: int
    created: float
    description: str = ""
    license: str = ""
    runtimes: list[str] | None = None
    architectures: list[str] | None = None


class InvokeConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happens to asynchronous events of a function, one of its versions or aliases."""

    modified: float
    attempts: int | None = None
    age: int | None = None
    success: str = ""
    failure: str = ""


class Url(msgspec.Struct, frozen=True, omit_defaults=True):
    """A function URL's configuration."""

    id: str
    auth: str
    created: float
    modified: float
    mode: str = ""
    """As it was given; "" is BUFFERED."""
    cors: dict[str, Any] | None = None


class UrlOf(msgspec.Struct, frozen=True):
    """Whose a function URL is."""

    account: str
    region: str
    name: str
    qualifier: str


class Waiting(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event that was accepted and has not been dealt with."""

    name: str
    qualifier: str
    payload: bytes
    request_id: str
    accepted: float
    client_context: str = ""
    attempts: int = 0
    """Invocations that failed by the function's fault."""
    delays: int = 0
    """Attempts that were throttled."""
    trace: str = ""
    """The trace it came with."""


class Mapping(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event source mapping."""

    source: str
    function: str
    """The function's ARN, qualified if it was when it was mapped."""
    modified: float
    enabled: bool = True
    batch: int = 10
    window: int = 0
    filters: list[str] = []
    concurrency: int | None = None
    pollers: tuple[int, int] | None = None
    """How few and how many pollers, where they are provisioned."""
    responses: list[str] = []
    kms: str = ""
    metrics: list[str] = []
    serial: int = 0
    """Which state of it this is: each change is another."""
    start: str = ""
    """Of a stream: where it begins; the rest is a stream's as well."""
    start_at: float | None = None
    parallel: int = 1
    retries: int = -1
    age: int = -1
    bisect: bool = False
    tumbling: int = 0
    failure: str = ""
    """The ARN of who is told of records that are given up."""


class RuntimeConfig(msgspec.Struct, frozen=True):
    """How a version's runtime is updated."""

    update: str
    arn: str = ""


class Signing(msgspec.Struct, frozen=True, omit_defaults=True):
    """A code signing configuration."""

    publishers: list[str]
    policy: str
    modified: float
    description: str = ""


class Provisioned(msgspec.Struct, frozen=True):
    """Provisioned concurrency of a version or an alias."""

    number: int
    modified: float
    serial: int = 0
    """Which configuration this is: each change is another."""
    available: int = 0
    """How many of its sandboxes are there, as last seen."""
    version: int = 0
    """Whose they are: for a while the old version's when an alias has moved."""
    reason: str = ""
    """Why they could not be started."""


FUNCTIONS = Table(
    "lambda.functions",
    Function,
    indexes={"signing": lambda key, row: (row.signing, key[0]) if row.signing else None},
    counters={"all": lambda key, row: ()},
)
"""name -> Function"""
VERSIONS = Table("lambda.versions", Version)
"""(name, number) -> Version; number 0 is $LATEST"""
ALIASES = Table("lambda.aliases", Alias, indexes={"version": lambda key, alias: (key[0], alias.version, key[1])})
"""(name, alias) -> Alias"""
POLICIES = Table("lambda.policies", Policy)
"""(name, qualifier or "") -> Policy"""
ARCHIVES = Table("lambda.archives", Archive, scope="global")
"""SHA-256, base64 -> Archive"""
CODE_BYTES = Table("lambda.code_bytes", int)
"""() -> how many bytes all versions of functions and layers count for"""
LAYERS = Table("lambda.layers", int)
"""name -> the number of its version published last; numbers are never given twice"""
LAYER_VERSIONS = Table("lambda.layer_versions", LayerVersion)
"""(name, -number) -> LayerVersion: the newest first, as they are listed"""
LAYER_POLICIES = Table("lambda.layer_policies", Policy)
"""(name, number) -> Policy"""
INVOKE_CONFIGS = Table("lambda.invoke_configs", InvokeConfig)
"""(name, qualifier, "$LATEST" where none was given) -> InvokeConfig"""
URLS = Table("lambda.urls", Url)
"""(name, alias or "") -> Url"""
WAITING = Table("lambda.waiting", Waiting)
"""serial -> Waiting"""
MAPPINGS = Table(
    "lambda.mappings", Mapping, scope="global", indexes={"source": lambda key, row: (key[0], key[1], row.source, row.function)}
)
"""(account, region, uuid) -> Mapping; "source" by (account, region, source, function)"""
RESULTS = Table("lambda.results", str, scope="global")
"""(account, region, mapping's uuid) -> what came of its last batch, of streams"""
RESERVED = Table("lambda.reserved", int)
"""name -> reserved concurrency, of those functions that have it"""
TAKEN = Table("lambda.taken", float)
"""(name, serial) -> until when at most, by the machines' clocks, a run has a place of the function's reserved concurrency"""
RUNTIME_CONFIGS = Table("lambda.runtime_configs", RuntimeConfig)
"""(name, qualifier) -> RuntimeConfig"""
SIGNINGS = Table("lambda.signings", Signing)
"""id -> Signing"""
PROVISIONED = Table("lambda.provisioned", Provisioned)
"""(name, qualifier) -> Provisioned"""
URL_IDS = Table("lambda.url_ids", UrlOf, scope="global")
"""a URL's id -> UrlOf. It stays when the URL goes: AWS tells such hosts from those that never were."""
QUALIFIED: tuple[Table[Any], ...] = (ALIASES, POLICIES, INVOKE_CONFIGS, URLS, RUNTIME_CONFIGS, PROVISIONED)
"""What belongs to a function under a qualifier, and goes with it."""
