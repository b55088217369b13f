"""Numbers as brokers write them: thousands with commas, dollars with signs, losses in parentheses."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

_NUMBER: Final = re.compile(
    r"[+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d{1,30})(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,2})?", re.ASCII
)
#: Most numbers are nothing but digits, and no longer than this.
_PLAIN: Final = 30


@lru_cache(maxsize=1 << 17)
def a_number(text: str) -> Decimal:
    """The number that `text` writes; raises ValueError where it writes none, or one that can be read in two ways.

    A comma separates thousands and nothing else: ``1,20`` could be either and is refused.
    """
    digits = (text[1:] if text[:1] == "-" else text).replace(".", "", 1)
    if digits.isdecimal() and digits.isascii() and len(digits) <= _PLAIN:
        return Decimal(text)
    plain = text.strip()
    if plain.startswith("(") and plain.endswith(")"):
        return -a_number(plain[1:-1])
    plain = plain.replace("$", "", 1).replace(" ", "")
    if not _NUMBER.fullmatch(plain):
        raise ValueError(text)
    return Decimal(plain.replace(",", ""))
