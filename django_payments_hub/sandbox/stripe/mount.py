"""Stripe's mount: the accounts, and what happens to them outside of API calls."""

from collections.abc import Callable

from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.accounts import Accounts, act
from django_payments_hub.sandbox.delivery import Notice
from django_payments_hub.sandbox.mounts import ControlError, Signed
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.stripe import api, checkout, control, hosted, intent_flow, listener, webhooks
from django_payments_hub.sandbox.stripe.account import Account, signature_header
from django_payments_hub.sandbox.stripe.context import Context
from django_payments_hub.sandbox.stripe.errors import StripeError
from django_payments_hub.sandbox.stripe.forms import Params
from django_payments_hub.sandbox.wire import Json


class StripeMount:
    """All Stripe accounts of the sandbox."""

    name = "stripe"

    def __init__(self, world: World) -> None:
        self.world = world
        self.accounts = Accounts(world, lambda account_id: Account(id=account_id, clock=world.clock))

    def handle(self, request: Request, path: str) -> Response:
        """Answer one request below the mount. Raises Dropped when a fault has ended the connection."""
        if path.startswith("/v1/"):
            return api.handle(self, request, path)
        if path == "/listen":
            return listener.serve(self, request)
        return hosted.handle(self, request, path)

    def account(self, account_id: str) -> Account:
        """The account, made when first used."""
        return self.accounts.get(account_id)

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
        """Do something to an account outside the API; see ``accounts.act``. Raises StripeError."""

        def work() -> Json:
            account.request = {"id": None, "idempotency_key": None}
            return action(self.context(account, base_url))

        return act(self.world, work, outgoing=lambda: webhooks.outgoing(self.world, account), failure=StripeError)

    def owner(self, kind: str, object_id: str) -> tuple[Account, Json]:
        """The account that has an object. Raises LookupError."""
        account, _, found = self.accounts.owner(object_id, kind)
        return account, found

    def notices(self, event_id: str) -> list[Notice]:
        """What a renewed sending of an event has to send; empty when it is none of Stripe's."""
        return self.accounts.notices(event_id, lambda account, event: webhooks.notices(self.world, account, event))

    def describe(self, payment: str) -> Json:
        """Status and metadata of a payment, for the ledger's summary."""
        try:
            _, intent = self.owner("payment_intent", payment)
        except LookupError:
            return {}
        return {"status": intent["status"], "metadata": dict(intent["metadata"])}

    def settings(self, base_url: str) -> Json:
        """Where an account's calls go."""
        return {"API_BASE": f"{base_url}/{self.name}"}

    def sign(self, secret: str, url: str, body: bytes, timestamp: int) -> Signed:
        """A notice's one header; the address does not enter it."""
        return Signed(body=body, headers={"Stripe-Signature": signature_header([secret], body, timestamp)})

    def control(self, action: str, body: Json, base_url: str) -> Json:
        """Do one of the deeds of ``stripe.control``. Raises ControlError, LookupError, ValueError."""
        try:
            return control.perform(self, action, body, base_url)
        except StripeError as error:
            raise ControlError(str(error), details={"stripe": error.error}) from error

    def tick(self) -> None:
        """The clock has moved: expire what is due."""
        for account in self.accounts.all():
            self.act(account, "", _expire)

    def reset(self) -> None:
        """Forget all accounts."""
        self.accounts.clear()


def _expire(ctx: Context) -> Json:
    intent_flow.expire_authorizations(ctx)
    checkout.expire_sessions(ctx)
    return {}
