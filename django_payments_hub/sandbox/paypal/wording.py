"""One issue, several texts: PayPal words some issues differently from one operation to the next."""

from django_payments_hub.sandbox.paypal.errors import PayPalError

_ORDERS = {
    "INVALID_PARAMETER_VALUE": "A parameter value is not valid.",
    "INVALID_STRING_LENGTH": "The value of a field is either too short or too long",
    "MISSING_REQUIRED_PARAMETER": "A required field / parameter is missing",
}
_PAYMENTS = {
    "INVALID_CURRENCY_CODE": (
        "Currency code is invalid or is not currently supported. Please refer "
        "https://developer.paypal.com/docs/api/reference/currency-codes/ for list of supported currency codes."
    ),
    "DUPLICATE_INVOICE_ID": "Requested invoice_id has been previously captured. Possible duplicate transaction.",
}
WORDS: dict[str, dict[str, str]] = {
    "orders.create": {
        **_ORDERS,
        "MISSING_REQUIRED_PARAMETER": "A required parameter is missing.",
        "PAYER_CANNOT_PAY": "Combination of payer and payee settings mean that this buyer cannot pay this seller.",
    },
    "orders.patch": {"INVALID_STRING_LENGTH": _ORDERS["INVALID_STRING_LENGTH"]},
    "orders.capture": _ORDERS,
    "orders.authorize": {
        **_ORDERS,
        "ORDER_NOT_APPROVED": (
            "Payer has not yet approved the Order for payment. Please redirect the payer to the 'rel':'approve' url "
            "returned as part of the HATEOAS links within the Create Order call."
        ),
        "ACTION_DOES_NOT_MATCH_INTENT": (
            "Order was created with an intent to 'CAPTURE'. Please use v2/checkout/orders/order_id/capture to complete "
            "the transaction or alternately Create an order with an intent of 'AUTHORIZE'."
        ),
    },
    "orders.confirm": {
        **_ORDERS,
        "INVALID_PARAMETER_SYNTAX": "The value of the field does not conform to the expected format.",
    },
    "authorizations.capture": _PAYMENTS,
    "authorizations.reauthorize": _PAYMENTS,
}


def worded(error: PayPalError, operation: str) -> PayPalError:
    """The error with the text that it has in an operation."""
    text = WORDS.get(operation, {}).get(error.issue or "")
    if text is not None:
        for detail in error.details:
            detail["description"] = text
    return error
