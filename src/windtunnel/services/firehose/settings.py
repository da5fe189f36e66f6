"""Destinations as they are given, changed and described: kept under the API's names, so that what comes in is what is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Fault
from windtunnel.services.firehose.queries import compile_query
from windtunnel.services.firehose.rules import check_prefixes, delimiter_of, invalid, part
from windtunnel.services.firehose.state import Stream

DESTINATION = "destinationId-000000000001"
CONFIGURATIONS = {
    "ExtendedS3DestinationConfiguration": "s3",
    "S3DestinationConfiguration": "s3",
    "HttpEndpointDestinationConfiguration": "http",
    "RedshiftDestinationConfiguration": "",
    "ElasticsearchDestinationConfiguration": "",
    "AmazonopensearchserviceDestinationConfiguration": "",
    "AmazonOpenSearchServerlessDestinationConfiguration": "",
    "SplunkDestinationConfiguration": "",
    "IcebergDestinationConfiguration": "",
    "SnowflakeDestinationConfiguration": "",
}
"""What each kind of destination is here; "": it isn't there yet."""
COMPRESSIONS = ("UNCOMPRESSED", "GZIP", "ZIP")
HINTS = {"SizeInMBs": 5, "IntervalInSeconds": 300}
PLAIN = ("RoleARN", "BucketARN", "Prefix", "ErrorOutputPrefix", "BufferingHints", "CompressionFormat")
RENAMED = {"S3BackupUpdate": "S3BackupConfiguration", "S3Update": "S3Configuration"}
LEFT_OUT = frozenset({"AccessKey"})
"""What no description shows."""


def chosen(req: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The kind and the settings of the one destination that a request names."""
    given = [name for name in CONFIGURATIONS if req.get(name) is not None]
    if len(given) != 1:
        raise invalid("Exactly one destination configuration is supported for a Firehose.")
    kind = CONFIGURATIONS[given[0]]
    if not kind:
        name = given[0].removesuffix("DestinationConfiguration")
        raise Fault("NotImplemented", f"windtunnel delivers to S3 and to HTTP endpoints, not yet to {name}.", status=501)
    return kind, check(kind, dict(req[given[0]]))


def updated(stream: Stream, req: Mapping[str, Any]) -> dict[str, Any]:
    """A stream's settings with what a request changes of them."""
    names = {"s3": ("ExtendedS3DestinationUpdate", "S3DestinationUpdate"), "http": ("HttpEndpointDestinationUpdate",)}[stream.kind]
    given: list[str] = [name for name in req if name.endswith("DestinationUpdate")]
    if len(given) != 1 or given[0] not in names:
        raise invalid("The destination update must be one, and of the kind of the stream's destination.")
    settings = dict(stream.settings)
    changes: dict[str, Any] = req[given[0]]
    for member, value in changes.items():
        name = RENAMED.get(member, member)
        settings[name] = {**settings.get(name, {}), **value} if isinstance(value, dict) else value
    return check(stream.kind, settings)


def check(kind: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that can be carried out. Raises InvalidArgumentException, or NotImplemented for what isn't there yet."""
    place = settings if kind == "s3" else settings["S3Configuration"]
    partitioned = kind == "s3" and part(settings, "DynamicPartitioningConfiguration").get("Enabled", False)
    check_prefixes(place.get("Prefix", ""), place.get("ErrorOutputPrefix", ""), partitioned=partitioned)
    for bucket in (place, part(settings, "S3BackupConfiguration")):
        if bucket.get("CompressionFormat", "UNCOMPRESSED") not in COMPRESSIONS:
            raise _missing(f"compression {bucket['CompressionFormat']}")
    if part(settings, "DataFormatConversionConfiguration").get("Enabled"):
        raise _missing("the conversion of formats")
    if part(settings, "RequestConfiguration").get("ContentEncoding") == "GZIP":
        raise _missing("compressed requests to HTTP endpoints")
    if part(settings, "SecretsManagerConfiguration").get("Enabled"):
        raise _missing("secrets of Secrets Manager")
    if kind == "s3" and settings.get("S3BackupMode") == "Enabled" and not settings.get("S3BackupConfiguration"):
        raise invalid("S3BackupConfiguration must be specified where S3BackupMode is Enabled.")
    for name, parameters in processors(settings):
        if name == "Lambda":
            arn = parse_or_none(parameters.get("LambdaArn", ""))
            if arn is None or arn.service != "lambda":
                raise invalid("Lambda processor must have a LambdaArn.")
        if name == "AppendDelimiterToRecord":
            delimiter_of(parameters)
        if name == "MetadataExtraction":
            compile_query(parameters.get("MetadataExtractionQuery", ""))
    return settings


def processors(settings: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """The processors that are enabled, in order, with their parameters."""
    given = part(settings, "ProcessingConfiguration")
    listed: list[dict[str, Any]] = given.get("Processors", []) if given.get("Enabled") else []
    for one in listed:
        yield one["Type"], {parameter["ParameterName"]: parameter["ParameterValue"] for parameter in one.get("Parameters", [])}


def described(stream: Stream) -> dict[str, Any]:
    """A destination as it is described, with what AWS adds where nothing was said."""
    shown = {"DestinationId": DESTINATION}
    if stream.kind == "s3":
        extended = _shown(stream.settings) | {"S3BackupMode": stream.settings.get("S3BackupMode", "Disabled")}
        if "S3BackupConfiguration" in extended:
            extended["S3BackupDescription"] = _shown(extended.pop("S3BackupConfiguration"))
        plain = {name: value for name, value in extended.items() if name in (*PLAIN, "EncryptionConfiguration", "CloudWatchLoggingOptions")}
        return shown | {"S3DestinationDescription": plain, "ExtendedS3DestinationDescription": extended}
    settings = dict(stream.settings)
    endpoint = {name: value for name, value in settings["EndpointConfiguration"].items() if name not in LEFT_OUT}
    settings |= {
        "EndpointConfiguration": endpoint,
        "S3DestinationDescription": _shown(settings.pop("S3Configuration")),
        "BufferingHints": {**HINTS, **settings.get("BufferingHints", {})},
        "RetryOptions": {"DurationInSeconds": 300, **settings.get("RetryOptions", {})},
        "S3BackupMode": settings.get("S3BackupMode", "FailedDataOnly"),
    }
    return shown | {"HttpEndpointDestinationDescription": settings}


def _shown(place: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **place,
        "BufferingHints": {**HINTS, **place.get("BufferingHints", {})},
        "CompressionFormat": place.get("CompressionFormat", "UNCOMPRESSED"),
        "EncryptionConfiguration": place.get("EncryptionConfiguration", {"NoEncryptionConfig": "NoEncryption"}),
        "CloudWatchLoggingOptions": place.get("CloudWatchLoggingOptions", {"Enabled": False}),
    }


def _missing(what: str) -> Fault:
    return Fault("NotImplemented", f"windtunnel's Firehose does not implement {what}.", status=501)
