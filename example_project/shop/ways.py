"""The ways to pay an order, as its page offers them: what the hub's accounts can do, and nothing about any provider."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, User
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_payments_hub.domain.statuses import Flow, MethodKind, MethodStatus
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.models import PaymentMethod
from django_payments_hub.services import accounts, provider_calls
from django_payments_hub.services.accounts import Account

_BY_HAND = {
    MethodKind.BANK_TRANSFER: (_("Bank transfer"), _("we tell you where to, and ship when it has arrived")),
    MethodKind.CASH: (_("Cash on delivery"), _("you pay the courier")),
    MethodKind.CHEQUE: (_("Cheque"), _("we ship when it has cleared")),
}


@dataclass(frozen=True, kw_only=True)
class Way:
    """One choice on the page. `method_kind` and `payment_method` go to the API as they are; `can_save`: the customer
    may let the provider keep what he pays with.
    """

    account: str
    label: str
    hint: str
    method_kind: str = ""
    payment_method: str = ""
    can_save: bool = False


def ways_to_pay(currency: str, user: User | AnonymousUser) -> list[Way]:
    """What this customer can pay an order in this currency with: what is saved, then pages, then by hand."""
    found: list[Way] = []
    for account in accounts.payable_accounts():
        try:
            found += _ways_of(account, currency, known=user.is_authenticated)
        except ConfigurationError:
            continue  # one account that is set up wrongly does not close the shop; `manage.py check` names it
    found.sort(key=lambda way: (bool(way.method_kind), way.label))
    usable = {way.account for way in found}
    return [*(way for way in _saved(user) if way.account in usable), *found]


def _ways_of(account: Account, currency: str, *, known: bool) -> Iterator[Way]:
    provider = provider_calls.provider_of(account.row)
    can, label = provider.capabilities, account.row.label or provider.label
    if can.currencies and currency not in can.currencies:
        return
    if Flow.HOSTED in can.flows:
        hint = gettext("on the secure page of %(provider)s") % {"provider": provider.label}
        yield Way(account=account.row.alias, label=label, hint=hint, can_save=known and Flow.HOSTED in can.save_flows)
    if Flow.DIRECT in can.flows:
        for kind in sorted(can.method_kinds & _BY_HAND.keys()):
            name, told = _BY_HAND[kind]
            yield Way(account=account.row.alias, label=str(name), hint=str(told), method_kind=kind.value)


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
