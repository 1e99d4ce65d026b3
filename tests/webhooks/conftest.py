"""The public endpoints, with a sandbox behind the account and a broker that nobody reads."""

from __future__ import annotations

from typing import Any

import pytest

from django_payments_hub.testing.sandbox import SandboxClient


@pytest.fixture(autouse=True)
def _world(hub_on_sandbox: Any, sandbox: SandboxClient, no_worker: None, db: None) -> None:
    """What every call needs."""
