"""The commands over the same core as the admin."""

from __future__ import annotations

from tests.services.conftest import *  # noqa: F403 - until the shared fixtures live in tests/conftest.py
