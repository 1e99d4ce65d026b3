"""Knows by its name a field that is meant for card data, whatever stands in it (S10).

A card number is known by its digits (`card_data`); a security code or a PIN is three or four digits like any others,
and only its name gives it away. Names are read word by word, so that `cc_cvv`, `cardCvv2` and `payment_method.card.cvc`
are known, and `discard_code` or `doc_vnumber` is not taken for one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_BETWEEN = re.compile(r"[^A-Za-z0-9]+")

_WHOLE = re.compile(
    "pan|fpan|dpan|fullpan|rawpan|primaryaccountnumber|cid|cvx|cvd|securitycode|verificationvalue|pin|pinblock|atmpin|"
    r"debitpin|mag(?:netic)?str\w{3}(?:data)?|cv[cvn][0-9]?"
)
_SECURITY_CODE = re.compile(r"cv[cvn]")
_LONG_FORM = re.compile(
    r"(?:^|_)(?:card|cc)\w*?(?:security|verification|validation)_?(?:code|value|number|num|no|digits?)"
)
_TRACK = re.compile(r"^(?:\w*card_?|cc_?|mag\w*_)?track_?(?:[123](?:_?data)?|data_?[123]?)$")
_OF_CARD = re.compile(
    r"(?P<before>[a-z]*)_?(?:card|(?:^|_)cc)_?(?:number|num|nr|no|code|pin|pan|cid|csc|digits)(?:_?code)?(?:_?[0-9])?$"
)
# Cards that pay nothing.
_OTHER_CARDS = re.compile(
    r"(?:gift|loyalty|membership|member|club|bonus|discount|rewards?|store|id|identity|student|staff|health|insurance|"
    r"library|travel|sim|business|boarding|memory|stamp|punch|report|score|flash|post|wild|pla|dis)$"
)
# No field of the API has a longer name: one that does is refused for that, and is not worth the time.
_MAX_NAME = 100
_EXPIRY = frozenset({"expmonth", "expyear", "expiry", "expirydate", "expirymonth", "expiryyear", "exp"})


def hold_card_data(names: Iterable[str]) -> bool:
    """Whether one of an object's fields is meant for card data, or two of them together: a number and an expiry."""
    plain = [unicodedata.normalize("NFKC", name) for name in names if len(name) <= _MAX_NAME]
    flat = {_BETWEEN.sub("", name).lower() for name in plain}
    return any(map(_is_card_field, plain)) or ("number" in flat and bool(flat & _EXPIRY))


def _is_card_field(name: str) -> bool:
    pieces = [piece for piece in _BETWEEN.split(name.lower()) if piece]
    words = [word.lower() for word in _WORD.findall(name)]
    flat = "".join(pieces)
    if _WHOLE.fullmatch(flat) or "csc" in {*words, *pieces}:
        return True
    if any(map(_SECURITY_CODE.search, pieces)):
        return True
    return any(map(_is_of_a_card, ("_".join(words), "_".join(pieces))))


def _is_of_a_card(name: str) -> bool:
    if _LONG_FORM.search(name) or _TRACK.match(name):
        return True
    found = _OF_CARD.search(name)
    return found is not None and _OTHER_CARDS.search(found["before"]) is None
