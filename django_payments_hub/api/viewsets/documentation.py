"""`/schema/` and `/docs/`, when the extra `api-docs` is installed; loaded when first asked for.

`/docs/` takes its scripts from `drf_spectacular_sidecar` and is there only when that is among the installed apps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.templatetags.static import static
from django.urls import include, path, reverse

View = Callable[[HttpRequest], HttpResponseBase]


@transaction.non_atomic_requests
def schema_view(request: HttpRequest) -> HttpResponseBase:
    """The OpenAPI document of the hub's routes, under the address at which the project has them."""
    return _schema(reverse("payments_hub:payment-list"))(request)


@transaction.non_atomic_requests
def docs_view(request: HttpRequest) -> HttpResponseBase:
    """The document for people."""
    return _docs()(request)


@cache
def _schema(prefix: str) -> View:
    from drf_spectacular.views import SpectacularAPIView

    routes = [path(prefix.lstrip("/"), include("django_payments_hub.urls"))]
    view: View = SpectacularAPIView.as_view(patterns=routes)
    return view


@cache
def _docs() -> View:
    from drf_spectacular.views import SpectacularSwaggerView

    class LocalSwaggerView(SpectacularSwaggerView):
        """Whatever SWAGGER_UI_DIST says: a script of a third party would run with the reader's session."""

        @staticmethod
        def _swagger_ui_resource(filename: str) -> str:
            return static(f"drf_spectacular_sidecar/swagger-ui-dist/{filename}")

        @staticmethod
        def _swagger_ui_favicon() -> str:
            return static("drf_spectacular_sidecar/swagger-ui-dist/favicon-32x32.png")

    view: View = LocalSwaggerView.as_view(url_name="payments_hub:schema")
    return view
