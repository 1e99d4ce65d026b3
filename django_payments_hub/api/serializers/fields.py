"""Fields that take exactly what they say: no number for a text, no text for a flag, no control characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from rest_framework import serializers

from django_payments_hub.api.filters import read_moment

_AMOUNT = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,6})?", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,40}", re.ASCII)
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # part of ordinary Persian, Urdu and Hindi words

MAX_METADATA = 20


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses every field it does not know (S3)."""

    def to_internal_value(self, data: object) -> object:
        if isinstance(data, Mapping):
            unknown = [str(name)[:60] for name in data if name not in self.fields or self.fields[name].read_only]
            if unknown:
                raise serializers.ValidationError(
                    {
                        name: [serializers.ErrorDetail("There is no such field.", code="unknown_field")]
                        for name in unknown
                    }
                )
        return super().to_internal_value(data)


class TextField(serializers.CharField):
    """One line of text: line breaks become spaces, other control and invisible characters are refused (S18)."""

    default_error_messages = {"control": "Control characters are not allowed."}

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = " ".join(data.split()) if self.trim_whitespace else data
        if any(unicodedata.category(c) in _REFUSED_CATEGORIES and c not in _JOINERS for c in text):
            self.fail("control")
        return text


class TokenField(serializers.CharField):
    """A provider's token or another opaque word: printable ASCII without spaces."""

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str) or not _TOKEN.fullmatch(data):
            self.fail("invalid")
        return data


class IdField(serializers.UUIDField):
    """An id of ours, as text."""

    def to_internal_value(self, data: object) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", value="")
        return super().to_internal_value(data)


class OrderIdField(serializers.CharField):
    """The host's key of an order, as text or as a whole number."""

    def to_internal_value(self, data: object) -> str:
        if isinstance(data, int) and not isinstance(data, bool):
            data = str(data)
        if not isinstance(data, str) or not _TOKEN.fullmatch(data) or len(data) > 64:
            self.fail("invalid")
        return data


class AmountField(serializers.CharField):
    """A plain positive decimal in major units, as a string or as a JSON number; read without a binary float (I3)."""

    default_error_messages = {"invalid_amount": 'An amount is a plain positive decimal such as "12.50".'}

    def to_internal_value(self, data: object) -> str:
        if isinstance(data, int | Decimal) and not isinstance(data, bool):
            data = str(data)
        if not isinstance(data, str) or not _AMOUNT.fullmatch(data) or not data.strip("0."):
            self.fail("invalid_amount")
        return data

    def run_validation(self, data: object = serializers.empty) -> object:
        if data is None or data == "":
            self.fail("invalid_amount")
        return super().run_validation(data)


class MomentField(serializers.DateTimeField):
    """A moment, or a day, in ISO 8601; in UTC unless it says more."""

    def to_internal_value(self, value: object) -> datetime:
        if not isinstance(value, str):
            self.fail("invalid", format="ISO 8601")
        try:
            return read_moment(value)
        except (ValueError, OverflowError):
            self.fail("invalid", format="ISO 8601")


class FlagField(serializers.BooleanField):
    """true or false, nothing that looks like it."""

    def to_internal_value(self, data: object) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input="")
        return data


class WordField(serializers.ChoiceField):
    """One word of a closed set."""

    default_error_messages = {"invalid_choice": "This is none of the words that are possible here."}

    def __init__(self, words: type[StrEnum], **kwargs: Any) -> None:
        self.words = words
        super().__init__(choices=[(word.value, word.value) for word in words], **kwargs)

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid_choice", input="")
        return self.words(super().to_internal_value(data))


class MetadataField(serializers.DictField):
    """The client's own notes: a flat object of at most 20 short strings."""

    child = TextField(max_length=500, allow_blank=True)
    default_error_messages = {
        "too_many": "At most 20 entries.",
        "bad_name": "A name has 1 to 40 of A-Z, a-z, 0-9, dot, dash and underscore.",
    }

    def to_internal_value(self, data: object) -> dict[str, str]:
        if not isinstance(data, Mapping):
            self.fail("not_a_dict", input_type=type(data).__name__)
        if len(data) > MAX_METADATA:
            self.fail("too_many")
        if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in data):
            self.fail("bad_name")
        return super().to_internal_value(dict(data))
