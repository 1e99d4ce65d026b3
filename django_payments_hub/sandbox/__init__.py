"""A local payment provider for development and tests: ``python -m django_payments_hub.sandbox``.

It is a process of its own that speaks the providers' wire protocols, keeps its own money ledger and signs its own
webhooks. It imports nothing of the hub and needs no Django (extra: ``django-payments-hub[sandbox]``).
"""
