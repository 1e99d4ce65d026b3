"""What each endpoint takes and gives, told once: the OpenAPI document is made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from rest_framework.schemas.inspectors import ViewInspector
from rest_framework.serializers import Serializer

from django_payments_hub.api.filters import Filter

HAS_SPECTACULAR = find_spec("drf_spectacular") is not None
"""Whether the extra `api-docs` is installed."""

SerializerClass = type[Serializer[Any]]


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One endpoint.

    Args:
        takes: the body; None for no body.
        gives: the answers by status, None for no body, besides the errors every endpoint may give.
        pages: whether the answer is a page of `gives[200]`; plain_list: whether it is all of them at once.
        filters: the query parameters.
        once: whether an Idempotency-Key is honoured.
        errors: further error statuses.
    """

    summary: str
    takes: SerializerClass | None = None
    gives: Mapping[int, SerializerClass | None]
    pages: bool = False
    plain_list: bool = False
    filters: tuple[Filter, ...] = ()
    once: bool = False
    errors: tuple[int, ...] = field(default_factory=tuple)


class ContractSchema(ViewInspector):
    """The `schema` of our views: drf-spectacular's, fed from the contracts, loaded when first asked for."""

    def __get__(self, instance: object, owner: type | None) -> ViewInspector:
        from django_payments_hub.api.openapi import ContractAutoSchema

        return ContractAutoSchema().__get__(instance, owner)
