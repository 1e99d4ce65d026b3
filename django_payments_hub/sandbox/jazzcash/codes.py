"""JazzCash's response codes, and which of them a payment in a state is told with."""

from django_payments_hub.sandbox.wire import Json

MESSAGES = {
    "000": "Thank you for Using JazzCash, your transaction was successful.",
    "001": "Limit exceeded.",
    "002": "Account not found.",
    "003": "Account inactive.",
    "004": "Low balance.",
    "024": "You have entered an incorrect MPIN.",
    "058": "Transaction timed out.",
    "060": "MPIN retries exhausted.",
    "095": "Transaction rejected.",
    "101": "Merchant credentials are invalid.",
    "105": "Transaction limit exceeded.",
    "109": "Transaction does not exist.",
    "110": "Please provide a valid value for {field}.",
    "111": "Transaction not allowed.",
    "112": "Transaction has been cancelled by the customer.",
    "115": "Invalid hash received.",
    "116": "Transaction has expired.",
    "118": "The system is under maintenance.",
    "119": "Transaction is awaiting reversal.",
    "121": "Transaction has been marked confirmed by Merchant.",
    "122": "Transaction has been reversed.",
    "124": "Order is placed and waiting for financials to be received over the counter.",
    "126": "Transaction is disputed.",
    "127": "The system is under maintenance.",
    "129": "Transaction is dropped.",
    "131": "Transaction has been refunded.",
    "132": "Transaction cannot be refunded.",
    "134": "Transaction has timed out.",
    "157": "Transaction is pending.",
    "199": "System error.",
    "210": "Authorization pending.",
    "402": "Your transaction has been declined by your bank.",
    "403": "The transaction timed out at your bank.",
    "404": "Your card has expired.",
    "405": "Your card has insufficient balance.",
    "422": "Duplicate transaction.",
    "999": "Transaction failed. This can be due to insufficient merchant information.",
}

# pp_PaymentResponseCode and pp_Status of an inquiry; "" is the code with which the payment failed
TOLD = {
    "pending": ("157", "Pending"),
    "voucher": ("124", "Pending"),
    "completed": ("121", "Completed"),
    "failed": ("", "Failed"),
    "expired": ("", "Expired"),
    "awaiting_reversal": ("119", "Pending"),
    "reversed": ("122", "Reversed"),
    "refunded": ("131", "Refunded"),
    "disputed": ("126", "Disputed"),
}


def message(code: str, field: str = "") -> str:
    """What JazzCash writes beside a code."""
    return MESSAGES.get(code, "Transaction failed.").format(field=field)


def told(payment: Json) -> tuple[str, str]:
    """The code and the status of a payment that is asked about."""
    code, status = TOLD[payment["state"]]
    return code or payment["code"], status


class JazzCashError(Exception):
    """A request that is refused; ``field`` is the one that is at fault."""

    def __init__(self, code: str, *, field: str = "") -> None:
        super().__init__(f"{code} {message(code, field)}")
        self.code, self.field = code, field

    def fields(self) -> Json:
        """Code and message as an answer has them."""
        return {"pp_ResponseCode": self.code, "pp_ResponseMessage": message(self.code, self.field)}
