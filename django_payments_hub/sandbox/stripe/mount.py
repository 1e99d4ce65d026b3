"""Stripe's mount: the accounts, and what happens to them outside of API calls."""

from collections.abc import Callable

from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.delivery import Notice
from django_payments_hub.sandbox.mounts import ControlError
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.stripe import api, checkout, control, hosted, intent_flow, listener, webhooks
from django_payments_hub.sandbox.stripe.account import Account
from django_payments_hub.sandbox.stripe.context import Context
from django_payments_hub.sandbox.stripe.errors import StripeError
from django_payments_hub.sandbox.stripe.forms import Params
from django_payments_hub.sandbox.wire import Json, copy_object


class StripeMount:
    """All Stripe accounts of the sandbox."""

    name = "stripe"

    def __init__(self, world: World) -> None:
        self.world = world
        self.accounts: dict[str, Account] = {}

    def handle(self, request: Request, path: str) -> Response:
        """Answer one request below the mount. Raises Dropped when a fault has ended the connection."""
        if path.startswith("/v1/"):
            return api.handle(self, request, path)
        if path == "/listen":
            return listener.serve(self, request)
        return hosted.handle(self, request, path)

    def account(self, account_id: str) -> Account:
        """The account, made when first used."""
        with self.world.lock:
            if account_id not in self.accounts:
                self.accounts[account_id] = Account(id=account_id, clock=self.world.clock)
            return self.accounts[account_id]

    def context(
        self,
        account: Account,
        base_url: str,
        params: Json | None = None,
        args: dict[str, str] | None = None,
        *,
        public: bool = False,
    ) -> Context:
        """A unit of work on an account; the caller holds the state lock."""
        return Context(
            world=self.world,
            account=account,
            base_url=base_url.rstrip("/"),
            params=Params(params or {}),
            args=args or {},
            public=public,
        )

    def act(self, account: Account, base_url: str, action: Callable[[Context], Json]) -> Json:
        """Do something to an account outside the API (a customer on a page, a test), then send its events.

        Raises StripeError; what happened before the error (a decline, say) is announced too.
        """
        with self.world.lock:
            account.request = {"id": None, "idempotency_key": None}
            ctx = self.context(account, base_url)
            error: StripeError | None = None
            result: Json = {}
            try:
                result = copy_object(action(ctx))
            except StripeError as raised:
                error = raised
            sent = webhooks.outgoing(self.world, account)
        self.world.deliveries.announce(sent)
        if error is not None:
            raise error
        return result

    def owner(self, kind: str, object_id: str) -> tuple[Account, Json]:
        """The account that has an object. Raises LookupError."""
        with self.world.lock:
            for account in self.accounts.values():
                found = account.find(kind, object_id)
                if found is not None:
                    return account, found
        raise LookupError(f"no {kind} {object_id}")

    def notices(self, event_id: str) -> list[Notice]:
        """What a renewed sending of an event has to send; empty when it is none of Stripe's."""
        try:
            account, event = self.owner("event", event_id)
        except LookupError:
            return []
        with self.world.lock:
            return webhooks.notices(self.world, account, event)

    def describe(self, payment: str) -> Json:
        """Status and metadata of a payment, for the ledger's summary."""
        try:
            _, intent = self.owner("payment_intent", payment)
        except LookupError:
            return {}
        return {"status": intent["status"], "metadata": dict(intent["metadata"])}

    def control(self, action: str, body: Json, base_url: str) -> Json:
        """Do one of the deeds of ``stripe.control``. Raises ControlError, LookupError, ValueError."""
        try:
            return control.perform(self, action, body, base_url)
        except StripeError as error:
            raise ControlError(str(error), details={"stripe": error.error}) from error

    def tick(self) -> None:
        """The clock has moved: expire what is due."""
        for account in list(self.accounts.values()):
            self.act(account, "", _expire)

    def reset(self) -> None:
        """Forget all accounts."""
        with self.world.lock:
            self.accounts.clear()


def _expire(ctx: Context) -> Json:
    intent_flow.expire_authorizations(ctx)
    checkout.expire_sessions(ctx)
    return {}
