"""What a provider declares it can do."""

from __future__ import annotations

from dataclasses import dataclass, fields

from django_payments_hub.domain.statuses import Flow, MethodKind


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a provider can do. What is not declared is refused before any work is done.

    Args:
        flows: the ways a customer may give the details. save_flows: those of them in which the method paid with can be
            saved. setup_flows: the ways for a method saved without paying.
        method_kinds: what can be paid with.
        currencies: ISO codes, empty for every currency.
        confirms_approved: what the customer approved on a page moves no money until `confirm` is called.
        key_window_s: how long the provider honours an idempotency key, in seconds; 0: never send twice.
        method_key_window_s: the same for calls that keep a method; often shorter.
        blind_refunds: the provider gives refunds no name, and tells of none: one in doubt is never sent again, and is
            found only where the payment shows that all of it was given back; else a person decides.
        finds_savings: a saving in doubt is found by our reference: by `finish_method` without the provider's id.
        recovers_itself: a call in doubt may be made again at any age, `recovering`: it looks, and moves nothing twice.
        call_deadline_s: the longest one call may take, all tries of the transport included, in seconds.
        runs_in_worker: calls are too slow for a request; the worker makes them. webhook_verbs: of its notifications.
        form_posts: the hosted flow begins with a form that the hub's own page posts: `hosted_form`.
        first_form_pays: whoever posts that form stands at the till; otherwise a second one leads there.
        unsigned_webhooks: notices prove nothing: one (`parse_hint`) only makes the hub ask; instead of `webhooks`.
        national_id: a call takes the payer's national id, kept encrypted until the call is over or in doubt: then it is
            gone, and the call cannot be made again (`key_window_s` 0). Not declared, it is not kept at all.
        operator_receipts: that money came in is told by the host's staff, not by the provider.
        operator_refunds: refunds are made by hand, and staff records the proof; beside or instead of `refund`.
    """

    flows: frozenset[Flow] = frozenset()
    method_kinds: frozenset[MethodKind] = frozenset()
    currencies: frozenset[str] = frozenset()
    manual_capture: bool = False
    partial_capture: bool = False
    several_captures: bool = False
    confirms_approved: bool = False
    cancel: bool = False
    refund: bool = False
    partial_refund: bool = False
    blind_refunds: bool = False
    look_up: bool = False
    saved_methods: bool = False
    save_flows: frozenset[Flow] = frozenset()
    setup_flows: frozenset[Flow] = frozenset()
    finds_savings: bool = False
    operator_receipts: bool = False
    operator_refunds: bool = False
    disputes: bool = False
    form_posts: bool = False
    first_form_pays: bool = False
    national_id: bool = False
    webhooks: bool = False
    unsigned_webhooks: bool = False
    webhook_verbs: frozenset[str] = frozenset({"POST"})
    key_window_s: int = 0
    method_key_window_s: int = 0
    recovers_itself: bool = False
    call_deadline_s: float = 30.0
    runs_in_worker: bool = False

    def names(self) -> list[str]:
        """The declared flags by name, for the matrix of providers."""
        return [f.name for f in fields(self) if getattr(self, f.name) is True]
