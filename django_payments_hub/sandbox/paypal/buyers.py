"""The test buyers: who approves on PayPal's page, and what becomes of the payment then."""

from dataclasses import dataclass

from django_payments_hub.sandbox.wire import Json

SLOW_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """A buyer's account. The fields say what happens when a payment of theirs is taken."""

    name: str
    payer_id: str
    given_name: str
    surname: str
    note: str
    issue: str | None = None
    """The payment is refused with this issue (422)."""
    stays_approved: bool = False
    """After a refusal the order still shows as approved: PayPal does not document that it may not."""
    declined: bool = False
    """The payment is answered 201, and its capture or authorization is declined."""
    pending: str | None = None
    """The capture stays pending for this reason until it is settled."""
    refund_pending: bool = False
    """Refunds are pending until they are settled."""
    vaults_later: bool = False
    """What is to be saved is saved after the answer; an event tells it."""
    delay_s: float = 0.0
    """So long PayPal takes to answer."""

    @property
    def email(self) -> str:
        """The address that PayPal tells the shop."""
        return f"{self.name}@buyer.example"

    def payer(self) -> Json:
        """As an order shows the buyer."""
        return {
            "name": {"given_name": self.given_name, "surname": self.surname},
            "email_address": self.email,
            "payer_id": self.payer_id,
            "address": {"country_code": "US"},
        }

    def wallet(self) -> Json:
        """As ``payment_source.paypal`` shows the buyer."""
        return {
            "email_address": self.email,
            "account_id": self.payer_id,
            "account_status": "VERIFIED",
            "name": {"given_name": self.given_name, "surname": self.surname},
            "address": {"country_code": "US"},
        }


BUYERS: dict[str, Buyer] = {
    buyer.name: buyer
    for buyer in (
        Buyer(
            name="pays",
            payer_id="QYR5Z8XDVJNXQ",
            given_name="Ada",
            surname="Lovelace",
            note="approves and pays",
        ),
        Buyer(
            name="declined",
            payer_id="WDJJHEBZ4X2LY",
            given_name="Ben",
            surname="Broke",
            note="is declined: 422 INSTRUMENT_DECLINED, and may choose another way to pay",
            issue="INSTRUMENT_DECLINED",
        ),
        Buyer(
            name="declined_unseen",
            payer_id="DUN9K4M8W2YZ6",
            given_name="Uma",
            surname="Unseen",
            note="is declined: 422 INSTRUMENT_DECLINED, and the order still shows as APPROVED",
            issue="INSTRUMENT_DECLINED",
            stays_approved=True,
        ),
        Buyer(
            name="refused",
            payer_id="RFS3D7K2M9PQX",
            given_name="Rita",
            surname="Refused",
            note="is refused for good: 422 TRANSACTION_REFUSED",
            issue="TRANSACTION_REFUSED",
        ),
        Buyer(
            name="blocked",
            payer_id="BLK4C8E3N7TUV",
            given_name="Bo",
            surname="Blocked",
            note="has an account that cannot pay: 422 PAYER_CANNOT_PAY",
            issue="PAYER_CANNOT_PAY",
        ),
        Buyer(
            name="declined_capture",
            payer_id="DCP5D9F4P8UVW",
            given_name="Dora",
            surname="Declined",
            note="is answered 201 COMPLETED, and yet the capture is DECLINED",
            declined=True,
        ),
        Buyer(
            name="echeck",
            payer_id="ECK6E2G5Q9VWX",
            given_name="Eve",
            surname="Echeck",
            note="pays by bank: the capture is PENDING (ECHECK) until it is settled",
            pending="ECHECK",
        ),
        Buyer(
            name="review",
            payer_id="RVW7F3H6R2WXY",
            given_name="Rob",
            surname="Review",
            note="is reviewed: the capture is PENDING (PENDING_REVIEW) until it is settled",
            pending="PENDING_REVIEW",
        ),
        Buyer(
            name="refund_pending",
            payer_id="RFP8G4J7S3XYZ",
            given_name="Pia",
            surname="Patient",
            note="pays; refunds are PENDING until they are settled",
            refund_pending=True,
        ),
        Buyer(
            name="vaults_later",
            payer_id="VLT9H5K8T4YZA",
            given_name="Vera",
            surname="Later",
            note="pays; what is to be saved is saved a moment after the answer (vault status APPROVED)",
            vaults_later=True,
        ),
        Buyer(
            name="slow",
            payer_id="SLW2J6L9U5ZAB",
            given_name="Sid",
            surname="Slow",
            note=f"pays, and PayPal takes {SLOW_S:g} s to answer the capture",
            delay_s=SLOW_S,
        ),
    )
}
# Words that tests of any provider use for a buyer
ALIASES = {
    "succeeds": "pays",
    "approves": "pays",
    "instrument_declined": "declined",
    "pending": "echeck",
    "pending_review": "review",
}
CANCELS = frozenset({"cancel", "cancels", "fail"})


def find(name: str) -> Buyer:
    """A buyer by name, alias, e-mail address or payer id. Raises ValueError."""
    wanted = ALIASES.get(name, name).partition("@")[0]
    for buyer in BUYERS.values():
        if wanted in (buyer.name, buyer.payer_id):
            return buyer
    raise ValueError(f"no such test buyer: {name}; there are {', '.join(BUYERS)}")
