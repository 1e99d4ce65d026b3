"""Questions about something that has happened, or may have: no answer to them is an answer about it (I7)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django_payments_hub.exceptions import OutcomeUnknown, ProviderError, Refused


@contextmanager
def asking(*, when: bool = True) -> Iterator[None]:
    """Inside, whatever keeps a question from being answered is OutcomeUnknown.

    For what is read after a call that took effect, and, with `when=request.recovering`, before one whose earlier try
    may have: that the object is missing, or that the provider wants a pause, does not tell that nothing happened.
    """
    try:
        yield
    except OutcomeUnknown:
        raise
    except ProviderError as error:
        if not when:
            raise
        raise _in_doubt(error) from error


def said(error: ProviderError) -> ProviderError:
    """What the provider said when it was asked: of the account that counts, though nothing of the outcome."""
    return error.__cause__ if isinstance(error.__cause__, ProviderError) else error


def _in_doubt(error: ProviderError) -> OutcomeUnknown:
    code = "look_up_refused" if isinstance(error, Refused) else ""
    return OutcomeUnknown(
        error.message, code=code, provider_code=error.provider_code, details={"reason": "asking", "error": error.code}
    )
