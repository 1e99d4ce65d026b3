"""Money that comes in outside of any provider: cash, bank transfer, cheque."""

from django_payments_hub.providers.manual.provider import Provider

__all__ = ["Provider"]
