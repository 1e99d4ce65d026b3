"""S11: no credential in what an error reporter prints of the frames, nor in a repr."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.views.debug import ExceptionReporter

from django_payments_hub.conf import hub_settings
from django_payments_hub.models import ProviderAccount
from django_payments_hub.provider_kit.base import parse_config
from django_payments_hub.providers.stripe.config import Config
from django_payments_hub.services import accounts, claims
from tests.services import world

pytestmark = pytest.mark.django_db

CANARY = "".join(["can", "ary", "0815"])  # never in one piece in the source, which a report quotes


@pytest.fixture
def canaries(settings: Any, hub: dict[str, Any]) -> None:
    world.configure(settings, hub, SECRET_KEY=f"sk_test_{CANARY}", WEBHOOK_SECRETS=[f"whsec_{CANARY}"])
    accounts.forget()


def report(step: Callable[[], object]) -> str:
    """What Django's own reporter prints with DEBUG, of the hub's frames."""
    try:
        step()
    except Exception:  # noqa: BLE001 - any error is reported
        kind, error, trace = sys.exc_info()
        while trace is not None and "django_payments_hub" not in trace.tb_frame.f_code.co_filename:
            trace = trace.tb_next
        return ExceptionReporter(None, kind, error, trace).get_traceback_html()
    raise AssertionError("nothing was raised")


def test_settings_do_not_show_what_they_hold(canaries: None) -> None:
    assert CANARY not in repr(hub_settings())
    assert CANARY not in repr(hub_settings().accounts)
    assert hub_settings().encryption_keys[0] not in repr(hub_settings())
    assert CANARY not in repr(accounts.get("stripe").config)


def test_a_database_that_is_down_while_an_account_is_loaded(canaries: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object, **__: object) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(ProviderAccount.objects, "get_or_create", down)
    html = report(lambda: accounts.get("stripe"))
    assert "_settings_row" in html
    assert CANARY not in html


def test_an_account_that_lacks_a_key(canaries: None) -> None:
    config = accounts.get("stripe").config
    config.values.pop("WEBHOOK_SECRETS")  # type: ignore[attr-defined]
    html = report(lambda: parse_config(Config, config))
    assert "WEBHOOK_SECRETS" in html
    assert CANARY not in html


def test_whoever_reads_the_settings(canaries: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> float:
        raise RuntimeError

    monkeypatch.setattr(random, "uniform", broken)
    html = report(lambda: claims.backoff_s(1))
    assert "backoff_s" in html
    assert CANARY not in html
