"""Stripe: PaymentIntents in three flows (token, client secret, hosted Checkout), refunds, disputes, webhooks."""

from django_payments_hub.providers.stripe.provider import Provider

__all__ = ["Provider"]
