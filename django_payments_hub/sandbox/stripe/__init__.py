"""Stripe as the sandbox plays it: PaymentIntents, refunds, Checkout, disputes and signed events."""
