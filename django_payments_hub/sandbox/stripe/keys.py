"""API keys: which account a key opens, and what it may do there."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from werkzeug.wrappers import Request

from django_payments_hub.sandbox.stripe.errors import StripeError, unauthorized
from django_payments_hub.sandbox.wire import Json

_KEY = re.compile(r"(sk|rk|pk)_test_([A-Za-z0-9_]{3,240})")


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key that opens an account; ``public`` for a publishable one."""

    account: str
    public: bool


def read_key(request: Request, params: Json) -> ApiKey:
    """The key of a call: Bearer, Basic user name or (Stripe.js) the form's ``key``. Raises StripeError 401.

    ``sk_test_x``, ``rk_test_x`` and ``pk_test_x`` open one and the same account, derived from ``x``.
    """
    given = _given(request, params)
    if not given:
        raise unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details."
        )
    match = _KEY.fullmatch(given)
    if match is None or match[2] == "invalid":
        raise unauthorized(f"Invalid API Key provided: {_masked(given)}")
    return ApiKey(account=account_id(match[2]), public=match[1] == "pk")


def account_id(suffix: str) -> str:
    """The account of all keys that end in ``suffix``."""
    return "acct_1" + hashlib.sha256(suffix.encode()).hexdigest()[:15]


def _given(request: Request, params: Json) -> str | None:
    in_form = params.pop("key", None)
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return None
    return in_form if isinstance(in_form, str) else None


def _masked(key: str) -> str:
    return f"{key[:8]}{'*' * max(len(key) - 12, 4)}{key[-4:]}" if len(key) > 12 else "*" * len(key)


def require_secret(key: ApiKey) -> None:
    """Raise StripeError unless the key is a secret one."""
    if key.public:
        raise StripeError(
            "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list "
            "of your API keys at https://dashboard.stripe.com/account/apikeys.",
            status=401,
            code="secret_key_required",
        )
