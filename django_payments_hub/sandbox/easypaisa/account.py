"""One store of EasyPaisa: credentials, orders and the notices not sent yet."""

import base64
import re
import string
from dataclasses import dataclass

from django_payments_hub.sandbox import pakistan
from django_payments_hub.sandbox.pakistan import derived

STORE_ID = re.compile(r"[0-9]{1,12}")
_LETTERS = string.ascii_letters + string.digits


@dataclass(kw_only=True)
class Store(pakistan.Merchant):
    """All state of one store. Callers hold the sandbox's state lock.

    ``hash_key`` is the one that hosted forms are hashed with; ``require_hash`` refuses a form without.
    """

    username: str = ""
    password: str = ""
    hash_key: str = ""
    account_num: str = ""
    require_hash: bool = False

    def __post_init__(self) -> None:
        self.username = self.username or f"store{self.id}"
        self.password = self.password or derived("easypaisa-password", self.id, _LETTERS, 24)
        self.hash_key = self.hash_key or derived("easypaisa-key", self.id, _LETTERS, 16)
        self.account_num = self.account_num or derived("easypaisa-account", self.id, string.digits, 9)

    def credentials(self) -> str:
        """The header that its calls carry."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
