"""The control API under ``/_control``: what tests see and steer. JSON in and out, no authentication, loopback only."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict

from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.ledger import as_json
from django_payments_hub.sandbox.mounts import ControlError, Mount
from django_payments_hub.sandbox.outbound import Failure, post
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.wire import Json

Handler = Callable[[Request, Json], Json]


class Control:
    """The control API over a world and its mounts."""

    def __init__(self, world: World, mounts: Mapping[str, Mount]) -> None:
        self.world, self.mounts = world, mounts
        self._handlers: dict[tuple[str, str], Handler] = {
            ("GET", "health"): lambda _request, _body: {"status": "ok", "mounts": sorted(self.mounts)},
            ("POST", "reset"): self._reset,
            ("GET", "ledger"): self._ledger,
            ("GET", "calls"): self._calls,
            ("GET", "settings"): self._settings,
            ("GET", "faults"): lambda _request, _body: {"faults": self.world.faults.list()},
            ("POST", "faults"): lambda _request, body: asdict(self.world.faults.add(body)),
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._move_clock,
            ("GET", "deliveries"): lambda _request, _body: {"deliveries": self.world.deliveries.attempts()},
            ("GET", "webhooks/held"): lambda _request, _body: {"held": self.world.deliveries.held()},
            ("POST", "webhooks/policy"): self._policy,
            ("POST", "webhooks/flush"): self._flush,
            ("POST", "webhooks/send"): self._send,
            ("POST", "webhooks/forge"): self._forge,
            ("POST", "webhooks/wait_idle"): self._wait_idle,
        }

    def handle(self, request: Request, path: str) -> Response:
        """Answer one request below ``/_control``."""
        try:
            body = self._body(request)
            result, status = self._route(request, path.strip("/"), body), 200
        except ControlError as error:
            result, status = {"error": str(error), **error.details}, error.status
        except LookupError as error:
            result, status = {"error": f"not found: {error}"}, 404
        except (ValueError, TypeError) as error:
            result, status = {"error": str(error)}, 400
        return Response(json.dumps(result), status, content_type="application/json")

    @staticmethod
    def _body(request: Request) -> Json:
        raw = request.get_data()
        body = json.loads(raw) if raw else {}
        if not isinstance(body, dict):
            raise ValueError("the body must be a JSON object")  # noqa: TRY004 - answered as 400
        return body

    def _route(self, request: Request, path: str, body: Json) -> Json:
        handler = self._handlers.get((request.method, path))
        if handler is not None:
            return handler(request, body)
        place, _, action = path.partition("/")
        if request.method == "POST" and action and place in self.mounts:
            return self.mounts[place].control(action, body, request.host_url)
        if request.method == "POST" and action and place == "deeds":
            return self._deed(action, body, request.host_url)
        raise LookupError(f"{request.method} {path}")

    def _deed(self, action: str, body: Json, base_url: str) -> Json:
        """Do it at the mount that knows the object."""
        missing: list[str] = []
        for mount in self.mounts.values():
            try:
                return mount.control(action, body, base_url)
            except LookupError as error:
                missing.append(f"{mount.name}: {error}")
        raise LookupError("; ".join(missing))

    def _settings(self, request: Request, body: Json) -> Json:
        return {name: mount.settings(request.host_url.rstrip("/")) for name, mount in self.mounts.items()}

    def _reset(self, request: Request, body: Json) -> Json:
        self.world.reset()
        for mount in self.mounts.values():
            mount.reset()
        return {"status": "ok"}

    def _clear_faults(self, request: Request, body: Json) -> Json:
        self.world.faults.clear()
        return {"faults": []}

    # Books and calls --------------------------------------------------------------------------------------------------

    def _ledger(self, request: Request, body: Json) -> Json:
        provider, account = request.args.get("provider"), request.args.get("account")
        with self.world.lock:
            ledger = self.world.ledger
            entries = [as_json(entry) for entry in ledger.entries(provider=provider, account=account)]
            owner = {str(entry["payment"]): str(entry["provider"]) for entry in entries}
            payments = {
                payment: {**asdict(sums), **self.mounts[owner[payment]].describe(payment)}
                for payment, sums in ledger.payments(provider=provider, account=account).items()
            }
            totals = ledger.totals(provider=provider, account=account)
        return {"entries": entries, "payments": payments, "totals": totals}

    def _calls(self, request: Request, body: Json) -> Json:
        calls = self.world.calls.list(provider=request.args.get("provider"), operation=request.args.get("operation"))
        return {"calls": calls}

    # Clock ------------------------------------------------------------------------------------------------------------

    def _clock(self, request: Request, body: Json) -> Json:
        return {"now": self.world.clock.now().isoformat()}

    def _move_clock(self, request: Request, body: Json) -> Json:
        if "now" in body:
            self.world.clock.set(str(body["now"]))
        self.world.clock.advance(float(body.get("advance_s", 0)))
        for mount in self.mounts.values():
            mount.tick()
        return self._clock(request, body)

    # Webhooks ---------------------------------------------------------------------------------------------------------

    def _policy(self, request: Request, body: Json) -> Json:
        account = str(body.pop("account", "*"))
        return {"account": account, **asdict(self.world.deliveries.set_policy(account, body))}

    def _flush(self, request: Request, body: Json) -> Json:
        sent = self.world.deliveries.flush(reverse=body.get("order") == "reversed", event_ids=body.get("ids"))
        return {"sent": sent}

    def _send(self, request: Request, body: Json) -> Json:
        event_id = str(body["event_id"])
        notices = next((found for mount in self.mounts.values() if (found := mount.notices(event_id))), [])
        statuses = self.world.deliveries.send_now(
            notices, times=int(body.get("times", 1)), concurrently=bool(body.get("concurrently", False))
        )
        return {"statuses": statuses}

    def _forge(self, request: Request, body: Json) -> Json:
        """Sign and send any payload: a JSON value, or a string sent as it is."""
        payload = body["payload"]
        raw = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
        timestamp, url = int(body.get("timestamp", time.time())), str(body["url"])
        signed = self.mounts[str(body["provider"])].sign(str(body["secret"]), url, raw, timestamp)
        kind = "application/json; charset=utf-8"
        headers = {"Content-Type": kind, **signed.headers, **body.get("headers", {})}
        try:
            status, answer = post(url, signed.body, headers, timeout_s=float(body.get("timeout_s", 10)))
        except Failure as failure:
            return {"status": None, "error": f"{type(failure).__name__}: {failure}"}
        return {"status": status, "body": answer.decode("utf-8", "replace")}

    def _wait_idle(self, request: Request, body: Json) -> Json:
        return {"idle": self.world.deliveries.wait_idle(float(body.get("timeout_s", 10)))}
