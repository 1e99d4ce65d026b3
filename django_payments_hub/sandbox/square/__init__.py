"""Square's part of the sandbox: ``/square/v2/...``, the pages of payment links, and signed notifications.

Operations, as faults and the log of calls name them: ``payments.`` create, list, get, update, complete, cancel,
cancel_by_idempotency_key; ``refunds.`` create, list, get; ``customers.`` create, list, search, get, update, delete;
``cards.`` create, list, get, disable; ``payment_links.`` create, list, get, update, delete; ``orders.`` create, get,
batch_get, search; ``locations.`` list, get; ``merchants.`` list, get; ``disputes.`` list, get, accept,
evidence_text.create, evidence.list, evidence.get, evidence.delete, evidence.submit; ``webhooks.subscriptions.`` create,
list, get, update, delete, test, signature_key; ``webhooks.event_types.list``.

The marks by which a fault's ``match`` and the ledger know a payment: ``reference_id``, ``note``, ``payment_note``,
``order_reference_id``, and ``reason`` of a refund.

Square does not say for how long it keeps idempotency keys: here it is 24 hours on the sandbox's clock.
"""
