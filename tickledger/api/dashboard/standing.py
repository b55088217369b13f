"""How an account stands now: as its session says where one lives, else as the ledger has it at the last close."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tickledger.api.dashboard.formats import clock_time, day
from tickledger.api.dashboard.page import Look
from tickledger.api.live import LiveAccount
from tickledger.api.queries.overview import HeldPosition, NavPoint, first_equity, held_positions, net_deposits, sectors

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Standing:
    """An account now, USD; `today` and `to_date` are None where nothing can be compared.

    `told` says who says so.
    """

    nav: Decimal
    cash: Decimal
    today: Decimal | None
    to_date: Decimal | None
    held: Sequence[HeldPosition]
    told: str
    is_live: bool

    @property
    def gross(self) -> Decimal:
        """The value of all holdings, shorts counted positive."""
        return sum((abs(row.value) for row in self.held), _ZERO)

    @property
    def net(self) -> Decimal:
        """The value of all holdings, shorts counted negative."""
        return sum((row.value for row in self.held), _ZERO)


def standing_of(look: Look, history: Sequence[NavPoint]) -> Standing | None:
    """The standing of the account that is looked at; None where it never traded to a close and does not trade."""
    deposits = net_deposits(look.engine, look.account_id)
    live = look.live
    if live.is_trading and live.portfolio is not None:
        now = live.portfolio
        return Standing(
            nav=now.total_value,
            cash=now.cash,
            today=now.pnl,
            to_date=_to_date(look, now.total_value, deposits),
            held=_live_positions(look, live),
            told=f"live, {clock_time(now.valued_at)} market time",
            is_live=True,
        )
    if not history:
        return None
    last = history[-1]
    return Standing(
        nav=last.equity,
        cash=last.cash,
        today=last.equity - history[-2].equity - last.flow if len(history) > 1 else None,
        to_date=_to_date(look, last.equity, deposits),
        held=held_positions(look.engine, look.account_id),
        told=f"close of {day(last.session_date)}",
        is_live=False,
    )


def _live_positions(look: Look, live: LiveAccount) -> Sequence[HeldPosition]:
    known = sectors(look.engine, [row.symbol for row in live.positions])
    held = [
        HeldPosition(
            row.symbol, known.get(row.symbol, ""), row.quantity, row.average_cost, row.price, row.unrealized_pnl
        )
        for row in live.positions
    ]
    return sorted(held, key=lambda row: (-abs(row.value), row.symbol))


def _to_date(look: Look, nav: Decimal, deposits: Decimal) -> Decimal | None:
    """What was gained in all: over what was paid in, else over the first close; None where neither is known."""
    began = deposits or first_equity(look.engine, look.account_id)
    return None if began is None else nav - began


def part_of(amount: Decimal, of: Decimal) -> Decimal | None:
    """`amount` as a fraction of `of`; None where that is nothing."""
    return amount / of if of else None
