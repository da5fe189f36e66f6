"""The list of all services, and a region's cloud made of them: the one place that knows them by name."""

from __future__ import annotations

import time
from pathlib import Path

from windtunnel.fabric import Service
from windtunnel.fabric.cloud import Cloud
from windtunnel.kernel.clock import Anchor
from windtunnel.kernel.ids import Ids
from windtunnel.kernel.store.sqlite import SQLite
from windtunnel.planes.blobs import Blobs
from windtunnel.planes.compute import Compute
from windtunnel.services import iam, lambda_, logs, s3, sns, sqs, sts

SERVICES: tuple[Service, ...] = (iam.SERVICE, lambda_.SERVICE, logs.SERVICE, s3.SERVICE, sns.SERVICE, sqs.SERVICE, sts.SERVICE)

STORE_FILE = "region.db"
BLOBS_FOLDER = "blobs"
CODE_FOLDER = "cache/code"


def make_cloud(
    data: Path,
    *,
    account: str = "000000000000",
    endpoint: str = "http://localhost:4566",
    seed: int | None = None,
    anchor: Anchor | None = None,
) -> Cloud:
    """A cloud whose store and bytes lie under `data`. Call `start` in a running event loop before anything else."""
    data.mkdir(parents=True, exist_ok=True)
    blobs = Blobs(data / BLOBS_FOLDER, Ids().uuid)
    engine = SQLite(data / STORE_FILE)
    compute = Compute(time.monotonic, data / CODE_FOLDER)
    return Cloud(engine, SERVICES, blobs=blobs, compute=compute, account=account, endpoint=endpoint, seed=seed, anchor=anchor)
