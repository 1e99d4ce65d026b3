"""Saved payment methods: save, finish saving, choose the default, change, let go.

Each use case commits its row first and only then speaks to the provider. A method is saved only because its customer
asked for it, or told a member of staff so: `consent` says which, when and how.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import Flow, MethodStatus
from django_payments_hub.exceptions import Conflict, InvalidInput, NotFound, RuleViolation, Unsupported
from django_payments_hub.models import PaymentMethod
from django_payments_hub.models.base import new_id
from django_payments_hub.services import accounts, customers, method_calls, provider_calls
from django_payments_hub.services.method_answers import locked
from django_payments_hub.services.method_facts import finish as end
from django_payments_hub.services.method_facts import make_default

OnCommit = Callable[[UUID], None]
"""Called with the row's id inside the transaction that writes it; raising undoes the transaction."""

_SETTLES = timedelta(minutes=2)
"""After so long, a call without an answer is not on its way, and what it made is listed (at some, a minute later)."""

VISIBLE = (MethodStatus.PENDING, MethodStatus.ACTIVE, MethodStatus.FAILED)
"""Statuses of methods that their customer still has to do with; the others are let go."""


@dataclass(frozen=True, kw_only=True)
class Consent:
    """That the customer agreed, as a member of staff was told: in which words, when, and how (`phone`, `letter`)."""

    text: str
    given_at: datetime
    how: str


@dataclass(frozen=True, kw_only=True)
class NewMethod:
    """What to save and for whom.

    Args:
        account: alias of the account.
        user: whose method it is. actor: the member of staff who saves it for him, with `consent`.
        method_token: the provider's one-time token; "" when the customer gives the method on the provider's page or in
            its browser SDK.
        make_default: make it the default; the first one is that anyway.
        return_url: where the provider's page leads back to; gets `payment_method=<id>`.
    """

    account: str
    user: AbstractBaseUser
    actor: AbstractBaseUser | None = None
    consent: Consent | None = None
    method_token: str = field(default="", repr=False)
    make_default: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    return_url: str = ""
    cancel_url: str = ""


def save(wanted: NewMethod, *, on_commit: OnCommit | None = None) -> PaymentMethod:
    """Save a method, or begin to: then it is `pending` with what the customer has to do.

    Returns:
        The customer's method; one he has already where it is the same card.

    Raises:
        NotFound: `unknown_account`, `inactive_account`. Unsupported: `unsupported_saved_methods`,
            `unsupported_setup_flow`. InvalidInput: staff without consent, or with one of the future (`in_future`);
            `return_url` missing for a page.
    """
    account = accounts.get(wanted.account)
    _check(wanted, account)
    row_id = new_id()
    now = timezone.now()
    row = PaymentMethod(
        id=row_id,
        user_id=wanted.user.pk,
        account=account.row,
        mode=account.config.mode.value,
        consent=_consent(wanted),
        metadata=dict(wanted.metadata),
        parameters=_parameters(wanted, row_id),
        next_attempt_at=now,
        expires_at=now + timedelta(seconds=hub_settings().payment_expiry_s),
    )
    claimed = provider_calls.may_send_now(account.row)
    with transaction.atomic(durable=True):
        row.customer = customers.recorded(wanted.user, account)
        if claimed:
            method_calls.lend(row)
        row.save(force_insert=True)
        if on_commit is not None:
            on_commit(row.pk)
    return method_calls.save(row) if claimed else row


def _check(wanted: NewMethod, account: accounts.Account) -> None:
    provider = provider_calls.provider_of(account.row)
    provider.require("saved_methods")
    accounts.refuse_play_money(account)
    flows = provider.capabilities.setup_flows
    if wanted.method_token:
        if Flow.TOKEN not in flows:
            raise Unsupported(f"{provider.label} saves no method from a token alone.", code="unsupported_setup_flow")
    elif not flows - {Flow.TOKEN}:
        raise InvalidInput("The provider's token of the method is needed.", field="payment_method_token")
    elif Flow.HOSTED in flows and Flow.CLIENT not in flows and not wanted.return_url:
        raise InvalidInput("The provider's page needs an address to come back to.", field="return_url", code="required")
    if wanted.actor is not None and wanted.consent is None:
        raise InvalidInput("Say what the customer agreed to, when and how.", field="consent", code="required")
    if wanted.consent is not None and wanted.consent.given_at > timezone.now():
        raise InvalidInput("The consent lies in the future.", field="consent", code="in_future")


def _consent(wanted: NewMethod) -> dict[str, str]:
    if wanted.consent is None:
        return {"by": "customer", "how": "request", "given_at": timezone.now().isoformat()}
    recorded_by = str(wanted.actor.pk) if wanted.actor is not None else ""
    told = {"text": wanted.consent.text, "given_at": wanted.consent.given_at.isoformat(), "how": wanted.consent.how}
    return {
        "by": "staff" if recorded_by else "customer",
        **told,
        **({"recorded_by": recorded_by, "recorded_at": timezone.now().isoformat()} if recorded_by else {}),
    }


def _parameters(wanted: NewMethod, row_id: UUID) -> dict[str, object]:
    """What the call needs beyond the row; dropped when the saving is over."""
    known: dict[str, object] = {
        "method_token": wanted.method_token,
        "return_url": _with_id(wanted.return_url, row_id),
        "cancel_url": _with_id(wanted.cancel_url or wanted.return_url, row_id),
        "make_default": wanted.make_default,
    }
    return {name: value for name, value in known.items() if value}


def _with_id(url: str, row_id: UUID) -> str:
    if not url:
        return ""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("payment_method", str(row_id))]
    return urlunsplit(parts._replace(query=urlencode(query)))


def confirm(method_id: UUID, *, on_commit: OnCommit | None = None) -> PaymentMethod:
    """See how a saving stands that the customer had something to do for, and finish it.

    Returns the customer's method as it then stands; one that is over, or in somebody else's hands, as it is.
    """
    if on_commit is not None:
        with transaction.atomic(durable=True):
            on_commit(method_id)
    if _read(method_id).status == MethodStatus.PENDING:
        method_calls.resume(method_id, asked=True)
    return _read(method_id)


def set_default(method_id: UUID, *, on_commit: OnCommit | None = None) -> PaymentMethod:
    """Make this the only default of its user and account; raises RuleViolation(`method_not_active`)."""
    return change(method_id, is_default=True, on_commit=on_commit)


def change(
    method_id: UUID,
    *,
    is_default: bool | None = None,
    metadata: Mapping[str, str] | None = None,
    on_commit: OnCommit | None = None,
) -> PaymentMethod:
    """Change what the customer may change; what is None stays. Raises RuleViolation(`method_not_active`)."""
    with locked(_read(method_id)) as (_, row):
        if not row.is_active:
            raise RuleViolation("The payment method is not saved, or not any more.", code="method_not_active")
        if is_default:
            make_default(row)
        elif is_default is False:
            row.default_key = None
        if metadata is not None:
            row.metadata = dict(metadata)
        row.save()
        if on_commit is not None:
            on_commit(row.pk)
    return row


def detach(method_id: UUID) -> PaymentMethod:
    """Let a method go: nobody can pay with it from now on, and the provider is told to forget it.

    What the provider does not answer now, or what a payment under way still needs, is seen to by the sweeper.

    Raises:
        NotFound: it is let go already. Conflict: `operation_in_progress`, it is being saved at this moment.
    """
    with transaction.atomic(durable=True), locked(_read(method_id)) as (_, row):
        if MethodStatus(row.status) not in VISIBLE:
            raise NotFound("There is no such payment method.")
        _begin_detach(row)
    if row.status == MethodStatus.DETACHING and provider_calls.may_send_now(row.account):
        method_calls.resume(row.pk)
    return _read(row.pk)


def _begin_detach(row: PaymentMethod) -> None:
    now = timezone.now()
    held = row.lease_until is not None and row.lease_until > now
    if row.status == MethodStatus.PENDING and held:
        raise Conflict("The payment method is being saved.", code="operation_in_progress")
    # Of one whose holder died nobody has said so yet: that its lease ran out does.
    unclear = row.status == MethodStatus.PENDING and (row.in_doubt or row.lease_until is not None)
    expires_at, parameters, row.default_key = row.expires_at, row.parameters, None
    known = row.provider_method_id or row.provider_setup_id
    end(row, MethodStatus.DETACHING if known or unclear else MethodStatus.DETACHED)
    if known or unclear:
        row.next_attempt_at, row.expires_at = now, expires_at
    if unclear:  # what it may have become is found out first
        row.in_doubt, row.parameters, row.next_attempt_at = True, parameters, now + _SETTLES
    row.save()


def try_again(method_id: UUID) -> PaymentMethod:
    """Take up a method that waits for a person; raises RuleViolation(`method_not_parked`)."""
    with transaction.atomic(durable=True):
        row = PaymentMethod.objects.select_for_update().filter(pk=method_id).first()
        if row is None or not row.attention_code:
            raise RuleViolation("The payment method does not wait for a person.", code="method_not_parked")
        row.attention_code, row.tries, row.next_attempt_at = "", 0, timezone.now()
        row.save()
    method_calls.resume(method_id)
    return _read(method_id)


def usable(method_id: UUID, *, user: AbstractBaseUser | None = None) -> PaymentMethod:
    """An active method, of this user where one is given.

    Raises:
        NotFound: `unknown_payment_method`; the same for another's, for one that is let go and for none.
    """
    rows = PaymentMethod.objects.select_related("account", "customer", "user").filter(status=MethodStatus.ACTIVE.value)
    row = rows.filter(pk=method_id, **({"user_id": user.pk} if user is not None else {})).first()
    if row is None:
        raise NotFound("There is no such payment method.", code="unknown_payment_method")
    return row


def resolved(row: PaymentMethod) -> PaymentMethod:
    """The method a try led to: the row itself, or the one the customer had already."""
    seen = {row.pk}
    while row.replaced_by is not None and row.replaced_by_id not in seen:
        row = row.replaced_by
        seen.add(row.pk)
    return row


def _read(method_id: UUID) -> PaymentMethod:
    row = PaymentMethod.objects.select_related("account", "customer", "replaced_by").filter(pk=method_id).first()
    if row is None:
        raise NotFound("There is no such payment method.")
    return resolved(row)
