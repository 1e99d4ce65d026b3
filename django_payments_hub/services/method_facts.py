"""What is learned of a method that a provider keeps: the row for it, one per token, one per card.

The same card under another token (its fingerprint) is the method the customer has already: that row stays, with its
id, its default and its metadata, and takes over the newer token, whose expiry and mandate are the newer ones too; the
older token is let go of at the provider.
"""

from __future__ import annotations

import logging
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from django_payments_hub import dispatch
from django_payments_hub.domain.statuses import MethodStatus, Source, Stage
from django_payments_hub.exceptions import HubError
from django_payments_hub.models import Customer, Payment, PaymentMethod
from django_payments_hub.provider_kit.types import MethodFact, PaymentFact
from django_payments_hub.services.books import Books

logger = logging.getLogger("django_payments_hub.methods")


class NotKept(HubError):
    """What the provider tells of a method contradicts whose it is said to be. `code` says in which respect."""

    code = "method_not_kept"


def lock_customer(customer_id: UUID) -> Customer:
    """The customer under lock: whoever changes which methods a user has holds it. After a payment's lock, never before.

    Its methods may then be locked as well.
    """
    return Customer.objects.select_for_update().get(pk=customer_id)


def keep(customer: Customer, fact: MethodFact, row: PaymentMethod) -> PaymentMethod:
    """Write down that the provider keeps this method for a locked customer.

    Args:
        row: the try it was saved with, locked or new; carries whose it is, its consent and metadata.

    Returns:
        The customer's method: the row itself, or the one he has already, to which the row then leads.

    Raises:
        NotKept: `customer`, `method_owner`, `method_let_go`, `method_not_reusable`; nothing may be kept.
    """
    if not (fact.reusable and fact.provider_method_id):
        raise NotKept("The provider does not keep this method.", code="method_not_reusable")
    try:
        with transaction.atomic():
            return _keep(customer, fact, row)
    except IntegrityError:
        raise NotKept("Another customer has this method.", code="method_owner") from None


def _keep(customer: Customer, fact: MethodFact, row: PaymentMethod) -> PaymentMethod:
    name_customer(customer, fact.provider_customer_id)
    mine = PaymentMethod.objects.select_for_update().filter(account_id=customer.account_id)
    known = mine.filter(provider_method_id=fact.provider_method_id).exclude(pk=row.pk).first()
    if known is not None:
        return _known_already(customer, fact, row, known)
    same_card = _same_card(customer, fact, row)
    if same_card is not None:
        return _take_over(fact, row, same_card)
    row.provider_method_id = fact.provider_method_id
    describe(row, fact)
    finish(row, MethodStatus.ACTIVE)
    if row.parameters.get("make_default") or not _has_methods(row):
        make_default(row)
    row.parameters = {}
    row.save()
    return row


def name_customer(customer: Customer, provider_customer_id: str) -> None:
    """Learn the customer's id from a provider that makes it while saving; raises NotKept for another's."""
    if not provider_customer_id or customer.provider_customer_id == provider_customer_id:
        return
    if customer.provider_customer_id is not None:
        raise NotKept("The method belongs to another customer.", code="customer")
    try:
        with transaction.atomic():
            Customer.objects.filter(pk=customer.pk).update(provider_customer_id=provider_customer_id)
    except IntegrityError:
        raise NotKept("Another user is this customer of the provider's.", code="customer") from None
    customer.provider_customer_id = provider_customer_id


def _known_already(customer: Customer, fact: MethodFact, row: PaymentMethod, known: PaymentMethod) -> PaymentMethod:
    if known.customer_id != customer.pk:
        raise NotKept("Another customer has this method.", code="method_owner")
    if not known.is_active:
        raise NotKept("The customer has let this method go.", code="method_let_go")
    describe(known, fact)
    _wanted_default(row, known)
    known.save()
    _lead_to(row, known, MethodStatus.DETACHED)
    return known


def _same_card(customer: Customer, fact: MethodFact, row: PaymentMethod) -> PaymentMethod | None:
    if not fact.fingerprint:
        return None
    active = PaymentMethod.objects.select_for_update().filter(customer=customer, status=MethodStatus.ACTIVE.value)
    return active.filter(fingerprint=fact.fingerprint).exclude(pk=row.pk).order_by("pk").first()


def _take_over(fact: MethodFact, row: PaymentMethod, same_card: PaymentMethod) -> PaymentMethod:
    older = same_card.provider_method_id
    same_card.provider_method_id = fact.provider_method_id
    describe(same_card, fact)
    _wanted_default(row, same_card)
    same_card.save()
    row.provider_method_id = older
    _lead_to(row, same_card, MethodStatus.DETACHING)
    return same_card


def _wanted_default(row: PaymentMethod, kept: PaymentMethod) -> None:
    if row.parameters.get("make_default"):
        make_default(kept)


def _lead_to(row: PaymentMethod, kept: PaymentMethod, status: MethodStatus) -> None:
    """The try ends here; the customer's method is `kept`. A token it carries is still to be let go of."""
    row.replaced_by, row.kind = kept, kept.kind
    finish(row, status)
    row.parameters = {}
    if status is MethodStatus.DETACHING:
        row.next_attempt_at = timezone.now()
    if status is MethodStatus.DETACHING or not row._state.adding:
        row.save()


def describe(row: PaymentMethod, fact: MethodFact) -> None:
    """Write down what a receipt shows of it; the caller saves."""
    row.kind = fact.kind.value
    row.brand, row.last4 = fact.brand[:40], fact.last4[-4:]
    row.expiry_month, row.expiry_year = fact.expiry_month, fact.expiry_year
    row.fingerprint = fact.fingerprint[:255]


def finish(row: PaymentMethod, status: MethodStatus, *, failure: tuple[str, str] = ("", "")) -> None:
    """End what was going on with a row; the caller saves."""
    row.status = status.value
    row.failure_code, row.failure_provider_code = failure[0][:40], failure[1][:100]
    row.next_action = row.lease_until = row.next_attempt_at = row.expires_at = None
    row.error_code = row.attention_code = ""
    row.in_doubt, row.tries = False, 0
    row.parameters = {name: value for name, value in row.parameters.items() if name == "make_default"}
    if status is MethodStatus.DETACHED:
        row.detached_at = timezone.now()


def _has_methods(row: PaymentMethod) -> bool:
    return PaymentMethod.objects.filter(customer_id=row.customer_id, status=MethodStatus.ACTIVE.value).exists()


def make_default(row: PaymentMethod) -> None:
    """Make an active method the only default; the customer is locked, the caller saves the row."""
    PaymentMethod.objects.filter(customer_id=row.customer_id).exclude(pk=row.pk).exclude(default_key=None).update(
        default_key=None
    )
    row.default_key = str(row.customer_id)


# -- learned from a payment -------------------------------------------------------------------------------------------

_PAID = (Stage.AUTHORIZED, Stage.CAPTURED)


def learn(books: Books, fact: PaymentFact) -> None:
    """Keep the method of a payment whose customer asked for that, once it is paid. Never otherwise."""
    payment = books.payment
    if payment.customer_id is None or payment.payment_method_id is not None or Stage(payment.stage) not in _PAID:
        return
    if fact.method is None:
        if books.told.source is Source.WEBHOOK:  # notices mostly name the method only: it is looked up
            transaction.on_commit(partial(dispatch.start, dispatch.SYNC, str(payment.pk)))
        return
    if fact.method.keepable:
        _keep_by_a_call(books)
    if not fact.method.reusable:
        return
    customer = lock_customer(payment.customer_id)
    try:
        payment.payment_method = keep(customer, fact.method, _row_of(payment, customer))
        books.note("payment.method_saved", data={"method": str(payment.payment_method.pk)})
    except NotKept as error:
        # The money is what it is: a method that cannot be kept changes nothing about it.
        logger.warning("The method of payment %s is not kept: %s.", payment.pk, error.code)
        if error.code == "customer":
            let_go_of(customer, fact.method, consent=_consent(payment))
        books.note("payment.method_refused", data={"code": error.code})
        payment.customer = None


def _row_of(payment: Payment, customer: Customer) -> PaymentMethod:
    return PaymentMethod(
        user_id=customer.user_id,
        account_id=customer.account_id,
        customer=customer,
        mode=payment.mode,
        consent=_consent(payment),
    )


def _consent(payment: Payment) -> dict[str, str]:
    given_at = payment.created_at.isoformat()
    return {"by": "customer", "how": "payment", "given_at": given_at, "payment": str(payment.pk)}


def _keep_by_a_call(books: Books) -> None:
    """The provider keeps it only when asked by a call of its own: that gets its row and key before it is sent (I5)."""
    payment = books.payment
    if payment.customer_id is None or not payment.provider_payment_id:
        return
    row = _row_of(payment, lock_customer(payment.customer_id))
    row.parameters = {"payment": str(payment.pk), "payment_token": payment.provider_payment_id}
    row.next_attempt_at = timezone.now()
    row.save(force_insert=True)
    payment.payment_method = row
    dispatch.start(dispatch.METHOD, str(row.pk))


def tell_payment(books: Books, row: PaymentMethod) -> None:
    """What became of the method that was to be kept from this payment; the row is locked."""
    payment = books.payment
    kept = row.replaced_by or (row if row.is_active else None)
    if payment.payment_method_id != row.pk:
        return
    if kept is not None:
        payment.payment_method = kept
        books.note("payment.method_saved", data={"method": str(kept.pk)})
    elif row.status == MethodStatus.FAILED:
        payment.payment_method = payment.customer = None
        books.note("payment.method_refused", data={"code": row.failure_code})


# -- let go of unasked ------------------------------------------------------------------------------------------------


def let_go_of(customer: Customer, fact: MethodFact, *, consent: dict[str, str]) -> None:
    """Have the provider forget a method that it keeps for our user, and that no row knows.

    Of another customer's than his only what is a second one of his, made because two savings ran at once: never of
    what another user's customer has, nor where the provider was told for whom to save (S26).
    """
    if fact.provider_customer_id in ("", customer.provider_customer_id) or _is_stray(customer, fact):
        _let_go(customer, fact, consent)


def _is_stray(customer: Customer, fact: MethodFact) -> bool:
    owners = Customer.objects.filter(account_id=customer.account_id, provider_customer_id=fact.provider_customer_id)
    return fact.customer_by_saving and not owners.exists()


def _let_go(customer: Customer, fact: MethodFact, consent: dict[str, str]) -> None:
    known = PaymentMethod.objects.filter(
        account_id=customer.account_id, provider_method_id=fact.provider_method_id
    ).exists()
    if known or not (fact.reusable and fact.provider_method_id):
        return
    row = PaymentMethod(
        user_id=customer.user_id,
        account_id=customer.account_id,
        customer=customer,
        mode=customer.mode,
        consent=consent,
        status=MethodStatus.DETACHING.value,
        provider_method_id=fact.provider_method_id,
        parameters={"customer_token": fact.provider_customer_id},
        next_attempt_at=timezone.now(),
    )
    describe(row, fact)
    row.save(force_insert=True)
    dispatch.start(dispatch.METHOD, str(row.pk))
