"""Those who act in the demo, each with a browser or a script of his own, over HTTP alone."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from example_project.demo.pages import form_with
from example_project.demo.report import DemoFailed, expect
from example_project.shop.catalogue import Person

_TIMEOUT_S = 30.0
_SETTLED = {"authorized", "completed", "partially_refunded", "refunded", "failed", "cancelled", "expired"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer of the API."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Bought:
    """An order, as its page shows it to the customer."""

    id: str
    page_url: str
    token: str

    @property
    def number(self) -> str:
        """The order's short name."""
        return self.id[:8].upper()

    @property
    def thanks_url(self) -> str:
        """Where the customer is to come back to."""
        return f"{self.page_url}thanks/"


class Actor:
    """Somebody who speaks with the hub's API."""

    def __init__(self, web_url: str, name: str, auth: httpx.BasicAuth | None = None) -> None:
        self.name = name
        self.http = httpx.Client(
            base_url=web_url, auth=auth, follow_redirects=True, timeout=_TIMEOUT_S, trust_env=False
        )

    def headers(self) -> dict[str, str]:
        """What every call carries."""
        return {}

    def get(self, path: str, **query: str) -> Answer:
        """Look something up; `path` below `/api/payments/`, or the address of a next page."""
        return self._answer(self.http.get(_address(path), params=query or None, headers=self.headers()))

    def post(self, path: str, *, key: str | None = None, **body: Any) -> Answer:
        """Do something, under an Idempotency-Key of its own unless one is given."""
        headers = {**self.headers(), "Idempotency-Key": key or str(uuid.uuid4())}
        return self._answer(self.http.post(_address(path), json=body, headers=headers))

    def _answer(self, response: httpx.Response) -> Answer:
        try:
            body = response.json()
        except ValueError:
            raise DemoFailed(f"{response.request.url} answered {response.status_code} without JSON.") from None
        return Answer(status=response.status_code, body=body)

    def wait_settled(self, payment_id: str, timeout_s: float = 20.0) -> str:
        """Ask for the status until it is one that stays, as the shop's page does; the status."""
        deadline, pause_s = time.monotonic() + timeout_s, 0.1
        while True:
            answer = self.get(f"{payment_id}/status/")
            expect(answer.status, 200, f"status of payment {payment_id}")
            status = str(answer.body["status"])
            if status in _SETTLED:
                return status
            if time.monotonic() > deadline:
                raise DemoFailed(f"Payment {payment_id} is still {status} after {timeout_s:g} s.")
            time.sleep(pause_s)
            pause_s = min(2.0, pause_s * 1.6)  # guests may ask thirty times a minute

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


class Staff(Actor):
    """Somebody in the back office, with a script and a password."""

    def __init__(self, web_url: str, person: Person) -> None:
        super().__init__(web_url, person.username, httpx.BasicAuth(person.username, person.password))


class Customer(Actor):
    """A customer with a browser: logged in, or a guest who proves himself with the order's token."""

    def __init__(self, web_url: str, person: Person | None = None) -> None:
        super().__init__(web_url, person.username if person else "guest")
        self._is_guest = person is None
        self._token = ""
        if person is not None:
            self._log_in(person)

    def _log_in(self, person: Person) -> None:
        page = self.http.get("/login/")
        filled = form_with(page.text, "csrfmiddlewaretoken", "username").values
        answer = self.http.post("/login/", data={**filled, "username": person.username, "password": person.password})
        expect((answer.status_code, answer.url.path), (200, "/"), f"login of {person.username}")

    def headers(self) -> dict[str, str]:
        """The CSRF token of the session, and a guest's proof."""
        known = {"X-CSRFToken": self.http.cookies.get("csrftoken") or ""}
        return {**known, "X-Order-Token": self._token} if self._token else known

    def buy(self, slug: str, quantity: int = 1) -> Bought:
        """Order a product in the shop, by filling its form in."""
        page = self.http.get(f"/products/{slug}/")
        filled = {**form_with(page.text, "quantity").values, "quantity": str(quantity)}
        if self._is_guest:
            filled["email"] = "guest@example.com"
        answer = self.http.post(f"/products/{slug}/", data=filled)
        parts = answer.url.path.strip("/").split("/")
        if answer.status_code != httpx.codes.OK or parts[0] != "orders":
            raise DemoFailed(f"Buying {slug} led to {answer.url.path} ({answer.status_code}).")
        token = form_with(answer.text, "data-pay").attributes.get("data-order-token", "")
        self._token = token
        return Bought(id=parts[1], page_url=str(answer.url), token=token)

    def submit(self, url: str, **values: str) -> httpx.Response:
        """Open a page, fill its form in, send it, and follow wherever that leads."""
        page = self.http.get(url)
        return self.send(page, **values)

    def send(self, page: httpx.Response, **values: str) -> httpx.Response:
        """Send the form of a page that is open."""
        form = form_with(page.text, "method")
        target = page.url.join(form.attributes.get("action") or str(page.url))
        return self.http.post(target, data={**form.values, **values})


def _address(path: str) -> str:
    return path if path.startswith("http") else f"/api/payments/{path}"
