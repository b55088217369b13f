"""Dense small histories for Hypothesis: many trades in few days, so that windows overlap and losses chain."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st

from tests.unit.tax.share_by_share import Trade
from tickledger.domain.order import OrderSide
from tickledger.tax.fills import Fill, LotChoice

START = date(2024, 11, 1)


@st.composite
def trades(draw: st.DrawFn, *, accounts: tuple[str, ...] = ("T1",), identified: bool = False) -> list[Trade]:
    """Up to 24 trades of one security over up to half a year; orders may have several fills, on several days."""
    day, result = START, list[Trade]()
    held: dict[str, dict[str, int]] = {name: {} for name in accounts}
    orders: dict[tuple[str, bool], str] = {}
    for number in range(draw(st.integers(2, 24))):
        day += timedelta(days=draw(st.sampled_from([0, 0, 1, 2, 7, 15, 29, 30, 31])))
        account = draw(st.sampled_from(accounts))
        in_account = sum(held[account].values())
        is_purchase = not in_account or draw(st.booleans())
        shares = draw(st.integers(1, 9)) if is_purchase else draw(st.integers(1, min(9, in_account)))
        order = orders.get((account, is_purchase), f"O{number}") if draw(st.booleans()) else f"O{number}"
        orders[account, is_purchase] = order
        cents = draw(st.integers(100, 2000)) * shares
        trade = Trade(f"E{number:02d}", order, account, day, is_purchase, shares, Fraction(cents, 100))
        if is_purchase:
            held[account][trade.name] = shares
        else:
            trade = _sold(draw, trade, held[account], identified=identified)
        result.append(trade)
    return result


def _sold(draw: st.DrawFn, trade: Trade, held: dict[str, int], *, identified: bool) -> Trade:
    """Keep count of what is held; an identified sale names lots, another takes the count from any."""
    left, chosen = trade.shares, defaultdict[str, int](int)
    lots = draw(st.permutations(sorted(held))) if identified else sorted(held)
    for lot in lots:
        taken = min(left, held[lot])
        if taken:
            chosen[lot] += taken
            held[lot] -= taken
            left -= taken
    return replace(trade, chosen=tuple(chosen.items())) if identified else trade


def as_fill(trade: Trade, *, symbol: str = "X") -> Fill:
    """The trade as the engine takes it."""
    return Fill(
        execution_id=trade.name,
        order_id=trade.order,
        account_id=trade.account,
        symbol=symbol,
        side=OrderSide.BUY if trade.is_purchase else OrderSide.SELL,
        quantity=Decimal(trade.shares),
        gross_amount=Decimal(trade.amount.numerator) / trade.amount.denominator,
        commission=Decimal(0),
        trade_date=trade.day,
        lots=tuple(LotChoice(lot, Decimal(count)) for lot, count in trade.chosen),
    )
