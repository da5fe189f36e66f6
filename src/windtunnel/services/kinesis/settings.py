"""What of a stream, and of an account, can be changed: each change holds at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.kinesis.queues.state import QUEUES
from windtunnel.services.kinesis.resharding import check_on_demand, check_room
from windtunnel.services.kinesis.rules import HOUR_SECONDS, RETENTION_HOURS_MAX, RETENTION_HOURS_MIN, invalid, not_valid
from windtunnel.services.kinesis.state import ACCOUNTS, COUNTS, ON_DEMAND, PROVISIONED, Commitment, Found, find

if TYPE_CHECKING:
    from windtunnel.aws.types import kinesis as t

METRICS = (
    "IncomingBytes",
    "IncomingRecords",
    "IteratorAgeMilliseconds",
    "OutgoingBytes",
    "OutgoingRecords",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
)
COMMITTED_SECONDS = 24 * HOUR_SECONDS
"""https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html"""
WARM_MIBPS_MAX = 10 * 1024


def increase_stream_retention_period(tx: Tx, req: t.IncreaseStreamRetentionPeriodInput) -> dict[str, Any]:
    found, hours = find(tx, req), req["RetentionPeriodHours"]
    _check_hours(hours)
    if hours < found.stream.retention:
        raise invalid(_other_way(found, hours, "shorter", "Decrease"))
    # What was too old until now stays gone.
    found.keep(retention=hours, trimmed=found.stream.horizon(found.tx.now) / 1000)
    return {}


def decrease_stream_retention_period(tx: Tx, req: t.DecreaseStreamRetentionPeriodInput) -> dict[str, Any]:
    found, hours = find(tx, req), req["RetentionPeriodHours"]
    _check_hours(hours)
    if hours > found.stream.retention:
        raise invalid(_other_way(found, hours, "longer", "Increase"))
    found.keep(retention=hours, trimmed=found.stream.horizon(found.tx.now) / 1000)
    return {}


async def start_stream_encryption(call: Call, req: t.StartStreamEncryptionInput) -> dict[str, Any]:
    if req["EncryptionType"] != "KMS":
        raise invalid("Encryption type NONE is not valid for StartStreamEncryption.")
    call.read(find, req)
    try:
        answer: Any = await call.aws_as(call.scope.principal).kms.describe_key({"KeyId": req["KeyId"]})
    except Fault as fault:
        code = "KMSAccessDeniedException" if fault.code == "AccessDeniedException" else "KMSNotFoundException"
        raise Fault(code, fault.message) from fault
    arn, state = answer["KeyMetadata"]["Arn"], answer["KeyMetadata"]["KeyState"]
    if state == "Disabled":
        raise Fault("KMSDisabledException", f"{arn} is disabled.")
    if state != "Enabled":
        raise Fault("KMSInvalidStateException", f"{arn} is pending deletion.")
    await call.transact(_encrypt, req)
    return {}


def _encrypt(tx: Tx, req: t.StartStreamEncryptionInput) -> None:
    find(tx, req).keep(encryption="KMS", key=req["KeyId"])


def stop_stream_encryption(tx: Tx, req: t.StopStreamEncryptionInput) -> dict[str, Any]:
    if req["EncryptionType"] != "KMS":
        raise invalid("Encryption type NONE is not valid for StopStreamEncryption.")
    find(tx, req).keep(encryption="NONE", key="")
    return {}


def enable_enhanced_monitoring(tx: Tx, req: t.EnableEnhancedMonitoringInput) -> dict[str, Any]:
    found = find(tx, req)
    return _monitored(found, {*found.stream.metrics, *_metrics(req["ShardLevelMetrics"])})


def disable_enhanced_monitoring(tx: Tx, req: t.DisableEnhancedMonitoringInput) -> dict[str, Any]:
    found = find(tx, req)
    return _monitored(found, {*found.stream.metrics} - _metrics(req["ShardLevelMetrics"]))


def update_stream_mode(tx: Tx, req: t.UpdateStreamModeInput) -> dict[str, Any]:
    found = find(tx, req)
    mode, stream = req["StreamModeDetails"]["StreamMode"], found.stream
    if mode == PROVISIONED and "WarmThroughputMiBps" in req:
        raise not_valid("WarmThroughputMiBps can only be set for on-demand streams.")
    if mode == stream.mode:
        raise invalid(f"Stream {found.name} under account {found.tx.account} already has the stream mode {mode}.")
    if mode == PROVISIONED:
        check_room(found, stream.open)
        if found.tx.count(QUEUES, "of", stream.id):
            raise Fault("ResourceInUseException", f"Stream {found.name} under account {found.tx.account} has queues. Delete them first.")
        if stream.distribution == "AUTO":
            raise invalid("A stream with RecordDistributionStrategy AUTO can't be switched to the provisioned capacity mode.")
    else:
        check_on_demand(found.tx)
    sign = 1 if mode == PROVISIONED else -1
    found.tx.add(COUNTS, "shards", amount=sign * stream.open)
    found.tx.add(COUNTS, "streams", amount=-sign)
    found.keep(mode=mode, warm=req.get("WarmThroughputMiBps"))
    return {}


def update_stream_warm_throughput(tx: Tx, req: t.UpdateStreamWarmThroughputInput) -> dict[str, Any]:
    found, warm = find(tx, req), req["WarmThroughputMiBps"]
    if found.stream.mode != ON_DEMAND:
        raise not_valid("UpdateStreamWarmThroughput is only supported for data streams with the on-demand capacity mode.")
    commitment = tx.get(ACCOUNTS)
    if commitment is None or (commitment.ends and commitment.ends <= tx.now):
        raise not_valid("Warm throughput requires MinimumThroughputBillingCommitment to be enabled for the account.")
    if warm > WARM_MIBPS_MAX:
        raise Fault("LimitExceededException", f"Warm throughput can't be more than {WARM_MIBPS_MAX} MiB per second.")
    found.keep(warm=warm)
    return {"StreamARN": found.arn, "StreamName": found.name, "WarmThroughput": {"TargetMiBps": warm, "CurrentMiBps": warm}}


def update_max_record_size(tx: Tx, req: t.UpdateMaxRecordSizeInput) -> dict[str, Any]:
    find(tx, req).keep(record_kib=req["MaxRecordSizeInKiB"])
    return {}


def update_stream_record_distribution_strategy(tx: Tx, req: t.UpdateStreamRecordDistributionStrategyInput) -> dict[str, Any]:
    found, strategy = find(tx, req), req["RecordDistributionStrategy"]
    if found.stream.mode != ON_DEMAND and strategy == "AUTO":
        raise invalid("RecordDistributionStrategy AUTO is only supported for on-demand streams.")
    found.keep(distribution=strategy)
    return {}


def describe_account_settings(tx: Tx, req: t.DescribeAccountSettingsInput) -> dict[str, Any]:
    return _commitment(tx)


def update_account_settings(tx: Tx, req: t.UpdateAccountSettingsInput) -> dict[str, Any]:
    before = tx.get(ACCOUNTS)
    if req["MinimumThroughputBillingCommitment"]["Status"] == "ENABLED":
        if before is None or (before.ends and before.ends <= tx.now):
            tx.put(ACCOUNTS, value=Commitment(tx.now))
        else:
            tx.put(ACCOUNTS, value=Commitment(before.started))
    elif before is not None and not before.ends:
        # A commitment lasts for a day at least.
        tx.put(ACCOUNTS, value=Commitment(before.started, max(tx.now, before.started + COMMITTED_SECONDS)))
    return _commitment(tx)


def _commitment(tx: Tx) -> dict[str, Any]:
    commitment = tx.get(ACCOUNTS)
    if commitment is None:
        return {"MinimumThroughputBillingCommitment": {"Status": "DISABLED"}}
    shown: dict[str, Any] = {"Status": "ENABLED", "StartedAt": commitment.started}
    if commitment.ends and commitment.ends <= tx.now:
        return {"MinimumThroughputBillingCommitment": shown | {"Status": "DISABLED", "EndedAt": commitment.ends}}
    if commitment.ends:
        shown["Status"] = "ENABLED_UNTIL_EARLIEST_ALLOWED_END"
    return {"MinimumThroughputBillingCommitment": shown | {"EarliestAllowedEndAt": commitment.started + COMMITTED_SECONDS}}


def _check_hours(hours: int) -> None:
    if hours < RETENTION_HOURS_MIN:
        raise invalid(
            f"Minimum allowed retention period is {RETENTION_HOURS_MIN} hours. Requested retention period ({hours} hours) is too short."
        )
    if hours > RETENTION_HOURS_MAX:
        raise invalid(
            f"Maximum allowed retention period is {RETENTION_HOURS_MAX} hours. Requested retention period ({hours} hours) is too long."
        )


def _other_way(found: Found, hours: int, than: str, other: str) -> str:
    return (
        f"Requested retention period ({hours} hours) for stream {found.name} can not be {than} than existing retention period "
        f"({found.stream.retention} hours). Use {other}RetentionPeriod API."
    )


def _metrics(given: list[str]) -> set[str]:
    return {*METRICS} if "ALL" in given else {*given}


def _monitored(found: Found, desired: set[str]) -> dict[str, Any]:
    after = sorted(desired)
    found.keep(metrics=after)
    return {
        "StreamName": found.name,
        "CurrentShardLevelMetrics": found.stream.metrics,
        "DesiredShardLevelMetrics": after,
        "StreamARN": found.arn,
    }
