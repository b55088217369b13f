"""Dense small histories for Hypothesis: many trades in few days, so that windows overlap and losses chain."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum, auto
from fractions import Fraction

from hypothesis import strategies as st

from tests.unit.tax.share_by_share import OPENING, Side, Split, Trade
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.order import OrderSide
from tickledger.tax.fills import Fill, LotChoice

START = date(2024, 11, 1)
STEPS = (0, 0, 1, 2, 7, 15, 29, 30, 31)
MOST_SPLITS = 2


class Orders(Enum):
    """How an account's orders of one side are filled: whole, in parts one order after the other, or in turns."""

    ONE_FILL = auto()
    IN_PARTS = auto()
    IN_TURNS = auto()


#: What an account has open on one side, long or short: the shares of each lot.
Open = dict[str, Fraction]


@dataclass(frozen=True)
class History:
    """Trades in order, and the splits between them."""

    trades: tuple[Trade, ...]
    splits: tuple[Split, ...] = ()


@st.composite
def histories(
    draw: st.DrawFn,
    *,
    accounts: tuple[str, ...] = ("T1",),
    shorting: tuple[str, ...] = (),
    has_longs: bool = True,
    ratios: tuple[Fraction, ...] = (),
    identified: bool = False,
    closing_orders: Orders = Orders.IN_PARTS,
    most: int = 24,
) -> History:
    """Up to `most` trades of one security over up to half a year; orders may have several fills, on several days.

    Accounts named in `shorting` also sell short, or only that. Up to two splits, by `ratios`. `identified` sales
    name their lots.
    """
    trades, splits = list[Trade](), list[Split]()
    books: dict[tuple[str, bool], Open] = {(name, short): {} for name in accounts for short in (False, True)}
    day = START
    for number in range(draw(st.integers(2, most))):
        step = draw(st.sampled_from(STEPS))
        day += timedelta(days=step)
        if ratios and step and len(splits) < MOST_SPLITS and draw(st.integers(0, 4)) == 0:
            splits.append(Split(day, draw(st.sampled_from(ratios))))
            for book in books.values():
                book.update({name: shares * splits[-1].ratio for name, shares in book.items()})
        account = draw(st.sampled_from(accounts))
        is_short = account in shorting and (not has_longs or draw(st.booleans()))
        book = books[account, is_short]
        side = _side(draw, book, is_short=is_short)
        earlier = [trade.order for trade in trades if (trade.account, trade.side) == (account, side)]
        order = _order(draw, earlier, Orders.IN_PARTS if side in OPENING else closing_orders) or f"O{number}"
        shares = draw(st.integers(1, 4 if ratios else 9))
        shares = shares if side in OPENING else min(shares, int(sum(book.values())))
        amount = Fraction(draw(st.integers(100, 2000)) * shares, 100)
        trade = Trade(f"E{number:02d}", order, account, day, side, shares, amount)
        trades.append(_entered(draw, trade, book, identified=identified))
    return History(tuple(trades), tuple(splits))


def _order(draw: st.DrawFn, earlier: list[str], orders: Orders) -> str | None:
    """An order of the same account and side that this is a further fill of."""
    if not earlier or orders is Orders.ONE_FILL or not draw(st.booleans()):
        return None
    return draw(st.sampled_from(earlier)) if orders is Orders.IN_TURNS else earlier[-1]


def _side(draw: st.DrawFn, book: Open, *, is_short: bool) -> Side:
    """Open where there is nothing to close, else either."""
    opening, closing = (Side.SELL_SHORT, Side.BUY_TO_COVER) if is_short else (Side.BUY, Side.SELL)
    return opening if sum(book.values()) < 1 or draw(st.booleans()) else closing


def _entered(draw: st.DrawFn, trade: Trade, book: Open, *, identified: bool) -> Trade:
    """Keep count of what is open; an identified sale names lots, another takes the count from any."""
    if trade.side in OPENING:
        book[trade.name] = Fraction(trade.shares)
        return trade
    chosen = _chosen(draw, trade, book) if identified else ()
    if chosen:
        shares = sum(count for _, count in chosen)
        return replace(trade, chosen=chosen, shares=shares, amount=trade.amount / trade.shares * shares)
    left = Fraction(trade.shares)
    for name in sorted(book):
        taken = min(left, book[name])
        book[name] -= taken
        left -= taken
    return trade


def _chosen(draw: st.DrawFn, trade: Trade, book: Open) -> tuple[tuple[str, int], ...]:
    """Whole shares of lots in any order, as many as the trade has or, where lots hold fractions, fewer."""
    left, chosen = trade.shares, list[tuple[str, int]]()
    for name in draw(st.permutations(sorted(book))):
        taken = min(left, int(book[name]))
        if taken:
            chosen.append((name, taken))
            book[name] -= taken
            left -= taken
    return tuple(chosen)


def trades(*, accounts: tuple[str, ...] = ("T1",), identified: bool = False) -> st.SearchStrategy[list[Trade]]:
    """Purchases and sales alone."""
    return histories(accounts=accounts, identified=identified).map(lambda history: list(history.trades))


def told(text: str, *splits: Split) -> History:
    """A history in words, a trade a line: ``S1 2024-11-05 T1 SELL 1 @ 2.00 O1``, or an order of its own."""
    lines = [line.split() for line in text.strip().splitlines()]
    return History(
        tuple(
            Trade(
                name=name,
                order=order[0] if order else name,
                account=account,
                day=date.fromisoformat(day),
                side=Side(side),
                shares=int(shares),
                amount=Fraction(price) * int(shares),
            )
            for name, day, account, side, shares, _, price, *order in lines
        ),
        splits,
    )


def as_fill(trade: Trade, *, symbol: str = "X") -> Fill:
    """The trade as the engine takes it."""
    return Fill(
        execution_id=trade.name,
        order_id=trade.order,
        account_id=trade.account,
        symbol=symbol,
        side=OrderSide(trade.side),
        quantity=Decimal(trade.shares),
        gross_amount=Decimal(trade.amount.numerator) / trade.amount.denominator,
        commission=Decimal(0),
        trade_date=trade.day,
        lots=tuple(LotChoice(lot, Decimal(count)) for lot, count in trade.chosen),
    )


def as_action(split: Split, *, symbol: str = "X") -> CorporateAction:
    """The split as the engine takes it."""
    return CorporateAction(symbol, split.day, CorporateActionKind.SPLIT, ratio=split.ratio)
