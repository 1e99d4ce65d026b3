"""Access tokens: given for client id and secret, worth nothing once their time is over.

A token carries its account and its end under a signature, so that a reset leaves it valid.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request

from django_payments_hub.sandbox.paypal.errors import PayPalError, oauth_error
from django_payments_hub.sandbox.wire import Answer, json_answer

if TYPE_CHECKING:
    from django_payments_hub.sandbox.paypal.mount import PayPalMount

LIFETIME_S = 32400
CREDENTIAL = re.compile(r"[A-Za-z0-9_-]{4,128}", re.ASCII)
SCOPE = (
    "https://uri.paypal.com/services/payments/payment/authcapture https://uri.paypal.com/services/payments/refund "
    "https://uri.paypal.com/services/vault/payment-tokens/readwrite "
    "https://uri.paypal.com/services/applications/webhooks https://uri.paypal.com/services/disputes/read-seller openid"
)


@dataclass
class Tokens:
    """What the tokens are signed with, and from when on the older ones of an account are void."""

    key: bytes
    void_before: dict[str, float]
    lifetime_s: int = LIFETIME_S

    @classmethod
    def new(cls) -> "Tokens":
        """With a key of its own."""
        return cls(secrets.token_bytes(32), {})

    def reset(self) -> None:
        """As at first; the tokens that were given stay valid."""
        self.void_before.clear()
        self.lifetime_s = LIFETIME_S

    def issue(self, account: str, now: float) -> str:
        """A new token."""
        claims = json.dumps([account, now, now + self.lifetime_s, secrets.token_hex(4)]).encode()
        return "A21AA" + base64.urlsafe_b64encode(self._digest(claims) + claims).decode().rstrip("=")

    def account_of(self, token: str, now: float) -> str | None:
        """Whose token it is, None when it is worth nothing."""
        try:
            raw = base64.urlsafe_b64decode(token.removeprefix("A21AA") + "==")
        except (binascii.Error, ValueError):
            return None
        digest, claims = raw[:16], raw[16:]
        if not token.startswith("A21AA") or not hmac.compare_digest(digest, self._digest(claims)):
            return None
        account, issued, ends, _ = json.loads(claims)
        return str(account) if now < ends and issued > self.void_before.get(account, 0.0) else None

    def _digest(self, claims: bytes) -> bytes:
        return hmac.new(self.key, claims, hashlib.sha256).digest()[:16]


def client_id(request: Request) -> str | None:
    """The client of a Basic authorization, None when it is malformed or missing."""
    given = request.authorization
    if given is None or given.type != "basic" or given.username is None or given.password is None:
        return None
    if CREDENTIAL.fullmatch(given.username) is None or CREDENTIAL.fullmatch(given.password) is None:
        return None
    return given.username


def grant(mount: "PayPalMount", request: Request, account: str) -> Answer:
    """``POST /v1/oauth2/token``: a token for client credentials."""
    if request.mimetype != "application/x-www-form-urlencoded":
        return oauth_error(400, "invalid_request", "The content type must be a form.", realm="")
    wanted = request.form.get("grant_type")
    if wanted is None:
        return oauth_error(400, "unsupported_grant_type", "Grant Type is NULL", realm="")
    if wanted != "client_credentials":
        return oauth_error(400, "unsupported_grant_type", "unsupported grant_type", realm="")
    now = mount.world.clock.now()
    body = {
        "scope": SCOPE,
        "access_token": mount.tokens.issue(account, now.timestamp()),
        "token_type": "Bearer",
        "app_id": "APP-80W284485P519543T",
        "expires_in": mount.tokens.lifetime_s,
        "nonce": f"{now:%Y-%m-%dT%H:%M:%SZ}{secrets.token_urlsafe(24)}",
    }
    return json_answer(200, body)


def refuse_client() -> Answer:
    """The credentials are none that PayPal could know."""
    return oauth_error(401, "invalid_client", "Client Authentication failed", realm="")


def read_account(mount: "PayPalMount", request: Request) -> str | Answer:
    """Who calls: by a token, or by client id and secret. An answer refuses him."""
    given = request.authorization
    if given is None:
        return PayPalError(None, status=401).answer()
    if given.type == "basic":
        return client_id(request) or refuse_client()
    if given.type != "bearer" or not given.token:
        return PayPalError(None, status=401).answer()
    account = mount.tokens.account_of(given.token, mount.world.clock.now().timestamp())
    if account is None:
        realm = 'Bearer realm="UnknownRealm", error="invalid_token"'
        return oauth_error(401, "invalid_token", "Token signature verification failed", realm=realm)
    return account
