"""Reading a JSON body with Square's checks. Every reader raises SquareError on a bad value."""

import re
from datetime import UTC, datetime, timedelta

from django_payments_hub.sandbox.square.errors import SquareError, invalid, missing
from django_payments_hub.sandbox.wire import Json

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


class Fields:
    """One object of a body; ``prefix`` is its own name in the whole."""

    def __init__(self, data: Json, prefix: str = "") -> None:
        self.data, self._prefix = data, prefix

    def __contains__(self, name: str) -> bool:
        return self.data.get(name) is not None

    def name(self, name: str) -> str:
        """The field's full name, as errors show it."""
        return f"{self._prefix}.{name}" if self._prefix else name

    def only(self, allowed: frozenset[str]) -> None:
        """Refuse what the operation does not know."""
        for name in self.data:
            if name not in allowed:
                detail = f"The body parameter `{name}` is not known."
                raise invalid(self.name(name), detail, "UNKNOWN_BODY_PARAMETER")

    def text(self, name: str, longest: int | None = None) -> str | None:
        """A string, or None when it is absent or null."""
        value = self.data.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise invalid(self.name(name), "Expected a string value.", "EXPECTED_STRING")
        if longest is not None and len(value) > longest:
            raise invalid(self.name(name), f"Field must not be greater than {longest} length", "VALUE_TOO_LONG")
        return value

    def required(self, name: str, longest: int | None = None) -> str:
        """A string that must be there and not be empty."""
        value = self.text(name, longest)
        if value is None:
            raise missing(self.name(name))
        if value == "":
            raise invalid(self.name(name), "Field must not be blank", "VALUE_EMPTY")
        return value

    def choice(self, name: str, allowed: frozenset[str]) -> str | None:
        """One of a few words, or None."""
        value = self.text(name)
        if value is not None and value not in allowed:
            detail = f"`{value}` is not a valid enum value for `{self.name(name)}`."
            raise invalid(self.name(name), detail, "INVALID_ENUM_VALUE")
        return value

    def integer(self, name: str) -> int | None:
        """A whole number, or None."""
        value = self.data.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid(self.name(name), "Expected an integer value.", "EXPECTED_INTEGER")
        return value

    def boolean(self, name: str) -> bool | None:
        """True, false or None."""
        value = self.data.get(name)
        if value is not None and not isinstance(value, bool):
            raise invalid(self.name(name), "Expected a boolean value.", "EXPECTED_BOOLEAN")
        return value

    def child(self, name: str) -> "Fields | None":
        """A nested object, or None."""
        value = self.data.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise invalid(self.name(name), "Expected an object value.", "EXPECTED_OBJECT")
        return Fields(value, self.name(name))

    def required_child(self, name: str) -> "Fields":
        """A nested object that must be there."""
        child = self.child(name)
        if child is None:
            raise missing(self.name(name))
        return child

    def children(self, name: str) -> list["Fields"]:
        """A list of nested objects; empty when it is absent."""
        value = self.data.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise invalid(self.name(name), "Expected an array of objects.", "EXPECTED_ARRAY")
        return [Fields(item, f"{self.name(name)}[{number}]") for number, item in enumerate(value)]

    def texts(self, name: str) -> list[str] | None:
        """A list of strings, or None."""
        value = self.data.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise invalid(self.name(name), "Expected an array of strings.", "EXPECTED_ARRAY")
        return value

    def duration(self, name: str) -> timedelta | None:
        """An RFC 3339 duration such as ``P7D`` or ``PT36H``, or None."""
        value = self.text(name)
        if value is None:
            return None
        match = _DURATION.fullmatch(value)
        if match is None or not any(match.groups()):
            raise invalid(self.name(name), "Expected a duration in RFC 3339 format.")
        days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


class Query(Fields):
    """The parameters of a query string, all of them strings."""

    def number(self, name: str, highest: int) -> int | None:
        """A whole number from 1 up, or None."""
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(r"[0-9]{1,18}", value):
            raise invalid(name, "Expected an integer value.", "EXPECTED_INTEGER")
        if not 1 <= int(value) <= highest:
            code = "VALUE_TOO_HIGH" if int(value) else "VALUE_TOO_LOW"
            raise invalid(name, f"`{name}` must be between 1 and {highest}.", code)
        return int(value)

    def flag(self, name: str) -> bool:
        """True for ``true``; false otherwise and when it is absent."""
        return self.text(name) == "true"

    def moment(self, name: str) -> datetime | None:
        """An RFC 3339 time, or None."""
        value = self.text(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise SquareError("INVALID_TIME", f"`{name}` is not an RFC 3339 time.", field=name) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
