"""A provider's object ids: checked before one enters a path, and again when one comes back."""

from __future__ import annotations

import re

from django_payments_hub.exceptions import OutcomeUnknown, Refused
from django_payments_hub.provider_kit.reading import Json, text, unreadable_answer


def checked(pattern: re.Pattern[str], value: str, what: str) -> str:
    """The id, if it has the form of one of `what`; raises Refused(`invalid_object_id`)."""
    if not pattern.fullmatch(value):
        raise Refused(f"Not the id of {what}.", code="invalid_object_id")
    return value


def told(pattern: re.Pattern[str], answer: Json, key: str = "id") -> str:
    """An id that an answer tells, fit to enter a path; raises OutcomeUnknown for anything else."""
    with unreadable_answer():
        value = text(answer, key)
    if not pattern.fullmatch(value):
        raise unexpected("The provider answered with an object of another kind.")
    return value


def same_object(answer: Json, asked: str) -> Json:
    """The answer, if it is about the object asked for; raises OutcomeUnknown(`unexpected_object`)."""
    with unreadable_answer():
        if text(answer, "id") != asked:
            raise unexpected("The provider answered about another object.")
    return answer


def unexpected(sentence: str) -> OutcomeUnknown:
    """The error for an answer about something else than was asked."""
    return OutcomeUnknown(sentence, code="unexpected_object")
