"""`/schema/` and `/docs/`, when the extra `api-docs` is installed; loaded when first asked for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase

if TYPE_CHECKING:
    from collections.abc import Callable


@transaction.non_atomic_requests
def schema_view(request: HttpRequest) -> HttpResponseBase:
    """The OpenAPI document."""
    return _views()["schema"](request)


@transaction.non_atomic_requests
def docs_view(request: HttpRequest) -> HttpResponseBase:
    """The document for people."""
    return _views()["docs"](request)


@cache
def _views() -> dict[str, Callable[..., Any]]:
    from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

    return {
        "schema": SpectacularAPIView.as_view(),
        "docs": SpectacularSwaggerView.as_view(url_name="payments_hub:schema"),
    }
