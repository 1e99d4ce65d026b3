"""All calls made for one payment or question end within one deadline."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from django_payments_hub.domain.statuses import Flow, MethodKind
from django_payments_hub.provider_kit.deadlines import time_left_s
from django_payments_hub.providers.easypaisa import Provider
from tests.providers.easypaisa.world import answer, pay_request, provider, question

FOREVER = 1e6


@pytest.mark.parametrize(
    ("deed", "calls"),
    [
        (lambda store: store.pay(pay_request(Flow.DIRECT)), ["initiate-ma-transaction", "inquire-transaction"]),
        (
            lambda store: store.pay(pay_request(Flow.DIRECT, method_kind=MethodKind.VOUCHER)),
            ["initiate-otc-transaction"],
        ),
        (lambda store: store.look_up(question()), ["inquire-transaction"]),
    ],
)
def test_its_calls_share_one_deadline(
    monkeypatch: pytest.MonkeyPatch, deed: Callable[[Provider], object], calls: list[str]
) -> None:
    left: list[tuple[str, float]] = []

    def call(_self: Provider, path: str, _body: object) -> object:
        left.append((path, time_left_s(FOREVER)))
        return answer(paymentToken="55120033")

    monkeypatch.setattr(Provider, "_call", call)
    deed(provider())
    assert [path for path, _ in left] == calls
    times = [seconds for _, seconds in left]
    assert 0 < times[0] <= Provider.capabilities.call_deadline_s
    assert times == sorted(set(times), reverse=True)  # the inquiry has what the phone's call has left
