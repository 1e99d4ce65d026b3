"""Who may look at an order: its owner, staff, and a guest by the order's token, which his session keeps."""

from __future__ import annotations

import hmac
from uuid import UUID

from django.http import Http404, HttpRequest

from example_project.shop.models import Order

_KEY = "guest_orders"


def remember(request: HttpRequest, order: Order) -> None:
    """Let this browser see a guest's order."""
    request.session[_KEY] = {**request.session.get(_KEY, {}), str(order.pk): order.guest_token}


def bring_token(request: HttpRequest, order_id: UUID, token: str) -> bool:
    """Take the token of a link in a mail into the session; False when it is not this order's."""
    order = Order.objects.filter(pk=order_id, user=None).first()
    if order is None or not _fits(token, order):
        return False
    remember(request, order)
    return True


def visible_order(request: HttpRequest, order_id: UUID) -> Order:
    """The order; raises Http404 for one that is not there or not to be seen, which look alike."""
    order = Order.objects.filter(pk=order_id).prefetch_related("lines__product", "receipts").first()
    if order is None or not _may_see(request, order):
        raise Http404
    return order


def guest_orders(request: HttpRequest) -> list[str]:
    """Ids of the orders this browser bought as a guest."""
    return list(request.session.get(_KEY, {}))


def is_guest_of(request: HttpRequest, order: Order) -> bool:
    """Whether this browser holds the token of a guest's order."""
    return order.user_id is None and _fits(request.session.get(_KEY, {}).get(str(order.pk), ""), order)


def is_buyer(request: HttpRequest, order: Order) -> bool:
    """Whether the order is this visitor's own to pay; staff looks, and does not pay."""
    if order.user_id is None:
        return is_guest_of(request, order)
    return request.user.is_authenticated and order.user_id == request.user.pk


def _may_see(request: HttpRequest, order: Order) -> bool:
    is_staff = request.user.is_authenticated and request.user.is_staff
    return is_staff or is_buyer(request, order)


def _fits(token: str, order: Order) -> bool:
    return hmac.compare_digest(token.encode(), order.guest_token.encode())
