"""Scripted faults: which call goes wrong, when, and how.

A fault names a provider, an operation ("*" for any) and which matching call it starts with (``nth``, counted from the
moment it was scripted) and how many calls it hits (``times``). ``when`` is "before" (the call has no effect) or "after"
(the effect is done, the answer is spoilt).
"""

import threading
from dataclasses import asdict, dataclass, field
from typing import Literal, get_args

from django_payments_hub.sandbox.wire import Call, Json

Kind = Literal[
    "hang", "status", "reset", "close", "truncate", "drip", "garbage", "html", "waf", "huge", "redirect", "empty",
    "wrong_amount", "wrong_currency", "wrong_id", "unknown_status", "missing_id", "extra_fields", "callback",
]  # fmt: skip
When = Literal["before", "after"]
KINDS: frozenset[str] = frozenset(get_args(Kind))
DISTORTIONS: frozenset[str] = frozenset(
    {"wrong_amount", "wrong_currency", "wrong_id", "unknown_status", "missing_id", "extra_fields"}
)


@dataclass(kw_only=True)
class Fault:
    """One scripted fault; ``seen`` and ``hits`` count the calls that matched and those that it spoilt."""

    id: int
    provider: str
    operation: str
    kind: str
    when: str = "before"
    nth: int = 1
    times: int = 1
    status: int = 500
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 30.0
    url: str = ""
    size: int = 20_000_000
    store: bool | None = None
    match: dict[str, str] = field(default_factory=dict)
    seen: int = 0
    hits: int = 0

    def applies_to(self, call: Call) -> bool:
        """Whether the call is one of those that the fault counts."""
        return (
            self.provider in ("*", call.provider)
            and self.operation in ("*", call.operation)
            and all(call.metadata.get(key) == value for key, value in self.match.items())
        )

    def due(self) -> bool:
        """Whether the call just counted is one that the fault hits."""
        return self.nth <= self.seen < self.nth + self.times


def read_fault(number: int, data: Json) -> Fault:
    """A fault from the control API. Raises ValueError that names what is wrong."""
    kind, when = data.get("kind"), data.get("when", "before")
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
    if when not in get_args(When):
        raise ValueError("when must be before or after")
    if kind in DISTORTIONS and when == "before":
        raise ValueError(f"{kind} spoils an answer: it needs when=after")
    if kind == "callback" and not data.get("url"):
        raise ValueError("callback needs a url")
    known = set(Fault.__dataclass_fields__) - {"id", "seen", "hits"}
    unknown = set(data) - known
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; a fault takes {', '.join(sorted(known))}")
    return Fault(id=number, provider=data.pop("provider", "*"), operation=data.pop("operation", "*"), **data)


class FaultPlan:
    """The faults scripted now. Hanging calls wait on ``cleared``-aware events, so that a reset frees them at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._count = 0
        self._cleared = threading.Event()

    def add(self, data: Json) -> Fault:
        """Script a fault. Raises ValueError."""
        with self._lock:
            self._count += 1
            fault = read_fault(self._count, dict(data))
            self._faults.append(fault)
            return fault

    def take(self, call: Call) -> tuple[Fault | None, threading.Event]:
        """The fault that hits this call, if any, with the event that is set once the plan is cleared."""
        with self._lock:
            hit: Fault | None = None
            for fault in self._faults:
                if fault.applies_to(call):
                    fault.seen += 1
                    if hit is None and fault.due():
                        fault.hits += 1
                        hit = fault
            return hit, self._cleared

    def list(self) -> list[dict[str, object]]:
        """The faults as the control API shows them."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def clear(self) -> None:
        """Forget all faults and free every call that hangs."""
        with self._lock:
            self._faults.clear()
            self._cleared.set()
            self._cleared = threading.Event()
