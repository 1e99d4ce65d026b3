"""The OpenAPI document, from the contracts of the endpoints. Imported only where drf-spectacular is installed."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from django_payments_hub.api import idempotency
from django_payments_hub.api.contracts import Contract, SerializerClass
from django_payments_hub.api.filters import CURSOR, Filter
from django_payments_hub.api.serializers.fields import WordField
from django_payments_hub.api.serializers.outputs import ErrorOutput
from django_payments_hub.api.viewsets.base import GUEST_HEADER, HubViewSet

_READ_ERRORS = (400, 401, 403, 404, 429, 500, 503)
_WRITE_ERRORS = (400, 401, 403, 404, 409, 411, 413, 415, 422, 429, 500, 502, 503)
_RETRY_AFTER_ON = (409, 429, 503)
_GUEST_SCHEME = "orderToken"


class WordFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Every closed set of words once, under its own name."""

    target_class = WordField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """A reference to the set."""
        words = self.target.words
        schema = {"type": "string", "enum": [word.value for word in words]}
        component = _component(words.__name__, ResolvedComponent.SCHEMA, schema, words)
        auto_schema.registry.register_on_missing(component)
        return dict(component.ref)


class ContractAutoSchema(AutoSchema):
    """Reads an endpoint's contract; the rest is drf-spectacular's."""

    @property
    def _hub_view(self) -> HubViewSet:
        if not isinstance(self.view, HubViewSet):
            raise TypeError("only the hub's endpoints have contracts")
        return self.view

    @property
    def _contract(self) -> Contract:
        return self._hub_view.contract

    def _is_list_view(self, serializer: object = None) -> bool:
        return False  # the contract says what is a page

    def get_operation_id(self) -> str:
        """`payments_create`, `refunds_cancel`."""
        return f"{self._name()}s_{'status' if self._action() == 'standing' else self._action()}"

    def get_tags(self) -> list[str]:
        """Payments, refunds, gateways."""
        return [f"{self._name()}s"]

    def _name(self) -> str:
        return type(self._hub_view).__name__.removesuffix("ViewSet").lower()

    def _action(self) -> str:
        return str(self._hub_view.action)

    def get_summary(self) -> str:
        """The contract's."""
        return self._contract.summary

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular has it
        """What is worth saying beside the summary."""
        return "Honours an Idempotency-Key." if self._contract.once else ""

    def get_auth(self) -> list[dict[str, Any]]:
        """The project's authentication, or a guest with the token of an order."""
        self.registry.register_on_missing(
            _component(
                _GUEST_SCHEME,
                ResolvedComponent.SECURITY_SCHEMA,
                {"type": "apiKey", "in": "header", "name": GUEST_HEADER},
                _GUEST_SCHEME,
            )
        )
        known: list[dict[str, Any]] = super().get_auth()
        return [*known, {_GUEST_SCHEME: []}, *([{}] if self._hub_view.open_to_all else [])]

    def get_request_serializer(self) -> Any:  # noqa: ANN401 - drf-spectacular's own border
        """What the endpoint takes."""
        return self._contract.takes

    def get_response_serializers(self) -> Any:  # noqa: ANN401 - drf-spectacular's own border
        """What it gives, and the errors that every endpoint may give."""
        usual = _READ_ERRORS if self.method == "GET" else _WRITE_ERRORS
        errors: dict[int, SerializerClass | None] = dict.fromkeys(usual, ErrorOutput)
        return dict(
            sorted((errors | {status: self._given(shape) for status, shape in self._contract.gives.items()}).items())
        )

    def _given(self, shape: SerializerClass | None) -> SerializerClass | None:
        if shape is None:
            return None
        if self._contract.pages:
            return _page_of(shape)
        return _list_of(shape) if self._contract.plain_list else shape

    def get_override_parameters(self) -> list[Any]:
        """Ids, filters and headers."""
        ids = [name for name in ("payment_id", "refund_id", "method_id") if f"{{{name}}}" in self.path]
        found = [OpenApiParameter(name, OpenApiTypes.UUID, OpenApiParameter.PATH) for name in ids]
        found += [_query(item) for item in self._contract.filters]
        if self._contract.pages:
            found.append(OpenApiParameter(CURSOR, str, description="`next_cursor` of the page before."))
        if self._contract.once:
            found += _idempotency(sorted(self._contract.gives))
        return [*found, _answer_header("Retry-After", int, "Seconds.", _RETRY_AFTER_ON)]


def _component(name: str, kind: str, schema: dict[str, Any], thing: object) -> ResolvedComponent:
    return ResolvedComponent(name, kind, schema, thing)  # type: ignore[no-untyped-call]


def _query(item: Filter) -> OpenApiParameter:
    kind: Any = OpenApiTypes.UUID if item.name.endswith("payment_id") else OpenApiTypes.STR
    enum = [word.value for word in item.words] if item.words else None
    return OpenApiParameter(item.name, kind, enum=enum, description=str(item.help))


def _idempotency(statuses: list[int]) -> list[OpenApiParameter]:
    sent = OpenApiParameter(
        idempotency.HEADER,
        str,
        OpenApiParameter.HEADER,
        description="1 to 255 printable ASCII characters: the same key and body are carried out once.",
    )
    told = _answer_header(idempotency.REPLAYED, str, "`true` when it was carried out before.", tuple(statuses))
    return [sent, told]


def _answer_header(name: str, kind: Any, text: str, statuses: tuple[int, ...]) -> OpenApiParameter:  # noqa: ANN401
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, description=text, response=list(statuses))


@cache
def _page_of(shape: SerializerClass) -> SerializerClass:
    fields = {
        "results": shape(many=True),
        "next": serializers.URLField(allow_null=True),
        "next_cursor": serializers.CharField(allow_null=True),
    }
    return type(f"{_stem(shape)}Page", (serializers.Serializer,), {**fields, "__doc__": "One page, newest first."})


@cache
def _list_of(shape: SerializerClass) -> SerializerClass:
    return type(f"{_stem(shape)}List", (serializers.Serializer,), {"results": shape(many=True), "__doc__": "All."})


def _stem(shape: SerializerClass) -> str:
    return shape.__name__.removesuffix("Output")
