"""PayPal's mount: the accounts, the authority, and what happens outside of API calls."""

from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.accounts import Accounts, act
from django_payments_hub.sandbox.delivery import Notice
from django_payments_hub.sandbox.mounts import ControlError, Signed
from django_payments_hub.sandbox.paypal import api, authorizations, control, hosted, webhooks
from django_payments_hub.sandbox.paypal.account import Account
from django_payments_hub.sandbox.paypal.certificates import Authority
from django_payments_hub.sandbox.paypal.context import Context, marks
from django_payments_hub.sandbox.paypal.errors import PayPalError
from django_payments_hub.sandbox.paypal.oauth import Tokens
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.wire import Json

PAYMENTS = ("capture", "authorization", "order")


class PayPalMount:
    """All PayPal accounts of the sandbox."""

    name = "paypal"

    def __init__(self, world: World) -> None:
        self.world = world
        self.accounts = Accounts(world, lambda account_id: Account(id=account_id, clock=world.clock))
        self.authority = Authority()
        self.tokens = Tokens.new()
        self.base_url = "http://127.0.0.1/paypal"

    def handle(self, request: Request, path: str) -> Response:
        """Answer one request below the mount. Raises Dropped when a fault has ended the connection."""
        self._note(request.host_url)
        if path.startswith("/v1/notifications/certs/"):
            return hosted.certificate(self, path.rpartition("/")[2])
        if path.startswith(("/v1/", "/v2/", "/v3/")):
            return api.handle(self, request, path)
        return hosted.handle(self, request, path)

    def _note(self, host_url: str) -> None:
        """Links and certificate addresses name the place where the sandbox was last found."""
        self.base_url = f"{host_url.rstrip('/')}/{self.name}"

    def account(self, account_id: str) -> Account:
        """The account of a client id, made when first used."""
        return self.accounts.get(account_id)

    def context(self, account: Account, **more: Any) -> Context:
        """A unit of work on an account; the caller holds the state lock."""
        return Context(world=self.world, account=account, base_url=self.base_url, mount=self, **more)

    def act(self, account: Account, action: Callable[[Context], Json]) -> Json:
        """Do something to an account outside the API; see ``accounts.act``. Raises PayPalError and ValueError."""
        return act(
            self.world,
            lambda: action(self.context(account)),
            outgoing=lambda: webhooks.outgoing(self, account),
            failure=PayPalError,
        )

    def owner(self, object_id: str, *kinds: str) -> tuple[Account, str, Json]:
        """The account that has an object of one of the kinds, with the kind. Raises LookupError."""
        return self.accounts.owner(object_id, *kinds)

    def notices(self, event_id: str) -> list[Notice]:
        """What a renewed sending of an event has to send; empty when it is none of PayPal's."""
        return self.accounts.notices(event_id, lambda account, event: webhooks.notices(self, account, event))

    def describe(self, payment: str) -> Json:
        """Status and the merchant's marks of a payment, for the ledger's summary."""
        try:
            account, kind, found = self.owner(payment, *PAYMENTS)
        except LookupError:
            return {}
        order = account.find("order", account.behind(found).order) if kind != "order" else found
        marked = marks(order["purchase_units"][0]) if order else {}
        return {"status": found["status"], "metadata": {**marked, **marks(found)}}

    def settings(self, base_url: str) -> Json:
        """Where an account's calls go, and the root of the certificates that sign its notices."""
        self._note(base_url)
        return {"API_BASE": f"{base_url}/{self.name}", "WEBHOOK_ROOT_CERTIFICATE": self.authority.root_pem()}

    def sign(self, secret: str, url: str, body: bytes, timestamp: int) -> Signed:
        """A notice's headers; the webhook's id stands for a secret, and the address does not enter them."""
        return Signed(body=body, headers=webhooks.headers(self, secret, body, timestamp))

    def control(self, action: str, body: Json, base_url: str) -> Json:
        """Do one of the deeds of ``paypal.control``. Raises ControlError, LookupError, ValueError."""
        self._note(base_url)
        try:
            return control.perform(self, action, body)
        except PayPalError as error:
            raise ControlError(str(error), details={"paypal": error.body()}) from error

    def tick(self) -> None:
        """The clock has moved: expire what is due."""
        for account in self.accounts.all():
            self.act(account, _expire)

    def reset(self) -> None:
        """Forget all accounts; the authority's root and the tokens that were given stay valid."""
        with self.world.lock:
            self.accounts.clear()
            self.tokens.reset()
        self.authority.reset()


def _expire(ctx: Context) -> Json:
    authorizations.expire(ctx)
    return {}
