"""Square's mount: the sellers, and what happens to them outside of API calls."""

from collections.abc import Callable

from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.accounts import Accounts, act
from django_payments_hub.sandbox.delivery import Notice
from django_payments_hub.sandbox.mounts import ControlError, Signed
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.square import api, control, hosted, payment_moves, webhooks
from django_payments_hub.sandbox.square.account import Account, merchant_id, rfc3339
from django_payments_hub.sandbox.square.context import Context, marks
from django_payments_hub.sandbox.square.errors import SquareError
from django_payments_hub.sandbox.wire import Json


class SquareMount:
    """All Square sellers of the sandbox."""

    name = "square"

    def __init__(self, world: World) -> None:
        self.world = world
        self.accounts = Accounts(world, lambda account_id: Account(id=account_id, clock=world.clock))

    def handle(self, request: Request, path: str) -> Response:
        """Answer one request below the mount. Raises Dropped when a fault has ended the connection."""
        if path.startswith("/v2/"):
            return api.handle(self, request, path)
        return hosted.handle(self, request, path)

    def account(self, token: str) -> Account:
        """The seller whom an access token opens, made when first used."""
        return self.accounts.get(merchant_id(token))

    def context(self, account: Account, base_url: str) -> Context:
        """A unit of work on a seller; the caller holds the state lock."""
        return Context(world=self.world, account=account, base_url=base_url.rstrip("/"))

    def act(self, account: Account, base_url: str, action: Callable[[Context], Json]) -> Json:
        """Do something to a seller outside the API; see ``accounts.act``. Raises SquareError."""
        return act(
            self.world,
            lambda: action(self.context(account, base_url)),
            outgoing=lambda: webhooks.outgoing(self.world, account),
            failure=SquareError,
        )

    def owner(self, kind: str, object_id: str) -> tuple[Account, Json]:
        """The account that has an object. Raises LookupError."""
        account, _, found = self.accounts.owner(object_id, kind)
        return account, found

    def notices(self, event_id: str) -> list[Notice]:
        """What a renewed sending of an event has to send; empty when it is none of Square's."""
        return self.accounts.notices(event_id, lambda account, event: webhooks.notices(self.world, account, event))

    def describe(self, payment: str) -> Json:
        """Status and the merchant's marks of a payment, for the ledger's summary."""
        try:
            account, found = self.owner("payment", payment)
        except LookupError:
            return {}
        return {"status": found["status"], "metadata": marks(account, found)}

    def settings(self, base_url: str) -> Json:
        """Where an account's calls go."""
        return {"API_BASE": f"{base_url}/{self.name}"}

    def sign(self, secret: str, url: str, body: bytes, timestamp: int) -> Signed:
        """A notice's headers; Square signs the address and the body, not the time."""
        return Signed(body=body, headers=webhooks.headers(secret, url, body, rfc3339(self.world.clock.now())))

    def control(self, action: str, body: Json, base_url: str) -> Json:
        """Do one of the deeds of ``square.control``. Raises ControlError, LookupError, ValueError."""
        try:
            return control.perform(self, action, body, base_url)
        except SquareError as error:
            raise ControlError(str(error), details={"square": error.errors}) from error

    def tick(self) -> None:
        """The clock has moved: do what is due to the payments that are held."""
        for account in self.accounts.all():
            self.act(account, "", _run_out)

    def reset(self) -> None:
        """Forget all sellers."""
        self.accounts.clear()


def _run_out(ctx: Context) -> Json:
    payment_moves.run_out(ctx)
    return {}
