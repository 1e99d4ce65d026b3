"""Every error the hub raises, as one tree.

```
HubError                      code, message, details
├── ConfigurationError        the project's settings are wrong
├── RequestError              what was asked cannot be done; nothing was changed
│   ├── InvalidInput            a value is malformed                     (400)
│   ├── NotFound                no such thing, or not for this caller    (404)
│   ├── NotAllowed              known, but not permitted                 (403)
│   ├── Unsupported             the provider does not declare it         (422)
│   ├── RuleViolation           an amount or state forbids it            (422)
│   └── Conflict                something else is under way              (409)
├── WebhookError
│   ├── InvalidSignature        not proven to come from the provider     (400)
│   ├── MalformedNotice         proven, but unreadable                   (400)
│   └── VerificationUnavailable cannot be judged now, ask again later    (503)
└── ProviderError             not an answer: what is known about the call
    ├── Refused                 our request was wrong; nothing happened
    ├── Misconfigured           credentials; nothing happened            (502)
    ├── Throttled               too many; nothing happened, retry_after_s (503)
    ├── NotSent                 never left this machine; nothing happened (503)
    └── OutcomeUnknown          everything else: it may have happened
```

`code` is stable and meant for programs; the message is for developers. Nothing here ever carries a credential, a token
or a provider's raw text.
"""

from __future__ import annotations

from collections.abc import Mapping


class HubError(Exception):
    """Base of all errors of the hub.

    Args:
        message: a sentence for the developer, without secrets.
        code: the stable error code; the class's own when left out.
        details: further machine-readable facts (`{"nearest": "ACCOUNTS"}`), JSON-serialisable.
    """

    code = "error"

    def __init__(self, message: str = "", *, code: str | None = None, details: Mapping[str, object] | None = None):
        self.message = message or (self.__doc__ or "").strip().splitlines()[0]
        self.code = code or type(self).code
        self.details: dict[str, object] = dict(details or {})
        super().__init__(self.message)


class ConfigurationError(HubError):
    """The hub is not configured correctly."""

    code = "configuration_error"


class RequestError(HubError):
    """What was asked cannot be done, and nothing was changed."""

    code = "invalid_request"


class InvalidInput(RequestError):
    """A value is malformed. `field` names it."""

    code = "invalid_input"

    def __init__(self, message: str = "", *, field: str = "", code: str | None = None):
        super().__init__(message, code=code, details={"field": field} if field else None)
        self.field = field


class NotFound(RequestError):
    """It does not exist, or not for this caller."""

    code = "not_found"


class NotAllowed(RequestError):
    """The caller may not do this."""

    code = "permission_denied"


class Unsupported(RequestError):
    """The provider does not declare this capability."""

    code = "unsupported"


class RuleViolation(RequestError):
    """An amount or a state forbids it."""

    code = "rule_violation"


class Conflict(RequestError):
    """Something else is under way with the same object."""

    code = "conflict"


class WebhookError(HubError):
    """A notification cannot be accepted."""

    code = "invalid_notice"


class InvalidSignature(WebhookError):
    """The notification is not proven to come from the provider."""

    code = "invalid_signature"


class MalformedNotice(WebhookError):
    """The notification is genuine but cannot be read."""

    code = "malformed_notice"


class VerificationUnavailable(WebhookError):
    """The notification cannot be judged at the moment; the provider should send it again."""

    code = "verification_unavailable"


class ProviderError(HubError):
    """A provider call ended without an answer that decides it.

    Args:
        provider_code: the provider's own error code, kept beside the normalised one.
    """

    code = "provider_error"

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        provider_code: str = "",
        details: Mapping[str, object] | None = None,
    ):
        super().__init__(message, code=code, details=details)
        self.provider_code = provider_code


class Refused(ProviderError):
    """The provider refused the request as wrong; nothing happened."""

    code = "invalid_request"


class Misconfigured(ProviderError):
    """The provider does not accept the account's credentials; nothing happened."""

    code = "provider_misconfigured"


class Throttled(ProviderError):
    """The provider wants fewer calls; nothing happened. `retry_after_s` is in seconds, None when not told."""

    code = "provider_throttled"

    def __init__(self, message: str = "", *, retry_after_s: float | None = None, provider_code: str = ""):
        super().__init__(message, provider_code=provider_code)
        self.retry_after_s = retry_after_s


class NotSent(ProviderError):
    """The request never left this machine; nothing happened."""

    code = "provider_unavailable"


class OutcomeUnknown(ProviderError):
    """Nobody knows whether the call took effect: a time-out, a 5xx, a body that cannot be read."""

    code = "outcome_unknown"
