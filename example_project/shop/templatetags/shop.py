"""How the shop writes amounts and finds pictures."""

import re

from django import template
from django.templatetags.static import static
from django.utils.translation import get_language, to_locale
from moneyed import Money
from moneyed.l10n import format_money

from example_project.shop.models import Product

register = template.Library()
_LETTER_BEFORE_DIGIT = re.compile(r"(?<=[A-Za-z])(?=\d)")


@register.filter
def money(amount: Money) -> str:
    """An amount with its currency, in the reader's language: `$24.50`, `¥4,800`, and `PKR 1,250.50` with a space."""
    written = str(format_money(amount, locale=to_locale(get_language() or "en")))
    return _LETTER_BEFORE_DIGIT.sub("\N{NO-BREAK SPACE}", written)


@register.filter
def picture(product: Product) -> str:
    """The address of the product's picture."""
    return static(f"shop/img/{product.slug}.svg")
