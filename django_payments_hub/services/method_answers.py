"""What an answer about a method, or its absence, does to its row.

The bookkeeping belongs to whoever holds the lease; that the provider keeps a method is true whoever brings it (I17).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from django_payments_hub import dispatch
from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import FailureCode, MethodStatus, Source, Verdict
from django_payments_hub.exceptions import Misconfigured, NotSent, OutcomeUnknown, ProviderError, Refused, Throttled
from django_payments_hub.models import Customer, PaymentMethod
from django_payments_hub.provider_kit.asking import said
from django_payments_hub.provider_kit.method_types import MethodResult
from django_payments_hub.provider_kit.types import MethodFact
from django_payments_hub.services import accounts
from django_payments_hub.services.books import Told, open_books
from django_payments_hub.services.claims import backoff_s
from django_payments_hub.services.facts import stored_next_action
from django_payments_hub.services.method_facts import (
    NotKept,
    describe,
    finish,
    keep,
    let_go_of,
    lock_customer,
    name_customer,
    tell_payment,
)
from django_payments_hub.services.method_requests import ANEW, UNNAMED

logger = logging.getLogger("django_payments_hub.methods")

OPEN = (MethodStatus.PENDING, MethodStatus.DETACHING)
"""Statuses in which there is something to do at the provider."""

_NO_MATCH = "idempotency_mismatch"
_FIRST_LOOK = timedelta(minutes=10)
_HOUR = timedelta(hours=1)


@contextmanager
def locked(row: PaymentMethod) -> Iterator[tuple[Customer, PaymentMethod]]:
    """The customer and the method as they are now, under lock; the payment it is saved with learns what comes of it."""
    with ExitStack() as stack:
        payment_id = row.parameters.get("payment")
        told = Told(source=Source.SYSTEM, account=row.account)
        books = stack.enter_context(open_books(UUID(str(payment_id)), told)) if payment_id else None
        stack.enter_context(transaction.atomic())
        customer = lock_customer(row.customer_id)
        mine = PaymentMethod.objects.select_for_update().get(pk=row.pk)
        customer.account = mine.account = row.account
        mine.customer = customer
        yield customer, mine
        if books is not None:
            tell_payment(books, mine)


def settle_result(row: PaymentMethod, result: MethodResult) -> PaymentMethod:
    """Apply how the saving stands; the customer's method, which may be one he had already."""
    if not says_something(result):
        return settle_error(row, OutcomeUnknown("The provider's answer says nothing."))
    with locked(row) as (customer, mine):
        if mine.status == MethodStatus.DETACHING and not mine.provider_method_id:
            return _saved_for_nobody(mine, result)
        if mine.status == MethodStatus.PENDING:
            settled = _apply(customer, mine, result)
        else:
            settled = mine
            if result.method is not None:  # true though late: this try is over, and nobody will use what was kept
                let_go_of(customer, result.method, consent=mine.consent)
    accounts.mark_healthy(row.account)
    logger.info("Method %s: %s.", row.pk, settled.status)
    return settled


def says_something(result: MethodResult) -> bool:
    """Whether it is an answer at all: of a saving that is over, or begun."""
    return bool(result.method or result.failure or result.provider_setup_id)


def _apply(customer: Customer, mine: PaymentMethod, result: MethodResult) -> PaymentMethod:
    try:
        name_customer(customer, result.provider_customer_id)
        if result.method is not None:
            return keep(customer, result.method, mine)
    except NotKept as error:
        logger.warning("Method %s is not kept: %s.", mine.pk, error.code)
        mine.refresh_from_db()
        if result.method is None and mine.parameters.get(UNNAMED) and customer.provider_customer_id:
            return _begin_anew(mine)
        if result.method is not None and error.code == "customer":
            let_go_of(customer, result.method, consent=mine.consent)
        return fail(mine, FailureCode.METHOD_NOT_USABLE.value, error.code)
    if result.failure is not None:
        return fail(mine, result.failure.code.value, result.failure.provider_code)
    return _wait(mine, result)


def _begin_anew(mine: PaymentMethod) -> PaymentMethod:
    """Of two savings at once each made a customer: the later begins again, for the one that is the user's by now.

    What it began is left to lapse: nobody was told of it.
    """
    mine.parameters = {name: value for name, value in mine.parameters.items() if name != UNNAMED} | {ANEW: True}
    mine.first_sent_at = None
    _rest(mine, until=timezone.now())
    return mine


def is_begun_anew(row: PaymentMethod) -> bool:
    """Whether it is still to be sent after it was begun anew."""
    return bool(row.parameters.get(ANEW)) and row.first_sent_at is None and row.status == MethodStatus.PENDING


def fail(mine: PaymentMethod, code: str, provider_code: str = "") -> PaymentMethod:
    """End a locked try that came to nothing."""
    finish(mine, MethodStatus.FAILED, failure=(code, provider_code))
    mine.parameters = {}
    mine.save()
    return mine


def _wait(mine: PaymentMethod, result: MethodResult) -> PaymentMethod:
    """The customer has something to do, or the provider has: look again later."""
    mine.provider_setup_id = result.provider_setup_id
    mine.next_action = stored_next_action(result.next_action) if result.next_action else None
    mine.parameters = {name: value for name, value in mine.parameters.items() if name == "make_default"}
    _rest(mine, until=next_look(mine))
    return mine


def next_look(mine: PaymentMethod) -> datetime:
    """When to look again at what waits: soon at first, then hourly, and once when it runs out."""
    now = timezone.now()
    pause = _FIRST_LOOK if now - mine.created_at < _FIRST_LOOK else _HOUR
    return min(now + pause, mine.expires_at) if mine.expires_at and mine.expires_at > now else now + pause


def _rest(mine: PaymentMethod, *, until: datetime) -> None:
    mine.lease_until, mine.next_attempt_at = None, until
    mine.error_code, mine.tries, mine.in_doubt = "", 0, False
    mine.save()


def is_over(row: PaymentMethod) -> bool:
    """Whether the time to save it has run out."""
    return row.expires_at is not None and row.expires_at <= timezone.now()


def end_expired(row: PaymentMethod) -> PaymentMethod:
    """Give up a try whose time has run out, unless it has ended meanwhile."""
    with locked(row) as (_, mine):
        if mine.status == MethodStatus.PENDING and is_over(mine):
            fail(mine, FailureCode.EXPIRED.value)
    return mine


def _saved_for_nobody(mine: PaymentMethod, result: MethodResult) -> PaymentMethod:
    """The customer took it back while it was being saved: what the provider keeps of it is let go of."""
    if result.method is not None and not _has_row(mine, result.method):
        mine.provider_method_id = result.method.provider_method_id
        _rest(mine, until=timezone.now())
    elif result.method is None and result.failure is None and _may_still_come(mine, result):
        mine.provider_setup_id = result.provider_setup_id
        _rest(mine, until=next_look(mine))
    else:
        finish(mine, MethodStatus.DETACHED)
        mine.save()
    return mine


def _may_still_come(mine: PaymentMethod, result: MethodResult) -> bool:
    """While the customer may finish it on a page he has open, or the provider is at it."""
    return result.next_action is None or (mine.expires_at is not None and not is_over(mine))


def _has_row(mine: PaymentMethod, fact: MethodFact) -> bool:
    return PaymentMethod.objects.filter(account_id=mine.account_id, provider_method_id=fact.provider_method_id).exists()


def never_saved(row: PaymentMethod) -> PaymentMethod:
    """The provider certainly keeps nothing of it."""
    with locked(row) as (_, mine):
        if mine.fence == row.fence and mine.status == MethodStatus.PENDING:
            fail(mine, FailureCode.PROCESSING_ERROR.value, "never_saved")
        elif mine.fence == row.fence and mine.status == MethodStatus.DETACHING:
            finish(mine, MethodStatus.DETACHED)
            mine.save()
    return mine


def settle_kept(row: PaymentMethod, kept: MethodFact | None) -> Verdict:
    """What was found of an active method: how it is described now, or that it is not among what the provider keeps.

    A list may be short: what is missing is let go of, so that nothing stays that nobody here knows of any more.
    """
    with locked(row) as (_, mine):
        if not mine.is_active or mine.provider_method_id != row.provider_method_id:
            return Verdict.STALE
        if kept is not None:
            describe(mine, kept)
        else:
            mine.default_key = None
            finish(mine, MethodStatus.DETACHING)
            mine.next_attempt_at = timezone.now()
            dispatch.start(dispatch.METHOD, str(mine.pk))
        mine.save()
    logger.info("Method %s: %s, as the provider says.", row.pk, mine.status)
    return Verdict.APPLIED


def settle_detached(row: PaymentMethod) -> PaymentMethod:
    """The provider keeps it no more."""
    with locked(row) as (_, mine):
        if mine.status == MethodStatus.DETACHING:
            finish(mine, MethodStatus.DETACHED)
            mine.save()
    logger.info("Method %s: %s.", row.pk, mine.status)
    return mine


def postpone(row: PaymentMethod, pause_s: float) -> PaymentMethod:
    """Give the claim back: it cannot be done yet, and that is no failure."""
    with locked(row) as (_, mine):
        if mine.fence == row.fence and MethodStatus(mine.status) in OPEN:
            _rest(mine, until=timezone.now() + timedelta(seconds=pause_s))
    return mine


def settle_error(row: PaymentMethod, error: ProviderError) -> PaymentMethod:
    """Write down what is known of a call that was not answered."""
    with locked(row) as (_, mine):
        if mine.fence == row.fence and MethodStatus(mine.status) in OPEN:
            _note_error(mine, error)
    logger.warning("Method %s: %s, now %s.", row.pk, error.code, mine.status)
    return mine


def _note_error(mine: PaymentMethod, error: ProviderError) -> None:
    if isinstance(error, Refused):
        if error.code == _NO_MATCH or mine.status == MethodStatus.DETACHING:
            park(mine, error.code)
        else:
            fail(mine, _failure_code(error), error.provider_code)
        return
    happened_for_certain_not = isinstance(error, Misconfigured | Throttled | NotSent)
    mine.in_doubt = mine.in_doubt or not happened_for_certain_not
    mine.error_code, mine.lease_until = error.code[:60], None
    if isinstance(said(error), Throttled):
        mine.tries -= 1  # the provider did not look at it: not a try
    if mine.tries >= hub_settings().operation_max_tries:
        park(mine, "tries_exhausted")
        return
    mine.next_attempt_at = timezone.now() + timedelta(seconds=_pause_s(mine, said(error)))
    mine.save()


def leave_to_person(row: PaymentMethod, attention_code: str) -> PaymentMethod:
    """Give the claim up: it may have happened, and nothing here can tell."""
    with locked(row) as (_, mine):
        if mine.fence == row.fence and MethodStatus(mine.status) in OPEN:
            park(mine, attention_code)
    return mine


def park(mine: PaymentMethod, attention_code: str) -> None:
    """Leave a locked row to a person: nothing tries it again by itself."""
    mine.lease_until = mine.next_attempt_at = None
    mine.attention_code = attention_code[:60]
    mine.save()
    logger.error("Method %s needs a person: %s.", mine.pk, attention_code)


def _pause_s(mine: PaymentMethod, error: ProviderError) -> float:
    backoff = backoff_s(max(mine.tries, 0))
    if isinstance(error, Throttled) and error.retry_after_s is not None:
        return error.retry_after_s + min(backoff, 1.0)
    return backoff


def _failure_code(error: ProviderError) -> str:
    try:
        return FailureCode(error.code).value
    except ValueError:
        return FailureCode.INVALID_REQUEST.value
