"""What must not leak: credentials, tokens and a provider's own words, into logs, errors and what walks through them."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from django_payments_hub.exceptions import ProviderError
from django_payments_hub.testing.contract.applies import ON_THE_WIRE, secrets_of, where
from django_payments_hub.testing.contract.base import ContractBase
from django_payments_hub.testing.contract.bench import Trouble
from django_payments_hub.testing.contract.cashier import Cashier
from django_payments_hub.testing.contract.deeds import Doing

PROVIDERS_WORDS = "canary-of-the-provider"
_HERE = Path(__file__).parent


class Secrecy(ContractBase):
    """Every deed fails, with every logger at DEBUG."""

    @where(ON_THE_WIRE)
    @pytest.mark.parametrize("status", [0, 400, 401, 500])
    def test_a_failure_gives_nothing_away(
        self, till: Cashier, doing: Doing, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        request = doing.prepare(till)
        secrets = secrets_of(self.provider, till.provider.account)
        token = getattr(request, "method_token", "")
        till.bench.script(_trouble(till, status, secrets), "*")
        with _everything_logged(caplog), pytest.raises(ProviderError) as caught:
            doing.run(till.provider, request)
        error = caught.value
        shown = [str(error), repr(error), repr(error.details), error.code, error.provider_code, *caplog.messages]
        for secret in (*secrets, token, PROVIDERS_WORDS):
            assert not secret or not [text for text in shown if secret in text]
        for secret in secrets:
            assert not [place for place, value in _walked(error) if secret in value], "an error reporter would show it"

    @where(ON_THE_WIRE)
    def test_a_success_gives_nothing_away(self, till: Cashier, doing: Doing, caplog: pytest.LogCaptureFixture) -> None:
        request = doing.prepare(till)
        with _everything_logged(caplog):
            answer = doing.run(till.provider, request)
        secrets = [*secrets_of(self.provider, till.provider.account), getattr(request, "method_token", "")]
        for secret in filter(None, secrets):
            assert not [text for text in (*caplog.messages, repr(request)) if secret in text]
        for secret in secrets_of(self.provider, till.provider.account):
            assert secret not in repr(answer)


def _trouble(till: Cashier, status: int, secrets: list[str]) -> Trouble:
    if not status:
        return Trouble(kind="garbage", when="after")
    words = f"{PROVIDERS_WORDS} {' '.join(secrets)}"
    body = _with_words(dict(till.bench.error_body(status)), words, till.bench.readable)
    return Trouble(kind="status", status=status, body=body)


def _with_words(body: dict[str, object], words: str, readable: frozenset[str]) -> dict[str, object]:
    """The provider's own body with everything a person would read replaced."""
    return {
        key: words if key in readable and isinstance(value, str) else _deeper(value, words, readable)
        for key, value in body.items()
    }


def _deeper(value: object, words: str, readable: frozenset[str]) -> object:
    if isinstance(value, dict):
        return _with_words(value, words, readable)
    return [_deeper(item, words, readable) for item in value] if isinstance(value, list) else value


@contextmanager
def _everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Every logger there is at DEBUG, as a host's careless settings may have it."""
    caplog.clear()
    known = [logging.getLogger(), *(logging.getLogger(name) for name in list(logging.root.manager.loggerDict))]
    before = [(logger, logger.level) for logger in known]
    for logger in known:
        logger.setLevel(logging.DEBUG)
    caplog.handler.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        for logger, level in before:
            logger.setLevel(level)


def _walked(error: BaseException | None) -> Iterator[tuple[str, str]]:
    """The local variables of every frame of the error and of what led to it, but for the suite's own frames."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if Path(frame.f_code.co_filename).parent != _HERE:
                for name, value in frame.f_locals.items():
                    yield f"{frame.f_code.co_qualname}.{name}", repr(value)
        error = error.__cause__ or error.__context__
