"""Every error of the API in one shape: `{"detail", "error_code", "error_message", "errors"?}`.

`detail` is for the developer, `error_message` for the customer, `error_code` is stable. Nothing internal leaves: what
is not a declared error is logged and answered as 500 `server_error`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions as drf
from rest_framework.response import Response

from django_payments_hub import exceptions as hub
from django_payments_hub.api.messages import error_message

logger = logging.getLogger("django_payments_hub.api")

_RETRY_AFTER_S = 5

_HUB_STATUS: tuple[tuple[type[hub.HubError], int], ...] = (
    (hub.InvalidInput, 400),
    (hub.NotFound, 404),
    (hub.NotAllowed, 403),
    (hub.Conflict, 409),
    (hub.RequestError, 422),
    (hub.Misconfigured, 502),
    (hub.Refused, 422),
    (hub.ProviderError, 503),
)
_TOLD = frozenset({"public_url_missing"})
"""Faults of the configuration that are named: their text holds no secret, and the caller can mend them."""
_CODE_STATUS = {"ambiguous_account": 400}
_DRF_CODES = {404: "not_found", 405: "method_not_allowed", 406: "not_acceptable", 415: "unsupported_media_type"}


class CardNumberRefused(hub.RuleViolation):
    """Card data was sent to the API."""

    code = "card_number_refused"


class FieldErrors(hub.InvalidInput):
    """Several values are malformed; `errors` holds (field, code, sentence)."""

    def __init__(self, errors: list[tuple[str, str, str]]):
        first_field, code, sentence = errors[0]
        super().__init__(sentence, field=first_field, code=code)
        self.errors = errors


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One error as it is answered."""

    status: int
    code: str
    detail: str
    fields: Mapping[str, list[dict[str, str]]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, object]:
        """The JSON of this error."""
        body: dict[str, object] = {
            "detail": self.detail,
            "error_code": self.code,
            "error_message": error_message(self.code, self.status),
        }
        return body | ({"errors": self.fields} if self.fields else {})

    def response(self) -> Response:
        """The answer."""
        return Response(self.body(), status=self.status, headers=dict(self.headers))


def problem_of(error: Exception) -> Problem | None:
    """The declared error behind an exception; None for what is a bug."""
    if isinstance(error, hub.HubError):
        return _of_hub(error)
    if isinstance(error, drf.APIException):
        return _of_drf(error)
    if isinstance(error, Http404):
        return Problem(status=404, code="not_found", detail="Not found.")
    if isinstance(error, PermissionDenied):
        return Problem(status=403, code="permission_denied", detail="You may not do this.")
    if isinstance(error, RequestDataTooBig):
        return Problem(status=413, code="body_too_large", detail="The body is too large.")
    if isinstance(error, SuspiciousOperation):
        return Problem(status=400, code="invalid_request", detail="The request is malformed.")
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("The database refuses to work: %s", " ".join(str(error).split())[:200])
        return Problem(status=503, code="unavailable", detail="Try again.", headers=_retry_after(_RETRY_AFTER_S))
    return None


def server_error() -> Problem:
    """What a bug is answered with."""
    return Problem(status=500, code="server_error", detail="An unexpected error; it has been logged.")


def _of_hub(error: hub.HubError) -> Problem | None:
    if isinstance(error, hub.ConfigurationError):
        logger.error("The hub is not configured correctly: %s", error.message)
        if error.code in _TOLD:
            return Problem(status=502, code=error.code, detail=error.message)
        return Problem(status=502, code="configuration_error", detail="The hub is not configured correctly.")
    status = next((status for kind, status in _HUB_STATUS if isinstance(error, kind)), None)
    if status is None:
        return None
    return Problem(
        status=_CODE_STATUS.get(error.code, status),
        code=error.code,
        detail=error.message,
        fields=_fields_of(error),
        headers=_retry_after(_wait_s(error)) if status == 503 or isinstance(error, hub.Conflict) else {},
    )


def _fields_of(error: hub.HubError) -> dict[str, list[dict[str, str]]]:
    if isinstance(error, FieldErrors):
        found: dict[str, list[dict[str, str]]] = {}
        for name, code, sentence in error.errors:
            found.setdefault(name, []).append({"error_code": code, "detail": sentence})
        return found
    if isinstance(error, hub.InvalidInput) and error.field:
        return {error.field: [{"error_code": error.code, "detail": error.message}]}
    return {}


def _wait_s(error: hub.HubError) -> float:
    if isinstance(error, hub.Throttled) and error.retry_after_s is not None:
        return error.retry_after_s
    return 1 if isinstance(error, hub.Conflict) else _RETRY_AFTER_S


def _retry_after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def _of_drf(error: drf.APIException) -> Problem:
    if isinstance(error, drf.ValidationError):
        return _of_hub(FieldErrors(list(flattened(error.detail)))) or server_error()
    code, status = _drf_code(error), error.status_code
    headers = {}
    if isinstance(error, drf.Throttled):
        headers = _retry_after(getattr(error, "wait", None) or 1)
    if header := getattr(error, "auth_header", None):
        headers = {"WWW-Authenticate": header}
    return Problem(status=status, code=code, detail=str(error.detail), headers=headers)


def _drf_code(error: drf.APIException) -> str:
    if isinstance(error, drf.PermissionDenied) and str(error.detail).startswith("CSRF Failed"):
        return "csrf_failed"
    if isinstance(error, drf.ParseError):
        return "malformed_json"
    return _DRF_CODES.get(error.status_code, str(error.default_code))


def flattened(detail: object, path: str = "") -> Iterator[tuple[str, str, str]]:
    """DRF's nested details as (dotted field, code, sentence); `invalid` and `required` get the API's own codes."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            at = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
            yield from flattened(inner, at)
    elif isinstance(detail, list):
        for inner in detail:
            yield from flattened(inner, path)
    else:
        code = str(getattr(detail, "code", "invalid"))
        yield path, {"invalid": "invalid_input"}.get(code, code), str(detail)
