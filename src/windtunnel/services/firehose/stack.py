"""How templates deploy delivery streams: their properties are the members of the API's requests.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_KinesisFirehose.html
"""

from __future__ import annotations

from typing import Any

from windtunnel.fabric import At, Deploy, Properties, Resource
from windtunnel.fabric.resource import changed, deletes, picked
from windtunnel.services.firehose.settings import DESTINATION
from windtunnel.services.firehose.state import STREAMS

UPDATES = {
    "ExtendedS3DestinationConfiguration": "ExtendedS3DestinationUpdate",
    "S3DestinationConfiguration": "S3DestinationUpdate",
    "HttpEndpointDestinationConfiguration": "HttpEndpointDestinationUpdate",
}
MADE_OF = f"DeliveryStreamType DirectPutSourceConfiguration KinesisStreamSourceConfiguration {' '.join(UPDATES)}"
ENCRYPTION = "DeliveryStreamEncryptionConfigurationInput"
RENAMED = {"S3BackupConfiguration": "S3BackupUpdate", "S3Configuration": "S3Update"}
NAME_CHARACTERS_MAX = 64


async def _create(at: At, properties: Properties) -> str:
    name = str(properties["DeliveryStreamName"])
    request = {**picked(properties, f"{MADE_OF} {ENCRYPTION}"), "Tags": at.tag_list(properties.get("Tags"))}
    await at.aws.firehose.create_delivery_stream({"DeliveryStreamName": name, **request})
    return name


async def _update(at: At, id: str, new: Properties, old: Properties) -> None:
    firehose, named = at.aws.firehose, {"DeliveryStreamName": id}
    for name, update in UPDATES.items():
        if name in new and changed(new, old, name):
            version = (await _known(at, id))["VersionId"]
            settings = {RENAMED.get(member, member): value for member, value in new[name].items()}
            request = {**named, "CurrentDeliveryStreamVersionId": version, "DestinationId": DESTINATION, update: settings}
            await firehose.update_destination(request)
    if changed(new, old, ENCRYPTION):
        if ENCRYPTION in new:
            await firehose.start_delivery_stream_encryption({**named, ENCRYPTION: new[ENCRYPTION]})
        else:
            await firehose.stop_delivery_stream_encryption(named)
    await at.retag(new, old, named, firehose.tag_delivery_stream, firehose.untag_delivery_stream)


async def _known(at: At, id: str) -> dict[str, Any]:
    return (await at.aws.firehose.describe_delivery_stream({"DeliveryStreamName": id}))["DeliveryStreamDescription"]


async def _told(at: At, id: str, properties: Properties) -> dict[str, Any]:
    return {"Arn": (await _known(at, id))["DeliveryStreamARN"]}


RESOURCES = (
    Resource(
        "AWS::KinesisFirehose::DeliveryStream",
        STREAMS,
        "arn:aws:firehose:{region}:{account}:deliverystream/{0}",
        Deploy(
            properties=f"DeliveryStreamName {MADE_OF} {ENCRYPTION} Tags",
            replaced="DeliveryStreamName DeliveryStreamType KinesisStreamSourceConfiguration",
            name="DeliveryStreamName",
            name_max=NAME_CHARACTERS_MAX,
            create=_create,
            update=_update,
            delete=deletes("firehose", "delete_delivery_stream", "DeliveryStreamName"),
            attributes=_told,
            tagged=True,
        ),
    ),
)
