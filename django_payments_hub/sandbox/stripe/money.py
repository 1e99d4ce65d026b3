"""Currencies and the limits of an amount (docs.stripe.com/currencies)."""

from django_payments_hub.sandbox.stripe.errors import StripeError, invalid_parameter, missing_parameter
from django_payments_hub.sandbox.stripe.forms import Params

CURRENCIES = frozenset({
    "usd", "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt", "bgn",
    "bhd", "bif", "bmd", "bnd", "bob", "brl", "bsd", "bwp", "byn", "bzd", "cad", "cdf", "chf", "clp", "cny",
    "cop", "crc", "cve", "czk", "djf", "dkk", "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp", "gbp", "gel",
    "gip", "gmd", "gnf", "gtq", "gyd", "hkd", "hnl", "htg", "huf", "idr", "ils", "inr", "isk", "jmd", "jod",
    "jpy", "kes", "kgs", "khr", "kmf", "krw", "kwd", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl", "mad",
    "mdl", "mga", "mkd", "mmk", "mnt", "mop", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn", "nio",
    "nok", "npr", "nzd", "omr", "pab", "pen", "pgk", "php", "pkr", "pln", "pyg", "qar", "ron", "rsd", "rub",
    "rwf", "sar", "sbd", "scr", "sek", "sgd", "shp", "sle", "sos", "srd", "std", "szl", "thb", "tjs", "tnd",
    "top", "try", "ttd", "twd", "tzs", "uah", "ugx", "uyu", "uzs", "vnd", "vuv", "wst", "xaf", "xcd", "xof",
    "xpf", "yer", "zar", "zmw",
})  # fmt: skip
ZERO_DECIMAL = frozenset({
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
})  # fmt: skip
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
MINIMUM = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50,
    "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
MAXIMUM = 99_999_999


def read_currency(params: Params) -> str:
    """The currency in lower case. Raises StripeError when it is missing or unknown."""
    currency = params.required("currency").lower()
    if currency not in CURRENCIES:
        message = (
            f"Invalid currency: {currency}. Stripe currently supports these currencies: {', '.join(sorted(CURRENCIES))}"
        )
        raise invalid_parameter(params.name("currency"), message)
    return currency


def read_amount(params: Params, currency: str) -> int:
    """An amount to charge, in minor units. Raises StripeError outside Stripe's limits."""
    amount = params.positive("amount")
    if amount is None:
        raise missing_parameter(params.name("amount"))
    check_amount(amount, currency, params.name("amount"))
    return amount


def check_amount(amount: int, currency: str, name: str) -> None:
    """Raise StripeError for an amount that Stripe does not charge."""
    if amount < MINIMUM.get(currency, 1):
        message = f"Amount must be at least {display(MINIMUM[currency], currency)}"
        raise StripeError(message, code="amount_too_small", param=name)
    if amount > MAXIMUM:
        message = f"Amount must be no more than {display(MAXIMUM, currency)}"
        raise StripeError(message, code="amount_too_large", param=name)
    # Three-decimal amounts end in 0; ISK and UGX have no minor unit and yet are given in hundredths
    step = 10 if currency in THREE_DECIMAL else 100 if currency in ("isk", "ugx") else 1
    if amount % step:
        message = f"Invalid amount. The amount in {currency} must be evenly divisible by {step}."
        raise StripeError(message, code="parameter_invalid_integer", param=name)


def display(amount: int, currency: str) -> str:
    """An amount as Stripe's messages write it: ``$6.00`` for dollars, ``6.00 eur`` otherwise."""
    if currency in ZERO_DECIMAL:
        return f"{amount} {currency}"
    places = 3 if currency in THREE_DECIMAL else 2
    whole, rest = divmod(amount, 10**places)
    number = f"{whole:,}.{rest:0{places}d}"
    return f"${number}" if currency == "usd" else f"{number} {currency}"
