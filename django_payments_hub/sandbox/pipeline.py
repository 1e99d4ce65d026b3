"""The way of every API call, the same for all providers: log, fault, idempotency key, effect, fault, answer."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django_payments_hub.sandbox.calls import CallLog, CallRecord
from django_payments_hub.sandbox.clock import Clock
from django_payments_hub.sandbox.delivery import DeliveryQueue
from django_payments_hub.sandbox.faults import FaultPlan
from django_payments_hub.sandbox.idempotency import Claim, IdempotencyStore
from django_payments_hub.sandbox.ledger import Ledger
from django_payments_hub.sandbox.misbehave import Dropped, Misbehaviour
from django_payments_hub.sandbox.wire import Answer, Call


@dataclass(frozen=True, kw_only=True)
class KeyRules:
    """How a provider treats idempotency keys. The answers are for a reused and for a busy key.

    ``keeps_failures``: a 5xx after the effect becomes the key's stored result, and is replayed. ``scope`` says within
    what a key is one and the same, ``replay`` what a repeated call is answered, given the first answer.
    """

    window: timedelta
    mismatch: Callable[[Call], Answer]
    in_use: Callable[[Call], Answer]
    keeps_failures: bool = True
    scope: Callable[[Call], str] = lambda call: call.idempotency_key or ""
    replay: Callable[[Answer], Answer] = lambda stored: stored


def _never(call: Call) -> Answer:
    raise NotImplementedError(f"{call.provider} has no idempotency keys")


NO_KEYS = KeyRules(window=timedelta(0), mismatch=_never, in_use=_never, keeps_failures=False)


@dataclass(kw_only=True)
class World:
    """What all mounts share. ``lock`` guards provider objects and the ledger, and is never held while waiting."""

    clock: Clock = field(default_factory=Clock)
    ledger: Ledger = field(default_factory=Ledger)
    calls: CallLog = field(default_factory=CallLog)
    faults: FaultPlan = field(default_factory=FaultPlan)
    deliveries: DeliveryQueue = field(default_factory=DeliveryQueue)
    lock: threading.RLock = field(default_factory=threading.RLock)
    keys: IdempotencyStore = field(init=False)

    def __post_init__(self) -> None:
        self.keys = IdempotencyStore(self.clock)

    def reset(self) -> None:
        """Back to an empty sandbox on real time."""
        self.faults.clear()
        self.deliveries.clear()
        with self.lock:
            self.clock.reset()
            self.ledger.clear()
            self.calls.clear()
            self.keys.clear()


def run(world: World, call: Call, rules: KeyRules, fingerprint: str, execute: Callable[[], Answer]) -> Answer:
    """Carry one call through. Raises Dropped when a fault has ended the connection."""
    record = world.calls.open(call, world.clock.now().isoformat())
    fault, cleared = world.faults.take(call)
    misbehaviour = Misbehaviour(fault, cleared, call) if fault else None
    record.fault = fault.kind if fault else None
    answer = _keyed(world, call, rules, fingerprint, _Attempt(record, misbehaviour, execute, rules))
    record.status = answer.status
    return answer


@dataclass
class _Attempt:
    """One call's execution between its two possible faults."""

    record: CallRecord
    misbehaviour: Misbehaviour | None
    execute: Callable[[], Answer]
    rules: KeyRules

    def before(self) -> Answer | None:
        return self.misbehaviour.before() if self.misbehaviour else None

    def after(self, answer: Answer) -> Answer:
        self.record.effect = answer.effect and not answer.replayed
        self.record.replayed = answer.replayed
        return self.misbehaviour.after(answer) if self.misbehaviour else answer

    def stores(self) -> bool:
        return self.misbehaviour is not None and self.misbehaviour.stores(by_itself=self.rules.keeps_failures)


def _keyed(world: World, call: Call, rules: KeyRules, fingerprint: str, attempt: _Attempt) -> Answer:
    if call.idempotency_key is None or call.method not in ("POST", "PUT"):
        return attempt.before() or attempt.after(attempt.execute())
    scope = (call.provider, call.account, rules.scope(call))
    claim, stored = world.keys.claim(scope, fingerprint, rules.window)
    match claim:
        case Claim.MISMATCH:
            return rules.mismatch(call)
        case Claim.IN_USE:
            return rules.in_use(call)
        case Claim.REPLAY if stored is not None:
            return attempt.before() or attempt.after(rules.replay(stored))
    return _first(world, scope, attempt)


def _first(world: World, scope: tuple[str, str, str], attempt: _Attempt) -> Answer:
    try:
        instead = attempt.before()
        if instead is not None:
            if attempt.stores():
                world.keys.complete(scope, instead)
            return instead
        answer = attempt.execute()
        if answer.executed:
            world.keys.complete(scope, answer)
        spoilt = attempt.after(answer)
        if attempt.stores():
            world.keys.complete(scope, spoilt)
        return spoilt
    finally:
        world.keys.release(scope)


__all__ = ["NO_KEYS", "Dropped", "KeyRules", "World", "run"]
