"""JazzCash's mount: the merchants, and what happens to them outside of API calls."""

import json
from collections.abc import Callable

from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.accounts import Accounts, act
from django_payments_hub.sandbox.delivery import Notice
from django_payments_hub.sandbox.jazzcash import api, control, hosted, notices, payments
from django_payments_hub.sandbox.jazzcash.account import Merchant
from django_payments_hub.sandbox.jazzcash.codes import JazzCashError
from django_payments_hub.sandbox.jazzcash.hashing import sealed
from django_payments_hub.sandbox.jazzcash.payments import Context
from django_payments_hub.sandbox.mounts import ControlError, Signed
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.wire import Json, encode

DEMO = "MC10001"
_ORCHESTRATOR = "/payment-orchestrator"


class JazzCashMount:
    """All JazzCash merchants of the sandbox."""

    name = "jazzcash"

    def __init__(self, world: World) -> None:
        self.world = world
        self.merchants = Accounts(world, lambda merchant_id: Merchant(id=merchant_id, clock=world.clock))

    def handle(self, request: Request, path: str) -> Response:
        """Answer one request below the mount. Raises Dropped when a fault has ended the connection."""
        path = path.removeprefix(_ORCHESTRATOR)
        route = api.find(path)
        if route is not None:
            return api.handle(self, request, path, route)
        return hosted.handle(self, request, path)

    def known(self, merchant_id: str) -> Merchant:
        """A merchant there is already. Raises LookupError."""
        for merchant in self.merchants.all():
            if merchant.id == merchant_id:
                return merchant
        raise LookupError(f"no merchant {merchant_id}")

    def act(self, merchant: Merchant, action: Callable[[Context], object]) -> Json:
        """Do something to a merchant outside the API; see ``accounts.act``. Raises JazzCashError."""

        def work() -> Json:
            done = action(Context(world=self.world, merchant=merchant))
            return done if isinstance(done, dict) else {}

        return act(self.world, work, outgoing=lambda: notices.outgoing(merchant), failure=JazzCashError)

    def notices(self, event_id: str) -> list[Notice]:
        """What a renewed sending of an event has to send; empty when it is none of JazzCash's."""
        return self.merchants.notices(event_id, notices.notices)

    def describe(self, payment: str) -> Json:
        """State and the merchant's marks of a payment, for the ledger's summary."""
        try:
            _, _, found = self.merchants.owner(payment, "payment")
        except LookupError:
            return {}
        return {"status": found["state"], "metadata": payments.marks(found)}

    def settings(self, base_url: str) -> Json:
        """Where an account's calls go, and the credentials of a merchant that is always there."""
        merchant = self.merchants.get(DEMO)
        return {
            "API_BASE": f"{base_url}/{self.name}",
            "MERCHANT_ID": merchant.id,
            "PASSWORD": merchant.password,
            "INTEGRITY_SALTS": list(merchant.salts[:1]),
            "MERCHANT_MPIN": merchant.mpin,
        }

    def sign(self, secret: str, url: str, body: bytes, timestamp: int) -> Signed:
        """A notice with its ``pp_SecureHash``; as it is where there is no secret, or the body is no object."""
        try:
            fields = json.loads(body)
        except ValueError:
            fields = None
        if not secret or not isinstance(fields, dict):
            return Signed(body=body)
        return Signed(body=encode(sealed(secret, fields)))

    def control(self, action: str, body: Json, base_url: str) -> Json:
        """Do one of the deeds of ``jazzcash.control``. Raises ControlError, LookupError, ValueError."""
        try:
            return control.perform(self, action, body)
        except JazzCashError as error:
            raise ControlError(str(error), details={"jazzcash": error.fields()}) from error

    def tick(self) -> None:
        """The clock has moved: expire what is due."""
        for merchant in self.merchants.all():
            self.act(merchant, payments.run_out)

    def reset(self) -> None:
        """Forget all merchants."""
        self.merchants.clear()
