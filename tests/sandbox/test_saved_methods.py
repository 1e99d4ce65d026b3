"""Customers, saved payment methods and SetupIntents."""

# The SDK declares each field of an error as optional.
# mypy: disable-error-code="union-attr"

import pytest
import stripe


@pytest.fixture
def customer(client):
    return client.v1.customers.create({"name": "Ada", "email": "ada@example.com", "metadata": {"user": "7"}})


def test_a_customer_is_made_changed_listed_and_deleted(client, customer, receiver, endpoint, sandbox):
    assert client.v1.customers.update(customer.id, {"name": "Ada L."}).name == "Ada L."
    assert client.v1.customers.list({"email": "ada@example.com"}).data[0].id == customer.id
    assert client.v1.customers.delete(customer.id).deleted
    with pytest.raises(stripe.InvalidRequestError) as gone:
        client.v1.customers.retrieve(customer.id)
    assert (gone.value.http_status, gone.value.code) == (404, "resource_missing")
    assert sandbox.wait_idle()
    assert receiver.types() == ["customer.updated", "customer.deleted"]
    assert receiver.heard[0].event["data"]["previous_attributes"] == {"name": "Ada"}


def test_a_bad_address_is_refused(client):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.customers.create({"email": "nobody"})
    assert refused.value.code == "email_invalid"


def test_a_method_is_attached_used_again_and_detached(client, customer, pay, sandbox):
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    assert method.customer == customer.id
    same = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    assert (same.id != method.id, same.card.fingerprint) == (True, method.card.fingerprint)
    for _ in range(2):
        assert pay(method.id, customer=customer.id, off_session=True).status == "succeeded"
    assert [m.id for m in client.v1.customers.payment_methods.list(customer.id).data] == [same.id, method.id]
    assert client.v1.customers.payment_methods.retrieve(customer.id, method.id).id == method.id
    assert len(client.v1.payment_methods.list({"customer": customer.id, "type": "card"}).data) == 2

    assert client.v1.payment_methods.detach(method.id).customer is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        pay(method.id)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_methods.detach(method.id)


def test_a_default_method_is_the_customers_own(client, customer):
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    settings = {"invoice_settings": {"default_payment_method": method.id}}
    changed = client.v1.customers.update(customer.id, settings)
    assert changed.invoice_settings.default_payment_method == method.id
    stranger = client.v1.customers.create({"payment_method": "pm_card_mastercard"})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.update(stranger.id, settings)


def test_a_method_of_another_customer_is_refused(client, customer, pay):
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    other = client.v1.customers.create({"name": "Bob"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay(method.id, customer=other.id)
    assert refused.value.param == "payment_method"
    with pytest.raises(stripe.InvalidRequestError, match="include the Customer"):
        pay(method.id)
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        client.v1.payment_methods.attach(method.id, {"customer": other.id})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.payment_methods.retrieve(other.id, method.id)


def test_a_method_used_once_without_a_customer_is_used_up(client, pay):
    method = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    pay(method.id)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        pay(method.id)


def test_a_payment_may_save_its_method(client, customer, pay):
    intent = pay(customer=customer.id, setup_future_usage="off_session")
    saved = client.v1.customers.payment_methods.list(customer.id).data
    assert [method.id for method in saved] == [intent.payment_method]


def test_a_declining_card_cannot_be_attached(client, customer):
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer.id})
    assert declined.value.error.decline_code == "generic_decline"
    method = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    assert method.customer == customer.id


def test_an_attached_method_is_changed(client, customer):
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    changed = client.v1.payment_methods.update(
        method.id, {"metadata": {"a": "b"}, "card": {"exp_year": 2041}, "billing_details": {"name": "Ada"}}
    )
    assert (changed.metadata["a"], changed.card.exp_year, changed.billing_details.name) == ("b", 2041, "Ada")
    loose = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_methods.update(loose.id, {"metadata": {"a": "b"}})


def test_a_setup_saves_a_card(client, customer):
    setup = client.v1.setup_intents.create({"customer": customer.id, "metadata": {"a": "b"}})
    assert (setup.status, setup.usage) == ("requires_payment_method", "off_session")
    setup = client.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    assert setup.status == "succeeded"
    assert client.v1.customers.payment_methods.list(customer.id).data[0].id == setup.payment_method
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.setup_intents.confirm(setup.id)
    assert refused.value.code == "setup_intent_unexpected_state"


def test_a_card_set_up_with_authentication_pays_off_session(client, customer, pay, sandbox):
    params = {"customer": customer.id, "payment_method": "pm_card_authenticationRequiredOnSetup", "confirm": True}
    setup = client.v1.setup_intents.create({**params, "return_url": "https://shop.example/back"})
    assert (setup.status, setup.next_action.type) == ("requires_action", "redirect_to_url")
    sandbox.complete_setup(setup.id)
    setup = client.v1.setup_intents.retrieve(setup.id)
    assert setup.status == "succeeded"
    assert pay(setup.payment_method, customer=customer.id, off_session=True).status == "succeeded"
    assert pay(setup.payment_method, customer=customer.id).status == "requires_action"


def test_a_card_that_was_not_set_up_needs_its_owner(client, customer, pay):
    method = client.v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer.id})
    with pytest.raises(stripe.CardError) as declined:
        pay(method.id, customer=customer.id, off_session=True)
    assert declined.value.code == "authentication_required"
    assert declined.value.error.payment_intent.last_payment_error.payment_method.id == method.id


def test_a_card_set_up_elsewhere_pays_off_session_alone(client, customer, pay):
    token = "pm_card_authenticationRequiredSetupForOffSession"
    method = client.v1.payment_methods.attach(token, {"customer": customer.id})
    assert pay(method.id, customer=customer.id, off_session=True).status == "succeeded"
    assert pay(method.id, customer=customer.id).status == "requires_action"


def test_a_setup_may_fail_or_be_cancelled(client, customer, sandbox, receiver, endpoint):
    setup = client.v1.setup_intents.create({"customer": customer.id})
    with pytest.raises(stripe.CardError) as declined:
        client.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_chargeDeclined"})
    assert declined.value.error.setup_intent.id == setup.id
    client.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_authenticationRequired"})
    sandbox.complete_setup(setup.id, "fail")
    setup = client.v1.setup_intents.retrieve(setup.id)
    assert (setup.status, setup.last_setup_error.code) == (
        "requires_payment_method",
        "setup_intent_authentication_failure",
    )
    assert client.v1.setup_intents.update(setup.id, {"metadata": {"a": "b"}}).metadata["a"] == "b"
    assert client.v1.setup_intents.cancel(setup.id).status == "canceled"
    assert [s.id for s in client.v1.setup_intents.list({"customer": customer.id}).data] == [setup.id]
    assert sandbox.wait_idle()
    assert [kind for kind in receiver.types() if kind.startswith("setup_intent")] == [
        "setup_intent.created",
        "setup_intent.setup_failed",
        "setup_intent.requires_action",
        "setup_intent.setup_failed",
        "setup_intent.canceled",
    ]
