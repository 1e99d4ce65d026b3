"""Carries out what is to be done about a method at its provider: save, see how the saving stands, let go.

Each row is claimed before its provider is called, with no transaction open. A crash between any two steps leaves a row
that `resume` finishes: with the same key while the provider honours it, by our reference, or by a person.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import MethodStatus, PaymentStatus, Verdict
from django_payments_hub.exceptions import (
    Conflict,
    HubError,
    Misconfigured,
    NotSent,
    ProviderError,
    Refused,
    Throttled,
)
from django_payments_hub.failpoints import reach
from django_payments_hub.models import Payment, PaymentMethod, ProviderAccount
from django_payments_hub.provider_kit.asking import said
from django_payments_hub.provider_kit.method_types import MethodResult
from django_payments_hub.provider_kit.types import LookUp
from django_payments_hub.services import customers, method_answers, method_requests, provider_calls
from django_payments_hub.services.claims import unpaused
from django_payments_hub.services.method_answers import OPEN, is_over, settle_error, settle_result

logger = logging.getLogger("django_payments_hub.methods")

_USING = (PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.PROCESSING)
"""Statuses of payments that still need the method they are made with."""

_IN_USE_PAUSE_S = 60.0


def due(*, limit: int) -> list[UUID]:
    """Methods with something to do now."""
    words = [status.value for status in OPEN]
    rows = PaymentMethod.objects.filter(unpaused("account"), status__in=words, next_attempt_at__lte=timezone.now())
    return list(rows.order_by("next_attempt_at").values_list("pk", flat=True)[:limit])


def lend(row: PaymentMethod) -> None:
    """Hand a row to this process until its lease ends: time for its two calls, the customer's and its own."""
    now = timezone.now()
    row.tries += 1
    row.fence += 1
    row.first_sent_at = row.first_sent_at or now
    row.lease_until = row.next_attempt_at = now + timedelta(seconds=2 * provider_calls.lease_s(row.account))


def claim(method_id: UUID, *, asked: bool = False) -> PaymentMethod | None:
    """Take a row that nobody holds and that is due; None when there is nothing to do.

    One whose lease ran out was sent by somebody who died: from then on it is in doubt.

    Args:
        asked: somebody waits for it: it need not be due, unless it pauses after an error.
    """
    now = timezone.now()
    with transaction.atomic(durable=True):
        row = PaymentMethod.objects.select_for_update().filter(pk=method_id).first()
        if row is None or MethodStatus(row.status) not in OPEN or row.next_attempt_at is None:
            return None
        held = row.lease_until is not None and row.lease_until > now
        due = row.next_attempt_at <= now or (asked and not row.error_code)
        if held or not due or not provider_calls.may_call(row.account):
            return None
        row.in_doubt = row.in_doubt or row.lease_until is not None
        if row.tries >= hub_settings().operation_max_tries:
            method_answers.park(row, "tries_exhausted")
            return None
        lend(row)
        row.save()
    return row


def resume(method_id: UUID, *, asked: bool = False) -> PaymentMethod | None:
    """Do what is to be done: the way in of the sweeper, and of a customer who comes back.

    Returns the customer's method as it then stands; None when the row is over, held by somebody else, or not due.
    """
    row = claim(method_id, asked=asked)
    if row is None:
        return None
    if row.status == MethodStatus.DETACHING:
        return let_go(row)
    if row.provider_setup_id:
        return _look(row)
    if row.in_doubt:
        return _recover(row)
    return method_answers.end_expired(row) if is_over(row) else save(row)


def save(row: PaymentMethod) -> PaymentMethod:
    """Save a claimed method, its customer first; it never raises for what a provider does."""
    try:
        row.customer = customers.made(row.customer)
    except (Conflict, ProviderError) as error:
        return settle_error(row, _not_sent(error))
    _freeze_customer(row)
    reach("method.before_send")
    if row.lease_until is None or row.lease_until <= timezone.now():
        return row  # stopped for so long that somebody else may hold it by now (I17)
    try:
        result = provider_calls.save_method(row)
    except ProviderError as error:
        reach("method.after_answer")
        # A token that was used up says nothing about who used it.
        return _by_reference(row, error) if isinstance(error, Refused) and row.in_doubt else settle_error(row, error)
    reach("method.after_answer")
    if row.in_doubt and result.failure is not None and not result.provider_setup_id:
        return _by_reference(row, result)
    settled = settle_result(row, result)
    return resume(row.pk) or settled if method_answers.is_begun_anew(settled) else settled


def _freeze_customer(row: PaymentMethod) -> None:
    """Remember that the request names no customer: under the same key it never may, though he gets an id meanwhile."""
    unnamed = not row.customer.provider_customer_id
    if row.in_doubt or row.parameters.get(method_requests.UNNAMED, False) is unnamed:
        return
    row.parameters = {**row.parameters, method_requests.UNNAMED: unnamed}
    PaymentMethod.objects.filter(pk=row.pk, fence=row.fence).update(parameters=row.parameters)


def _not_sent(error: HubError) -> ProviderError:
    """Without a customer nothing of the method was sent, whatever became of the customer."""
    answer = said(error) if isinstance(error, ProviderError) else error
    if isinstance(answer, Misconfigured | Throttled):
        return answer
    if isinstance(error, Refused):
        return error
    return NotSent(error.message, code=error.code)


def _look(row: PaymentMethod) -> PaymentMethod:
    try:
        result = provider_calls.finish_method(row)
    except ProviderError as error:
        return settle_error(row, error)
    settled = settle_result(row, result)
    waits = settled.pk == row.pk and settled.status == MethodStatus.PENDING
    return _give_up(settled) if waits and is_over(settled) else settled


def _give_up(row: PaymentMethod) -> PaymentMethod:
    """What nobody has finished in time, or its customer took back, is not to be finished any more (I23)."""
    try:
        result = provider_calls.cancel_setup(row)
    except ProviderError as error:
        return settle_error(row, error)
    settled = settle_result(row, result)
    waits = settled.pk == row.pk and settled.status == MethodStatus.PENDING and settled.next_action is not None
    return method_answers.end_expired(settled) if waits else settled


def _recover(row: PaymentMethod) -> PaymentMethod:
    """A saving that may have happened: sent again while that cannot save twice, else looked for by our reference."""
    capabilities = provider_calls.provider_of(row.account).capabilities
    window = timedelta(seconds=capabilities.method_key_window_s)
    knows_key = row.first_sent_at is not None and timezone.now() - row.first_sent_at < window
    if (knows_key or capabilities.recovers_itself) and not is_over(row):
        return save(row)
    return _by_reference(row)


def _by_reference(row: PaymentMethod, answer: Refused | MethodResult | None = None) -> PaymentMethod:
    """What the provider keeps under our reference is this one; what carries none could be anybody's (I13).

    Args:
        answer: the refusal that holds if there is nothing.
    """
    if provider_calls.provider_of(row.account).capabilities.finds_savings:
        try:
            found = provider_calls.find_method(row)
        except ProviderError as error:
            return settle_error(row, error)
        if method_answers.says_something(found):
            return settle_result(row, found)
    elif {"method_token", "payment_token"} & row.parameters.keys():
        return method_answers.leave_to_person(row, "key_window_passed")
    # Nothing is kept; and of a setup nobody was told about, nothing can come any more.
    if isinstance(answer, MethodResult):
        return settle_result(row, answer)
    return settle_error(row, answer) if answer is not None else method_answers.never_saved(row)


def look_at_kept(account: ProviderAccount, notice: LookUp) -> Verdict | None:
    """What the provider keeps of a method that it says was changed or removed; None for one that is not kept here.

    Raises:
        ProviderError: it could not be asked.
    """
    rows = PaymentMethod.objects.select_related("customer").filter(account=account, status=MethodStatus.ACTIVE.value)
    row = rows.filter(provider_method_id=notice.provider_method_id).first()
    if row is None:
        return None
    row.account = row.customer.account = account
    listed = provider_calls.list_methods(row.customer)
    kept = next((fact for fact in listed if fact.provider_method_id == notice.provider_method_id), None)
    return method_answers.settle_kept(row, kept)


# -- letting go -------------------------------------------------------------------------------------------------------


def let_go(row: PaymentMethod) -> PaymentMethod:
    """Have the provider forget a claimed method, once no payment needs it any more."""
    if not row.provider_method_id:
        if row.provider_setup_id:
            return _give_up(row)
        return _by_reference(row) if row.in_doubt else method_answers.settle_detached(row)
    if _is_in_use(row):
        return method_answers.postpone(row, _IN_USE_PAUSE_S)
    reach("method.before_detach")
    try:
        provider_calls.detach_method(row)
    except Refused as error:
        return _let_go_already(row, error)
    except ProviderError as error:
        return settle_error(row, error)
    reach("method.after_detach")
    return method_answers.settle_detached(row)


def _let_go_already(row: PaymentMethod, refused: Refused) -> PaymentMethod:
    try:
        kept = provider_calls.list_methods(row.customer)
    except ProviderError as error:
        return settle_error(row, error)
    if any(fact.provider_method_id == row.provider_method_id for fact in kept):
        return settle_error(row, refused)
    return method_answers.settle_detached(row)


def _is_in_use(row: PaymentMethod) -> bool:
    rows = [row.pk, row.replaced_by_id] if row.replaced_by_id else [row.pk]
    using = Payment.objects.filter(payment_method_id__in=rows, status__in=[status.value for status in _USING])
    return using.exists()
