"""What the compute plane is asked and what it answers. It knows processes and the Lambda Runtime API, not the Lambda service."""

import enum
from collections.abc import Callable, Mapping, Sequence

import msgspec

RESPONSE_BYTES_MAX = 6_291_556  # 6 MB and a little, as AWS's own message says
STREAMED_BYTES_MAX = 200 * 1024 * 1024
INIT_SECONDS_MAX = 10.0
LOG_LINE_BYTES_MAX = 256 * 1024
LOG_TAIL_BYTES = 4096

OnLog = Callable[[str, Sequence[str]], object]
"""Called with the id of the request that runs ("" in the init phase) and a batch of lines, without their line ends."""


class Kind(enum.StrEnum):
    """What came of an invocation."""

    OK = "ok"
    ERROR = "error"
    TIMEOUT = "timeout"
    EXIT = "exit"
    INIT_ERROR = "init-error"


class Runtime(msgspec.Struct, frozen=True):
    """How this machine runs functions of one Lambda runtime."""

    name: str
    family: str
    """"python", "nodejs", "ruby", "java" or "provided"."""
    command: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    """Folders of the machine that the runtime needs besides the system's."""
    environment: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    note: str = ""
    """What differs from AWS on this machine, in words for the user; empty when nothing does."""


class Missing(msgspec.Struct, frozen=True):
    """A runtime that this machine can't run, and what would change that."""

    name: str
    message: str


class Spec(msgspec.Struct, frozen=True):
    """One environment to be. `environment` holds the function's variables and AWS's; the plane adds those that name its own folders."""

    runtime: Runtime
    handler: str
    code: str
    layers: Sequence[str] = ()
    environment: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    memory_mb: int = 128
    timeout: float = 3.0
    tmp_mb: int = 512
    init_timeout: float = INIT_SECONDS_MAX
    """How long the init phase may take."""
    again: bool = False
    """It has failed before: this time it is part of the first invocation, and of its time."""


class Invocation(msgspec.Struct, frozen=True):
    """One event for a function."""

    request_id: str
    payload: bytes
    deadline_ms: int
    arn: str = ""
    trace_id: str = ""
    client_context: str = ""
    """JSON, as the Runtime API carries it (decoded from the caller's base64)."""
    cognito_identity: str = ""
    tenant_id: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """What came of an invocation. `payload` is the response, or the error's JSON; empty for a timeout, whose words are the caller's."""

    kind: Kind
    payload: bytes = b""
    error_type: str = ""
    duration_ms: float = 0.0
    init_ms: float | None = None
    """How long the init phase took, in the first outcome of an environment only."""
    max_memory_mb: int = 0
    log_tail: tuple[str, ...] = ()
    content_type: str = ""
