"""Registering handlers: by event or pattern, under stable ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from django_payments_hub import signals
from django_payments_hub.domain.statuses import DisputeStatus, PaymentStatus, RefundStatus
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.signals import EVENT_NAMES, SIGNALS, on


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = dict(signals._handlers)
    signals._handlers.clear()
    yield
    signals._handlers.clear()
    signals._handlers.update(before)


def mail(_: Any) -> None: ...


def test_a_handler_is_known_by_its_path_unless_it_has_a_name() -> None:
    on("payment.completed")(mail)
    on("payment.completed", handler_id="shop.mail")(mail)
    assert signals.handlers_for("payment.completed") == [f"{__name__}.mail", "shop.mail"]
    assert signals.handler("shop.mail") is mail


def test_a_pattern_takes_every_event_that_fits() -> None:
    on("refund.*", handler_id="a")(mail)
    on("*.failed", handler_id="b")(mail)
    assert {name for name in EVENT_NAMES if "a" in signals.handlers_for(name)} == {
        name for name in EVENT_NAMES if name.startswith("refund.")
    }
    assert {name for name in EVENT_NAMES if "b" in signals.handlers_for(name)} == {"payment.failed", "refund.failed"}


@pytest.mark.parametrize("pattern", ["", "payment", "payment.paid", "payments.*", "PAYMENT.completed"])
def test_a_pattern_that_fits_nothing_is_an_error(pattern: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        on(pattern)
    assert error.value.code == "unknown_event"


def test_an_id_belongs_to_one_function() -> None:
    on("payment.completed", handler_id="a")(mail)
    on("payment.completed", handler_id="a")(mail)  # the same again: a module imported twice
    with pytest.raises(ConfigurationError) as error:
        on("payment.completed", handler_id="a")(print)
    assert error.value.code == "duplicate_handler"


def test_a_handler_taken_off_is_unknown() -> None:
    on("payment.completed", handler_id="a")(mail)
    signals.off("a")
    signals.off("a")
    assert signals.handler("a") is None
    assert signals.handlers_for("payment.completed") == []


def test_every_status_has_its_event() -> None:
    """A status without one would make the change that leads to it impossible."""
    for kind, words in (("payment", PaymentStatus), ("refund", RefundStatus), ("dispute", DisputeStatus)):
        assert {f"{kind}.{word.value}" for word in words} <= set(EVENT_NAMES)
    assert set(SIGNALS) == set(EVENT_NAMES)


def test_django_receivers_count_as_one_handler_while_there_are_any() -> None:
    def receiver(**_: object) -> None: ...

    SIGNALS["payment.failed"].connect(receiver)
    try:
        assert signals.handlers_for("payment.failed") == [signals.SIGNAL_HANDLER]
        assert signals.handlers_for("payment.completed") == []
    finally:
        SIGNALS["payment.failed"].disconnect(receiver)
