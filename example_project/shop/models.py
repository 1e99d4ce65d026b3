"""What the shop sells, and its orders, which the hub is paid for."""

from __future__ import annotations

import secrets
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils.translation import gettext_lazy as _
from moneyed import Money

from django_payments_hub.domain.money import from_minor
from django_payments_hub.domain.payable import Line, Payable

if TYPE_CHECKING:
    from django_payments_hub.models import Payment


class Product(models.Model):
    """Something to buy."""

    name = models.CharField(_("name"), max_length=100)
    slug = models.SlugField(_("slug"), unique=True)
    description = models.TextField(_("description"), blank=True)
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=3)
    currency = models.CharField(_("currency"), max_length=3, default="USD")

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def money(self) -> Money:
        """The price."""
        return Money(self.price, self.currency)


def _guest_token() -> str:
    return secrets.token_urlsafe(24)


class Order(models.Model):
    """An order; it becomes paid in the transaction in which its payment does."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        RESERVED = "reserved", _("reserved")
        PARTLY_PAID = "part", _("partly paid")
        PAID = "paid", _("paid")
        REFUNDED = "refunded", _("refunded")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    guest_token = models.CharField(max_length=64, default=_guest_token, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.OPEN)
    paid_minor = models.BigIntegerField(_("paid"), default=0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """A short name for people."""
        return str(self.pk)[:8].upper()

    @property
    def total(self) -> Money:
        """The sum of the lines."""
        return Money(sum((line.price * line.quantity for line in self.lines.all()), Decimal(0)), self.currency)

    def payable(self, user: AbstractBaseUser | None) -> Payable | None:
        """The whole order, for its owner, for staff on his behalf, and for a guest when nobody owns it."""
        if user is None and self.user_id is not None:
            return None
        if user is not None and self.user_id != user.pk and not getattr(user, "is_staff", False):
            return None
        return Payable(
            amount=self.total,
            owner_id=self.user_id,
            guest_token=self.guest_token if self.user_id is None else "",
            description=f"Order {self.number}",
            email=self.email,
            lines=tuple(
                Line(name=line.product.name, quantity=line.quantity, unit_amount=Money(line.price, self.currency))
                for line in self.lines.select_related("product")
            ),
        )

    def on_payment_update(self, payment: Payment) -> None:
        """Follow the payments of this order; runs in the transaction that changes one."""
        rows = self._payments(payment)
        captured, refunded = sum(row.captured_minor for row in rows), sum(row.refunded_minor for row in rows)
        self.paid_minor = captured - refunded
        if captured == 0:
            held = any(row.capturable_minor > 0 for row in rows)
            self.status = self.Status.RESERVED if held else self.Status.OPEN
        elif refunded >= captured:
            self.status = self.Status.REFUNDED
        else:
            due = payment.order_ref.total_minor if payment.order_ref else captured
            self.status = self.Status.PAID if captured >= due else self.Status.PARTLY_PAID
        self.save(update_fields=["status", "paid_minor"])

    @property
    def paid(self) -> Money:
        """What came in, less what was given back."""
        return from_minor(self.paid_minor, self.currency)

    def _payments(self, payment: Payment) -> list[Payment]:
        if payment.order_ref is None:
            return [payment]
        others = payment.order_ref.payments.exclude(pk=payment.pk)
        return [*others, payment]


class OrderLine(models.Model):
    """So many of a product, at the price it then had."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=3)

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product}"

    @property
    def total(self) -> Money:
        """Price by quantity."""
        return Money(self.price * self.quantity, self.order.currency)


class Receipt(models.Model):
    """Written by the durable handler in `payment_handlers`, once for each event."""

    event_id = models.UUIDField(primary_key=True, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="receipts")
    payment_number = models.CharField(_("payment"), max_length=16)
    amount_minor = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        ordering = ("created_at",)

    def __str__(self) -> str:
        return f"{self.payment_number}: {self.amount}"

    @property
    def amount(self) -> Money:
        """What was paid."""
        return from_minor(self.amount_minor, self.currency)
