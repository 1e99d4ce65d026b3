"""The part of a bench that is the same for every provider of our sandbox."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from django_payments_hub.provider_kit.types import PaymentFact
from django_payments_hub.testing.contract.bench import Bench, Books, Notice, Trouble
from django_payments_hub.testing.contract.receiver import Receiver
from django_payments_hub.testing.sandbox import SandboxClient, SandboxProcess

_HUGE_BYTES = 6_000_000
"""More than the kit reads (`http.MAX_BODY_BYTES`)."""


class SandboxBench(Bench):
    """A bench on `python -m django_payments_hub.sandbox`. A subclass adds accounts, tokens and the customer's part.

    Attributes:
        mount: the provider's name at the sandbox.
        secret: what `SandboxClient.forge` signs the account's notices with.
    """

    mount: ClassVar[str]
    secret: str = ""

    def __init__(self, process: SandboxProcess, receiver: Receiver):
        self.process, self.receiver = process, receiver
        self.sandbox: SandboxClient = process.client
        self.sandbox.reset()
        self.sandbox.policy(hold=True, max_attempts=1)
        receiver.clear()

    @property
    def settings(self) -> dict[str, Any]:
        """What points an account at the sandbox."""
        return self.sandbox.settings(self.mount)

    # -- the truth -----------------------------------------------------------------------------------------------------

    def books(self, reference: str) -> Books:
        found = [
            sums
            for sums in self.sandbox.ledger(provider=self.mount)["payments"].values()
            if reference in sums["metadata"].values()
        ]
        return Books(
            captured=sum(sums["captured"] for sums in found),
            refunded=sum(sums["refunded"] for sums in found),
            # A provider that takes money in one step books no authorisation.
            held=sum(max(0, sums["authorized"] - sums["captured"] - sums["released"]) for sums in found),
            currencies=frozenset(sums["currency"].upper() for sums in found),
        )

    def calls(self) -> int:
        return len(self.sandbox.calls(provider=self.mount))

    def dashboard_refund(self, fact: PaymentFact, amount_minor: int) -> None:
        self.sandbox.external_refund(fact.provider_payment_id, amount_minor)

    def dispute(self, fact: PaymentFact, status: Literal["needs_response", "won", "lost"]) -> None:
        self.sandbox.dispute(fact.provider_payment_id, status=status)

    # -- trouble -------------------------------------------------------------------------------------------------------

    def script(self, trouble: Trouble, call: str) -> None:
        options: dict[str, Any] = {}
        if trouble.kind == "status":
            body = self.error_body(trouble.status) if trouble.body is None else trouble.body
            options = {"status": trouble.status, "body": dict(body), "headers": dict(trouble.headers)}
        elif trouble.kind == "huge":
            options = {"size": _HUGE_BYTES}
        elif trouble.kind == "redirect":
            options = {"url": trouble.url}
        self.sandbox.fault(
            trouble.kind, operation=call, when=trouble.when, provider=self.mount, times=trouble.times, **options
        )

    def calm(self) -> None:
        self.sandbox.clear_faults()

    # -- notices -------------------------------------------------------------------------------------------------------

    def notices(self) -> list[Notice]:
        self.sandbox.flush()
        if not self.sandbox.wait_idle():
            raise AssertionError("The sandbox does not come to the end of its notices.")
        return list(self.receiver.notices)

    def forget_notices(self) -> None:
        self.notices()
        self.receiver.clear()

    def sign(self, body: bytes) -> Notice:
        known = len(self.receiver.notices)
        answer = self.sandbox.forge(self.receiver.url, self.secret, body.decode(), provider=self.mount)
        if answer.get("status") != 200:
            raise AssertionError(f"The sandbox could not send a signed notice: {answer}.")
        return self.receiver.notices[known:][0]
