"""The services of this machine, for tests that start processes of their own on them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from urllib.parse import urlsplit

import pytest
from kombu import Connection

MARIADB = os.environ.get("TEST_MARIADB_SERVER", "mysql://root@127.0.0.1:3306")
POSTGRES = os.environ.get("TEST_POSTGRES_SERVER", "postgres://postgres@127.0.0.1:5432")
BROKERS = {
    "redis": os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9"),
    "rabbitmq": os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
}


def absent(what: str) -> None:
    """Skip with a line that says so; under REQUIRE_SERVICES fail."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what} is not reachable, and REQUIRE_SERVICES=1")
    pytest.skip(f"{what} is not reachable")


def broker_url(name: str) -> str:
    """The broker's address, when it answers."""
    url = BROKERS[name]
    try:
        with closing(Connection(url, connect_timeout=2, transport_options={"socket_connect_timeout": 2})) as broker:
            broker.ensure_connection(max_retries=1, timeout=3)
    except Exception:  # noqa: BLE001 - each transport raises its own
        absent(f"{name} ({url})")
    return url


@contextmanager
def postgres_database() -> Iterator[str]:
    """A new, empty database on the PostgreSQL server; dropped afterwards."""
    psycopg = pytest.importorskip("psycopg")
    name = f"hub_stack_{uuid.uuid4().hex[:12]}"
    try:
        server = psycopg.connect(f"{POSTGRES}/postgres".replace("postgres://", "postgresql://"), autocommit=True)
    except psycopg.OperationalError:
        absent(f"PostgreSQL ({POSTGRES})")
        raise
    with closing(server):
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def mariadb_database() -> Iterator[str]:
    """A new, empty database on the MariaDB server; dropped afterwards."""
    mysql = pytest.importorskip("MySQLdb") if os.environ.get("REQUIRE_SERVICES") != "1" else import_module("MySQLdb")
    name = f"hub_stack_{uuid.uuid4().hex[:12]}"
    at = urlsplit(MARIADB)
    try:
        server = mysql.connect(
            host=at.hostname, port=at.port or 3306, user=at.username or "root", password=at.password or ""
        )
    except mysql.OperationalError:
        absent(f"MariaDB ({MARIADB})")
        raise
    with closing(server):
        server.cursor().execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            yield f"{MARIADB}/{name}"
        finally:
            server.cursor().execute(f"DROP DATABASE {name}")


DATABASES = {"postgres": postgres_database, "mariadb": mariadb_database}
