"""The provider contract asks both sides of every capability, and leaves nothing out in silence."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

from django_payments_hub.domain.statuses import Flow, MethodKind
from django_payments_hub.provider_kit.base import BaseConfig, BaseProvider, Capabilities, address, secret
from django_payments_hub.providers.manual import Provider as Manual
from django_payments_hub.providers.square import Provider as Square
from django_payments_hub.testing.contract.applies import conditions_of
from django_payments_hub.testing.contract.declarations import FLAGS, HOOKS
from django_payments_hub.testing.hub_contract import HubContract
from django_payments_hub.testing.provider_contract import Bench, HookMissing, ProviderContract
from tests.conventions.sources import PACKAGE, ROOT

RUN_S = 120
# Said by the generic test of the flags alone: what else follows from them is the services' business.
OF_THE_SERVICES = {"runs_in_worker", "recovers_itself", "first_form_pays"}


class NothingConfig(BaseConfig):
    """No keys."""


class Nothing(BaseProvider[NothingConfig]):
    name, label, Config = "nothing", "Nothing", NothingConfig
    capabilities = Capabilities(flows=frozenset({Flow.DIRECT}), method_kinds=frozenset({MethodKind.CASH}))


@dataclass(frozen=True, kw_only=True)
class ReachedConfig(BaseConfig):
    """A provider somewhere."""

    api_base: str = address("https://nothing.example")
    key: str = secret()


class Reached(BaseProvider[ReachedConfig]):
    name, label, Config = "reached", "Reached", ReachedConfig
    capabilities = replace(Nothing.capabilities, look_up=True)


def names_in(contract: Any) -> set[str]:
    return {name for name in dir(contract) if name.startswith("test_") and getattr(contract, name) is not None}


def said() -> set[str]:
    """Every condition that some test has."""
    both = {**vars_of(ProviderContract), **vars_of(HubContract)}
    return {condition.says for test in both.values() for condition in conditions_of(test)}


def vars_of(contract: Any) -> dict[str, Any]:
    return {name: getattr(contract, name) for name in names_in(contract)}


@pytest.mark.parametrize("flag", sorted(set(FLAGS) - OF_THE_SERVICES))
def test_every_flag_has_tests_for_a_provider_that_declares_it(flag: str) -> None:
    assert f"declares {flag}" in said()


@pytest.mark.parametrize("flag", sorted(set(FLAGS) - OF_THE_SERVICES))
def test_every_flag_has_tests_for_a_provider_that_does_not(flag: str) -> None:
    assert f"lacks {flag}" in said()


@pytest.mark.parametrize("suite", [ProviderContract, HubContract])
@pytest.mark.parametrize("base", [Nothing, Reached, Square, Manual])
def test_a_capability_more_takes_away_no_test_but_those_about_its_absence(suite: Any, base: Any) -> None:
    before = names_in(suite_of(suite, base))
    for flag in (flag for flag in FLAGS if not getattr(base.capabilities, flag)):
        more = type(base.__name__, (base,), {"capabilities": replace(base.capabilities, **{flag: True})})
        lost = before - names_in(suite_of(suite, more))
        others = [name for name in lost if f"lacks {flag}" not in conditions_named(suite, name)]
        assert others == [], flag


def suite_of(suite: Any, declaring: Any) -> Any:
    return type("Contract", (suite,), {"provider": declaring})


def conditions_named(suite: Any, name: str) -> set[str]:
    return {condition.says for condition in conditions_of(getattr(suite, name))}


def test_no_field_of_capabilities_is_unknown_to_the_suite() -> None:
    values = {"flows", "save_flows", "setup_flows", "method_kinds", "currencies", "webhook_verbs", "call_deadline_s"}
    values |= {"key_window_s", "method_key_window_s"}
    assert {field.name for field in fields(Capabilities)} - set(FLAGS) == values


def test_every_hook_of_a_provider_belongs_to_a_capability() -> None:
    hooks = {hook for names in HOOKS.values() for hook in names}
    refusing = {
        name
        for name, method in vars(BaseProvider).items()
        if callable(method) and "unsupported" in getattr(getattr(method, "__code__", None), "co_names", ())
    }
    # These two are not asked of every provider: see `applies.confirms`, and saving in one step.
    assert refusing - {"require"} == hooks | {"confirm", "finish_method"}


def test_a_provider_that_declares_next_to_nothing_is_asked_what_it_refuses() -> None:
    class Contract(ProviderContract):
        provider = Nothing

    left = names_in(Contract)
    for refused in ("capture", "cancellation", "refund", "look_up"):
        assert any(f"an_undeclared_{refused}" in name for name in left)
    assert not any("wire" in condition.says for name in left for condition in conditions_of(getattr(Contract, name)))
    assert "test_a_provider_without_an_address_connects_to_nobody" in left


def test_a_provider_that_names_an_address_meets_every_failure() -> None:
    class Contract(ProviderContract):
        provider = Reached

    left = names_in(Contract)
    assert "test_a_provider_without_an_address_connects_to_nobody" not in left
    for name in ("test_what_is_no_answer_leaves_the_outcome_unknown", "test_a_question_without_an_answer_stays_open"):
        assert name in left


LAZY = """
from django_payments_hub.providers.stripe import Provider
from django_payments_hub.testing.provider_contract import Bench, HookMissing, ProviderContract


class TestLazy(ProviderContract):
    provider = Provider
"""


def test_a_provider_without_a_bench_fails_and_skips_nothing(tmp_path: Path) -> None:
    page = tmp_path / "test_lazy.py"
    page.write_text(LAZY)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist",
         "-c", os.devnull, "--rootdir", tmp_path, "--ds", "tests.settings", "-k", "paid or declared or amount", page],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DATABASE_URL": f"sqlite:///{tmp_path / 'own.sqlite3'}"},
        capture_output=True,
        text=True,
        timeout=RUN_S,
    )  # fmt: skip
    counted = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", ended.stdout.splitlines()[-1])}
    assert ended.returncode == 1, ended.stdout
    assert "skipped" not in counted
    assert counted["errors"] > 20
    assert "has no fixture `bench`" in ended.stdout


def test_the_suite_names_no_provider() -> None:
    folders = {path.stem for path in (PACKAGE / "providers").iterdir()}
    named = re.compile(rf"\b({'|'.join(folders - {'__init__', '__pycache__', 'manual'})})\b", re.IGNORECASE)  # a word
    assert named.search("of Stripe")
    suite = PACKAGE / "testing"
    for path in (*(suite / "contract").glob("*.py"), *suite.glob("*_contract.py")):
        assert not named.search(path.read_text(encoding="utf-8")), path


def test_every_hook_of_a_bench_that_is_left_out_says_so() -> None:
    harmless = ("missing", "payer")  # most providers need to know nobody
    hooks = {name: hook for name, hook in vars(Bench).items() if inspect.isfunction(hook) and name not in harmless}
    assert len(hooks) > 15
    for name, hook in hooks.items():
        with pytest.raises(HookMissing, match="Bench gives no"):
            getattr(Bench(), name)(*[None] * (len(inspect.signature(hook).parameters) - 1))
