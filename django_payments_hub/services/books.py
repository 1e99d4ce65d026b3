"""One payment under lock: change its amounts and rows, and on closing everything that follows from them.

Closing derives the status, checks that the move is legal, writes the row, appends the log, moves the order's sum and
tells the order: the only code that writes a status.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Sum

from django_payments_hub.domain import derive
from django_payments_hub.domain.payable import UserKey
from django_payments_hub.domain.statuses import (
    EXCLUSIVE_KINDS,
    RESERVING_REFUNDS,
    OperationKind,
    PaymentStatus,
    RefundStatus,
    Source,
    Stage,
)
from django_payments_hub.domain.transitions import PAYMENT_MOVES, is_legal
from django_payments_hub.exceptions import HubError
from django_payments_hub.models import Dispute, Operation, OrderRef, Payment, ProviderAccount, Refund, TransactionLog
from django_payments_hub.services import events, orders
from django_payments_hub.services.locking import lock_open_operations, lock_payment

AMOUNT_FIELDS = (
    "authorized_minor",
    "captured_minor",
    "capturable_minor",
    "refunded_minor",
    "refund_reserved_minor",
    "disputed_minor",
    "excess_minor",
    "surplus_minor",
)

EXCESS = "refunded_in_excess"
"""Attention code of a payment of which the provider refunded more than it captured."""

ORDER_OVERPAID = "order_overpaid"
"""Attention code of a payment with which its order has more than it costs: the provider says so, a person refunds."""

SURPLUS = "overpaid"
"""Attention code of a payment for which more came in than was asked for, until somebody has given the surplus back."""

_WATCHED = (
    *AMOUNT_FIELDS,
    "stage",
    "status",
    "outcome_unknown",
    "attention_code",
    "failure_code",
    "failure_provider_code",
    "method_kind",
    "method_details",
    "next_action",
    "provider_payment_id",
    "provider_session_id",
    "cancel_reason",
    "customer_id",
    "payment_method_id",
    "expires_at",
)

# News to the host. The rest (ids, the next action) is detail; a reservation is told by its refund's own event.
_TELLING = frozenset({*AMOUNT_FIELDS, "status"}) - {"refund_reserved_minor"}


class Mismatch(HubError):
    """A fact contradicts what it is said to be about. `code` says in which respect."""

    code = "mismatch"


class IllegalMove(HubError):
    """The facts would make the payment take a step that is not declared."""

    code = "illegal_transition"


@dataclass(frozen=True, kw_only=True)
class Told:
    """By whom and through which door a change came."""

    source: Source
    account: ProviderAccount | None = None
    operation_id: UUID | None = None
    webhook_event_id: UUID | None = None
    actor_id: UserKey = None


@dataclass
class Books:
    """A locked payment and what happens to it in this transaction.

    `vouched` is what a person vouches for: it stands in the data of every entry of this change. `mark` is an attention
    code for a payment that has no graver one.
    """

    payment: Payment
    told: Told
    created: bool = False
    refunds_changed: bool = False
    disputes_changed: bool = False
    vouched: dict[str, object] = field(default_factory=dict)
    mark: str = ""
    rows: list[TransactionLog] = field(default_factory=list)
    _before: dict[str, object] = field(default_factory=dict)
    _operations: list[Operation] | None = None

    def __post_init__(self) -> None:
        self._before = {name: getattr(self.payment, name) for name in _WATCHED}
        self._active_before = 0 if self.created else self._active()

    @property
    def operations(self) -> list[Operation]:
        """The open operations, under lock."""
        if self._operations is None:
            self._operations = lock_open_operations(self.payment)
        return self._operations

    def operation(self, operation_id: UUID) -> Operation:
        """One operation of this payment, open or closed, under lock."""
        for operation in self.operations:
            if operation.pk == operation_id:
                return operation
        return Operation.objects.select_for_update().get(pk=operation_id, payment=self.payment)

    def open_of(self, *kinds: OperationKind) -> list[Operation]:
        """Open operations of these kinds."""
        return [operation for operation in self.operations if OperationKind(operation.kind) in kinds]

    def note(
        self,
        event: str,
        *,
        refund: Refund | None = None,
        dispute: Dispute | None = None,
        from_status: str = "",
        to_status: str = "",
        data: dict[str, object] | None = None,
    ) -> None:
        """Add a log entry; position and amounts are filled in when the books close."""
        self.rows.append(
            TransactionLog(
                payment=self.payment,
                event=event,
                refund=refund,
                dispute=dispute,
                from_status=from_status,
                to_status=to_status,
                source=self.told.source.value,
                operation_id=self.told.operation_id,
                webhook_event_id=self.told.webhook_event_id,
                actor_id=self.told.actor_id,  # type: ignore[misc]  # a host's user may have a UUID key
                data={**self.vouched, **(data or {})},
            )
        )

    def close(self) -> bool:
        """Derive and write everything that follows; returns whether anything changed.

        Raises:
            IllegalMove: nothing may be written then.
        """
        self._derive()
        changed = [name for name in _WATCHED if getattr(self.payment, name) != self._before[name]]
        telling = self.created or bool(_TELLING.intersection(changed))
        if telling:
            self._note_payment()
        if changed or self.rows:
            self._write(changed)
            told_order = orders.tell_order(self.payment) if telling and not self.created else True
            events.append(self.rows, extra_handlers=() if told_order else (events.ORDER_HOOK,))
        return bool(changed or self.rows)

    def _derive(self) -> None:
        payment = self.payment
        if self.refunds_changed:
            self._sum_refunds()
        if self.disputes_changed:
            self._sum_disputes()
        payment.excess_minor = derive.excess_minor(
            reserved_minor=payment.refund_reserved_minor, captured_minor=payment.captured_minor
        )
        if self._operations is not None:
            # In doubt also while somebody finds out: a claim only lends the operation.
            payment.outcome_unknown = any(
                operation.is_open and operation.in_doubt and OperationKind(operation.kind) in EXCLUSIVE_KINDS
                for operation in self._operations
            )
        old, new = PaymentStatus(payment.status), derive.payment_status(payment.standing)
        if not is_legal(PAYMENT_MOVES, old, new):
            raise IllegalMove(f"A payment does not go from {old.value} to {new.value}.")
        payment.status = new.value
        if new not in (PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION):
            payment.next_action = None  # holds what lets the customer pay: not kept longer than needed
        self._mark_excess()
        self._mark_overpaid()
        payment.attention_code = payment.attention_code or self.mark
        self._mark_surplus()

    def _mark_overpaid(self) -> None:
        order_ref, payment = self.payment.order_ref, self.payment
        # Of a surplus the amount itself remembers: its mark comes back when this one is settled.
        if order_ref is None or self.created or payment.attention_code not in ("", SURPLUS):
            return
        grows = self._active() - self._active_before
        if grows > 0 and order_ref.active_minor + grows > order_ref.total_minor:
            payment.attention_code = ORDER_OVERPAID

    def _mark_excess(self) -> None:
        payment = self.payment
        if payment.excess_minor > 0 and not payment.attention_code:
            payment.attention_code = EXCESS
        elif payment.excess_minor == 0 and payment.attention_code == EXCESS:
            payment.attention_code = ""  # a refund told before its capture

    def _mark_surplus(self) -> None:
        payment = self.payment
        if payment.surplus_minor > 0 and not payment.attention_code:
            payment.attention_code = SURPLUS
        elif payment.surplus_minor == 0 and payment.attention_code == SURPLUS:
            payment.attention_code = ""

    def _sum_refunds(self) -> None:
        rows = Refund.objects.filter(
            payment=self.payment, status__in=[status.value for status in RESERVING_REFUNDS]
        ).values_list("status", "amount_minor")
        sums = list(rows)
        self.payment.refund_reserved_minor = sum(amount for _, amount in sums)
        self.payment.refunded_minor = sum(amount for status, amount in sums if status == RefundStatus.COMPLETED)

    def _sum_disputes(self) -> None:
        withheld = Dispute.objects.filter(
            payment=self.payment, status__in=[status.value for status in derive.WITHHELD_DISPUTES]
        ).aggregate(total=Sum("amount_minor"))
        self.payment.disputed_minor = withheld["total"] or 0

    def _note_payment(self) -> None:
        old, new = str(self._before["status"]), self.payment.status
        if self.created:
            event, old = "payment.created", ""
        else:
            event = f"payment.{new}" if new != old else "payment.updated"
        data: dict[str, object] = {"failure": self.payment.failure_code} if self.payment.failure_code else {}
        self.note(event, from_status=old, to_status=new, data=data)

    def _write(self, changed: list[str]) -> None:
        payment = self.payment
        amounts = {name: getattr(payment, name) for name in ("amount_minor", *AMOUNT_FIELDS)}
        for row in self.rows:
            payment.log_position += 1
            row.position, row.amounts = payment.log_position, amounts
        if self.created:
            payment.save(force_insert=True)
        else:
            self._update(changed)
        self._move_order_sum()

    def _update(self, changed: list[str]) -> None:
        try:
            self.payment.save(update_fields=[*changed, "log_position", "updated_at"])
        except IntegrityError as error:
            # The row is locked and its amounts are derived: what is left is an object's id that another payment has.
            raise IllegalMove("The facts contradict another payment or themselves.", code="name_taken") from error

    def _move_order_sum(self) -> None:
        order_ref = self.payment.order_ref
        if order_ref is None:
            return
        delta = self._active() - self._active_before
        if delta or self.created:
            order_ref.active_minor += delta
            OrderRef.objects.filter(pk=order_ref.pk).update(
                active_minor=order_ref.active_minor,
                total_minor=order_ref.total_minor,
                currency=order_ref.currency,
                mode=order_ref.mode,
                user_id=order_ref.user_id,
                guest_token_hash=order_ref.guest_token_hash,
            )

    def _active(self) -> int:
        return derive.active_minor(
            status=PaymentStatus(self.payment.status),
            amount_minor=self.payment.amount_minor,
            captured_minor=self.payment.captured_minor,
            refunded_minor=self.payment.refunded_minor,
        )

    def end(self, stage: Stage) -> None:
        """Move the payment's stage on by the hub's own word: it was never sent, or has run out."""
        self.payment.stage = derive.merge_stage(Stage(self.payment.stage), stage).value


@contextmanager
def open_books(payment: UUID | Payment, told: Told, *, durable: bool = False) -> Iterator[Books]:
    """Lock the payment, hand out its books, and close them when the block ends without an error.

    `durable`: what is decided must be committed before anything else happens; inside a transaction of the caller's
    that is impossible, and Django says so.
    """
    with transaction.atomic(durable=durable):
        locked = lock_payment(payment)
        if told.account is not None and told.account.pk == locked.account_id:
            locked.account = told.account
        books = Books(locked, told)
        yield books
        books.close()
