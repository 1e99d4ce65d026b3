"""What the pages' examples find: the sandbox, an order of the demo shop and its owner."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.test import Client

from django_payments_hub import registry, signals
from django_payments_hub.services import accounts
from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess
from tests.docs.acme import Acme


@pytest.fixture(scope="session")
def docs_sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess() as sandbox:
        yield sandbox


@pytest.fixture
def page_names(docs_sandbox: SandboxProcess, settings: Any, transactional_db: None) -> Iterator[dict[str, Any]]:
    """Names every page may use; handlers and cached accounts are put back afterwards."""
    from django.contrib.auth import get_user_model

    docs_sandbox.client.reset()
    hub = settings.PAYMENTS_HUB
    account = {**hub["ACCOUNTS"]["stripe"], "API_BASE": docs_sandbox.url_of("stripe")}
    settings.PAYMENTS_HUB = {**hub, "ACCOUNTS": {"stripe": account}}
    accounts.forget()
    celery: Any = current_app.conf
    broker, celery.broker_url = celery.broker_url, "memory://"  # nobody listens: what the pages show needs no worker
    handlers = dict(signals._handlers)
    user = get_user_model().objects.create_user("ann", password="s3cret-of-ann")
    with Acme() as acme:
        yield {
            "acme": acme,
            "client": Client(),
            "make_order": make_order,
            "sandbox": SandboxClient(docs_sandbox.url),
            "settings": settings,
            "user": user,
        }
    signals._handlers.clear()
    signals._handlers.update(handlers)
    celery.broker_url = broker
    accounts.forget()
    for _, provider in registry._built.values():
        provider.close()
    registry.forget()


def make_order(user: Any, price: str = "25.00", currency: str = "USD") -> Any:
    """An order of the demo shop with one line."""
    from example_project.shop.models import Order, OrderLine, Product

    product, _ = Product.objects.get_or_create(
        slug=f"tea-{price}", defaults={"name": "Tea", "price": price, "currency": currency}
    )
    order = Order.objects.create(user=user, currency=currency)
    OrderLine.objects.create(order=order, product=product, price=price)
    return order


@pytest.fixture
def page_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a page's files are written; importable while the page runs."""
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
