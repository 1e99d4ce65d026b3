"""The contract of every provider, as tests: a provider's own tests subclass it and bring a bench.

```
class TestAcme(ProviderContract):
    provider = Provider

    @pytest.fixture
    def bench(self, sandbox_process, receiver):
        return AcmeBench(sandbox_process, receiver)
```

Every capability that is declared is exercised, every one that is not is tried and has to be refused. Nothing is
skipped: tests about what a provider is not (it declares no refunds; it calls nobody) are taken out of its class, and a
hook that is missing fails the tests that need it. Needs pytest.
"""

from __future__ import annotations

from django_payments_hub.testing.contract.accounts import Accounts
from django_payments_hub.testing.contract.bench import (
    PAYING,
    Bench,
    Books,
    Deed,
    HookMissing,
    Means,
    Notice,
    Token,
    Trouble,
)
from django_payments_hub.testing.contract.declarations import Declarations
from django_payments_hub.testing.contract.errors import Errors
from django_payments_hub.testing.contract.forms import Forms
from django_payments_hub.testing.contract.methods import Methods
from django_payments_hub.testing.contract.moves import Moves
from django_payments_hub.testing.contract.notice_proofs import NoticeProofs
from django_payments_hub.testing.contract.notices import Notices
from django_payments_hub.testing.contract.payments import Payments
from django_payments_hub.testing.contract.receiver import Receiver
from django_payments_hub.testing.contract.recovery import Recovery
from django_payments_hub.testing.contract.sandbox_bench import SandboxBench
from django_payments_hub.testing.contract.savings import Savings
from django_payments_hub.testing.contract.secrecy import Secrecy

__all__ = [
    "PAYING",
    "Bench",
    "Books",
    "Deed",
    "HookMissing",
    "Means",
    "Notice",
    "ProviderContract",
    "Receiver",
    "SandboxBench",
    "Token",
    "Trouble",
]


class ProviderContract(
    Declarations, Accounts, Payments, Forms, Moves, Errors, Recovery, Notices, NoticeProofs, Methods, Savings, Secrecy
):
    """What a provider's class has to keep, whatever it is a provider of."""
