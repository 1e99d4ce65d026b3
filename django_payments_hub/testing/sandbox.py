"""Start the sandbox in a test run and steer it over its control API. Standard library only; no pytest."""

import json
import os
import select
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypedDict

Json = dict[str, Any]
START_TIMEOUT_S = 15.0


class SandboxError(Exception):
    """The sandbox did not start, or refused a control call; ``status`` is the HTTP status of the refusal."""

    def __init__(self, message: str, *, status: int | None = None, body: Json | None = None) -> None:
        super().__init__(message)
        self.status, self.body = status, body or {}


class PaymentSums(TypedDict):
    """What the sandbox's ledger says of one payment, in minor units."""

    currency: str
    authorized: int
    captured: int
    released: int
    refunded: int
    disputed: int
    status: str
    metadata: dict[str, str]


class Ledger(TypedDict):
    """The sandbox's books: every movement, the sums by payment id, captured and refunded by currency."""

    entries: list[Json]
    payments: dict[str, PaymentSums]
    totals: dict[str, dict[str, int]]


class SandboxProcess:
    """The sandbox as a process of its own, for the length of a ``with`` block or until ``stop()``.

    ``clock`` starts it at an ISO 8601 time. Raises SandboxError when it does not listen in time.
    """

    def __init__(self, *, port: int = 0, clock: str | None = None, env: Mapping[str, str] | None = None) -> None:
        self._arguments = [sys.executable, "-m", "django_payments_hub.sandbox", "--port", str(port)]
        if clock:
            self._arguments += ["--clock", clock]
        self._env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self, timeout_s: float = START_TIMEOUT_S) -> Self:
        """Start it and wait until it listens."""
        self._process = subprocess.Popen(self._arguments, stdout=subprocess.PIPE, text=True, env=self._env)
        self.url = json.loads(self._first_line(self._process, timeout_s))["url"]
        return self

    def _first_line(self, process: "subprocess.Popen[str]", timeout_s: float) -> str:
        if process.stdout is None:
            raise SandboxError("the sandbox has no standard output")
        ready, _, _ = select.select([process.stdout], [], [], timeout_s)
        line = process.stdout.readline() if ready else ""
        if not line:
            self.stop()
            raise SandboxError(f"the sandbox did not listen within {timeout_s:g} s; its error output says why")
        return line

    def stop(self) -> None:
        """End it cleanly (SIGTERM), or for good when it does not end within 5 s."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process else None

    def url_of(self, provider: str) -> str:
        """The base address of a provider's API, to set in its SDK."""
        return f"{self.url}/{provider}"

    @property
    def client(self) -> "SandboxClient":
        """A client for the control API."""
        return SandboxClient(self.url)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class SandboxClient:
    """The control API, typed. Every method raises SandboxError when the sandbox refuses."""

    def __init__(self, url: str, *, timeout_s: float = 60.0) -> None:
        self.url, self._timeout_s = url.rstrip("/"), timeout_s

    def request(self, method: str, path: str, body: Json | None = None, **query: str | None) -> Json:
        """One call of the control API."""
        wanted = {name: value for name, value in query.items() if value is not None}
        suffix = f"?{urllib.parse.urlencode(wanted)}" if wanted else ""
        request = urllib.request.Request(
            f"{self.url}/_control/{path}{suffix}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as response:
                return _object(response.read())
        except urllib.error.HTTPError as error:
            with error:
                answer = _object(error.read())
            raise SandboxError(str(answer.get("error", error)), status=error.code, body=answer) from error

    def _post(self, path: str, **body: Any) -> Json:
        return self.request("POST", path, {name: value for name, value in body.items() if value is not None})

    # State ------------------------------------------------------------------------------------------------------------

    def health(self) -> Json:
        """Whether it answers, and its mounts."""
        return self.request("GET", "health")

    def settings(self, provider: str) -> Json:
        """What an account of this provider needs to be pointed at the sandbox, in the keys of ``ACCOUNTS``."""
        found: dict[str, Json] = self.request("GET", "settings")
        return found[provider]

    def deed(self, name: str, **body: Any) -> Json:
        """Do any of a provider's deeds; the typed ones below are what every provider knows."""
        return self._post(f"deeds/{name}", **body)

    def reset(self) -> None:
        """Forget everything; calls that hang are let go."""
        self._post("reset")

    def ledger(self, *, provider: str | None = None, account: str | None = None) -> Ledger:
        """The sandbox's own books."""
        books = self.request("GET", "ledger", provider=provider, account=account)
        return Ledger(entries=books["entries"], payments=books["payments"], totals=books["totals"])

    def calls(self, operation: str | None = None, *, provider: str | None = None) -> list[Json]:
        """Every API call received, in order: operation, idempotency_key, replayed, status, effect, ..."""
        found: list[Json] = self.request("GET", "calls", provider=provider, operation=operation)["calls"]
        return found

    # Clock ------------------------------------------------------------------------------------------------------------

    def now(self) -> str:
        """The sandbox's time, ISO 8601."""
        return str(self.request("GET", "clock")["now"])

    def advance(self, seconds: float) -> str:
        """Move the sandbox's clock; what falls due expires. The new time."""
        return str(self._post("clock", advance_s=seconds)["now"])

    def set_clock(self, iso: str) -> str:
        """Set the sandbox's clock."""
        return str(self._post("clock", now=iso)["now"])

    # Faults -----------------------------------------------------------------------------------------------------------

    def fault(
        self,
        kind: str,
        *,
        operation: str = "*",
        when: Literal["before", "after"] = "before",
        provider: str = "*",
        nth: int = 1,
        times: int = 1,
        **options: Any,
    ) -> Json:
        """Script a fault. Options: status, body, headers, seconds, url, size, store, match (metadata)."""
        return self._post(
            "faults", kind=kind, operation=operation, when=when, provider=provider, nth=nth, times=times, **options
        )

    def faults(self) -> list[Json]:
        """The faults scripted, with how many calls each has seen and hit."""
        found: list[Json] = self.request("GET", "faults")["faults"]
        return found

    def clear_faults(self) -> None:
        """Forget the faults; calls that hang are let go."""
        self.request("DELETE", "faults")

    # Webhooks ---------------------------------------------------------------------------------------------------------

    def policy(self, *, account: str | None = None, **changes: Any) -> Json:
        """How webhooks go out: hold, drop, duplicate, delay_s, reverse, before_answer, retry_scale, ..."""
        return self._post("webhooks/policy", account=account, **changes)

    def held(self) -> list[Json]:
        """The notices that wait for a flush."""
        found: list[Json] = self.request("GET", "webhooks/held")["held"]
        return found

    def flush(self, *, ids: Sequence[str] | None = None, order: Literal["reversed"] | None = None) -> int:
        """Send the held notices: all, or those of the events named, in that order. How many were sent."""
        return int(self._post("webhooks/flush", ids=list(ids) if ids is not None else None, order=order)["sent"])

    def send(self, event_id: str, *, times: int = 1, concurrently: bool = False) -> list[int | None]:
        """Send an event again; the status of each answer (None: no answer)."""
        answer = self._post("webhooks/send", event_id=event_id, times=times, concurrently=concurrently)
        statuses: list[int | None] = answer["statuses"]
        return statuses

    def forge(
        self,
        url: str,
        secret: str,
        payload: Json | list[Any] | str,
        *,
        provider: str,
        timestamp: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """Sign any payload (a string is sent as it is) as a provider would, and send it; ``status`` and ``body``."""
        given = dict(headers) if headers is not None else None
        return self._post(
            "webhooks/forge",
            provider=provider,
            url=url,
            secret=secret,
            payload=payload,
            timestamp=timestamp,
            headers=given,
        )

    def deliveries(self) -> list[Json]:
        """Every try to deliver: event_id, type, url, attempt, status, error."""
        found: list[Json] = self.request("GET", "deliveries")["deliveries"]
        return found

    def wait_idle(self, timeout_s: float = 10.0) -> bool:
        """Wait until nothing is queued or in flight; False when time runs out (held notices do not count)."""
        return bool(self._post("webhooks/wait_idle", timeout_s=timeout_s)["idle"])

    # Behind the shop's back -------------------------------------------------------------------------------------------

    def external_refund(self, payment: str, amount: int | None = None, reason: str | None = None) -> Json:
        """Refund as from the provider's dashboard; ``amount`` in minor units, else all that is left."""
        return self._post("deeds/external_refund", payment=payment, amount=amount, reason=reason)

    def dispute(
        self,
        payment: str,
        *,
        amount: int | None = None,
        reason: str = "fraudulent",
        status: Literal["needs_response", "won", "lost"] = "needs_response",
    ) -> Json:
        """Open a dispute, or decide the one that is open."""
        return self._post("deeds/dispute", payment=payment, amount=amount, reason=reason, status=status)

    def refund_status(self, refund: str, status: Literal["succeeded", "failed"]) -> Json:
        """News of a refund."""
        return self._post("deeds/refund_status", refund=refund, status=status)

    def complete_action(self, payment: str, outcome: Literal["succeed", "fail"] = "succeed") -> Json:
        """Do what the customer does on the 3-D Secure or approval page."""
        return self._post("deeds/complete_action", payment=payment, outcome=outcome)

    def complete_setup(self, setup: str, outcome: Literal["succeed", "fail"] = "succeed") -> Json:
        """Do what the customer does on the 3-D Secure page of a method that is saved."""
        return self._post("deeds/complete_setup", setup=setup, outcome=outcome)

    def settle(self, payment: str, outcome: Literal["succeed", "fail"] = "succeed") -> Json:
        """Let the bank answer a processing payment."""
        return self._post("deeds/settle", payment=payment, outcome=outcome)

    def pay_session(
        self,
        session: str,
        card: str = "4242424242424242",
        outcome: Literal["succeed", "fail"] | None = None,
    ) -> Json:
        """Do what the customer does on the hosted page: ``card`` is a test number or token."""
        return self._post("deeds/pay_session", session=session, card=card, outcome=outcome)

    def expire_session(self, session: str) -> Json:
        """Let a hosted page run out."""
        return self._post("deeds/expire_session", session=session)

    def roll_secret(self, endpoint: str, *, overlap: bool = True) -> str:
        """Give a webhook endpoint a new secret; with ``overlap`` deliveries carry a signature by each of the two."""
        return str(self._post("deeds/roll_secret", endpoint=endpoint, overlap=overlap)["secret"])


def _object(raw: bytes) -> Json:
    try:
        value = json.loads(raw)
    except ValueError:
        value = {"error": raw[:200].decode("utf-8", "replace")}
    return value if isinstance(value, dict) else {"value": value}
