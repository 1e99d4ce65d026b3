"""Square: card payments by token, payment links, delayed capture, refunds, disputes, cards on file, webhooks."""

from django_payments_hub.providers.square.provider import Provider

__all__ = ["Provider"]
