"""Reads a request's body, never more of it than the cap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException
from rest_framework.parsers import BaseParser

from django_payments_hub.api import strict_json
from django_payments_hub.conf import hub_settings


class BodyTooLarge(APIException):
    """The body is over API_MAX_BYTES."""

    status_code = 413
    default_code = "body_too_large"
    default_detail = "The body is too large."


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
        return strict_json.loads(body)
