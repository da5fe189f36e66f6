"""Which function, version and alias a request means, and how AWS prints it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.aws.pages import decode, page
from windtunnel.fabric import Fault, Table, Tx
from windtunnel.services.lambda_.rules import (
    LATEST,
    PAGE_MAX,
    POLICY_BYTES_MAX,
    Name,
    arn_of,
    invalid,
    moment,
    name_of,
    not_found,
    runtime_arn,
    shown_number,
)
from windtunnel.services.lambda_.state import ALIASES, FUNCTIONS, SIGNINGS, VERSIONS, Alias, Function, Policy, Version

Row = TypeVar("Row")


class Found(msgspec.Struct, frozen=True):
    """A version of a function, as it was asked for."""

    tx: Tx
    name: str
    qualifier: str
    """As in the request; "" where there was none."""
    function: Function
    number: int
    version: Version
    alias: Alias | None = None
    provisioned: str = ""
    """The qualifier whose provisioned sandboxes this invocation has one of."""

    @property
    def arn(self) -> str:
        """The ARN as it was asked for."""
        return arn_of(self.tx.region, self.tx.account, self.name, self.qualifier)


def named(tx: Tx, req: Mapping[str, Any]) -> Name:
    """FunctionName and Qualifier of a request, which must agree. Raises the faults of other regions and accounts."""
    text = req["FunctionName"]
    name = name_of(text)
    qualifier = req.get("Qualifier") or ""
    if name.qualifier and qualifier and name.qualifier != qualifier:
        raise invalid("The derived qualifier from the function name does not match the specified qualifier.")
    if name.region and name.region != tx.region:
        raise not_found(f"Functions from '{name.region}' are not reachable in this region ('{tx.region}')")
    return Name(tx.region, name.account or tx.account, name.name, qualifier or name.qualifier)


def own(tx: Tx, req: Mapping[str, Any]) -> Name:
    """As `named`, in the caller's account only."""
    name = named(tx, req)
    if name.account != tx.account:
        raise Fault("AccessDeniedException", "", status=403)
    return name


def there(tx: Tx, req: Mapping[str, Any], otherwise: str) -> Name:
    """As `own`, of a function, version or alias that is there; `otherwise` is said where it isn't."""
    name = own(tx, req)
    try:
        find(tx, name)
    except Fault as fault:
        raise not_found(otherwise) from fault
    return name


def qualified(tx: Tx, table: Table[Row], req: Mapping[str, Any], name: str) -> tuple[list[tuple[str, Row]], dict[str, str]]:
    """A page of what a function has in a table, by qualifier, and where the next begins, as it is told."""
    rows, marker = page(tx.scan(table, name, start=start_of(req, name)), min(req.get("MaxItems", PAGE_MAX), PAGE_MAX))
    return [(str(key[1]), row) for key, row in rows], {"NextMarker": marker} if marker else {}


def find(tx: Tx, name: Name) -> Found:
    """The version a name stands for. An alias with weights is one of its versions, by chance. Raises ResourceNotFoundException."""
    tx = tx if name.account == tx.account else tx.at(account=name.account)
    function = tx.get(FUNCTIONS, name.name)
    qualifier, number, alias = name.qualifier, 0, None
    if function is not None and qualifier and qualifier != LATEST:
        if qualifier.isdigit():
            number = int(qualifier)
        elif (alias := tx.get(ALIASES, name.name, qualifier)) is not None:
            number = alias.version
        else:
            function = None
    version = None if function is None else tx.get(VERSIONS, name.name, number)
    if function is None or version is None or (qualifier == "0"):
        raise not_found(f"Function not found: {arn_of(name.region, name.account, name.name, qualifier)}")
    return Found(tx, name.name, qualifier, function, number, version, alias)


def chosen(found: Found) -> Found:
    """The version that an alias sends this one invocation to."""
    if found.alias is None or not found.alias.weights:
        return found
    (other, weight), *_ = found.alias.weights.items()
    if found.tx.ids.fraction() >= weight:
        return found
    version = found.tx.get(VERSIONS, found.name, int(other))
    return found if version is None else msgspec.structs.replace(found, number=int(other), version=version)


def latest(tx: Tx, name: str) -> tuple[Function, Version]:
    """A function with its unpublished version. Raises ResourceNotFoundException."""
    function, version = tx.get(FUNCTIONS, name), tx.get(VERSIONS, name, 0)
    if function is None or version is None:
        raise not_found(f"Function not found: {arn_of(tx.region, tx.account, name)}")
    return function, version


def signing_of(tx: Tx, arn: str) -> str:
    """The id of a configuration that a function is to have. Raises CodeSigningConfigNotFoundException."""
    signing_id = parse(arn).id
    if tx.get(SIGNINGS, signing_id) is None:
        raise Fault(
            "CodeSigningConfigNotFoundException",
            f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {arn}.",
            Type="User",
        )
    return signing_id


def log_group(name: str, version: Version) -> str:
    return version.logging.get("LogGroup") or f"/aws/lambda/{name}"


def policy_of(tx: Tx, statements: list[dict[str, Any]]) -> Policy:
    """A policy as it is kept. Raises PolicyLengthExceededException."""
    policy = Policy(statements, tx.new_id())
    size = len(printed_policy(policy)["Policy"].encode())
    if size > POLICY_BYTES_MAX:
        message = f"The final policy size ({size}) is bigger than the limit ({POLICY_BYTES_MAX})."
        raise Fault("PolicyLengthExceededException", message, Type="User")
    return policy


def printed_policy(policy: Policy) -> dict[str, Any]:
    """A policy as a document, with its revision."""
    document = {"Version": "2012-10-17", "Id": "default", "Statement": policy.statements}
    return {"Policy": msgspec.json.encode(document).decode(), "RevisionId": policy.revision}


def printed(tx: Tx, name: str, number: int, version: Version, qualifier: str = "") -> dict[str, Any]:
    """A version's configuration, as listings print it; the ARN is qualified by what it was asked for."""
    shown: dict[str, Any] = {
        "FunctionName": name,
        "FunctionArn": arn_of(tx.region, tx.account, name, qualifier),
        "Runtime": version.runtime,
        "Role": version.role,
        "Handler": version.handler,
        "CodeSize": version.size,
        "Description": version.description,
        "Timeout": version.timeout,
        "MemorySize": version.memory,
        "LastModified": moment(version.modified),
        "CodeSha256": version.code,
        "Version": shown_number(number),
        "TracingConfig": {"Mode": version.tracing},
        "RevisionId": version.revision,
        "PackageType": "Zip",
        "Architectures": version.architectures,
        "EphemeralStorage": {"Size": version.ephemeral},
        "SnapStart": {"ApplyOn": version.snap_start, "OptimizationStatus": "Off"},
        "LoggingConfig": _logging(name, version),
    }
    if version.environment is not None:
        shown["Environment"] = {"Variables": version.environment}
    if version.dead_letter:
        shown["DeadLetterConfig"] = {"TargetArn": version.dead_letter}
    if version.layers:
        shown["Layers"] = [{"Arn": layer.arn, "CodeSize": layer.size} for layer in version.layers]
    if version.vpc is not None:
        shown["VpcConfig"] = {"VpcId": "", **version.vpc}
    if version.files:
        shown["FileSystemConfigs"] = version.files
    if version.kms:
        shown["KMSKeyArn"] = version.kms
    if (durable := version.durable) is not None:
        config = {"RetentionPeriodInDays": durable.retention, "ExecutionTimeout": durable.timeout}
        shown["DurableConfig"] = config | ({"KMSKeyArn": durable.kms} if durable.kms else {})
    return shown


def printed_whole(tx: Tx, name: str, number: int, version: Version, qualifier: str = "") -> dict[str, Any]:
    """The same with its state, as it is answered for one function. What was created or changed is ready when it is asked for."""
    return {
        **printed(tx, name, number, version, qualifier),
        "RuntimeVersionConfig": {"RuntimeVersionArn": runtime_arn(tx.region, version.runtime)},
        "State": "Active",
        "LastUpdateStatus": "Successful",
    }


def printed_creating(tx: Tx, name: str, number: int, version: Version, qualifier: str = "") -> dict[str, Any]:
    """The answer to what makes a version. The version has another revision once it is active, which is when it is next asked for."""
    shown = printed_whole(tx, name, number, version, qualifier)
    del shown["LastUpdateStatus"]
    creating = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
    return shown | creating | {"RevisionId": tx.new_id()}


def printed_changing(tx: Tx, name: str, version: Version) -> dict[str, Any]:
    """The answer to a change, whose end changes the revision once more."""
    return printed_whole(tx, name, 0, version) | {
        "RevisionId": tx.new_id(),
        "LastUpdateStatus": "InProgress",
        "LastUpdateStatusReason": "The function is being created.",
        "LastUpdateStatusReasonCode": "Creating",
    }


def _logging(name: str, version: Version) -> dict[str, Any]:
    """Levels are kept for JSON only; what wasn't said is INFO there."""
    shown: dict[str, Any] = {"LogFormat": version.logging.get("LogFormat", "Text"), "LogGroup": log_group(name, version)}
    if shown["LogFormat"] == "JSON":
        shown |= {level: version.logging.get(level, "INFO") for level in ("ApplicationLogLevel", "SystemLogLevel")}
    return shown


def revised(tx: Tx, name: str) -> None:
    """What is written about a function beside its code and configuration changes the revision of $LATEST too."""
    version = tx.get(VERSIONS, name, 0)
    if version is not None:
        tx.put(VERSIONS, name, 0, value=msgspec.structs.replace(version, revision=tx.new_id()))


def start_of(req: Mapping[str, Any], *prefix: str) -> tuple[Any, ...] | None:
    """Where a listing goes on, within what lies below a prefix."""
    if not req.get("Marker"):
        return None
    try:
        key = decode(req["Marker"])
    except ValueError as error:
        raise invalid("Invalid marker.") from error
    if key[: len(prefix)] != prefix:
        raise invalid("Invalid marker.")
    return key[len(prefix) :]
