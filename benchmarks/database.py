"""A PostgreSQL database for one run, dropped at its end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

DEFAULT_URL = "postgres://postgres@127.0.0.1:5432/postgres"


@contextmanager
def fresh_database() -> Iterator[str]:
    """Make a database on the server that DATABASE_URL names, and point DATABASE_URL to it."""
    parts = urlsplit(os.environ.get("DATABASE_URL", DEFAULT_URL))
    if not parts.scheme.startswith("postgres"):
        raise SystemExit(f"The benchmarks run on PostgreSQL: DATABASE_URL is {parts.scheme}://...")
    name = f"payments_hub_bench_{os.getpid()}"
    server = urlunsplit(parts._replace(scheme="postgresql", path="/postgres"))
    try:
        _execute(server, "CREATE DATABASE {}", name)
    except psycopg.OperationalError as error:
        raise SystemExit(f"The benchmarks need PostgreSQL behind DATABASE_URL: {error}") from error
    os.environ["DATABASE_URL"] = urlunsplit(parts._replace(path=f"/{name}"))
    try:
        yield name
    finally:
        _execute(server, "DROP DATABASE {} WITH (FORCE)", name)


def _execute(server: str, statement: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
