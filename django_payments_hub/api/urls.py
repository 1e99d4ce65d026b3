"""Addresses of the REST API."""

from __future__ import annotations

from django.urls import URLPattern, path

from django_payments_hub.api.contracts import HAS_SPECTACULAR
from django_payments_hub.api.viewsets.gateways import GatewayViewSet
from django_payments_hub.api.viewsets.payments import PaymentViewSet
from django_payments_hub.api.viewsets.refunds import RefundViewSet


def _payment(name: str, verb: str, action: str = "") -> URLPattern:
    view = PaymentViewSet.as_view({verb: action or name})
    return path(f"<str:payment_id>/{name}/", view, name=f"payment-{name}")


def _refund(name: str) -> URLPattern:
    return path(f"refunds/<str:refund_id>/{name}/", RefundViewSet.as_view({"post": name}), name=f"refund-{name}")


def _documentation() -> list[URLPattern]:
    from django_payments_hub.api.viewsets.documentation import docs_view, schema_view

    return [path("schema/", schema_view, name="schema"), path("docs/", docs_view, name="docs")]


# Ids are taken as text: what is no id is answered in the API's own shape, and a card number in an address is not logged.
urlpatterns = [
    *(_documentation() if HAS_SPECTACULAR else []),
    path("", PaymentViewSet.as_view({"get": "list", "post": "create"}), name="payment-list"),
    path("checkout/", PaymentViewSet.as_view({"post": "checkout"}), name="payment-checkout"),
    path("gateways/", GatewayViewSet.as_view({"get": "list"}), name="gateway-list"),
    path("refunds/", RefundViewSet.as_view({"get": "list", "post": "create"}), name="refund-list"),
    path("refunds/<str:refund_id>/", RefundViewSet.as_view({"get": "retrieve"}), name="refund-detail"),
    *(_refund(name) for name in ("process", "cancel")),
    path("<str:payment_id>/", PaymentViewSet.as_view({"get": "retrieve"}), name="payment-detail"),
    *(_payment(name, "post") for name in ("process", "confirm", "capture", "cancel", "refund", "sync")),
    *(_payment(name, "get") for name in ("logs", "explain")),
    _payment("status", "get", "standing"),
]
