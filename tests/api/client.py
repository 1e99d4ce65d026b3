"""A client of the API: JSON in, JSON out, through Django's whole request cycle."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

ROOT = "/api/payments/"
JSON = "application/json"


@dataclass
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Any
    raw: bytes = field(repr=False)

    @property
    def code(self) -> str:
        return str(self.body["error_code"])


class Api:
    """Calls of one person: a user, a guest with a token, or nobody."""

    def __init__(self, user: User | None = None, *, token: str = "", key: str | None = None, crash: bool = True):
        self.client = Client(raise_request_exception=crash)
        self.headers = {**({"X-Order-Token": token} if token else {}), **({"Idempotency-Key": key} if key else {})}
        if user is not None:
            self.client.force_login(user)

    def get(self, path: str = "", **query: Any) -> Answer:
        return answer(self.client.get(ROOT + path, query, headers=self.headers))

    def put(self, path: str, body: Any = None) -> Answer:
        return self._send("put", path, body)

    def patch(self, path: str, body: Any = None) -> Answer:
        return self._send("patch", path, body)

    def delete(self, path: str) -> Answer:
        return self._send("delete", path, None)

    def _send(self, verb: str, path: str, body: Any) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps({} if body is None else body)
        return answer(getattr(self.client, verb)(ROOT + path, data, content_type=JSON, headers=self.headers))

    def post(self, path: str = "", body: Any = None, *, key: str | None = None, **headers: str) -> Answer:
        keyed = {"Idempotency-Key": key} if key else {}
        data = body if isinstance(body, bytes) else json.dumps({} if body is None else body)
        return answer(
            self.client.post(ROOT + path, data, content_type=JSON, headers={**self.headers, **keyed, **headers})
        )


def answer(response: Any) -> Answer:
    raw = response.content if isinstance(response, HttpResponse) else b"".join(response.streaming_content)
    is_json = response.headers.get("Content-Type", "").startswith(JSON)
    return Answer(response.status_code, json.loads(raw) if is_json else None, response.headers, raw)
