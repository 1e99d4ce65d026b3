"""PayPal as far as a shop uses it: OAuth, Orders v2, Payments v2, Vault v3, Notifications v1, Disputes v1."""
