"""How a value looks: amounts, statuses, payloads. Everything is escaped by `format_html`; classes are our own words."""

from __future__ import annotations

import re

from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from moneyed import Money

from django_payments_hub.admin.redaction import pretty, redact, redact_text
from django_payments_hub.domain.money import exponent, from_minor

_CREDITOR_REFERENCE = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}", re.ASCII)
NOTHING = "-"
"""Where a value is missing."""

_TONES = {
    "good": ("completed", "succeeded", "processed", "delivered", "won", "applied", "authorized", "live", "active"),
    "busy": (
        "processing",
        "sent",
        "received",
        "pending",
        "created",
        "under_review",
        "inquiry_under_review",
        "open",
    ),
    "wait": (
        "requires_action",
        "requires_approval",
        "unmatched",
        "unknown",
        "needs_response",
        "inquiry_needs_response",
        "paused",
    ),
    "back": ("refunded", "partially_refunded"),
    "bad": ("failed", "declined", "quarantined", "lost", "mismatch", "attention"),
}
_TONE_OF = {word: tone for tone, words in _TONES.items() for word in words}


def badge(word: str, label: object = "") -> SafeString:
    """A status as a word on a coloured ground."""
    return format_html(
        '<span class="hub-badge hub-badge--{}">{}</span>', _TONE_OF.get(word, "calm"), label or word.replace("_", " ")
    )


def attention(code: str) -> SafeString | str:
    """Why a person is needed; nothing when none is."""
    return badge("attention", code.replace("_", " ")) if code else NOTHING


def money_text(money: Money) -> str:
    """`1,234.50 USD`: the code, because a symbol does not name a currency."""
    code = money.currency.code
    return f"{number_format(money.amount, exponent(code), use_l10n=True, force_grouping=True)}\u00a0{code}"


def money(amount: Money) -> SafeString:
    """An amount in a column of amounts."""
    return format_html('<span class="hub-money">{}</span>', money_text(amount))


def money_or_nothing(amount: Money) -> SafeString:
    """An amount, or a dash in its place."""
    return money(amount) if amount.amount else format_html('<span class="hub-money">{}</span>', NOTHING)


def status(word: str, label: object, attention_code: str) -> SafeString:
    """A status, and beside it why a person is needed."""
    if not attention_code:
        return badge(word, label)
    return format_html("{} {}", badge(word, label), attention(attention_code))


def minor(amount_minor: int, currency: str) -> SafeString:
    """An amount given in minor units."""
    return money(from_minor(amount_minor, currency))


def code(text: str | None) -> SafeString | str:
    """An id or address as plain text: never a link, whatever it says."""
    return format_html('<code class="hub-code">{}</code>', redact_text(text)) if text else NOTHING


def reference(text: str) -> SafeString | str:
    """A creditor reference (ISO 11649) in fours, as the customer and his bank see it; any other as it is."""
    quoted = _CREDITOR_REFERENCE.fullmatch(text)
    return code(" ".join(re.findall(".{1,4}", text)) if quoted else text)


def payload(value: object) -> SafeString | str:
    """A JSON value, redacted, as text."""
    return preformatted(pretty(value)) if value else NOTHING


def preformatted(text: str) -> SafeString:
    """Text with its line breaks."""
    return format_html('<pre class="hub-payload">{}</pre>', text)


def amounts_table(rows: list[tuple[object, Money]]) -> SafeString:
    """Amounts under each other."""
    lines = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', ((n, money(m)) for n, m in rows))
    return format_html('<table class="hub-amounts"><tbody>{}</tbody></table>', lines)


def hidden_tail(text: str) -> str:
    """The end of a token, enough to tell two apart."""
    return _("ends in %(tail)s") % {"tail": text[-4:]} if len(text) > 12 else _("set")


def pairs(values: object) -> str:
    """The entries of a small JSON object in a line, redacted."""
    known = redact(values)
    return ", ".join(f"{name}: {value}" for name, value in known.items()) if isinstance(known, dict) else ""
