"""Lambda's limits, names and sentences.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Fault

ZIPPED_BYTES_MAX = 52_428_800
UNZIPPED_BYTES_MAX = 262_144_000
TOTAL_CODE_BYTES_MAX = 80_530_636_800
ENVIRONMENT_BYTES_MAX = 4096
REQUEST_BYTES_MAX = 70_167_211
SYNCHRONOUS_BYTES_MAX = 6_291_456
ASYNCHRONOUS_BYTES_MAX = 1_048_576
CONCURRENCY_MAX = 1000
UNRESERVED_MIN = 100
AT_ONCE_MAX = 256
"""Runs of one function that a machine has at a time at most, where AWS goes on to 1,000 or 1,250."""
LAYERS_MAX = 5
TIMEOUT_SECONDS_MAX = 900
MEMORY_MB_MAX = 10_240
STORAGE_MB_MAX = 10_240
TAGS_MAX = 50
POLICY_BYTES_MAX = 20_480
PAGE_MAX = 50
NAME_MAX = 64
LATEST = "$LATEST"
ENTRY_OVERHEAD_BYTES = 3500
"""What AWS adds to a payload that is too large when it names its size; found in its answers."""

RUNTIMES = (
    "nodejs20.x", "python3.14", "provided.al2023", "python3.12", "python3.13", "nodejs24.x", "nodejs22.x", "java25", "python3.10",
    "python3.11", "java21", "ruby3.3", "ruby3.4", "ruby3.2", "python3.8", "python3.9", "java17", "nodejs16.x", "dotnet10", "dotnet8",
    "java11", "dotnet6", "nodejs18.x", "provided.al2", "java8.al2",
)  # fmt: skip
"""In the order in which AWS's refusal names them."""
RETIRED = frozenset(
    {
        "dotnet5.0", "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "go1.x", "java8", "nodejs", "nodejs10.x",
        "nodejs12.x", "nodejs14.x", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "provided", "python2.7", "python3.6",
        "python3.7", "ruby2.5", "ruby2.7",
    }
)  # fmt: skip
RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    }
)  # fmt: skip
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime"""

_NAME = re.compile(
    r"(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?(?:((?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(\d{12}):)?(?:function:)?"
    r"([a-zA-Z0-9-_.]+)(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
_LAYER = re.compile(r"(?:arn:[a-zA-Z0-9-]+:lambda:([a-z0-9-]+):(\d{12}):layer:)?([a-zA-Z0-9-_]+)(?::(\d+))?")


class Name(NamedTuple):
    """A function as a request names it; empty parts were not named."""

    region: str
    account: str
    name: str
    qualifier: str


def invalid(message: str) -> Fault:
    return Fault("InvalidParameterValueException", message, Type="User")


def beyond_account(message: str) -> Fault:
    """As `invalid`, for what the account's concurrency doesn't allow: AWS gives these no `Type`."""
    return Fault("InvalidParameterValueException", message)


def not_found(message: str) -> Fault:
    return Fault("ResourceNotFoundException", message, Type="User")


def conflict(message: str) -> Fault:
    return Fault("ResourceConflictException", message, Type="User")


def check_revision(req: Mapping[str, Any], revision: str, operation: str) -> None:
    """A RevisionId that a request gives is the current one, which `operation` tells."""
    if req.get("RevisionId") and req["RevisionId"] != revision:
        message = (
            f"The Revision Id provided does not match the latest Revision Id. Call the {operation} API to retrieve the latest Revision Id"
        )
        raise Fault("PreconditionFailedException", message, Type="User")


@lru_cache(maxsize=4096)
def name_of(text: str) -> Name:
    """The function that a name, a partial or a whole ARN stands for."""
    found = _NAME.fullmatch(text)
    if found is None:
        raise Fault("ValidationException", f"1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint")
    return Name(found[1] or "", found[2] or "", found[3], found[4] or "")


def layer_of(text: str) -> Name:
    """The layer that a name or an ARN stands for; the qualifier is the version's number."""
    found = _LAYER.fullmatch(text)
    if found is None:
        raise invalid(f"Layer version {text} does not exist.")
    return Name(found[1] or "", found[2] or "", found[3], found[4] or "")


def arn_of(region: str, account: str, name: str, qualifier: str = "") -> str:
    arn = f"arn:{partition_of(region)}:lambda:{region}:{account}:function:{name}"
    return f"{arn}:{qualifier}" if qualifier else arn


def layer_arn(region: str, account: str, name: str, number: int = 0) -> str:
    arn = f"arn:{partition_of(region)}:lambda:{region}:{account}:layer:{name}"
    return f"{arn}:{number}" if number else arn


def mapping_arn(region: str, account: str, uuid: str) -> str:
    return f"arn:{partition_of(region)}:lambda:{region}:{account}:event-source-mapping:{uuid}"


def signing_arn(region: str, account: str, signing_id: str) -> str:
    return f"arn:{partition_of(region)}:lambda:{region}:{account}:code-signing-config:{signing_id}"


def shown_number(number: int) -> str:
    return str(number) if number else LATEST


def moment(now: float) -> str:
    """As LastModified is printed: 2026-01-01T00:00:00.000+0000."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(now * 1000) % 1000:03d}+0000"


def moment_z(now: float) -> str:
    """As records and logs have it: 2026-01-01T00:00:00.000Z."""
    return moment(now)[:-5] + "Z"


def digest_of(archive: bytes) -> str:
    return b64encode(sha256(archive).digest()).decode()


def hex_of(digest: str) -> str:
    return b64decode(digest).hex()


def runtime_arn(region: str, runtime: str) -> str:
    return f"arn:{partition_of(region)}:lambda:{region}::runtime:{sha256(runtime.encode()).hexdigest()}"


def check_runtime(runtime: str) -> None:
    if runtime in RETIRED:
        raise invalid(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
    if runtime not in RUNTIMES:
        raise invalid(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(RUNTIMES)}] or be a valid ARN"
        )


def check_limits(req: Mapping[str, Any]) -> None:
    """What the model allows is more: that is for functions of a capacity provider."""
    for value, path, limit in (
        (req.get("Timeout", 0), "timeout", TIMEOUT_SECONDS_MAX),
        (req.get("EphemeralStorage", {}).get("Size", 0), "ephemeralStorage.size", STORAGE_MB_MAX),
    ):
        if value > limit:
            message = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must have value less than or equal to {limit}"
            raise Fault("ValidationException", f"1 validation error detected: {message}")
    if req.get("MemorySize", 0) > MEMORY_MB_MAX:
        raise invalid(f"'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to {MEMORY_MB_MAX}")


def check_environment(variables: Mapping[str, str]) -> None:
    reserved = sorted(RESERVED_VARIABLES & variables.keys())
    if reserved:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have provided contains "
            "reserved keys that are currently not supported for modification. Reserved keys used in this request: " + ", ".join(reserved)
        )
    measured = msgspec.json.encode(dict(variables))
    if len(measured) > ENVIRONMENT_BYTES_MAX:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded "
            f"the 4KB limit. String measured: {measured.decode()}"
        )


def check_size(req: Mapping[str, Any], operation: str) -> None:
    """Of a request as it was sent, where archives are written in base64."""
    archive = len(req.get("Code", req).get("ZipFile") or b"") * 4 // 3
    variables = sum(len(value) for value in req.get("Environment", {}).get("Variables", {}).values())
    if archive + variables > REQUEST_BYTES_MAX:
        raise Fault(
            "RequestEntityTooLargeException", f"Request must be smaller than {REQUEST_BYTES_MAX} bytes for the {operation} operation"
        )


def check_payload(payload: bytes, kind: str) -> None:
    """The payload of an invocation is JSON, and not too long."""
    limit = ASYNCHRONOUS_BYTES_MAX if kind == "Event" else SYNCHRONOUS_BYTES_MAX
    if len(payload) > limit:
        message = f"{len(payload) + ENTRY_OVERHEAD_BYTES} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
        raise Fault("RequestTooLargeException", message, Type="User")
    try:
        msgspec.json.decode(payload, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        message = f"Could not parse request body into json: Could not parse payload into json: {error}"
        raise Fault("InvalidRequestContentException", message, Type="User") from error


def throttled(reserved: bool) -> Fault:
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded" if reserved else "ConcurrentInvocationLimitExceeded"
    return Fault("TooManyRequestsException", "Rate Exceeded.", Reason=reason, Type="User")


def without_empty(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}
