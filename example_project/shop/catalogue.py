"""What the demo shop sells, and who works there; `manage.py seed` writes it to the database."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Item:
    """One product; its picture is `static/shop/img/{slug}.svg`."""

    slug: str
    name: str
    description: str
    price: Decimal
    currency: str = "USD"


@dataclass(frozen=True, kw_only=True)
class Person:
    """One login. `permissions` are codenames of the hub's models."""

    username: str
    first_name: str
    password: str
    permissions: tuple[str, ...] = ()

    @property
    def is_staff(self) -> bool:
        """Whoever may do something in the back office."""
        return bool(self.permissions)


CATALOGUE = (
    Item(
        slug="stoneware-mug",
        name="Stoneware mug",
        description="Thrown by hand, glazed in harbour blue. Holds a third of a litre and keeps it warm.",
        price=Decimal("24.50"),
    ),
    Item(
        slug="field-notebook",
        name="Field notebook",
        description="Ninety-six dotted pages, sewn to lie flat, in a cover that survives a winter of pockets.",
        price=Decimal("12.90"),
    ),
    Item(
        slug="desk-lamp",
        name="Desk lamp",
        description="Brass and linen. A warm light for the hour in which the real work gets done.",
        price=Decimal("89.00"),
    ),
    Item(
        slug="wool-blanket",
        name="Wool blanket",
        description="Woven from undyed wool on an old loom up the coast. Heavier than it looks.",
        price=Decimal("149.95"),
    ),
    Item(
        slug="coffee-beans",
        name="Coffee, 500 g",
        description="A dark roast from the corner of the street: cocoa, walnut and no regrets.",
        price=Decimal("18.75"),
    ),
    Item(
        slug="kyoto-prints",
        name="Three prints from Kyoto",
        description="Woodblock prints, sold on behalf of the artist and therefore priced in yen.",
        price=Decimal("4800"),
        currency="JPY",
    ),
    Item(
        slug="ajrak-shawl",
        name="Ajrak shawl",
        description="Printed by hand in Sindh, with wooden blocks, indigo and madder. It comes to you from Karachi.",
        price=Decimal("3450.00"),
        currency="PKR",
    ),
    Item(
        slug="multani-bowl",
        name="Blue bowl from Multan",
        description="Painted in cobalt by the same family for five generations. Shipped from their workshop.",
        price=Decimal("1250.50"),
        currency="PKR",
    ),
)

_LOOK = ("view_payment", "view_refund", "view_operation", "view_transactionlog", "view_dispute", "view_orderref")
_SUPPORT = (*_LOOK, "refund_payment", "sync_payment")
_FINANCE = (
    *_SUPPORT,
    "receive_payment",
    "prove_refund",
    "capture_payment",
    "cancel_payment",
    "view_webhookevent",
    "replay_webhookevent",
    "view_eventdelivery",
    "replay_eventdelivery",
    "view_customer",
    "view_paymentmethod",
    "view_provideraccount",
)

CUSTOMER = Person(username="customer", first_name="Chris", password="customer-demo")
SUPPORT = Person(username="support", first_name="Sam", password="support-demo", permissions=_SUPPORT)
FINANCE = Person(username="finance", first_name="Fay", password="finance-demo", permissions=_FINANCE)
PEOPLE = (CUSTOMER, SUPPORT, FINANCE)
