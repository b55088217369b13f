"""A trade that has not happened, in after-tax dollars: the tax engine with it and without it, and the difference.

    gain            what the sale realizes, lot by lot, with its term and when each lot becomes long-term
    wash sale       losses it disallows, where they go, and until when more of them can be disallowed
    by year         what it adds to the year's net gain or loss, short-term and long-term
    tax             short rate × short-term change + long rate × long-term change; a loss is worth its rate

Rates are the caller's: none is assumed. The rates apply to every dollar of the change, that is, no other limit of the
return (the yearly limit on losses, carryovers, brackets) is reached.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tickledger.domain.errors import LedgerError
from tickledger.domain.lot import Lot, RealizedGain, Term
from tickledger.domain.money import round_cents
from tickledger.domain.order import OrderSide
from tickledger.domain.wash_sale import WashSaleEffect
from tickledger.execution.tax_history import HYPOTHETICAL, TaxHistory, hypothetical_fill
from tickledger.execution.wash_sale_awareness import effect_of
from tickledger.tax.fills import Fill, LotChoice
from tickledger.tax.holding_period import long_term_from
from tickledger.tax.result import TaxResult
from tickledger.tax.wash_sales import WINDOW_DAYS

_NOTHING: Final = Decimal(0)
_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Rates:
    """What a dollar of net short-term and of net long-term gain is taxed, as parts (0.37, 0.20)."""

    short_term: Decimal
    long_term: Decimal


@dataclass(frozen=True, slots=True)
class Trade:
    """What might be traded: so many shares of a lot sold, or of a symbol bought, on a date.

    `price` is USD per share, `charges` are USD in all. `lot` is the lot to sell, None for a purchase.
    """

    account_id: str
    symbol: str
    quantity: Decimal
    price: Decimal
    on: date
    charges: Decimal = _NOTHING
    lot: Lot | None = None

    def fill(self, *, on: date | None = None) -> Fill:
        """The trade as a fill, on another date where one is given."""
        lots = () if self.lot is None else (LotChoice(self.lot.open_execution_id, self.quantity),)
        return hypothetical_fill(
            account_id=self.account_id,
            symbol=self.symbol,
            side=OrderSide.BUY if self.lot is None else OrderSide.SELL,
            quantity=self.quantity,
            price=self.price,
            trade_date=on or self.on,
            charges=self.charges,
            lots=lots,
        )


@dataclass(frozen=True, slots=True)
class SoldLot:
    """What one lot would bring. `long_term_from` is the first day whose sale is long-term, `days_to_long_term` 0 then.

    Under IRC 1233 a short beside the shares may make a gain short-term after that day.
    """

    gain: RealizedGain
    long_term_from: date
    days_to_long_term: int


@dataclass(frozen=True, slots=True)
class YearChange:
    """What changes in one tax year's net gain (IRC 1222), USD; losses that a purchase disallows raise it."""

    tax_year: int
    short_term: Decimal
    long_term: Decimal
    net_before: Decimal
    net_after: Decimal

    def tax(self, rates: Rates) -> Decimal:
        """The tax of the change, USD; negative where it saves."""
        return round_cents(rates.short_term * self.short_term + rates.long_term * self.long_term)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The same sale on the first day on which all of it is long-term, at the same price.

    `after_tax` and `break_even_price` need rates: None without. At a price above `break_even_price` on that day
    waiting pays; it is None where a loss of either sale would be disallowed as well.
    """

    on: date
    days: int
    change: tuple[YearChange, ...]
    disallowed_loss: Decimal
    after_tax: Decimal | None
    difference: Decimal | None
    break_even_price: Decimal | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer. `window_end` is the last day on which a purchase still disallows what is left of the sale's loss.

    `open_loss` is that rest, USD. `carriers` are the lots that the disallowed losses go into, as they would be, and
    `bought` is the lot that a purchase opens. `tax` and `after_tax` (net proceeds less tax) are None without rates.
    """

    trade: Trade
    sold: tuple[SoldLot, ...]
    wash_sale: WashSaleEffect
    open_loss: Decimal
    window_end: date | None
    carriers: tuple[Lot, ...]
    bought: tuple[Lot, ...]
    change: tuple[YearChange, ...]
    net_proceeds: Decimal
    tax: Decimal | None
    after_tax: Decimal | None
    waiting: Waiting | None
    rates: Rates | None
    notes: tuple[str, ...] = ()


def what_if(history: TaxHistory, trade: Trade, *, rates: Rates | None = None) -> WhatIf:
    """What `trade` would change; it must not be before the last fill.

    Raises LedgerError where the engine cannot compute the security's history.
    """
    related = history.ordered().related(trade.symbol)
    fill = trade.fill()
    before, after = related.result(until=trade.on), related.result(fill, until=trade.on)
    effect = effect_of(before, after)
    if effect.problem:
        raise LedgerError(effect.problem)
    gains = _of_trade(after)
    net_of_years = _net_of_years(history, trade)
    change = _changes(before, after, net_of_years)
    tax = None if rates is None else sum((year.tax(rates) for year in change), _NOTHING)
    net = -fill.net_amount if trade.lot is None else fill.net_amount
    after_tax = None if tax is None else round_cents(net) - tax
    open_loss = sum((max(-gain.gain_loss, _NOTHING) for gain in gains), _NOTHING)
    return WhatIf(
        trade=trade,
        sold=tuple(_sold(gain) for gain in gains),
        wash_sale=effect,
        open_loss=open_loss,
        window_end=trade.on + timedelta(days=WINDOW_DAYS) if open_loss else None,
        carriers=tuple(_carriers(after, effect)),
        bought=tuple(lot for lot in after.open_lots if lot.open_execution_id == HYPOTHETICAL),
        change=change,
        net_proceeds=round_cents(net),
        tax=tax,
        after_tax=after_tax,
        waiting=_waiting(related, trade, gains, after_tax=after_tax, rates=rates, net=net_of_years),
        rates=rates,
        notes=tuple(_notes(trade, gains)),
    )


def open_lots(history: TaxHistory, *, until: date) -> tuple[Lot, ...]:
    """What is held after the last fill."""
    return history.result(until=until).open_lots


def _of_trade(result: TaxResult) -> list[RealizedGain]:
    return [gain for gain in result.gains if gain.close_execution_id == HYPOTHETICAL]


def _sold(gain: RealizedGain) -> SoldLot:
    since = date.fromordinal(long_term_from(gain.holding_start.toordinal()))
    days = max((since - gain.sold_date).days, 0) if gain.term is Term.SHORT else 0
    return SoldLot(gain, since, days)


def _net_of_years(history: TaxHistory, trade: Trade) -> Mapping[int, Decimal]:
    """The net gain of each year as it is, of all the securities of the account's owner."""
    net: defaultdict[int, Decimal] = defaultdict(Decimal)
    everything = history.result(until=trade.on)
    for columns in everything.households:
        if trade.account_id in columns.book.accounts:
            ids = frozenset(columns.book.accounts)
            for gain in everything.gains:
                if gain.account_id in ids:
                    net[gain.tax_year] += gain.gain_loss
    return net


def _changes(before: TaxResult, after: TaxResult, net: Mapping[int, Decimal]) -> tuple[YearChange, ...]:
    """The years whose gains differ."""
    sums: defaultdict[int, dict[Term, Decimal]] = defaultdict(lambda: dict.fromkeys(Term, _NOTHING))
    for sign, result in ((-_ONE, before), (_ONE, after)):
        for gain in result.gains:
            sums[gain.tax_year][gain.term] += sign * gain.gain_loss
    return tuple(
        YearChange(year, of_term[Term.SHORT], of_term[Term.LONG], net.get(year, _NOTHING), _total(net, year, of_term))
        for year, of_term in sorted(sums.items())
        if any(of_term.values())
    )


def _total(net: Mapping[int, Decimal], year: int, of_term: Mapping[Term, Decimal]) -> Decimal:
    return net.get(year, _NOTHING) + sum(of_term.values(), _NOTHING)


def _carriers(after: TaxResult, effect: WashSaleEffect) -> Iterable[Lot]:
    ids = {replacement.lot_id for replacement in effect.replacements}
    return (lot for lot in after.lots if lot.lot_id in ids)


def _waiting(
    related: TaxHistory,
    trade: Trade,
    gains: Sequence[RealizedGain],
    *,
    after_tax: Decimal | None,
    rates: Rates | None,
    net: Mapping[int, Decimal],
) -> Waiting | None:
    """The comparison with waiting, None where nothing would be gained by it or nothing is sold."""
    short = [_sold(gain).long_term_from for gain in gains if gain.term is Term.SHORT]
    on = max(short, default=trade.on)
    if on <= trade.on:
        return None
    before, after = related.result(until=on), related.result(trade.fill(on=on), until=on)
    effect = effect_of(before, after)
    if effect.problem:
        return None
    change = _changes(before, after, net)
    later: Decimal | None = None
    if rates is not None:
        later = round_cents(trade.fill().net_amount) - sum((year.tax(rates) for year in change), _NOTHING)
    basis = sum((gain.basis for gain in gains), _NOTHING)
    has_disallowed = bool(effect.disallowed_loss) or any(gain.disallowed_loss for gain in gains)
    break_even = None if has_disallowed else _break_even(trade, basis, after_tax, rates)
    return Waiting(
        on=on,
        days=(on - trade.on).days,
        change=change,
        disallowed_loss=effect.disallowed_loss,
        after_tax=later,
        difference=None if later is None or after_tax is None else later - after_tax,
        break_even_price=break_even,
    )


def _break_even(trade: Trade, basis: Decimal, after_tax: Decimal | None, rates: Rates | None) -> Decimal | None:
    """The price at which the later sale leaves as much: net − long × (net − basis) = after_tax, solved for net."""
    if rates is None or after_tax is None or rates.long_term >= _ONE:
        return None
    net = (after_tax - rates.long_term * basis) / (_ONE - rates.long_term)
    return round_cents((net + trade.charges) / trade.quantity)


def _notes(trade: Trade, gains: Sequence[RealizedGain]) -> Iterable[str]:
    if trade.lot is not None and not gains:
        yield f"{trade.account_id} is not taxed: the sale realizes neither gain nor loss"
    if trade.lot is not None and any(gain.lot_id != trade.lot.lot_id for gain in gains):
        yield (
            f"the shares that {trade.lot.open_execution_id} opened lie in several lots, and the engine's policy P7, "
            f"not the choice of {trade.lot.lot_id}, says which of them leave first"
        )
    if any(gain.policies for gain in gains):
        names = sorted({name for gain in gains for name in gain.policies})
        yield f"the answer depends on the policies {', '.join(names)}, see docs/tax-rules.md"
