"""The provider contract fails for a wallet that breaks it: forms, hints, national ids."""

from __future__ import annotations

from typing import Any

import pytest

from django_payments_hub.exceptions import HubError
from django_payments_hub.providers.jazzcash import Provider as JazzCash
from django_payments_hub.testing.provider_contract import HookMissing
from tests.providers.easypaisa.bench import EasyPaisaBench
from tests.providers.jazzcash.bench import JazzCashBench
from tests.testing import wallet_mutants as mutants

BREAKS = (AssertionError, pytest.fail.Exception, HubError)

HINT = "test_a_forged_hint_breaks_nothing_and_says_no_more_than_a_name"
CASES: list[tuple[Any, str, dict[str, Any]]] = [
    (mutants.CallsForAForm, "test_a_form_is_made_anew_for_the_provider_and_without_a_call", {}),
    (mutants.PutsTheFormIntoItsAnswer, "test_a_payment_by_a_form_is_begun_without_a_call_and_carries_nothing", {}),
    (mutants.ShowsItsForm, "test_a_form_is_made_anew_for_the_provider_and_without_a_call", {}),
    (mutants.RepeatsTheNationalId, "test_a_national_id_of_the_wrong_form_is_refused_and_not_repeated", {}),
    (mutants.LeadsAnywhere, "test_a_forged_return_leads_nowhere_else", {"junk": "javascript:alert(1)"}),
    (mutants.FetchesTheHint, "test_a_forged_hint_breaks_nothing_and_says_no_more_than_a_name", {"junk": "x"}),
    (
        mutants.BelievesTheHint,
        "test_a_forged_hint_breaks_nothing_and_says_no_more_than_a_name",
        {"junk": "../../admin"},
    ),
]


def bench_of(provider: Any) -> Any:
    return JazzCashBench if issubclass(provider, JazzCash) else EasyPaisaBench


@pytest.mark.parametrize(("mutant", "name", "values"), CASES, ids=[f"{m.__name__}-{name}" for m, name, _ in CASES])
def test_a_wallet_that_breaks_the_contract_fails_where_it_breaks_it(
    attempt: Any, mutant: Any, name: str, values: dict[str, Any]
) -> None:
    with pytest.raises(BREAKS) as caught:
        attempt(mutant, name, bench_class=bench_of(mutant), **values)
    assert not isinstance(caught.value, HookMissing)


@pytest.mark.parametrize(("mutant", "name", "values"), CASES, ids=[f"{m.__name__}-{name}" for m, name, _ in CASES])
def test_the_same_tests_pass_for_the_wallet_it_was_made_from(
    attempt: Any, mutant: Any, name: str, values: dict[str, Any]
) -> None:
    attempt(mutant.__mro__[1], name, bench_class=bench_of(mutant), **values)
