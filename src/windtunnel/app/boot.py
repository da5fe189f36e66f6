"""The list of all services, and a region's cloud made of them: the one place that knows them by name."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from windtunnel.fabric.cloud import Cloud
from windtunnel.fabric.registry import Named, Services
from windtunnel.kernel.clock import Anchor
from windtunnel.kernel.ids import Ids
from windtunnel.kernel.store.engine import Engine, SharedEngine
from windtunnel.kernel.store.sqlite import SQLite
from windtunnel.planes.blobs import Blobs
from windtunnel.planes.compute import Compute

SERVICES = (
    Named("cloudformation", "windtunnel.services.cloudformation:SERVICE", "AWS::CloudFormation AWS::CDK", paths="/_aws/cloudformation/"),
    Named("dynamodb", "windtunnel.services.dynamodb:SERVICE", "AWS::DynamoDB"),
    Named("dynamodbstreams", "windtunnel.services.dynamodb:STREAMS"),
    Named("ecr", "windtunnel.services.ecr:SERVICE", "AWS::ECR", paths="/_aws/ecr/layers/"),
    Named("events", "windtunnel.services.events:SERVICE", "AWS::Events", listens=True),
    Named("firehose", "windtunnel.services.firehose:SERVICE", "AWS::KinesisFirehose"),
    Named("iam", "windtunnel.services.iam:SERVICE", "AWS::IAM"),
    Named("kinesis", "windtunnel.services.kinesis:SERVICE", "AWS::Kinesis"),
    Named("kms", "windtunnel.services.kms:SERVICE", "AWS::KMS"),
    Named("lambda", "windtunnel.services.lambda_:SERVICE", "AWS::Lambda", hosts="lambda-url", paths="/_lambda/archives/"),
    Named("logs", "windtunnel.services.logs:SERVICE", "AWS::Logs"),
    Named("pipes", "windtunnel.services.pipes:SERVICE", "AWS::Pipes"),
    Named("s3", "windtunnel.services.s3:SERVICE", "AWS::S3"),
    Named("scheduler", "windtunnel.services.scheduler:SERVICE", "AWS::Scheduler"),
    Named("secretsmanager", "windtunnel.services.secretsmanager:SERVICE", "AWS::SecretsManager"),
    Named("sns", "windtunnel.services.sns:SERVICE", "AWS::SNS", paths="/SimpleNotificationService- /_aws/sns/replies/"),
    Named("sqs", "windtunnel.services.sqs:SERVICE", "AWS::SQS"),
    Named("ssm", "windtunnel.services.ssm:SERVICE", "AWS::SSM"),
    Named("sts", "windtunnel.services.sts:SERVICE", paths="/tokens.sts/"),
)
"""All services; each is loaded when something leads to it."""

STORE_FILE = "region.db"
BLOBS_FOLDER = "blobs"
CODE_FOLDER = "cache/code"


class Storage(msgspec.Struct, frozen=True):
    """Where rows are kept, and for how many processes."""

    url: str = ""
    """postgresql://…; "" is a file in the data folder."""
    blobs: str = ""
    """Where objects' bytes are kept; "" is a folder in the data folder."""
    shared: bool = False
    """Several processes use the file; a database is always shared."""
    first: bool = True
    """No other process serves the region at this moment."""
    durable: bool = False
    """What is answered survives a power cut."""

    @property
    def several(self) -> bool:
        return self.shared or bool(self.url)

    def open(self, data: Path) -> Engine | SharedEngine:
        """The engine. Raises StoreFull where a database can't be reached."""
        path = data / STORE_FILE
        if self.url:
            from windtunnel.kernel.store.postgres import Postgres

            return Postgres(self.url, durable=self.durable)
        if self.shared:
            from windtunnel.kernel.store.sqlite_shared import SharedSQLite

            return SharedSQLite(path, durable=self.durable)
        return SQLite(path, durable=self.durable)

    def open_blobs(self, data: Path) -> Blobs:
        """Where bytes lie. Raises ValueError where the URL is wrong, ImportError where its client isn't installed."""
        folder, new_id = data / BLOBS_FOLDER, Ids().uuid
        if not self.blobs:
            return Blobs(folder, new_id, fsync=self.durable)
        from windtunnel.planes.blobs.shared import open_blobs

        return open_blobs(self.blobs, folder, new_id, time.time, fsync=self.durable)


ONE_PROCESS = Storage()


def make_cloud(
    data: Path,
    *,
    account: str = "000000000000",
    endpoint: str = "http://localhost:4566",
    seed: int | None = None,
    anchor: Anchor | None = None,
    storage: Storage = ONE_PROCESS,
) -> Cloud:
    """A cloud whose store and bytes lie under `data`. Call `start` in a running event loop before anything else."""
    data.mkdir(parents=True, exist_ok=True)
    return Cloud(
        storage.open(data),
        Services(SERVICES),
        blobs=storage.open_blobs(data),
        compute=Compute(time.monotonic, data / CODE_FOLDER),
        account=account,
        endpoint=endpoint,
        seed=seed,
        anchor=anchor,
        shared=storage.several,
        first=storage.first,
        synced=storage.durable and not storage.url,
    )
