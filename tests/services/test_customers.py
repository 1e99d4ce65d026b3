"""The provider's customer of a user: asked for with what the user has corrected, once it was refused."""

from __future__ import annotations

import pytest

from django_payments_hub.domain.statuses import MethodStatus
from django_payments_hub.exceptions import OutcomeUnknown, Refused
from django_payments_hub.models import Customer
from django_payments_hub.services import accounts, customers
from django_payments_hub.testing.sandbox import SandboxClient
from tests.services import world
from tests.services.saved import save

pytestmark = pytest.mark.django_db(transaction=True)

BAD_EMAIL = {"error": {"type": "invalid_request_error", "code": "email_invalid", "message": "Invalid email address"}}


def test_one_that_was_refused_is_made_once_the_user_has_corrected_himself(sandbox: SandboxClient) -> None:
    # given a user whose address the provider refuses
    user = world.make_user(email="ada@example")
    sandbox.fault("status", operation="customers.create", status=400, body=BAD_EMAIL)
    assert save(user).status == MethodStatus.FAILED
    # when the user corrects it and tries again
    user.email = "ada@example.com"
    user.save()
    # then the customer is made with it, under a key that was not used before
    assert save(user).status == MethodStatus.ACTIVE
    refused, made = sandbox.calls("customers.create")
    assert refused["idempotency_key"] != made["idempotency_key"]
    row = Customer.objects.get()
    assert made["idempotency_key"].startswith(str(row.pk))
    assert row.payer == {}


def test_one_that_may_have_been_made_is_asked_for_as_before(sandbox: SandboxClient) -> None:
    user, account = world.make_user(email="ada@example.com"), accounts.get("stripe")
    sandbox.fault("reset", operation="customers.create", when="after")
    with pytest.raises(OutcomeUnknown):
        customers.ensure(user, account)
    user.email = "ada@example.org"
    user.save()
    assert customers.ensure(user, account).provider_customer_id
    assert world.effects(sandbox, "customers.create") == 1


def test_one_that_is_refused_again_and_again_has_a_key_for_each_time(sandbox: SandboxClient) -> None:
    user, account = world.make_user(email="ada@example"), accounts.get("stripe")
    sandbox.fault("status", operation="customers.create", status=400, body=BAD_EMAIL, times=2)
    for _ in range(2):
        with pytest.raises(Refused):
            customers.ensure(user, account)
    assert customers.ensure(user, account).provider_customer_id
    assert len({call["idempotency_key"] for call in sandbox.calls("customers.create")}) == 3
