"""What a JazzCash account needs to be told, and the mix-ups that are refused before a call is made (I22, S23).

JazzCash has three generations of hosts and paths. Which one a merchant is on, JazzCash tells him; none of them is
published as a whole, so every address can be replaced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.provider_kit.addresses import check_base, is_base
from django_payments_hub.provider_kit.base import BaseConfig, address, secret
from django_payments_hub.provider_kit.values import is_secret_list, matches, require

CLASSIC, PGW, ORCHESTRATOR = GENERATIONS = ("classic", "pgw", "orchestrator")
WALLET_PLAIN, WALLET_CNIC = WALLET_VERSIONS = ("1.1", "2.0")
CARD_PLAIN, CARD_REGISTERED = CARD_VERSIONS = ("1.1", "2.0")

_BASES: Mapping[str, Mapping[Mode, str]] = {
    CLASSIC: {Mode.TEST: "https://sandbox.jazzcash.com.pk", Mode.LIVE: "https://payments.jazzcash.com.pk"},
    PGW: {Mode.LIVE: "https://pgw.jazzcash.com.pk"},
    # One address for both: the merchant's credentials alone say whether money moves.
    ORCHESTRATOR: dict.fromkeys(Mode, "https://onlinepayments.jazzcash.com.pk/payment-orchestrator"),
}
_FORM = "/CustomerPortal/transactionmanagement/merchantform/"
_PATHS: Mapping[str, Mapping[str, str]] = {
    CLASSIC: {
        "form_url": _FORM,
        "wallet_url": "/ApplicationAPI/API/Payment/DoTransaction",
        "wallet_cnic_url": "/ApplicationAPI/API/2.0/Purchase/DoMWalletTransaction",
        "inquiry_url": "/ApplicationAPI/API/PaymentInquiry/Inquire",
        "wallet_refund_url": "/ApplicationAPI/API/Purchase/domwalletrefundtransaction",
        "card_refund_url": "/ApplicationAPI/API/authorize/Refund",
    },
    PGW: {
        "form_url": _FORM,
        "wallet_url": "/api/payment/DoTransaction",
        "wallet_cnic_url": "/api/2.0/purchase/domwallettransaction",
        "inquiry_url": "/ApplicationAPI/API/PaymentInquiry/Inquire",
        "wallet_refund_url": "/api/Purchase/domwalletrefundtransaction",
        "card_refund_url": "/ApplicationAPI/API/authorize/Refund",
    },
    ORCHESTRATOR: {
        "form_url": _FORM,
        "wallet_url": "/api/v1/rest/payments/m-wallet",
        "wallet_cnic_url": "/api/v2/rest/payments/m-wallet",
        "inquiry_url": "/api/v1/rest/payments/status/inquiry",
        "wallet_refund_url": "/api/v1/rest/payments/m-wallet/refund",
        "card_refund_url": "/api/v1/rest/payments/mpgs/v2.0/authorize/refund",
    },
}
_OVERRIDES = tuple(_PATHS[CLASSIC])
_MERCHANT = re.compile(r"[A-Za-z0-9_-]{1,20}", re.ASCII)
_PASSWORD = re.compile(r"[!-~]{1,100}", re.ASCII)
_MPIN = re.compile(r"(?:[0-9]{4,8})?", re.ASCII)
_NAME = re.compile(r"[A-Za-z ]{0,50}", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9]{0,10}", re.ASCII)
_MAX_HOURS = 90 * 24
"""A form's expiry lies at most three months ahead."""


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """The keys of one JazzCash account.

    Args:
        merchant_id: of the merchant portal.
        password: of the merchant portal.
        integrity_salts: the first one signs; notices and answers may be signed with any of them, while one is being
            replaced.
        merchant_mpin: of the merchant's wallet; only wallet refunds need it.
        generation: `classic`, `pgw` or `orchestrator`: which hosts and paths the merchant was told to use.
        wallet_version: `1.1`, by the mobile number; `2.0`, by number and CNIC.
        card_version: of the card page's form.
        return_url: exactly as it is registered in the portal, where that is not the hub's own for the account.
        sub_merchant_name: letters only; where JazzCash demands one with wallet calls.
        bank_id: sent with the hosted form where JazzCash has told one.
        product_id: sent with the hosted form where JazzCash has told one.
        expires_after_hours: how long a customer has to pay.
        api_base: another https address, or the sandbox on loopback in mode test.
        form_url: the whole address the hosted form is posted to, in place of the generation's.
        wallet_url: the same for wallet calls 1.1.
        wallet_cnic_url: the same for wallet calls 2.0.
        inquiry_url: the same for inquiries.
        wallet_refund_url: the same for refunds to wallets.
        card_refund_url: the same for refunds to cards.
    """

    merchant_id: str
    password: str = secret()
    integrity_salts: tuple[str, ...] = secret()
    merchant_mpin: str = secret("")
    generation: str = CLASSIC
    wallet_version: str = WALLET_PLAIN
    card_version: str = CARD_PLAIN
    return_url: str = ""
    sub_merchant_name: str = ""
    bank_id: str = ""
    product_id: str = ""
    expires_after_hours: int = 24
    api_base: str = address("")
    form_url: str = address("")
    wallet_url: str = address("")
    wallet_cnic_url: str = address("")
    inquiry_url: str = address("")
    wallet_refund_url: str = address("")
    card_refund_url: str = address("")

    def __post_init__(self) -> None:
        require(matches(_MERCHANT, self.merchant_id), "MERCHANT_ID is not the id of a merchant")
        require(matches(_PASSWORD, self.password), "PASSWORD is not a password of the merchant portal")
        require(is_secret_list(self.integrity_salts), "INTEGRITY_SALTS needs a list of non-empty salts")
        require(matches(_MPIN, self.merchant_mpin), "MERCHANT_MPIN is not an MPIN of 4 to 8 digits")
        require(self.generation in GENERATIONS, f"GENERATION is none of {', '.join(GENERATIONS)}")
        require(self.wallet_version in WALLET_VERSIONS, f"WALLET_VERSION is none of {', '.join(WALLET_VERSIONS)}")
        require(self.card_version in CARD_VERSIONS, f"CARD_VERSION is none of {', '.join(CARD_VERSIONS)}")
        require(self.return_url == "" or is_base(self.return_url), "RETURN_URL is not a plain http(s) address")
        require(matches(_NAME, self.sub_merchant_name), "SUB_MERCHANT_NAME has something but letters")
        require(matches(_CODE, self.bank_id), "BANK_ID has something but letters and digits")
        require(matches(_CODE, self.product_id), "PRODUCT_ID has something but letters and digits")
        hours: object = self.expires_after_hours  # settings hold anything
        in_range = isinstance(hours, int) and not isinstance(hours, bool) and 0 < hours <= _MAX_HOURS
        require(in_range, f"EXPIRES_AFTER_HOURS is a number from 1 to {_MAX_HOURS}")
        for name in ("api_base", *_OVERRIDES):
            value = getattr(self, name)
            require(value == "" or is_base(value), f"{name.upper()} is not a plain http(s) address")

    @property
    def salt(self) -> str:
        """The salt that signs what is sent."""
        return self.integrity_salts[0]


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where each thing is done."""

    form_url: str
    wallet_url: str
    wallet_cnic_url: str
    inquiry_url: str
    wallet_refund_url: str
    card_refund_url: str


def addresses(config: Config, mode: Mode) -> Addresses:
    """The addresses of the account's generation and mode, each replaced where the account says so.

    Raises:
        ConfigurationError: `missing_address`, the generation has no published address in this mode; `mode_mismatch`,
            an address is JazzCash's of the other mode; `insecure_api_base`.
    """
    own = {name: str(getattr(config, name)) for name in _OVERRIDES}
    for name, given in {"api_base": config.api_base, **own}.items():
        if given:
            _check_mode(name, given, mode)
    if config.return_url:
        check_base(config.return_url, mode, name="RETURN_URL")
    base = config.api_base.rstrip("/") or _BASES[config.generation].get(mode, "")
    if not base and not all(own.values()):
        raise ConfigurationError(
            f"JazzCash has published no {mode.value} address of the generation {config.generation!r}: set API_BASE.",
            code="missing_address",
        )
    paths = _PATHS[config.generation]
    return Addresses(**{name: own[name] or base + paths[name] for name in _OVERRIDES})


def _check_mode(name: str, given: str, mode: Mode) -> None:
    host = (urlsplit(given).hostname or "").rstrip(".")
    if host in _hosts_of_the_other_mode(mode):
        raise ConfigurationError(
            f"{name.upper()} is JazzCash's address for the other mode; the account's is {mode.value}.",
            code="mode_mismatch",
        )
    check_base(given, mode, name=name.upper())


def _hosts_of_the_other_mode(mode: Mode) -> set[str]:
    """Every generation's, so that none can be mixed into another; but for hosts that serve both modes."""
    hosts = {of: {urlsplit(bases[of]).hostname or "" for bases in _BASES.values() if of in bases} for of in Mode}
    other = Mode.LIVE if mode is Mode.TEST else Mode.TEST
    return hosts[other] - hosts[mode]
