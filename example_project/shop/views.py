"""The pages of the shop. A page asks the hub which ways to pay there are; the browser pays through the hub's API."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from django_payments_hub.domain.statuses import NextActionKind, PaymentStatus
from django_payments_hub.models import Payment
from django_payments_hub.services.orders import payments_of
from example_project.shop import access
from example_project.shop.forms import BuyForm
from example_project.shop.models import Order, OrderLine, Product
from example_project.shop.ways import can_be_withdrawn, ways_to_pay

_FIRST_PAGE = 50
_PAID = {
    PaymentStatus.AUTHORIZED,
    PaymentStatus.COMPLETED,
    PaymentStatus.PARTIALLY_REFUNDED,
    PaymentStatus.REFUNDED,
}
_SHOWN_ABOVE = {"method", "amount", "currency", "pay_before"}
_LABELS = {
    "reference": _("Reference, to be quoted"),
    "account_holder": _("Account holder"),
    "iban": "IBAN",
    "bic": "BIC",
    "token": _("Voucher number"),
}
_SHOWN: dict[str, str] = {NextActionKind.INSTRUCTIONS: "instructed", NextActionKind.WAIT: "phone"}
_NOT_PAID = {PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED}


@require_GET
def products(request: HttpRequest) -> HttpResponse:
    """The catalogue."""
    return render(request, "shop/products.html", {"products": Product.objects.all()})


@require_http_methods(["GET", "HEAD", "POST"])
def product(request: HttpRequest, slug: str) -> HttpResponse:
    """One product; a POST orders it."""
    found = get_object_or_404(Product, slug=slug)
    form = BuyForm(request.POST or None, is_guest=not request.user.is_authenticated)
    if request.method == "POST" and form.is_valid():
        placed = place_order(found, form.cleaned_data["quantity"], request.user, form.cleaned_data.get("email", ""))
        if placed.user_id is None:
            access.remember(request, placed)
        return redirect("shop:order", order_id=placed.pk)
    return render(request, "shop/product.html", {"product": found, "form": form})


@transaction.atomic
def place_order(bought: Product, quantity: int, user: User | AnonymousUser, email: str = "") -> Order:
    """An order of one line, at today's price."""
    owner = user if isinstance(user, User) else None
    placed = Order.objects.create(user=owner, email=email or getattr(owner, "email", ""), currency=bought.currency)
    OrderLine.objects.create(order=placed, product=bought, quantity=quantity, price=bought.price)
    return placed


@never_cache
@require_GET
def orders(request: HttpRequest) -> HttpResponse:
    """The orders of whoever looks: his own, and those this browser made as a guest."""
    mine = Q(pk__in=access.guest_orders(request), user=None)
    if request.user.is_authenticated:
        mine |= Q(user=request.user)
    found = Order.objects.filter(mine).prefetch_related("lines__product")[:_FIRST_PAGE]
    return render(request, "shop/orders.html", {"orders": found})


@never_cache
@require_GET
def order(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """One order: its lines, the ways to pay while it is open, and what was paid."""
    if token := request.GET.get("token"):
        if not access.bring_token(request, order_id, token):
            raise Http404
        return redirect("shop:order", order_id=order_id)  # the token leaves the address bar and the history
    found = access.visible_order(request, order_id)
    payments = list(payments_of(found).select_related("account").prefetch_related("refunds"))
    under_way = any(row.status == PaymentStatus.PROCESSING for row in payments)
    waits = any(_SHOWN.get(_asks_for(row)) and not can_be_withdrawn(row) for row in payments)
    can_pay = found.status == Order.Status.OPEN and not (under_way or waits) and access.is_buyer(request, found)
    context = {
        "order": found,
        "payments": payments,
        "ways": ways_to_pay(found.currency, request.user) if can_pay else [],
        "under_way": under_way or waits,
        "waits": waits,
        "guest_token": found.guest_token if access.is_guest_of(request, found) else "",
        "return_url": request.build_absolute_uri(reverse("shop:thanks", args=[found.pk])),
        "cancel_url": request.build_absolute_uri(reverse("shop:order", args=[found.pk])),
    }
    return render(request, "shop/order.html", context)


@never_cache
@require_GET
def thanks(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Where the customer comes back to. Coming back proves nothing: the page asks for the status until it is known."""
    found = access.visible_order(request, order_id)
    named = request.GET.get("payment_id", "")
    payment = next((row for row in payments_of(found).select_related("account") if str(row.pk) == named), None)
    if payment is None:
        raise Http404
    context = {
        "order": found,
        "payment": payment,
        "instructions": instructions(payment),
        "shown": _SHOWN.get(_asks_for(payment), outcome(payment)),
        "guest_token": found.guest_token if access.is_guest_of(request, found) else "",
    }
    return render(request, "shop/thanks.html", context)


def instructions(payment: Payment) -> dict[str, str]:
    """What the customer has to know to pay by himself, by its label; empty when nothing of that kind is asked."""
    if payment.next_action is None or _asks_for(payment) != NextActionKind.INSTRUCTIONS:
        return {}
    fields = payment.next_action["fields"]
    known = {name: str(value) for name, value in fields.items() if name not in _SHOWN_ABOVE}
    return {str(_LABELS.get(name, name.replace("_", " ").capitalize())): value for name, value in known.items()}


def _asks_for(payment: Payment) -> str:
    """The kind of what the customer is to do next; "" for nothing, or nothing any more."""
    return str((payment.next_action or {}).get("type", "")) if outcome(payment) == "waiting" else ""


def outcome(payment: Payment) -> str:
    """What a payment is to the customer who waits: `paid`, `failed` or `waiting`, as in shop.js."""
    status = PaymentStatus(payment.status)
    if status in _PAID:
        return "paid"
    return "failed" if status in _NOT_PAID else "waiting"
