"""What the author of a provider needs: types, base class, HTTP client, signing helpers."""
