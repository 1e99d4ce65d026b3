"""Outgoing HTTP of the sandbox: one request, a deadline, never a redirect followed."""

import http.client
import json
from urllib.parse import urlsplit

from django_payments_hub.sandbox.wire import Json

Failure = (OSError, http.client.HTTPException, ValueError)


def post(
    url: str, body: bytes, headers: dict[str, str], *, timeout_s: float, method: str = "POST"
) -> tuple[int, bytes]:
    """Send and return (status, first 64 KiB of the answer). Raises OSError, HTTPException or ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an http address: {url}")
    secure = parts.scheme == "https"
    factory = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = factory(parts.hostname, parts.port, timeout=timeout_s)
    try:
        target = parts.path or "/"
        target = f"{target}?{parts.query}" if parts.query else target
        connection.request(method, target, body=body or None, headers=headers)
        response = connection.getresponse()
        return response.status, response.read(65536)
    finally:
        connection.close()


def post_json(url: str, body: Json, *, timeout_s: float) -> int | None:
    """POST a JSON object; the status of the answer, or None when there was none."""
    headers = {"Content-Type": "application/json"}
    try:
        return post(url, json.dumps(body).encode(), headers, timeout_s=timeout_s)[0]
    except Failure:
        return None
