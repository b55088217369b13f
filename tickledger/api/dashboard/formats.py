"""Numbers and times as a person reads them. A negative amount has a minus sign, never a colour alone."""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from zoneinfo import ZoneInfo

NEW_YORK: Final = ZoneInfo("America/New_York")
NOTHING: Final = "–"
MINUS: Final = "−"
_CENT: Final = Decimal("0.01")
_BASIS_POINT: Final = Decimal("0.0001")


def usd(amount: Decimal | None, *, signed: bool = False) -> str:
    """To the cent with thousands separators: ``1,234.50``, ``−3.20``; with `signed` also ``+3.20``."""
    return NOTHING if amount is None else _marked(amount, _CENT, ",", signed=signed)


def whole_usd(amount: Decimal | None, *, signed: bool = False) -> str:
    """To the dollar, where cents say nothing."""
    return NOTHING if amount is None else _marked(amount, Decimal(1), ",", signed=signed)


def price(amount: Decimal | None) -> str:
    """USD per share: cents, and as many more digits, up to four, as it has."""
    if amount is None:
        return NOTHING
    exact = amount.quantize(_BASIS_POINT, ROUND_HALF_UP)
    return _marked(exact, _CENT if exact == exact.quantize(_CENT) else _BASIS_POINT, ",", signed=False)


def shares(quantity: Decimal | None) -> str:
    """A number of shares without trailing zeros."""
    if quantity is None:
        return NOTHING
    plain = quantity.quantize(_BASIS_POINT, ROUND_HALF_UP).normalize()
    return f"{plain:,f}".replace("-", MINUS)


def pct(part: Decimal | float | None, *, signed: bool = False, places: int = 1) -> str:
    """A fraction as per cent: ``12.3 %``."""
    if part is None:
        return NOTHING
    return f"{_marked(Decimal(str(part)) * 100, Decimal(1).scaleb(-places), '', signed=signed)} %"


def number(value: Decimal | float | None, *, places: int = 2, signed: bool = False) -> str:
    """A plain number with `places` digits after the point."""
    return NOTHING if value is None else _marked(Decimal(str(value)), Decimal(1).scaleb(-places), ",", signed=signed)


def count(value: int) -> str:
    """How many, with thousands separators."""
    return f"{value:,}"


def day(value: date | None) -> str:
    """A civil date, ISO 8601."""
    return NOTHING if value is None else value.isoformat()


def moment(value: datetime | None) -> str:
    """Date and time in New York, to the second."""
    return NOTHING if value is None else f"{value.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S}"


def clock_time(value: datetime | None) -> str:
    """The time in New York, to the second."""
    return NOTHING if value is None else f"{value.astimezone(NEW_YORK):%H:%M:%S}"


def words(name: str) -> str:
    """A name of code as words: ``max_daily_loss`` as ``max daily loss``."""
    return name.replace("_", " ")


def _marked(value: Decimal, step: Decimal, separator: str, *, signed: bool) -> str:
    rounded = value.quantize(step, ROUND_HALF_UP)
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    return f"{sign}{abs(rounded):{separator}f}"
