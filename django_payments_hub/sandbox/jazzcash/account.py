"""One merchant of JazzCash: credentials, payments and the notices not sent yet."""

import re
import string
from dataclasses import dataclass, field

from django_payments_hub.sandbox import pakistan
from django_payments_hub.sandbox.jazzcash.hashing import is_signed, sealed
from django_payments_hub.sandbox.pakistan import derived
from django_payments_hub.sandbox.wire import Json

MERCHANT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LETTERS = string.ascii_lowercase + string.digits
# What a description may not hold becomes a blank before JazzCash looks at the hash
_FORBIDDEN = str.maketrans(dict.fromkeys("<>*=%/:'|\"{}", " "))


@dataclass(kw_only=True)
class Merchant(pakistan.Merchant):
    """All state of one merchant. Callers hold the sandbox's state lock.

    ``salts``: the first signs, and any of them verifies. ``return_url`` is the one registered in the portal, "" for
    any; ``lower`` writes hashes in lower case; ``wrong_pins`` counts the refunds with a wrong MPIN in a row.
    """

    password: str = ""
    salts: list[str] = field(default_factory=list)
    mpin: str = ""
    return_url: str = ""
    lower: bool = False
    wrong_pins: int = 0

    def __post_init__(self) -> None:
        self.password = self.password or derived("password", self.id, _LETTERS, 10)
        self.salts = self.salts or [derived("salt", self.id, _LETTERS, 10)]
        self.mpin = self.mpin or derived("mpin", self.id, string.digits, 4)

    def knows(self, fields: Json) -> bool:
        """Whether a request's hash is right."""
        description = fields.get("pp_Description")
        if isinstance(description, str):
            fields = {**fields, "pp_Description": description.translate(_FORBIDDEN)}
        return is_signed(self.salts, fields)

    def signed(self, fields: Json) -> Json:
        """An answer with its hash."""
        return sealed(self.salts[0], fields, lower=self.lower)
