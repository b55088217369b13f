"""From one close to the next: how cash and net asset value (NAV) got there, to the cent.

    closing cash = opening cash + trades + charges + dividends + interest + fees + deposits + withdrawals
                   + corporate-action cash + cash difference
    closing NAV  = opening NAV + market gain + charges + dividends + interest + fees + deposits + withdrawals
                   + NAV difference
    market gain  = change of the positions' market value + trades + corporate-action cash

Every amount has the sign of what it adds: purchases, charges and withdrawals are negative. `trades` is what was sold
less what was bought, without charges; corporate-action cash is cash in lieu, returned capital and what mergers paid.
The differences are what the record does not tell: cash that moved without a reason, positions that are not what the
balance says. They are zero where all is told, and never spread over the rest.

Balances are rounded to the cent, an amount once each session, by largest remainder (`pnl_rounding`), so that the rows
of a period add up to the period's. The market gain takes what rounding leaves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any, Final

import numpy as np

from tickledger.domain.execution import CashKind
from tickledger.domain.money import round_cents
from tickledger.domain.position import Balance
from tickledger.reporting.pnl_columns import AccountHistory, Integers, as_days, of_cents, of_units, to_cents, to_units
from tickledger.reporting.pnl_rounding import cents_of
from tickledger.reporting.table import Table

#: The column of the cash roll-forward that each kind of cash is told in.
_COLUMN_OF_KIND: Final = {
    CashKind.DEPOSIT: "deposits",
    CashKind.WITHDRAWAL: "withdrawals",
    CashKind.DIVIDEND: "dividends",
    CashKind.INTEREST: "interest",
    CashKind.FEE: "fees",
    CashKind.CASH_IN_LIEU: "corporate_action_cash",
    CashKind.RETURN_OF_CAPITAL: "corporate_action_cash",
    CashKind.MERGER: "corporate_action_cash",
}
#: What moves cash, in the order of the columns.
CASH_COLUMNS: Final = (
    *("trades", "charges", "dividends", "interest", "fees"),
    *("deposits", "withdrawals", "corporate_action_cash"),
)
#: What of it moves NAV as well: trades and corporate actions exchange cash for value.
NAV_COLUMNS: Final = ("charges", "dividends", "interest", "fees", "deposits", "withdrawals")


@dataclass(frozen=True, slots=True)
class RollForward:
    """An account from one close to another, `session_date`'s, USD in whole cents; see the module for what ties to what.

    `gross_exposure` and `net_exposure` are the positions' market values at the close, absolute and signed.
    """

    account_id: str
    session_date: date
    opening_cash: Decimal
    trades: Decimal
    charges: Decimal
    dividends: Decimal
    interest: Decimal
    fees: Decimal
    deposits: Decimal
    withdrawals: Decimal
    corporate_action_cash: Decimal
    cash_difference: Decimal
    closing_cash: Decimal
    opening_nav: Decimal
    market_gain: Decimal
    nav_difference: Decimal
    closing_nav: Decimal
    gross_exposure: Decimal
    net_exposure: Decimal

    @property
    def ties(self) -> bool:
        """Whether nothing is left that the record does not tell."""
        return not self.cash_difference and not self.nav_difference


def roll_forwards(history: AccountHistory, *, start: date | None = None) -> list[RollForward]:
    """A row for each session of `history` from `start` on; what happens between two sessions counts for the later."""
    if not history.balances:
        return []
    moved = _moved(history)
    gross, net = _market_values(history)
    balances = [Balance(history.account_id, date.min, Decimal(0), Decimal(0)), *history.balances]
    cash = _closes(row.cash for row in balances)
    explained = moved.sum(axis=1)
    differences = _differences(np.diff(_units(row.cash for row in balances)) - explained)
    differences = np.where((moved == 0).all(axis=1), np.diff(cash), differences)
    days = np.repeat(np.arange(len(moved)), len(CASH_COLUMNS))
    cents = cents_of(moved.reshape(-1), days, np.diff(cash) - differences).reshape(moved.shape)
    # What positions are worth is the balance's equity less its cash, or else the difference says so.
    beyond = _units(row.equity - row.cash for row in history.balances) - net
    of_positions = _differences(np.diff(np.where(np.abs(beyond) < _HALF_CENT, 0, beyond), prepend=0))
    rows = zip(pairwise(balances), cents, differences, of_positions, gross, net, strict=True)
    told = [
        _row(before, after, [int(cell) for cell in amounts], (int(of_cash), int(of_cash + of_position)), (g, n))
        for (before, after), amounts, of_cash, of_position, g, n in rows
    ]
    return [row for row in told if row.session_date >= (start or date.min)]


_HALF_CENT: Final = 5_000


def _row(
    before: Balance,
    after: Balance,
    amounts: Sequence[int],
    differences: tuple[int, int],
    exposure: tuple[np.int64, np.int64],
) -> RollForward:
    told = {name: of_cents(cents) for name, cents in zip(CASH_COLUMNS, amounts, strict=True)}
    opening_nav, closing_nav = round_cents(before.equity), round_cents(after.equity)
    of_cash, of_nav = map(of_cents, differences)
    market_gain = closing_nav - opening_nav - of_nav - sum((told[name] for name in NAV_COLUMNS), Decimal(0))
    return RollForward(
        account_id=after.account_id,
        session_date=after.session_date,
        opening_cash=round_cents(before.cash),
        cash_difference=of_cash,
        closing_cash=round_cents(after.cash),
        opening_nav=opening_nav,
        market_gain=market_gain,
        nav_difference=of_nav,
        closing_nav=closing_nav,
        gross_exposure=round_cents(of_units(int(exposure[0]))),
        net_exposure=round_cents(of_units(int(exposure[1]))),
        **told,
    )


def _moved(history: AccountHistory) -> Integers:
    """What moved cash in each session by column, in millionths of a USD."""
    sums: list[dict[str, Decimal]] = [dict.fromkeys(CASH_COLUMNS, Decimal(0)) for _ in (*history.balances, None)]
    sessions = history.session_dates

    of_fills = np.searchsorted(sessions, as_days(fill.trade_date for fill in history.executions))
    for place, fill in zip(of_fills.tolist(), history.executions, strict=True):
        sums[place]["trades"] -= fill.side.sign * fill.quantity * fill.price
        sums[place]["charges"] -= fill.commission + fill.fees
    of_cash = np.searchsorted(sessions, as_days(row.session_date for row in history.cash_transactions))
    for place, row in zip(of_cash.tolist(), history.cash_transactions, strict=True):
        sums[place][_COLUMN_OF_KIND[row.kind]] += row.amount
    return np.array([[to_units(each[name]) for name in CASH_COLUMNS] for each in sums[:-1]], dtype=np.int64)


def _market_values(history: AccountHistory) -> tuple[Integers, Integers]:
    """The positions' values at each close, absolute and signed, in millionths of a USD."""
    positions, sessions = history.positions, history.session_dates
    day = np.searchsorted(sessions, positions.session_date)
    value = positions.value
    gross, net = np.zeros(len(sessions), dtype=np.int64), np.zeros(len(sessions), dtype=np.int64)
    np.add.at(gross, day, np.abs(value))
    np.add.at(net, day, value)
    return gross, net


def _closes(amounts: Iterable[Decimal]) -> Integers:
    return np.array([to_cents(round_cents(amount)) for amount in amounts], dtype=np.int64)


def _units(amounts: Iterable[Decimal]) -> Integers:
    return np.array([to_units(amount) for amount in amounts], dtype=np.int64)


def _differences(units: Integers) -> Integers:
    """Millionths of a USD in whole cents; less than half a cent is rounding."""
    cents: Integers = np.sign(units) * ((np.abs(units) + _HALF_CENT) // (2 * _HALF_CENT))
    return cents


def rolled(rows: Sequence[RollForward]) -> RollForward:
    """The roll-forward of the period that `rows`, sessions of one account in order, make up; needs one at least."""
    first, last = rows[0], rows[-1]
    summed = ("cash_difference", "market_gain", "nav_difference", *CASH_COLUMNS)
    sums: dict[str, Any] = {name: sum((getattr(row, name) for row in rows), Decimal(0)) for name in summed}
    return replace(last, opening_cash=first.opening_cash, opening_nav=first.opening_nav, **sums)


def monthly(rows: Iterable[RollForward]) -> list[RollForward]:
    """A roll-forward for each calendar month of the sessions of one account, told by its last session."""
    months = groupby(rows, key=lambda row: (row.session_date.year, row.session_date.month))
    return [rolled(list(of_month)) for _, of_month in months]


def roll_forward_table(rows: Iterable[RollForward]) -> Table:
    """roll_forward.csv: the fields of `RollForward`, USD."""
    return Table(columns=[field.name for field in fields(RollForward)], rows=[asdict(row) for row in rows])
