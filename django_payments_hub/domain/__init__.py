"""Money, statuses and legal moves. Knows nothing of Django."""
