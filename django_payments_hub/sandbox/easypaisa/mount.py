"""EasyPaisa's mount: the stores, and what happens to them outside of API calls."""

from collections.abc import Callable

from werkzeug.wrappers import Request, Response

from django_payments_hub.sandbox.accounts import Accounts, act
from django_payments_hub.sandbox.delivery import Notice
from django_payments_hub.sandbox.easypaisa import api, control, hosted, notices, orders
from django_payments_hub.sandbox.easypaisa.account import Store
from django_payments_hub.sandbox.easypaisa.codes import EasyPaisaError, outcome
from django_payments_hub.sandbox.easypaisa.orders import Context
from django_payments_hub.sandbox.mounts import ControlError, Signed
from django_payments_hub.sandbox.pipeline import World
from django_payments_hub.sandbox.wire import Json

DEMO = "10001"


class EasyPaisaMount:
    """All EasyPaisa stores of the sandbox."""

    name = "easypaisa"

    def __init__(self, world: World) -> None:
        self.world = world
        self.stores = Accounts(world, lambda store_id: Store(id=store_id, clock=world.clock))

    def handle(self, request: Request, path: str) -> Response:
        """Answer one request below the mount. Raises Dropped when a fault has ended the connection."""
        route = api.find(path)
        if route is not None:
            return api.handle(self, request, path, route)
        if path.startswith(api.STATUS):
            return api.status(self, path)
        return hosted.handle(self, request, path)

    def store(self, store_id: str, base_url: str) -> Store:
        """A store, made when first used; it tells its notices' readers to ask at this address."""
        store = self.stores.get(store_id)
        store.base_url = f"{base_url.rstrip('/')}/{self.name}"
        return store

    def act(self, store: Store, action: Callable[[Context], object]) -> Json:
        """Do something to a store outside the API; see ``accounts.act``. Raises EasyPaisaError."""

        def work() -> Json:
            done = action(Context(world=self.world, store=store))
            return done if isinstance(done, dict) else {}

        return act(self.world, work, outgoing=lambda: notices.outgoing(store), failure=EasyPaisaError)

    def notices(self, event_id: str) -> list[Notice]:
        """What a renewed sending of an event has to send; empty when it is none of EasyPaisa's."""
        return self.stores.notices(event_id, notices.notices)

    def describe(self, payment: str) -> Json:
        """State and id of an order, for the ledger's summary."""
        try:
            _, _, found = self.stores.owner(payment, "order")
        except LookupError:
            return {}
        return {"status": found["state"], "metadata": {"orderId": found["id"]}}

    def settings(self, base_url: str) -> Json:
        """Where an account's calls go, and the credentials of a store that is always there."""
        store = self.store(DEMO, base_url)
        return {
            "API_BASE": f"{base_url}/{self.name}",
            "STORE_ID": store.id,
            "USERNAME": store.username,
            "PASSWORD": store.password,
            "ACCOUNT_NUM": store.account_num,
            "HASH_KEY": store.hash_key,
        }

    def sign(self, secret: str, url: str, body: bytes, timestamp: int) -> Signed:
        """A notice as it is: EasyPaisa signs none."""
        return Signed(body=body)

    def control(self, action: str, body: Json, base_url: str) -> Json:
        """Do one of the deeds of ``easypaisa.control``. Raises ControlError, LookupError, ValueError."""
        try:
            return control.perform(self, action, body, base_url)
        except EasyPaisaError as error:
            raise ControlError(str(error), details={"easypaisa": outcome(error.code)}) from error

    def tick(self) -> None:
        """The clock has moved: expire what is due."""
        for store in self.stores.all():
            self.act(store, orders.run_out)

    def reset(self) -> None:
        """Forget all stores."""
        self.stores.clear()
