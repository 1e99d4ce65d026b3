"""The second part of the contract bites, too: what a provider does wrong shows in the books."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from django_payments_hub.domain.statuses import Flow
from django_payments_hub.providers.stripe import Provider as Stripe
from django_payments_hub.testing.contract.cashier import Cashier
from django_payments_hub.testing.contract.hub import moves_of
from django_payments_hub.testing.contract.hub_base import project
from django_payments_hub.testing.hub_contract import HubContract
from django_payments_hub.testing.provider_contract import Receiver
from tests.providers.stripe.bench import StripeBench
from tests.testing import mutants

pytestmark = pytest.mark.django_db(transaction=True)

REFUND = next(move for move in moves_of(Stripe) if str(move) == "refund")
CASES: list[tuple[Any, str, dict[str, Any]]] = [
    (
        mutants.TimeOutIsFailure,
        "test_a_payment_whose_answer_is_lost_is_made_once",
        {"calling_flow": Flow.TOKEN, "kind": "reset", "when": "after"},
    ),
    (
        mutants.TimeOutIsRefused,
        "test_a_move_whose_answer_is_lost_is_done_once",
        {"move": REFUND, "kind": "reset", "when": "after"},
    ),
    (mutants.ForgetsWhatItWasTold, "test_a_payment_is_completed_by_notices_alone", {"waiting_flow": Flow.HOSTED}),
    (mutants.RefundsAsOften, "test_a_refund_is_in_both_books", {}),
    (mutants.ForgetsWhatItWasTold, "test_a_refund_made_at_the_provider_is_in_both_books", {}),
    (mutants.ChangesItsName, "test_the_books_agree_with_the_providers_own", {"flow": Flow.CLIENT}),
    (mutants.CapturesAtOnce, "test_a_capture_is_in_both_books", {}),
]


@pytest.fixture
def attempt(sandbox_process: Any, settings: Any, no_worker: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    def attempt(provider: Any, name: str, **values: Any) -> None:
        module = ModuleType(f"mutant_{provider.__name__.lower()}")
        module.Provider = provider  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        contract: Any = type("Contract", (HubContract,), {"provider": provider})()
        with Receiver() as receiver:
            bench = StripeBench(sandbox_process, receiver)
            till = Cashier(provider(replace(bench.account(), provider=module.__name__)), bench)
            with project(bench, till, settings) as hub:
                getattr(contract, name)(hub=hub, **values)
            till.provider.close()

    return attempt


@pytest.mark.parametrize(("mutant", "name", "values"), CASES, ids=[f"{m.__name__}-{name}" for m, name, _ in CASES])
def test_a_provider_that_breaks_the_contract_leaves_it_in_the_books(
    attempt: Any, mutant: Any, name: str, values: dict[str, Any]
) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        attempt(mutant, name, **values)


@pytest.mark.parametrize(("name", "values"), [(name, values) for _, name, values in CASES])
def test_the_same_tests_pass_for_the_provider_it_was_made_from(attempt: Any, name: str, values: dict[str, Any]) -> None:
    attempt(Stripe, name, **values)


class TellsAndIsTold(Stripe):
    """Tells of money itself, and takes the word of staff for what came in otherwise."""

    capabilities = replace(Stripe.capabilities, operator_receipts=True)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("test_money_is_there_when_staff_has_seen_it_and_not_before", {"waiting_flow": Flow.HOSTED}),
        ("test_another_amount_is_taken_only_when_staff_insists", {"waiting_flow": Flow.HOSTED}),
        ("test_a_payment_is_completed_by_notices_alone", {"waiting_flow": Flow.HOSTED}),
    ],
)
def test_a_provider_may_tell_of_money_and_be_told_of_it(attempt: Any, name: str, values: dict[str, Any]) -> None:
    attempt(TellsAndIsTold, name, **values)
