"""Directives that write reference pages from the code itself, so that they cannot say anything else.

`hub-settings`   every key of `PAYMENTS_HUB`, from the fields of `conf.HubSettings`
`hub-account`    the keys of a provider's accounts, from its `Config`
`hub-providers`  what each provider can do, from its capability flags
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from django_payments_hub.conf import BUILT_IN_PROVIDERS, HubSettings
from django_payments_hub.provider_kit.base import BaseProvider, Capabilities

if TYPE_CHECKING:
    from sphinx.application import Sphinx

AnyProvider = type[BaseProvider[Any]]


def shipped_providers() -> dict[str, AnyProvider]:
    """The providers this version ships, by their short name."""
    return {name: importlib.import_module(path).Provider for name, path in BUILT_IN_PROVIDERS.items()}


def type_name(annotation: object) -> str:
    """A type as it is written in settings: a mapping is a dict, a tuple a list."""
    text = str(annotation)
    for pattern, plain in ((r"^Mapping\[.*", "dict"), (r"^tuple\[(\w+), \.\.\.\]$", r"list of \1")):
        text = re.sub(pattern, plain, text)
    return text


def shown_default(value: object) -> str:
    """A default as one would write it in settings."""
    if isinstance(value, Mapping):
        return repr(dict(value))
    if isinstance(value, tuple):
        return repr(list(value))
    return repr(value)


def setting_entries() -> Iterator[tuple[str, str, str, str]]:
    """Key, type, default and help of every setting."""
    defaults = HubSettings()
    for field in dataclasses.fields(HubSettings):
        yield (
            field.name.upper(),
            type_name(field.type),
            shown_default(getattr(defaults, field.name)),
            field.metadata["help"],
        )


def account_entries(provider: AnyProvider) -> Iterator[tuple[str, str, str, str]]:
    """Key, type, default and description of every key that an account of the provider takes."""
    described = _described_arguments(provider.Config)
    for field in dataclasses.fields(provider.Config):
        marks = [mark for mark in ("secret", "public") if field.metadata.get(mark)]
        kind = ", ".join([type_name(field.type), *marks])
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        default = "required" if required else shown_default(field.default)
        yield field.name.upper(), kind, default, described[field.name]


def _described_arguments(owner: type[object]) -> dict[str, str]:
    """The `Args:` of a docstring; a field without a line there is an error."""
    block = (inspect.getdoc(owner) or "").partition("Args:\n")[2]
    lines = textwrap.dedent(block).splitlines()
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        if match := re.match(r"(\w+): (.*)", line):
            name = match[1]
            found[name] = match[2]
        elif name and line.startswith(" "):
            found[name] += " " + line.strip()
    return found


def capability_rows(providers: Mapping[str, AnyProvider]) -> Iterator[tuple[str, list[str]]]:
    """One row per capability: its name, then each provider's value."""
    for field in dataclasses.fields(Capabilities):
        values = [_shown_capability(field.name, getattr(p.capabilities, field.name)) for p in providers.values()]
        yield field.name, values


def _shown_capability(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset):
        return ", ".join(sorted(str(item) for item in value)) or ("all" if name == "currencies" else "none")
    return str(value)


class _Generated(SphinxDirective):
    """Text that is parsed as if it stood in the page."""

    def run(self) -> list[nodes.Node]:
        """The nodes of the generated text."""
        return self.parse_text_to_nodes("\n".join(self.lines()) + "\n")

    def lines(self) -> Iterator[str]:
        """The MyST source."""
        raise NotImplementedError


def _confval(name: str, kind: str, default: str, text: str, *, indexed: bool = True) -> Iterator[str]:
    yield f"::::{{confval}} {name}"
    if not indexed:
        yield ":no-index:"  # several providers have a key of this name
    yield f":type: {kind}"
    yield f":default: `` {default} ``" if default != "required" else ":default: required"
    yield ""
    yield text
    yield "::::"
    yield ""


class SettingsReference(_Generated):
    """`hub-settings`."""

    def lines(self) -> Iterator[str]:
        """One entry per key."""
        for entry in setting_entries():
            yield from _confval(*entry)


class AccountReference(_Generated):
    """`hub-account stripe`."""

    required_arguments = 1

    def lines(self) -> Iterator[str]:
        """One entry per key of the provider's accounts."""
        for entry in account_entries(shipped_providers()[self.arguments[0]]):
            yield from _confval(*entry, indexed=False)


class ProviderMatrix(_Generated):
    """`hub-providers`."""

    def lines(self) -> Iterator[str]:
        """A table of capabilities by provider."""
        providers = shipped_providers()
        labels = [provider.label for provider in providers.values()]
        yield "| Capability | " + " | ".join(labels) + " |"
        yield "|---" * (len(labels) + 1) + "|"
        for name, values in capability_rows(providers):
            yield f"| `{name}` | " + " | ".join(values) + " |"


def setup(app: Sphinx) -> dict[str, object]:
    """Register the directives."""
    app.add_directive("hub-settings", SettingsReference)
    app.add_directive("hub-account", AccountReference)
    app.add_directive("hub-providers", ProviderMatrix)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
