"""What an order has to be so that the venue takes it: the placed order as a `VenueOrder`, or IB's error.

The checks and their codes are those of TWS before it sends an order on; what the broker and the market say after
that is the venue's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tickledger.exchange.venue_orders import VenueOrder, VenueOrderType, VenueTerm
from tickledger.gateway.answers import NEW_YORK
from tickledger.gateway.listings import Listing, is_on_increment
from tickledger.gateway.placed_order import PlacedOrder

_ALGOS: Final = frozenset(("", "Adaptive", "Twap", "Vwap"))
_SIDES: Final = frozenset(("BUY", "SELL", "SSHORT"))
#: Other spellings TWS takes.
_SPELLINGS: Final = {"STPLMT": "STP LMT", "TRAILLMT": "TRAIL LIMIT", "STP LIMIT": "STP LMT", "LIMIT": "LMT"}
_WITH_LIMIT: Final = frozenset((VenueOrderType.LMT, VenueOrderType.STP_LMT, VenueOrderType.LOC))
_WITH_STOP: Final = frozenset((VenueOrderType.STP, VenueOrderType.STP_LMT))
_TRAILING: Final = frozenset((VenueOrderType.TRAIL, VenueOrderType.TRAIL_LIMIT))
_HUNDRED: Final = Decimal(100)
_MOST_SHARES: Final = Decimal(10**12)
_HIGHEST_PRICE: Final = Decimal(10**9)

NOT_ON_INCREMENT: Final = 110
INVALID_REQUEST: Final = 321
NO_QUANTITY: Final = 434
UNSUPPORTED_TYPE: Final = 387
UNKNOWN_ALGO: Final = 439
INVALID_TERM: Final = 10052
FRACTIONAL: Final = 10243
_INVALID: Final = "Error validating request.-'{}' : cause - {}"


@dataclass(frozen=True, slots=True)
class Refusal(Exception):  # noqa: N818  it is the answer the client gets, by IB's code
    """Why TWS does not send an order on."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What the gateway knows of an order beside what the client wrote."""

    listing: Listing
    account: str
    permanent_id: int
    parent_id: int | None = None


def venue_order(placed: PlacedOrder, known: Terms) -> VenueOrder:
    """The order as the venue takes it; raises Refusal with IB's code where TWS would not send it on."""
    order_type = _order_type(placed)
    term = _term(placed)
    quantity = _quantity(placed)
    _check_side_and_algo(placed)
    is_trailing = order_type in _TRAILING
    percent = placed.number("trailingPercent") if is_trailing else None
    return VenueOrder(
        order_key=known.permanent_id,
        account_id=known.account,
        symbol=known.listing.symbol,
        is_buy=placed.term("action") == "BUY",
        quantity=quantity,
        order_type=order_type,
        term=term,
        limit_price=_limit_price(placed, order_type),
        stop_price=_stop_price(placed, order_type),
        trail_amount=_trail_amount(placed) if is_trailing and percent is None else None,
        trail_percent=_percent(percent),
        limit_offset=_limit_offset(placed) if order_type is VenueOrderType.TRAIL_LIMIT else None,
        good_after=_instant(placed, "goodAfterTime"),
        good_till=_instant(placed, "goodTillDate") if term is VenueTerm.GTD else None,
        outside_hours=placed.is_set("outsideRth"),
        oca_group=placed.term("ocaGroup"),
        oca_type=int(placed.term("ocaType") or 0),
        parent_key=known.parent_id,
        is_transmitted=placed.is_set("transmit"),
        algo=placed.term("algoStrategy"),
        algo_params=dict(placed.algo_params),
    )


def invalid(cause: str, *, where: str = "bW") -> Refusal:
    """Error 321 with its cause."""
    return Refusal(INVALID_REQUEST, _INVALID.format(where, cause))


def _order_type(placed: PlacedOrder) -> VenueOrderType:
    said = placed.term("orderType").upper()
    try:
        return VenueOrderType(_SPELLINGS.get(said, said))
    except ValueError:
        text = "Unsupported order type for this exchange and security type."
        raise Refusal(UNSUPPORTED_TYPE, text) from None


def _term(placed: PlacedOrder) -> VenueTerm:
    said = placed.term("tif").upper()
    try:
        return VenueTerm(said or VenueTerm.DAY)
    except ValueError:
        raise Refusal(INVALID_TERM, f"Invalid time in force:{said}") from None


def _quantity(placed: PlacedOrder) -> Decimal:
    quantity = placed.number("totalQuantity")
    if quantity is None or quantity <= 0:
        raise Refusal(NO_QUANTITY, "The order size cannot be zero.")
    if quantity > _MOST_SHARES:
        raise invalid(f"The size {quantity:f} is above the {_MOST_SHARES} shares that an order can have")
    if quantity != quantity.to_integral_value():
        raise Refusal(FRACTIONAL, "Fractional-sized order cannot be placed via API. Please use desktop version.")
    return quantity


def _check_side_and_algo(placed: PlacedOrder) -> None:
    if placed.term("action") not in _SIDES:
        raise invalid(f"Invalid order action '{placed.term('action')}'")
    if placed.term("algoStrategy") not in _ALGOS:
        raise Refusal(UNKNOWN_ALGO, "The algorithm definition is not found.")


def _limit_price(placed: PlacedOrder, order_type: VenueOrderType) -> Decimal | None:
    if order_type in _WITH_LIMIT:
        return _price(placed, "lmtPrice")
    if order_type is VenueOrderType.TRAIL_LIMIT:
        given = placed.number("lmtPrice")
        return _price(placed, "lmtPrice") if given else None
    return None


def _stop_price(placed: PlacedOrder, order_type: VenueOrderType) -> Decimal | None:
    if order_type in _WITH_STOP:
        return _price(placed, "auxPrice")
    if order_type in _TRAILING and placed.number("trailStopPrice"):
        return _price(placed, "trailStopPrice")
    return None


def _trail_amount(placed: PlacedOrder) -> Decimal:
    amount = placed.number("auxPrice")
    if amount is None or not 0 < amount <= _HIGHEST_PRICE:
        raise invalid("A trailing order needs a trailing amount (auxPrice) or a trailing percentage")
    return amount


def _limit_offset(placed: PlacedOrder) -> Decimal | None:
    offset = placed.number("lmtPriceOffset")
    if offset is not None and abs(offset) > _HIGHEST_PRICE:
        raise invalid(f"The limit offset {offset} is too large")
    return offset


def _percent(percent: Decimal | None) -> Decimal | None:
    if percent is not None and not 0 < percent < _HUNDRED:
        raise invalid(f"The trailing percentage must lie between 0 and 100, not at {percent}")
    return percent


def _price(placed: PlacedOrder, name: str) -> Decimal:
    price = placed.number(name)
    if price is None or not 0 < price <= _HIGHEST_PRICE:
        raise invalid(f"The price {name} is missing, not above zero or too high")
    if not is_on_increment(price):
        raise Refusal(
            NOT_ON_INCREMENT,
            "The price does not conform to the minimum price variation for this contract.",
        )
    return price


def _instant(placed: PlacedOrder, name: str) -> datetime | None:
    text = placed.term(name).strip()
    if not text:
        return None
    try:
        return read_instant(text)
    except ValueError:
        cause = f"The date, time, or time-zone of {name} is not of the form yyyymmdd hh:mm:ss: '{text}'"
        raise invalid(cause) from None


def read_instant(text: str) -> datetime:
    """An instant as clients write it: ``20130328 15:00:00 US/Eastern``, ``20130328-19:00:00`` (UTC), or a date.

    A time without a zone is New York's. Raises ValueError.
    """
    # A zone whose name is a folder of the zones' files fails as a file would; a date at the calendar's end overflows.
    for read in _INSTANTS:
        try:
            return read(text)
        except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
            continue
    raise ValueError(f"expected an instant such as 20130328 15:00:00 US/Eastern, found {text!r}")


def _with_zone(text: str) -> datetime:
    day, hour, zone = text.split()
    return _local(f"{day} {hour}", "%Y%m%d %H:%M:%S", ZoneInfo(zone))


def _in_new_york(text: str) -> datetime:
    return _local(" ".join(text.split()), "%Y%m%d %H:%M:%S", NEW_YORK)


def _in_utc(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)


def _end_of_date(text: str) -> datetime:
    midnight = datetime.strptime(text, "%Y%m%d").replace(tzinfo=NEW_YORK)
    return (midnight + timedelta(days=1) - timedelta(seconds=1)).astimezone(UTC)


def _local(text: str, form: str, zone: ZoneInfo) -> datetime:
    return datetime.strptime(text, form).replace(tzinfo=zone).astimezone(UTC)


_INSTANTS: Final[Sequence[Callable[[str], datetime]]] = (_with_zone, _in_new_york, _in_utc, _end_of_date)
