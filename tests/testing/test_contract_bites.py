"""The provider contract fails for a provider that breaks it, and in the test that says what is broken."""

from __future__ import annotations

from typing import Any

import pytest

from django_payments_hub.exceptions import HubError
from django_payments_hub.providers.stripe import Provider as Stripe
from django_payments_hub.testing.contract.errors import STATUSES
from django_payments_hub.testing.contract.recovery import LOST
from django_payments_hub.testing.provider_contract import HookMissing
from tests.providers.stripe.bench import StripeBench
from tests.testing import mutants

BREAKS = (AssertionError, pytest.fail.Exception, HubError, TypeError, UnicodeError)


def status(number: int) -> Any:
    return next(one for one in STATUSES if one.status == number)


def lost(kind: str, when: str) -> Any:
    return next(trouble for trouble in LOST if (trouble.kind, trouble.when) == (kind, when))


CASES: list[tuple[Any, str, dict[str, Any]]] = [
    (mutants.LeavesOutRefund, "test_every_declared_capability_is_filled_in", {}),
    (mutants.LeavesOutRefund, "test_a_payment_can_be_refunded_in_full", {"flow": "token"}),
    (mutants.LeavesOutNotices, "test_every_declared_capability_is_filled_in", {}),
    (mutants.LeavesOutNotices, "test_a_paid_payment_is_heard_of", {"flow": "token"}),
    (mutants.RefundsUndeclared, "test_an_undeclared_refund_is_refused_and_nobody_is_called", {}),
    (mutants.ContradictsItself, "test_flags_do_not_contradict_each_other", {}),
    (
        mutants.TimeOutIsFailure,
        "test_what_is_no_answer_leaves_the_outcome_unknown",
        {"moving": "pay_token", "kind": "reset", "when": "after"},
    ),
    (
        mutants.TimeOutIsFailure,
        "test_a_time_out_is_found_again_and_the_effect_is_one",
        {"moving": "pay_token", "when": "after"},
    ),
    (
        mutants.TimeOutIsRefused,
        "test_a_lost_answer_is_found_again_and_the_effect_is_one",
        {"moving": "refund", "trouble": lost("reset", "after")},
    ),
    (
        mutants.TimeOutIsRefused,
        "test_an_error_answer_is_told_for_what_it_is",
        {"moving": "refund", "status": status(500)},
    ),
    (
        mutants.EveryErrorIsRefused,
        "test_an_error_answer_is_told_for_what_it_is",
        {"moving": "pay_token", "status": status(401)},
    ),
    (
        mutants.ForgetsHowLongToWait,
        "test_an_error_answer_is_told_for_what_it_is",
        {"moving": "pay_hosted", "status": status(429)},
    ),
    (mutants.EveryErrorIsRefused, "test_what_cannot_be_sent_is_told_as_not_sent", {"doing": "pay_token"}),
    (
        mutants.AbsentWhenInDoubt,
        "test_a_question_that_fails_is_not_answered_with_no",
        {"asking": "look_up", "status": status(500)},
    ),
    (
        mutants.AbsentWhenInDoubt,
        "test_a_question_without_an_answer_stays_open",
        {"asking": "look_up", "kind": "garbage"},
    ),
    (mutants.DeclineIsAnError, "test_a_decline_is_a_result_and_moves_nothing", {"flow": "token"}),
    (
        mutants.BelievesTheCallerNotTheAnswer,
        "test_another_amount_or_currency_is_never_told_as_the_one_asked_for",
        {"doing": "pay_token", "kind": "wrong_amount"},
    ),
    (
        mutants.BelievesTheCallerNotTheAnswer,
        "test_another_amount_or_currency_is_never_told_as_the_one_asked_for",
        {"doing": "pay_token", "kind": "wrong_currency"},
    ),
    (
        mutants.TakesAnotherObjectForItsOwn,
        "test_an_answer_about_something_else_decides_nothing",
        {"about_known": "look_up"},
    ),
    (mutants.NewKeyForEachTry, "test_the_same_call_twice_has_one_effect", {"moving": "pay_token"}),
    (mutants.NewKeyForEachTry, "test_the_same_call_twice_has_one_effect", {"moving": "refund"}),
    (mutants.NewKeyForEachTry, "test_the_same_call_at_the_same_time_has_one_effect", {"moving": "pay_token"}),
    (mutants.AlwaysCountsInHundredths, "test_an_amount_is_the_same_on_both_sides", {"decimals": 0, "amount": 12_510}),
    (mutants.RoundsAway, "test_an_amount_is_the_same_on_both_sides", {"decimals": 3, "amount": 12_511}),
    (mutants.RoundsAway, "test_an_amount_is_the_same_on_both_sides", {"decimals": 2, "amount": 12_511}),
    (
        mutants.TakesRefundsOffTheCapture,
        "test_a_refund_is_found_by_its_id_by_our_reference_and_with_its_payment",
        {},
    ),
    (mutants.LosesOurReference, "test_a_new_payment_is_told_as_what_was_asked_for", {"flow": "client"}),
    (mutants.ChangesItsName, "test_a_paid_payment_is_captured_once_and_told_in_full", {"flow": "client"}),
    (mutants.CapturesAtOnce, "test_a_payment_to_be_captured_later_is_held_or_refused", {"flow": "token"}),
    (mutants.CapturesAllOfIt, "test_a_part_can_be_captured_and_the_rest_is_released", {}),
    (mutants.VoidsNothing, "test_what_is_held_can_be_voided_and_voided_again", {}),
    (mutants.VoidsNothing, "test_what_was_withdrawn_cannot_be_paid", {"waiting_flow": "hosted"}),
    (mutants.BelievesEverybody, "test_a_changed_byte_is_not_believed", {}),
    (mutants.BelievesEverybody, "test_a_notice_of_another_account_is_not_believed", {}),
    (mutants.BelievesTheMeaning, "test_the_same_json_in_other_bytes_is_not_believed", {}),
    (mutants.BelievesForEver, "test_a_notice_of_long_ago_is_refused_where_its_time_is_signed", {}),
    (mutants.StumblesOverHeaders, "test_a_missing_or_mangled_signature_is_refused_and_breaks_nothing", {}),
    (mutants.LooksUpTheSecret, "test_a_notice_of_another_account_is_not_believed", {}),
    (mutants.LooksUpTheSecret, "test_a_secret_can_be_rolled_without_losing_a_notice", {}),
    (mutants.LooksUpTheSecret, "test_a_payload_of_our_own_is_believed_only_when_it_is_signed", {}),
    (mutants.HidesItsDisputes, "test_an_undeclared_dispute_is_not_heard_of", {}),
    (mutants.DropsWhatItDoesNotKnow, "test_a_status_nobody_knows_decides_nothing", {}),
    (mutants.ReadsWithoutLooking, "test_a_value_of_the_wrong_kind_is_malformed_and_nothing_else", {}),
    (mutants.TakesEveryRefundForItsOwn, "test_a_refund_made_at_the_provider_is_heard_of_as_not_ours", {}),
    (
        mutants.RecoversByItsKeyAlone,
        "test_a_call_in_doubt_has_one_effect_though_its_key_is_forgotten",
        {"moving": "pay_token"},
    ),
    (mutants.ShowsItsKey, "test_what_is_named_like_a_credential_is_declared_secret_or_public", {}),
    (mutants.TellsItsKeyInErrors, "test_a_failure_gives_nothing_away", {"doing": "pay_token", "status": 500}),
    (mutants.KeepsItsKeyInAFrame, "test_a_failure_gives_nothing_away", {"doing": "pay_token", "status": 400}),
    (mutants.LogsItsKey, "test_a_success_gives_nothing_away", {"doing": "pay_token"}),
    (mutants.GivesItsKeyToBrowsers, "test_no_secret_shows_in_a_repr_or_is_given_to_browsers", {}),
    (mutants.KeepsWhatWasLetGo, "test_a_method_let_go_is_gone_and_may_be_let_go_again", {"setup_flow": "token"}),
    (mutants.MakesACustomerEachTime, "test_a_customer_is_made_once_however_often_it_is_asked_for", {}),
]


@pytest.mark.parametrize(("mutant", "name", "values"), CASES, ids=[f"{m.__name__}-{name}" for m, name, _ in CASES])
def test_a_provider_that_breaks_the_contract_fails_where_it_breaks_it(
    attempt: Any, mutant: Any, name: str, values: dict[str, Any]
) -> None:
    with pytest.raises(BREAKS) as caught:
        attempt(mutant, name, **values)
    assert not isinstance(caught.value, HookMissing)


DECLARE_OTHERWISE = (mutants.RefundsUndeclared, mutants.HidesItsDisputes, mutants.RecoversByItsKeyAlone)


@pytest.mark.parametrize(
    ("name", "values"), [(name, values) for mutant, name, values in CASES if mutant not in DECLARE_OTHERWISE]
)
def test_the_same_tests_pass_for_the_provider_they_were_made_from(
    attempt: Any, name: str, values: dict[str, Any]
) -> None:
    attempt(Stripe, name, **values)


# -- benches ----------------------------------------------------------------------------------------------------------


class WithoutTheCustomer(StripeBench):
    def act(self, fact, means):
        self.missing("act")


class WithoutItsCalls(StripeBench):
    calls_of = {}


def test_a_bench_that_leaves_a_hook_out_fails_what_needs_it(attempt: Any) -> None:
    with pytest.raises(HookMissing, match="act"):
        attempt(
            Stripe,
            "test_a_paid_payment_is_captured_once_and_told_in_full",
            bench_class=WithoutTheCustomer,
            flow="hosted",
        )
    with pytest.raises(HookMissing, match="calls_of"):
        attempt(
            Stripe,
            "test_what_is_no_answer_leaves_the_outcome_unknown",
            bench_class=WithoutItsCalls,
            moving="refund",
            kind="reset",
            when="after",
        )
