"""The list of all services, and a region's cloud made of them: the one place that knows them by name."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from windtunnel.fabric import Service
from windtunnel.fabric.cloud import Cloud
from windtunnel.kernel.clock import Anchor
from windtunnel.kernel.ids import Ids
from windtunnel.kernel.store.shared import SharedEngine
from windtunnel.kernel.store.sqlite import SQLite
from windtunnel.kernel.store.store import Engine
from windtunnel.planes.blobs import Blobs
from windtunnel.planes.compute import Compute
from windtunnel.services import (
    cloudformation,
    dynamodb,
    events,
    firehose,
    iam,
    kinesis,
    kms,
    lambda_,
    logs,
    pipes,
    s3,
    scheduler,
    secretsmanager,
    sns,
    sqs,
    ssm,
    sts,
)

SERVICES: tuple[Service, ...] = (
    cloudformation.SERVICE,
    dynamodb.SERVICE,
    dynamodb.STREAMS,
    events.SERVICE,
    firehose.SERVICE,
    iam.SERVICE,
    kinesis.SERVICE,
    kms.SERVICE,
    lambda_.SERVICE,
    logs.SERVICE,
    pipes.SERVICE,
    s3.SERVICE,
    scheduler.SERVICE,
    secretsmanager.SERVICE,
    sns.SERVICE,
    sqs.SERVICE,
    ssm.SERVICE,
    sts.SERVICE,
)

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
        SERVICES,
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
