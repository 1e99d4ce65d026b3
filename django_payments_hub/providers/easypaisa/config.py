"""What an EasyPaisa account needs to be told, and the mix-ups that are refused before a call is made (I22, S23)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.provider_kit.addresses import check_base, is_base
from django_payments_hub.provider_kit.aes import KEY_SIZES
from django_payments_hub.provider_kit.base import BaseConfig, address, secret
from django_payments_hub.provider_kit.values import matches, require

# Guide, "Environments": production and staging.
_BASES = {Mode.LIVE: "https://easypay.easypaisa.com.pk", Mode.TEST: "https://easypaystg.easypaisa.com.pk"}
_STORE = re.compile(r"[0-9]{1,12}", re.ASCII)
_ACCOUNT = re.compile(r"[0-9]{1,20}", re.ASCII)
_CREDENTIAL = re.compile(r"[!-~]{1,256}", re.ASCII)
_HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """The keys of one EasyPaisa account.

    Args:
        store_id: the store's number.
        account_num: the merchant's account number, which the inquiry asks for.
        username: of the REST interface, by which payments are inquired about.
        password: of the REST interface.
        hash_key: of the hosted checkout, as the merchant portal makes it: 16 characters.
        wallet_expiry_s: how long a customer has to approve on his phone.
        voucher_expiry_s: how long a voucher can be paid at a shop.
        api_base: another https address, or the sandbox on loopback in mode test; "" for EasyPaisa's own of the mode.
    """

    store_id: str
    account_num: str
    username: str = secret()
    password: str = secret()
    hash_key: str = secret()
    wallet_expiry_s: int = 10 * 60
    voucher_expiry_s: int = 72 * _HOUR
    api_base: str = address("")

    def __post_init__(self) -> None:
        require(matches(_STORE, self.store_id), "STORE_ID is not a store's number")
        require(matches(_ACCOUNT, self.account_num), "ACCOUNT_NUM is not an account's number")
        for name in ("username", "password"):
            value = getattr(self, name)
            require(
                value == "" or matches(_CREDENTIAL, value), f"{name.upper()} is not a credential of the REST interface"
            )
        require(self.hash_key == "" or _is_key(self.hash_key), "HASH_KEY has not the length of an AES key")
        require(_is_time(self.wallet_expiry_s, at_most=_HOUR), "WALLET_EXPIRY_S is not a number of seconds up to 3600")
        require(_is_time(self.voucher_expiry_s, at_most=90 * 24 * _HOUR), "VOUCHER_EXPIRY_S is not a number of seconds")
        require(self.api_base == "" or is_base(self.api_base), "API_BASE is not a plain http(s) address")


def _is_key(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and len(value) in KEY_SIZES


def _is_time(value: object, *, at_most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 60 <= value <= at_most


def base_address(config: Config, mode: Mode) -> str:
    """Where EasyPaisa is reached in this mode."""
    return config.api_base.rstrip("/") or _BASES[mode]


def check_mode(config: Config, mode: Mode) -> None:
    """Refuse an address that does not belong to the mode; raises ConfigurationError(`mode_mismatch`)."""
    others = {urlsplit(base).hostname for of, base in _BASES.items() if of is not mode}
    if urlsplit(base_address(config, mode)).hostname in others:
        raise ConfigurationError(
            f"API_BASE is EasyPaisa's address for the other mode; the account's is {mode.value}.", code="mode_mismatch"
        )
    if config.api_base:
        check_base(config.api_base, mode)
