"""The reference a customer quotes: an ISO 11649 creditor reference, which banks carry in a field of its own.

`RF`, two check digits, and up to 21 letters and digits. The check digits are those of IBANs (ISO/IEC 7064, mod 97-10):
a mistyped reference or account number is seen before money goes astray.
"""

from __future__ import annotations

import hashlib

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: read over a telephone, copied from a screen
_LENGTH = 12
"""60 bits of the payment's id: with ten million payments of an account, two meet once in 20,000 such accounts. The
database refuses the second, and the next try has another id.
"""


def creditor_reference(payment_id: str) -> str:
    """The reference of a payment, without blanks; the same for the same id."""
    number = int.from_bytes(hashlib.sha256(payment_id.encode()).digest())
    body = "".join(_ALPHABET[(number >> (5 * place)) % 32] for place in range(_LENGTH))
    return f"RF{check_digits('RF', body)}{body}"


def check_digits(prefix: str, body: str) -> str:
    """The two digits between a prefix of letters and a body of upper-case letters and digits."""
    return f"{98 - _remainder(f'{body}{prefix}00'):02d}"


def is_checked(code: str) -> bool:
    """Whether a creditor reference or an IBAN, without blanks, carries the check digits that its characters demand."""
    plain = code.isascii() and code.isalnum() and code[:2].isalpha() and code[2:4].isdigit()
    return plain and len(code) > 4 and _remainder(code[4:] + code[:4]) == 1


def grouped(code: str) -> str:
    """In fours, as the standard prints it."""
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))


def _remainder(text: str) -> int:
    """Letters count as 10 to 35."""
    return int("".join(str(int(character, 36)) for character in text)) % 97
