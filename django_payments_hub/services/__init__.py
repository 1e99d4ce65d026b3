"""Use cases: every face calls these, and nothing else changes money state."""
