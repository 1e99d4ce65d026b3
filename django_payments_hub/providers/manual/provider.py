"""Manual payments: the customer is told what to do, and staff says when the money is there.

Nothing is called and nothing leaves this machine. The money is told by the host's staff (`operator_receipts`), and a
refund is made by hand (`operator_refunds`); both are recorded by services that know no provider.
"""

from __future__ import annotations

from dataclasses import replace

from django_payments_hub.domain.money import format_minor
from django_payments_hub.domain.statuses import CaptureMethod, Flow, MethodKind, NextActionKind, Stage
from django_payments_hub.exceptions import InvalidInput, Unsupported
from django_payments_hub.provider_kit.base import BaseProvider, Capabilities
from django_payments_hub.provider_kit.types import (
    AccountConfig,
    CancelRequest,
    MethodFact,
    NextAction,
    PaymentFact,
    PaymentResult,
    PayRequest,
)
from django_payments_hub.providers.manual.config import KINDS, Config, auto_approved, details_of, offered_kinds
from django_payments_hub.providers.manual.reference import creditor_reference, grouped

_DAY_S = 86_400
_FOR_EVER_S = 100 * 366 * _DAY_S
"""The window of a key: the same request has the same answer whenever it is made, because nothing happens."""


class Provider(BaseProvider[Config]):
    """Cash on delivery, bank transfer and cheque, with instructions for the customer."""

    name = "manual"
    label = "Manual payment"
    Config = Config
    capabilities = Capabilities(
        flows=frozenset({Flow.DIRECT}),
        method_kinds=frozenset(KINDS),
        cancel=True,
        partial_refund=True,
        operator_receipts=True,
        operator_refunds=True,
        key_window_s=_FOR_EVER_S,
        call_deadline_s=1.0,
    )

    def __init__(self, account: AccountConfig):
        super().__init__(account)
        # What this account offers, so that everything that reads capabilities sees no more than that.
        known = type(self).capabilities
        self.capabilities = replace(known, method_kinds=offered_kinds(self.config))  # type: ignore[misc]

    def supports(
        self, *, flow: Flow, currency: str, capture_method: CaptureMethod, method_kind: MethodKind | None = None
    ) -> None:
        """As every provider; where several kinds are offered, one has to be named.

        Raises:
            Unsupported: as the base. InvalidInput: `method_kind_required`.
        """
        super().supports(flow=flow, currency=currency, capture_method=capture_method, method_kind=method_kind)
        self._chosen(method_kind)

    def pay(self, request: PayRequest) -> PaymentResult:
        """Tell the customer what to do; a kind that is approved automatically is paid with that."""
        kind = self._chosen(request.method_kind)
        if kind in auto_approved(self.config):
            paid = request.amount_minor
            fact = replace(self._fact(request, Stage.CAPTURED, kind), authorized_minor=paid, captured_minor=paid)
        else:
            waiting = self._fact(request, Stage.REQUIRES_ACTION, kind)
            fact = replace(waiting, next_action=self._instructions(request, kind))
        return PaymentResult(fact=fact)

    def cancel(self, request: CancelRequest) -> PaymentResult:
        """Nobody waits for the money any more."""
        return PaymentResult(fact=self._fact(request, Stage.CANCELLED))

    def make_reference(self, payment_id: str) -> str:
        """What the customer quotes: a creditor reference of ISO 11649."""
        return creditor_reference(payment_id)

    @property
    def payment_expiry_s(self) -> int:
        """Days, not hours: a transfer takes some, and a cheque comes by post."""
        return self.config.expires_after_days * _DAY_S

    def check(self) -> list[str]:
        """Automatic approval is worth a second thought."""
        kinds = sorted(kind.value for kind in auto_approved(self.config))
        if not kinds:
            return []
        return [f"AUTO_APPROVE: {', '.join(kinds)} counts as paid although nobody has seen the money."]

    def _chosen(self, kind: MethodKind | None) -> MethodKind:
        offered = sorted(self.capabilities.method_kinds)
        if kind in offered:
            return kind
        if kind is not None:
            raise Unsupported(f"{self.label} has no {kind.value}.", code="unsupported_method_kind")
        if len(offered) == 1:
            return offered[0]
        words = ", ".join(found.value for found in offered)
        raise InvalidInput(f"Say what to pay with: {words}.", field="method_kind", code="method_kind_required")

    def _fact(self, request: PayRequest | CancelRequest, stage: Stage, kind: MethodKind | None = None) -> PaymentFact:
        return PaymentFact(
            stage=stage,
            currency=request.currency,
            mode=self.account.mode,
            reference=request.reference,
            provider_payment_id=request.reference,
            amount_minor=request.amount_minor,
            method=MethodFact(kind=kind) if kind else None,
        )

    def _instructions(self, request: PayRequest, kind: MethodKind) -> NextAction:
        details = details_of(self.config, kind)
        told = dict(details) if not isinstance(details, str) else {"details": details} if details else {}
        told |= {
            "method": kind.value,
            "reference": grouped(request.reference),
            "amount": format_minor(request.amount_minor, request.currency),
            "currency": request.currency,
        }
        if request.expires_at is not None:
            told["pay_before"] = request.expires_at.isoformat(timespec="seconds")
        return NextAction(kind=NextActionKind.INSTRUCTIONS, fields=told)
