"""Addresses of the REST API."""

from __future__ import annotations

from django.apps import apps
from django.urls import URLPattern, path

from django_payments_hub.api.contracts import HAS_SPECTACULAR
from django_payments_hub.api.viewsets.base import endpoint
from django_payments_hub.api.viewsets.gateways import GatewayViewSet
from django_payments_hub.api.viewsets.methods import MethodViewSet
from django_payments_hub.api.viewsets.payments import PaymentViewSet
from django_payments_hub.api.viewsets.refunds import RefundViewSet


def _payment(name: str, **actions: str) -> URLPattern:
    return path(f"<str:payment_id>/{name}/", endpoint(PaymentViewSet, **actions), name=f"payment-{name}")


def _refund(name: str) -> URLPattern:
    return path(f"refunds/<str:refund_id>/{name}/", endpoint(RefundViewSet, post=name), name=f"refund-{name}")


def _documentation() -> list[URLPattern]:
    from django_payments_hub.api.viewsets.documentation import docs_view, schema_view

    docs = [path("docs/", docs_view, name="docs")] if apps.is_installed("drf_spectacular_sidecar") else []
    return [path("schema/", schema_view, name="schema"), *docs]


# Ids are taken as text: what is no id is answered in the API's own shape, and a card number in an address is refused
# before Django logs it.
urlpatterns = [
    *(_documentation() if HAS_SPECTACULAR else []),
    path("", endpoint(PaymentViewSet, get="list", post="create"), name="payment-list"),
    path("checkout/", endpoint(PaymentViewSet, post="checkout"), name="payment-checkout"),
    path("gateways/", endpoint(GatewayViewSet, get="list"), name="gateway-list"),
    path("methods/", endpoint(MethodViewSet, get="list", post="create"), name="method-list"),
    path(
        "methods/<str:method_id>/",
        endpoint(MethodViewSet, get="retrieve", put="update", patch="partial_update", delete="destroy"),
        name="method-detail",
    ),
    path(
        "methods/<str:method_id>/set-default/", endpoint(MethodViewSet, post="set_default"), name="method-set-default"
    ),
    path("methods/<str:method_id>/confirm/", endpoint(MethodViewSet, post="confirm"), name="method-confirm"),
    path("refunds/", endpoint(RefundViewSet, get="list", post="create"), name="refund-list"),
    path("refunds/<str:refund_id>/", endpoint(RefundViewSet, get="retrieve"), name="refund-detail"),
    *(_refund(name) for name in ("process", "cancel", "proof")),
    path("<str:payment_id>/", endpoint(PaymentViewSet, get="retrieve"), name="payment-detail"),
    *(_payment(name, post=name) for name in ("process", "confirm", "capture", "cancel", "refund", "sync")),
    *(_payment(name, post=name) for name in ("receipt", "surplus")),
    *(_payment(name, get=name) for name in ("logs", "explain")),
    _payment("status", get="standing"),
]
