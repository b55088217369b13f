"""What a fill costs: the broker's commission, by a named schedule, and the regulatory fees on sales.

A commission is an order's, not a fill's: minimum and maximum apply to all its fills together. So a fill pays
what the order owes after it, less what the order's earlier fills have paid.

    ib_fixed     0.005 a share, at least 1.00, at most 1 % of the trade's value (the maximum beats the minimum)
    ib_tiered    0.0035 a share and less beyond 300,000, at least 0.35, at most 1 %; clearing and pass-through fees.
                 Tiers count the shares of one order, not of the month; the exchange's own fee or rebate, which
                 depends on venue and liquidity, is not in it
    per_order:X  X USD an order, and nothing else
    none         free of charge

Sales under Interactive Brokers' schedules pay the SEC's and FINRA's fees of their trade date. IB passes these
on unrounded (its worked example: 1,000 shares at 25.87 pay $0.563966); here every charge is kept, like a
price, to a hundredth of a cent, halves away from zero. Source: IBKR Pro commissions for US stocks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from tickledger.domain.errors import ConfigurationError
from tickledger.domain.money import PRICE_INCREMENT
from tickledger.domain.order import OrderSide
from tickledger.exchange.regulatory_fees import FINRA_TAF, SEC_SECTION_31, rate_on

_MILLION: Final = Decimal(1_000_000)
_ONE_PERCENT: Final = Decimal("0.01")
_NOTHING: Final = Decimal(0)

#: The commission an order owes for (shares filled, USD traded) so far; never falls as they grow.
OrderCommission = Callable[[Decimal, Decimal], Decimal]


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """A broker's price list: `commission` of a whole order, and whether sales pay regulatory fees on top."""

    name: str
    commission: OrderCommission
    passes_regulatory_fees: bool


@dataclass(frozen=True, slots=True)
class OrderProgress:
    """What an order has traded and paid so far: shares, USD, and USD of commission."""

    quantity: Decimal = _NOTHING
    notional: Decimal = _NOTHING
    commission: Decimal = _NOTHING


@dataclass(frozen=True, slots=True)
class Charges:
    """What one fill costs, USD. `is_estimated` says that no certain rate is on file for its date."""

    commission: Decimal
    fees: Decimal
    is_estimated: bool = False

    @property
    def total(self) -> Decimal:
        """Commission and fees together."""
        return self.commission + self.fees


def schedule(name: str) -> FeeSchedule:
    """The schedule that `name` spells: none, per_order:X, ib_fixed or ib_tiered; raises ConfigurationError."""
    kind, _, amount = name.partition(":")
    if kind == "per_order" and (flat := _amount(amount)) is not None:
        return FeeSchedule(name, lambda quantity, _: flat if quantity else _NOTHING, passes_regulatory_fees=False)
    if name in _SCHEDULES:
        return _SCHEDULES[name]
    raise ConfigurationError(f"fees: expected none, per_order:X, ib_fixed or ib_tiered, found {name!r}")


def charges(
    fees: FeeSchedule,
    *,
    side: OrderSide,
    quantity: Decimal,
    price: Decimal,
    trade_date: date,
    before: OrderProgress | None = None,
) -> Charges:
    """The charges of a fill of `quantity` shares at `price`; `before` is what its order did earlier."""
    before = before or OrderProgress()
    notional = quantity * price
    owed = _rounded(fees.commission(before.quantity + quantity, before.notional + notional))
    commission = owed - before.commission
    if side.sign > 0 or not fees.passes_regulatory_fees:
        return Charges(commission, _NOTHING)
    regulatory, is_estimated = regulatory_fees(quantity=quantity, notional=notional, trade_date=trade_date)
    return Charges(commission, regulatory, is_estimated)


def regulatory_fees(*, quantity: Decimal, notional: Decimal, trade_date: date) -> tuple[Decimal, bool]:
    """Section 31 fee and TAF of one sale, USD, and whether either rate is an estimate."""
    section_31, is_section_31_estimated = rate_on(SEC_SECTION_31, trade_date)
    taf, is_taf_estimated = rate_on(FINRA_TAF, trade_date)
    sec_fee = _rounded(notional * section_31.rate / _MILLION)
    activity_fee = quantity * taf.rate
    if taf.cap is not None:
        activity_fee = min(activity_fee, taf.cap)
    return sec_fee + _rounded(activity_fee), is_section_31_estimated or is_taf_estimated


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(PRICE_INCREMENT, rounding=ROUND_HALF_UP)


def _amount(text: str) -> Decimal | None:
    """The non-negative amount that `text` spells in plain digits, None where it spells none."""
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    return Decimal(text) if digits.isascii() and digits.isdigit() else None


def _free(_quantity: Decimal, _notional: Decimal) -> Decimal:
    return _NOTHING


def _per_share(quantity: Decimal, notional: Decimal, *, cost: Decimal, minimum: Decimal) -> Decimal:
    if not quantity:
        return _NOTHING
    return min(max(cost, minimum), notional * _ONE_PERCENT)


def _ib_fixed(quantity: Decimal, notional: Decimal) -> Decimal:
    return _per_share(quantity, notional, cost=quantity * Decimal("0.005"), minimum=Decimal("1.00"))


#: IBKR tiered: up to so many shares, USD per share (marginal).
_TIERS: Final[Sequence[tuple[Decimal, Decimal]]] = (
    (Decimal(300_000), Decimal("0.0035")),
    (Decimal(3_000_000), Decimal("0.0020")),
    (Decimal(20_000_000), Decimal("0.0015")),
    (Decimal(100_000_000), Decimal("0.0010")),
    (Decimal("Infinity"), Decimal("0.0005")),
)
_CLEARING_PER_SHARE: Final = Decimal("0.00020")
#: NYSE's and FINRA's pass-through fees, as a part of the commission.
_PASS_THROUGH: Final = Decimal("0.000175") + Decimal("0.00056")


def _ib_tiered(quantity: Decimal, notional: Decimal) -> Decimal:
    cost, lower = _NOTHING, _NOTHING
    for upper, rate in _TIERS:
        cost += max(min(quantity, upper) - lower, _NOTHING) * rate
        lower = upper
    commission = _per_share(quantity, notional, cost=cost, minimum=Decimal("0.35"))
    return commission * (1 + _PASS_THROUGH) + quantity * _CLEARING_PER_SHARE


_SCHEDULES: Final[Mapping[str, FeeSchedule]] = {
    "none": FeeSchedule("none", _free, passes_regulatory_fees=False),
    "ib_fixed": FeeSchedule("ib_fixed", _ib_fixed, passes_regulatory_fees=True),
    "ib_tiered": FeeSchedule("ib_tiered", _ib_tiered, passes_regulatory_fees=True),
}
