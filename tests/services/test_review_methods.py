"""What a second reading of saved methods found."""

from __future__ import annotations

from typing import Any

import pytest

from django_payments_hub import registry
from django_payments_hub.domain.statuses import MethodStatus
from django_payments_hub.exceptions import InvalidInput
from django_payments_hub.models import Customer, Payment
from django_payments_hub.provider_kit.method_types import MethodResult
from django_payments_hub.services import methods, payments
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world
from tests.services.saved import ASKS_ALWAYS, converge, fresh, save

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_setup_answered_with_anothers_customer_fails_and_takes_nothing(
    sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a provider that makes the customer while saving, and has made one for somebody else
    provider = registry.provider_class("stripe")
    monkeypatch.setattr(provider, "create_customer", lambda _, request: "")
    answer = MethodResult(provider_setup_id="setup-1", provider_customer_id="payer-1")
    monkeypatch.setattr(provider, "save_method", lambda _, request: answer)
    first = save(world.make_user(), "")
    assert first.status == MethodStatus.PENDING
    # when it names the same one for another user
    second = save(world.make_user(), "")
    # then that one's try has failed, and nothing of the first is touched
    assert (second.status, second.failure_code, second.failure_provider_code) == (
        MethodStatus.FAILED,
        "method_not_usable",
        "customer",
    )
    assert fresh(first).status == MethodStatus.PENDING
    assert [row.provider_customer_id for row in Customer.objects.order_by("pk")] == ["payer-1", None]


def test_a_payment_without_the_customer_is_not_put_off(sandbox: SandboxClient) -> None:
    method = save(world.make_user())
    wanted = world.wanted(token="", user=method.user, payment_method=method, off_session=True, defer=True)
    with pytest.raises(InvalidInput) as refused:
        payments.create(wanted)
    assert refused.value.field == "off_session"
    assert not Payment.objects.exists()


def test_a_customer_who_asks_again_and_again_does_not_use_up_the_tries(
    sandbox: SandboxClient, settings: Any, hub: dict[str, Any]
) -> None:
    settings.PAYMENTS_HUB = {**hub, "OPERATION_MAX_TRIES": 3}
    method = save(world.make_user(), ASKS_ALWAYS)
    sandbox.complete_setup(method.provider_setup_id)
    sandbox.fault("status", operation="setup_intents.retrieve", status=503, times=99)
    for _ in range(6):
        methods.confirm(method.pk)
    assert fresh(method).attention_code == ""
    sandbox.clear_faults()
    converge()
    assert fresh(method).status == MethodStatus.ACTIVE
