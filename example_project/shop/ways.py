"""The ways to pay an order, as its page offers them: what the hub's accounts can do, and nothing about any provider."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind, MethodStatus
from django_payments_hub.exceptions import ConfigurationError, InvalidInput, Unsupported
from django_payments_hub.models import Payment, PaymentMethod
from django_payments_hub.provider_kit.base import BaseProvider
from django_payments_hub.provider_kit.types import Payer
from django_payments_hub.services import accounts, provider_calls
from django_payments_hub.services.accounts import Account

_WITHOUT_PAGE = {
    MethodKind.WALLET: (_("%(account)s on your phone"), _("you approve it there, with your PIN")),
    MethodKind.VOUCHER: (_("%(account)s voucher"), _("a number to pay with in cash, at a shop near you")),
    MethodKind.BANK_TRANSFER: (_("Bank transfer"), _("we tell you where to, and ship when it has arrived")),
    MethodKind.CASH: (_("Cash on delivery"), _("you pay the courier")),
    MethodKind.CHEQUE: (_("Cheque"), _("we ship when it has cleared")),
}
_OFFERED = tuple(_WITHOUT_PAGE)


@dataclass(frozen=True, kw_only=True)
class Way:
    """One choice on the page. `flow`, `method_kind` and `payment_method` go to the API as they are, and `asks` are the
    fields of the payer that the customer has to fill in; `can_save`: he may let the provider keep what he pays with.
    """

    account: str
    label: str
    hint: str
    flow: str = ""
    method_kind: str = ""
    payment_method: str = ""
    asks: tuple[str, ...] = ()
    can_save: bool = False

    @property
    def rank(self) -> tuple[int, str]:
        """Pages come first, then phones and vouchers, then what is done by hand."""
        return _OFFERED.index(MethodKind(self.method_kind)) + 1 if self.method_kind else 0, self.label


def ways_to_pay(currency: str, user: User | AnonymousUser) -> list[Way]:
    """What this customer can pay an order in this currency with: what is saved, then the others by their rank."""
    found: list[Way] = []
    for account in accounts.payable_accounts():
        try:
            found += _ways_of(account, currency, known=user.is_authenticated)
        except ConfigurationError:
            continue  # one account that is set up wrongly does not close the shop; `manage.py check` names it
    found.sort(key=lambda way: way.rank)
    usable = {way.account for way in found}
    return [*(way for way in _saved(user) if way.account in usable), *found]


def can_be_withdrawn(payment: Payment) -> bool:
    """Whether another payment may take the place of this one, which waits for its customer."""
    try:
        return provider_calls.provider_of(payment.account).capabilities.cancel
    except ConfigurationError:
        return False


def _ways_of(account: Account, currency: str, *, known: bool) -> Iterator[Way]:
    provider = provider_calls.provider_of(account.row)
    alias, label = account.row.alias, account.row.label or provider.label
    if _takes(provider, Flow.HOSTED, currency):
        can_save = known and Flow.HOSTED in provider.capabilities.save_flows
        hint = gettext("on the secure page of %(provider)s") % {"provider": provider.label}
        yield Way(account=alias, label=label, hint=hint, can_save=can_save)
    for kind, (name, told) in _WITHOUT_PAGE.items():
        if _takes(provider, Flow.DIRECT, currency, kind):
            yield Way(
                account=alias,
                label=str(name) % {"account": label},
                hint=str(told),
                flow=Flow.DIRECT.value,
                method_kind=kind.value,
                asks=_asked(provider, kind),
            )


def _takes(provider: BaseProvider[Any], flow: Flow, currency: str, kind: MethodKind | None = None) -> bool:
    try:
        provider.supports(flow=flow, currency=currency, capture_method=CaptureMethod.AUTOMATIC, method_kind=kind)
    except Unsupported:
        return False
    return True


def _asked(provider: BaseProvider[Any], kind: MethodKind) -> tuple[str, ...]:
    """What the provider has to know of a customer: it complains of one who tells nothing."""
    try:
        provider.check_payer(Payer(), flow=Flow.DIRECT, method_kind=kind)
    except InvalidInput as error:
        named = error.field.removeprefix("payer.")
        return (named, "national_id") if provider.capabilities.national_id else (named,)
    return ()


def _saved(user: User | AnonymousUser) -> Iterator[Way]:
    if not isinstance(user, User):
        return
    active = PaymentMethod.objects.filter(user=user, status=MethodStatus.ACTIVE.value).select_related("account")
    for method in active.order_by("-default_key", "-pk"):
        if method.is_expired or method.mode != method.account.mode:
            continue
        yield Way(
            account=method.account.alias,
            label=str(method),
            hint=gettext("saved with %(account)s") % {"account": method.account.label or method.account.alias},
            payment_method=str(method.pk),
        )
