"""JazzCash: the hosted page (card, wallet, voucher), the mobile wallet, inquiries, refunds, instant notifications."""

from django_payments_hub.providers.jazzcash.provider import Provider

__all__ = ["Provider"]
