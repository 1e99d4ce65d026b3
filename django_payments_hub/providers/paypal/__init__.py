"""PayPal: orders on its page and with vaulted methods, authorisations, refunds, disputes, webhooks."""

from django_payments_hub.providers.paypal.provider import Provider

__all__ = ["Provider"]
