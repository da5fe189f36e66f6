"""A database under a region: `--store tests.sim.world.database:postgres` starts a PostgreSQL that ends with the run."""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path
from typing import cast

import psycopg

from tests.postgres import Server
from windtunnel.kernel.store.engine import Engine
from windtunnel.kernel.store.postgres import Postgres


@cache
def _server() -> Server:
    server = Server().__enter__()
    atexit.register(server.__exit__, None, None, None)
    return server


@cache
def _database(folder: Path) -> str:
    """The URL of a database of this region's own."""
    server, name = _server(), folder.name.replace("-", "_").lower()
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return server.url.replace("/postgres?", f"/{name}?")


def postgres(folder: Path) -> Engine:
    """The engine of a database that several processes use."""
    return cast(Engine, Postgres(_database(folder)))
