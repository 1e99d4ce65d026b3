"""Reads a request's body: one whose length is told, all of it, and never more than the cap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from django_payments_hub.api import strict_json
from django_payments_hub.conf import hub_settings
from django_payments_hub.exceptions import InvalidInput

_MAX_LENGTH_DIGITS = 15


class BodyTooLarge(APIException):
    """The body is over API_MAX_BYTES."""

    status_code = 413
    default_code = "body_too_large"
    default_detail = "The body is too large."


class LengthRequired(APIException):
    """There is a body, or may be one, and nobody says how long it is."""

    status_code = 411
    default_code = "length_required"
    default_detail = "Send the body with a Content-Length, not in chunks."


def body_length(meta: Mapping[str, Any]) -> int:
    """How long the body is said to be, in bytes; 0 for none.

    Django and DRF take a body without a usable length for an empty one: a partial refund sent in chunks would become
    a full one (PEP 3333 leaves Transfer-Encoding to the server, and several pass it on).

    Raises:
        LengthRequired. InvalidInput: `invalid_request`, the length is no number. BodyTooLarge.
    """
    declared = str(meta.get("CONTENT_LENGTH") or "")
    if meta.get("HTTP_TRANSFER_ENCODING"):
        raise LengthRequired
    if not declared:
        return 0
    if not (declared.isascii() and declared.isdigit() and len(declared) <= _MAX_LENGTH_DIGITS):
        raise InvalidInput("The Content-Length is not a number of bytes.", code="invalid_request")
    length = int(declared)
    if length > hub_settings().api_max_bytes:
        raise BodyTooLarge
    return length


class StrictJSONParser(BaseParser):
    """JSON as `strict_json` takes it."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, object]:
        cap = hub_settings().api_max_bytes
        body: bytes = stream.read(cap + 1)
        if len(body) > cap:
            raise BodyTooLarge
        if parser_context and len(body) < body_length(parser_context["request"].META):
            raise strict_json.MalformedJson("The body ended too early.")  # a client that left: nothing is not "{}"
        return strict_json.loads(body)


class JsonOnly(BaseContentNegotiation):
    """The API speaks JSON, whatever a client says it would like better."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        charset = request.content_type.lower().partition("charset=")[2].strip('" ')
        fits = request.content_type.partition(";")[0].strip().lower() == StrictJSONParser.media_type
        return next(iter(parsers)) if fits and charset in ("", "utf-8", "utf8") else None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)
