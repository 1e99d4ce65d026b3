"""Commands that need no broker and no browser."""
