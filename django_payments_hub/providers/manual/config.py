"""What an account for manual payments is told: which kinds it offers, and what the customer has to know for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django_payments_hub.domain.statuses import MethodKind
from django_payments_hub.provider_kit.base import BaseConfig
from django_payments_hub.provider_kit.values import require
from django_payments_hub.providers.manual.reference import is_checked

KINDS = (MethodKind.CASH, MethodKind.BANK_TRANSFER, MethodKind.CHEQUE)

OWN_FIELDS = frozenset({"method", "reference", "amount", "currency", "pay_before", "details"})
"""Names of instructions that the provider fills in itself."""

_NEED_DETAILS = {MethodKind.BANK_TRANSFER: "BANK_DETAILS", MethodKind.CHEQUE: "CHEQUE_DETAILS"}
_MAX_DAYS = 366

Details = Mapping[str, str] | str


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """The keys of one account for manual payments.

    Args:
        methods: which of `cash`, `bank_transfer` and `cheque` are offered.
        bank_details: what the customer needs for a transfer: a dict (`account_holder`, `iban`, `bic`, ...) or a text.
        cheque_details: to whom a cheque is made out and where it is sent: a dict or a text.
        cash_details: where or to whom cash is paid, if there is something to say: a dict or a text.
        auto_approve: kinds that count as paid at once, unseen; `True` for all that are offered.
        expires_after_days: an unpaid payment is withdrawn after so many days.
    """

    methods: tuple[str, ...]
    bank_details: Details = ""
    cheque_details: Details = ""
    cash_details: Details = ""
    auto_approve: tuple[str, ...] | bool = ()
    expires_after_days: int = 14

    def __post_init__(self) -> None:
        require(bool(offered_kinds(self)), "METHODS is empty: offer cash, bank_transfer or cheque")
        require(auto_approved(self) <= offered_kinds(self), "AUTO_APPROVE names a kind that METHODS does not offer")
        days: object = self.expires_after_days  # settings hold anything
        in_range = isinstance(days, int) and not isinstance(days, bool) and 0 < days <= _MAX_DAYS
        require(in_range, f"EXPIRES_AFTER_DAYS is a number from 1 to {_MAX_DAYS}")
        for kind in KINDS:
            _check_details(_name_of(kind), details_of(self, kind))
        for kind, name in _NEED_DETAILS.items():
            missing = kind in offered_kinds(self) and not details_of(self, kind)
            require(not missing, f"{name} is empty, but {kind.value} is offered: nobody would know how to pay")


def offered_kinds(config: Config) -> frozenset[MethodKind]:
    """What the account offers."""
    return _kinds("METHODS", config.methods)


def auto_approved(config: Config) -> frozenset[MethodKind]:
    """What counts as paid without anybody having seen the money."""
    if isinstance(config.auto_approve, bool):
        return offered_kinds(config) if config.auto_approve else frozenset()
    return _kinds("AUTO_APPROVE", config.auto_approve)


def details_of(config: Config, kind: MethodKind) -> Details:
    """What the customer is told for this kind, beside the reference and the amount."""
    known = {
        MethodKind.BANK_TRANSFER: config.bank_details,
        MethodKind.CHEQUE: config.cheque_details,
        MethodKind.CASH: config.cash_details,
    }
    return known[kind]


def _kinds(name: str, value: object) -> frozenset[MethodKind]:
    words = value.split() if isinstance(value, str) else value  # a form has one line for several
    known = {kind.value: kind for kind in KINDS}
    require(isinstance(words, tuple | list), f"{name} is not a list")
    found = words if isinstance(words, tuple | list) else ()
    require(all(isinstance(word, str) and word in known for word in found), f"{name} takes {', '.join(known)}")
    return frozenset(known[word] for word in found)


def _name_of(kind: MethodKind) -> str:
    return _NEED_DETAILS.get(kind, "CASH_DETAILS")


def _check_details(name: str, details: object) -> None:
    if isinstance(details, str):
        return
    require(isinstance(details, Mapping), f"{name} is neither a dict nor a text")
    for key, value in details.items() if isinstance(details, Mapping) else ():
        require(isinstance(key, str) and isinstance(value, str) and bool(key), f"{name} holds something but texts")
        require(key not in OWN_FIELDS, f"{name} has {key!r}, which is filled in for each payment")
        if key.lower() == "iban":
            require(is_checked("".join(value.split()).upper()), f"{name} has an IBAN whose check digits do not fit")
