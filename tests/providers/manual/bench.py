"""The bench of manual payments for the provider contract: nobody is called, so there is nothing to script."""

from __future__ import annotations

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.provider_kit.types import AccountConfig
from django_payments_hub.testing.provider_contract import Bench

VALUES = {
    "METHODS": ["cash", "bank_transfer", "cheque"],
    "BANK_DETAILS": {"account_holder": "Tea Ltd", "iban": "DE89 3704 0044 0532 0130 00"},
    "CHEQUE_DETAILS": "Payable to Tea Ltd",
}


class ManualBench(Bench):
    def account(self) -> AccountConfig:
        return AccountConfig(alias="contract", provider="manual", mode=Mode.TEST, values=VALUES)
