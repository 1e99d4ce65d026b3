"""Stripe's form encoding (``a[b][0]=c``) and the checks that every parameter goes through."""

import re
from urllib.parse import parse_qsl

from django_payments_hub.sandbox.stripe.errors import StripeError, invalid_parameter, missing_parameter
from django_payments_hub.sandbox.wire import Json

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
_MAX_DEPTH = 12


def parse_form(raw: str) -> Json:
    """Nested dicts and lists of strings. Raises StripeError for a key that cannot be read."""
    root: Json = {}
    for key, value in parse_qsl(raw, keep_blank_values=True):
        _put(root, _path(key), value, key)
    return {name: _lists(value) for name, value in root.items()}


def _path(key: str) -> list[str]:
    match = _KEY.fullmatch(key)
    parts = [match[1], *_PART.findall(match[2])] if match else []
    if not parts or len(parts) > _MAX_DEPTH:
        raise StripeError(f"Invalid parameter name: {key}", code="parameter_unknown", param=key)
    return parts


def _put(root: Json, parts: list[str], value: str, key: str) -> None:
    here = root
    for part in parts[:-1]:
        below = here.setdefault(part or str(len(here)), {})
        if not isinstance(below, dict):
            raise StripeError(f"Invalid object: {key}", param=key)
        here = below
    here[parts[-1] or str(len(here))] = value


def _lists(node: object) -> object:
    if not isinstance(node, dict):
        return node
    if node and all(key.isdecimal() for key in node):
        return [_lists(node[key]) for key in sorted(node, key=int)]
    return {key: _lists(value) for key, value in node.items()}


class Params:
    """The parameters of one call, read with Stripe's checks. Every reader raises StripeError on a bad value."""

    def __init__(self, data: Json, prefix: str = "") -> None:
        self.data = data
        self._prefix = prefix

    def __contains__(self, name: str) -> bool:
        return name in self.data

    def name(self, name: str) -> str:
        """The parameter's full name, as errors show it."""
        return f"{self._prefix}[{name}]" if self._prefix else name

    def only(self, allowed: frozenset[str]) -> None:
        """Refuse what the operation does not know."""
        unknown = [name for name in self.data if name not in allowed]
        if not unknown:
            return
        full = self.name(unknown[0])
        message = f"Received unknown parameter{'s' if len(unknown) > 1 else ''}: {', '.join(unknown)}"
        raise StripeError(message, code="parameter_unknown", param=full)

    def text(self, name: str) -> str | None:
        """A string, or None when it is absent or empty."""
        value = self.data.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise invalid_parameter(self.name(name), f"Invalid string: {value}")
        if len(value) > 5000:
            raise invalid_parameter(self.name(name), "Invalid string: too long", "parameter_invalid_string_blank")
        return value

    def required(self, name: str) -> str:
        """A string that must be there."""
        if name not in self.data:
            raise missing_parameter(self.name(name))
        value = self.text(name)
        if value is None:
            message = f"You passed an empty string for '{self.name(name)}'. We assume empty values are an attempt to unset a parameter; however '{self.name(name)}' cannot be unset."  # noqa: E501
            raise invalid_parameter(self.name(name), message, "parameter_invalid_empty")
        return value

    def choice(self, name: str, allowed: tuple[str, ...]) -> str | None:
        """One of a few words, or None."""
        value = self.text(name)
        if value is not None and value not in allowed:
            message = f"Invalid {self.name(name)}: must be one of {', '.join(allowed)}"
            raise invalid_parameter(self.name(name), message)
        return value

    def integer(self, name: str) -> int | None:
        """A whole number, or None."""
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(r"-?[0-9]+", value):
            raise invalid_parameter(self.name(name), f"Invalid integer: {value}", "parameter_invalid_integer")
        return int(value)

    def positive(self, name: str) -> int | None:
        """A whole number of at least 1, or None."""
        value = self.integer(name)
        if value is not None and value < 1:
            message = "This value must be greater than or equal to 1."
            raise invalid_parameter(self.name(name), message, "parameter_invalid_integer")
        return value

    def boolean(self, name: str) -> bool | None:
        """True, false or None."""
        value = self.text(name)
        if value is None:
            return None
        if value not in ("true", "false"):
            raise invalid_parameter(self.name(name), f"Invalid boolean: {value}")
        return value == "true"

    def child(self, name: str) -> "Params":
        """The parameters of a nested object; empty when it is absent."""
        value = self.data.get(name) or {}
        if not isinstance(value, dict):
            raise invalid_parameter(self.name(name), "Invalid object", "parameter_invalid_empty")
        return Params(value, self.name(name))

    def texts(self, name: str) -> list[str]:
        """A list of strings; empty when it is absent."""
        value = self.data.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise invalid_parameter(self.name(name), "Invalid array", "parameter_invalid_empty")
        return value

    def children(self, name: str) -> list["Params"]:
        """A list of nested objects; empty when it is absent."""
        value = self.data.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise invalid_parameter(self.name(name), "Invalid array", "parameter_invalid_empty")
        return [Params(item, f"{self.name(name)}[{number}]") for number, item in enumerate(value)]

    def metadata(self, before: dict[str, str] | None = None) -> dict[str, str]:
        """The metadata after this call: new keys added, empty ones removed, all removed by an empty ``metadata``."""
        if self.data.get("metadata") == "":
            return {}
        merged = {**(before or {}), **self._strings("metadata")}
        merged = {key: value for key, value in merged.items() if value != ""}
        if len(merged) > 50:
            raise invalid_parameter("metadata", "Metadata can have at most 50 keys")
        return merged

    def _strings(self, name: str) -> dict[str, str]:
        values: dict[str, str] = {}
        for key, value in self.child(name).data.items():
            if not isinstance(value, str):
                raise invalid_parameter(self.name(name), "Metadata values must be strings")
            if len(key) > 40 or len(value) > 500:
                raise invalid_parameter(self.name(name), "Metadata: keys have up to 40 characters and values up to 500")
            values[key] = value
        return values
