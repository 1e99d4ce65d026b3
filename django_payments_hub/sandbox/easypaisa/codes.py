"""EasyPaisa's response codes."""

from django_payments_hub.sandbox.wire import Json

DESCRIPTIONS = {
    "0000": "SUCCESS",
    "0001": "SYSTEM ERROR",
    "0002": "REQUIRED FIELD IS MISSING",
    "0003": "INVALID ORDER ID",
    "0004": "MERCHANT ACCOUNT DOES NOT EXIST",
    "0005": "MERCHANT ACCOUNT IS NOT ACTIVE",
    "0006": "STORE DOES NOT EXIST",
    "0007": "STORE IS NOT ACTIVE",
    "0008": "PAYMENT METHOD NOT ENABLED",
    "0009": "CREDIT CARD TRANSACTION FAILED",
    "0010": "INVALID CREDENTIALS",
    "0011": "INCORRECT PIN",
    "0012": "PIN NOT ENTERED",
    "0013": "LOW BALANCE",
    "0014": "ACCOUNT DOES NOT EXIST",
    "0015": "INVALID TOKEN EXPIRY",
    "0016": "TOKEN HAS EXPIRED",
    "0017": "SETTLEMENT FAILED",
    "0023": "INVALID SIGNATURE",
    "0024": "SIGNATURE IS MISSING",
    "0026": "INVALID MOBILE NUMBER",
    "0027": "INVALID EMAIL ADDRESS",
    "0028": "INVALID AMOUNT",
    "0029": "TRANSACTION LIMIT EXCEEDED",
}
SUCCESS = "0000"
STATUSES = {
    "pending": "PENDING",
    "paid": "PAID",
    "failed": "FAILED",
    "reversed": "REVERSED",
    "expired": "EXPIRED",
}


def description(code: str) -> str:
    """What EasyPaisa writes beside a code."""
    return DESCRIPTIONS.get(code, "TRANSACTION FAILED")


def outcome(code: str) -> Json:
    """Code and description as an answer has them."""
    return {"responseCode": code, "responseDesc": description(code)}


class EasyPaisaError(Exception):
    """A request that is refused."""

    def __init__(self, code: str) -> None:
        super().__init__(f"{code} {description(code)}")
        self.code = code
