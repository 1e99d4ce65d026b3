"""The admin over a real core: pages through Django's client, money at the sandbox, a broker that nobody reads."""

from __future__ import annotations

from tests.services.conftest import *  # noqa: F403 - until the shared fixtures live in tests/conftest.py
