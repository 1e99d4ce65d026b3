"""What the suite has to know of one provider and the place it is tried on: its bench.

A test speaks by meaning ("a method that is declined", "the answer to the refund is lost"); the bench knows the
provider's words for it. A hook that a declared capability needs and the bench lacks fails the test that asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Literal, NoReturn

from django_payments_hub.domain.statuses import Flow
from django_payments_hub.provider_kit.method_types import MethodResult
from django_payments_hub.provider_kit.types import AccountConfig, Payer, PaymentFact

When = Literal["before", "after"]


class Means(StrEnum):
    """What a customer pays with, by what comes of it."""

    PAYS = "pays"
    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    NEEDS_CUSTOMER = "needs_customer"
    """Asks for a step of the customer's (3-D Secure), and pays after it."""


class Deed(StrEnum):
    """What a provider is asked to do; each may take several calls over the wire."""

    PAY_TOKEN = "pay_token"
    PAY_CLIENT = "pay_client"
    PAY_HOSTED = "pay_hosted"
    PAY_DIRECT = "pay_direct"
    CONFIRM = "confirm"
    CAPTURE = "capture"
    CANCEL = "cancel"
    """Void what is held."""
    WITHDRAW = "withdraw"
    """Take back what was never paid."""
    REFUND = "refund"
    LOOK_UP = "look_up"
    LOOK_UP_REFUND = "look_up_refund"
    CREATE_CUSTOMER = "create_customer"
    SAVE_METHOD = "save_method"
    """With a token, where that is a way to save one."""
    DETACH = "detach"


PAYING: Mapping[Flow, Deed] = {
    Flow.TOKEN: Deed.PAY_TOKEN,
    Flow.CLIENT: Deed.PAY_CLIENT,
    Flow.HOSTED: Deed.PAY_HOSTED,
    Flow.DIRECT: Deed.PAY_DIRECT,
}


@dataclass(frozen=True, kw_only=True)
class Token:
    """A method as it is given to `pay` in the token flow; the fields are those of `PayRequest`."""

    method_token: str = field(repr=False)
    customer_token: str = ""
    saved: bool = False


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What goes wrong with a call, before it has any effect or after it; `kind` in the words of `SandboxClient.fault`.

    `status` with its `body` and `headers` is for the kind "status", `url` for "redirect".
    """

    kind: str
    when: When = "before"
    status: int = 500
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    times: int = 99


@dataclass(frozen=True, kw_only=True)
class Books:
    """Where the money of one payment really is, whatever was told; in minor units. `held`: authorised and neither taken
    nor released.
    """

    captured: int = 0
    refunded: int = 0
    held: int = 0
    currencies: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A notification as it arrived; headers by lower-case name."""

    body: bytes
    headers: Mapping[str, str]


class HookMissing(AssertionError):
    """The bench gives nothing for something its provider declares."""


class Bench:
    """One provider on its sandbox. A new one is made for every test, and finds everything empty.

    Attributes:
        calls_of: the wire calls of each deed in order, by the sandbox's names, without those that move nothing by
            themselves (an OAuth token). The last one is what moves money, or makes the object the customer pays.
        confirms: the flow whose payments `confirm` works on; None where it is not filled in.
        found_by_reference: our reference alone finds a payment; else the key of its first call has to lead to it.
        signs_time: a notice's signature covers its time, so that an old one is refused.
        signature_field: the field of a notice's body that signs its other fields, in whatever bytes they are sent; ""
            where the bytes are signed, in a header. note: a field that may be added to a body before it is signed.
        readable: the fields of an error's body that are words for people. names: the fields by which a return or a hint
            may name a payment, or an address.
        unsaid: what the answer to a deed does not hold, by the kind of `Trouble` that would spoil it: no amount that is
            not told can be wrong.
        settles_after_s: how long after its first try a call in doubt can be brought to an end, in seconds.
        deadline_s: what a provider's `call_deadline_s` is lowered to where a test waits for it.
    """

    calls_of: ClassVar[Mapping[Deed, tuple[str, ...]]] = {}
    confirms: ClassVar[Flow | None] = None
    found_by_reference: ClassVar[bool] = True
    signs_time: ClassVar[bool] = True
    signature_field: ClassVar[str] = ""
    note: ClassVar[str] = "note"
    readable: ClassVar[frozenset[str]] = frozenset({"message", "detail", "description", "error_description"})
    names: ClassVar[frozenset[str]] = frozenset({"url", "order_id", "token", "status", "reference", "id"})
    unsaid: ClassVar[Mapping[str, frozenset[Deed]]] = {}
    settles_after_s: ClassVar[float] = 1.0
    deadline_s: ClassVar[float] = 0.6

    # -- accounts ------------------------------------------------------------------------------------------------------

    def account(self) -> AccountConfig:
        """A merchant's account of mode test, pointed at the sandbox, whose notices arrive here."""
        self.missing("account")

    def other_account(self) -> AccountConfig:
        """Another merchant's at the same provider, whose notices arrive here too."""
        self.missing("other_account")

    def account_for(self, currency: str) -> AccountConfig:
        """An account that takes this currency; the same one for all unless the provider ties one to the account."""
        del currency
        return self.account()

    def roll_secret(self) -> tuple[AccountConfig, AccountConfig]:
        """The provider signs the account's notices with a new secret from now on.

        Returns the account while it knows both secrets, and once it knows the new one alone.
        """
        self.missing("roll_secret")

    # -- the customer --------------------------------------------------------------------------------------------------

    def token(self, means: Means) -> Token:
        """A method for the token flow; a new one each time where the provider takes it only once."""
        self.missing(f"token({means})")

    def payer(self) -> Payer:
        """Who pays in the direct flow: with a number, say, that stays pending until `act` decides."""
        return Payer()

    def act(self, fact: PaymentFact, means: Means) -> None:
        """Do what the fact's `next_action` asks the customer for, with this method."""
        self.missing(f"act({means})")

    def setup_token(self, means: Means) -> str:
        """A one-time token of a method to be kept; that of a payment unless the provider tells them apart."""
        return self.token(means).method_token

    def complete_setup(self, begun: MethodResult, means: Means) -> None:
        """Do what the customer has to do for a method to be kept."""
        self.missing(f"complete_setup({means})")

    def returned(self, fact: PaymentFact) -> Mapping[str, str]:
        """Query or form with which the browser comes back from this payment's page or step."""
        self.missing("returned")

    # -- behind the hub's back -----------------------------------------------------------------------------------------

    def dashboard_refund(self, fact: PaymentFact, amount_minor: int) -> None:
        """A refund made at the provider itself."""
        self.missing("dashboard_refund")

    def dispute(self, fact: PaymentFact, status: Literal["needs_response", "won", "lost"]) -> None:
        """The card holder disputes the payment, or the case is decided."""
        self.missing("dispute")

    # -- the truth -----------------------------------------------------------------------------------------------------

    def books(self, reference: str) -> Books:
        """The sums of everything at the provider that carries our reference."""
        self.missing("books")

    def calls(self) -> int:
        """How many API calls have reached the provider."""
        self.missing("calls")

    # -- trouble -------------------------------------------------------------------------------------------------------

    def script(self, trouble: Trouble, call: str) -> None:
        """Let this wire call ("*" for every one) go wrong from now on."""
        self.missing("script")

    def calm(self) -> None:
        """No trouble any more; calls that hang are let go."""
        self.missing("calm")

    def error_body(self, status: int) -> Mapping[str, Any]:
        """The provider's own body for a status that is no decline: a wrong request, a key it does not know, ..."""
        self.missing("error_body")

    # -- notices -------------------------------------------------------------------------------------------------------

    def notices(self) -> list[Notice]:
        """Everything the provider has sent so far, in order, for all accounts of this bench."""
        self.missing("notices")

    def forget_notices(self) -> None:
        """Drop what has arrived and what is on its way."""
        self.missing("forget_notices")

    def sign(self, body: bytes) -> Notice:
        """This body as the provider would sign it for the account."""
        self.missing("sign")

    # ------------------------------------------------------------------------------------------------------------------

    def missing(self, hook: str) -> NoReturn:
        """Fail: the provider declares something for which this hook is needed."""
        raise HookMissing(f"{type(self).__name__} gives no {hook}, which what the provider declares asks for.")
