"""What parent orders cost, worked out of the record, written and read.

`tickledger.execution.slippage` makes a model of what is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from itertools import groupby
from typing import Final, Unpack

from sqlalchemy import Engine

from tickledger.bars.calendars import session_close
from tickledger.db import audit
from tickledger.db.market_data import read_exact_bars
from tickledger.db.records import Selection, read_values, rows_of, selected
from tickledger.db.tables import order_costs
from tickledger.db.trading import last_session, read_executions, read_order_events, read_orders
from tickledger.db.versions import ReplaceResult, Scope, replace_scope, writing
from tickledger.domain.account import Account
from tickledger.domain.errors import Problem
from tickledger.domain.market import DAILY
from tickledger.execution import order_costs_of_record as of_record
from tickledger.execution.tca import OrderCost

#: What prices are known by; a session that a broker's feed was recorded of has minutes, every other has its day.
_INTERVALS: Final = (DAILY, "1min")


@dataclass(frozen=True, slots=True)
class RecordedCosts:
    """What working out the costs of accounts changed, how many orders have one, and why others have none."""

    written: ReplaceResult
    orders: int
    problems: tuple[Problem, ...]


def record_order_costs(engine: Engine, accounts: Sequence[Account], *, start: date, end: date) -> RecordedCosts:
    """Work out and write what the orders of `accounts` cost that were decided or over from `start` to `end`.

    Those decided on the evening before `start` are among them, since they ended after it; with them goes all that was
    decided since. Doing it again, after late fills or charges, replaces what has changed.
    """
    results, problems, orders = [], [], 0
    for account in accounts:
        first, costs, untold = _costs_of(engine, account, start, end)
        results.append(replace_order_costs(engine, account, costs, start=first, end=end))
        problems += untold
        orders += len(costs)
    total = ReplaceResult(*(sum(getattr(each, field.name) for each in results) for field in fields(ReplaceResult)))
    return RecordedCosts(total, orders, tuple(problems))


def _costs_of(engine: Engine, account: Account, start: date, end: date) -> tuple[date, list[OrderCost], list[Problem]]:
    """The first session whose orders may be over since `start`, and what orders cost from then on."""
    account_id = account.account_id
    orders = read_orders(engine, account_id=account_id)
    first = of_record.first_session(orders, read_order_events(engine, account_id=account_id, start=start), start=start)
    since, last = Selection(account_id=account_id, start=first), last_session(engine, account_id)
    decided = of_record.decided_orders(
        orders,
        read_order_events(engine, **since),
        read_executions(engine, **since),
        start=first,
        end=end,
        through=None if last is None else session_close(last),
    )
    costs, problems = [], []
    # A session at a time: a year of minutes is more than fits.
    for day, of_session in groupby(sorted(decided, key=_session_date), key=_session_date):
        group = list(of_session)
        bars = read_exact_bars(
            engine,
            symbols={each.order.symbol for each in group},
            start=day,
            end=max(each.last_date for each in group),
            intervals=_INTERVALS,
        )
        found, untold = of_record.order_costs(group, bars)
        costs += found
        problems += untold
    return first, costs, problems


def _session_date(decided: of_record.DecidedOrder) -> date:
    return decided.session_date


def replace_order_costs(
    engine: Engine, account: Account, costs: Sequence[OrderCost], *, start: date, end: date
) -> ReplaceResult:
    """Make `costs` those of the parent orders of `account` from `start` to `end`.

    Raises LedgerError for a cost of other dates or of an order that is not in the record.
    """
    scope = Scope(among={"account_id": [account.account_id]}, within={"session_date": (start, end)})
    with writing(engine, "order costs") as (connection, at):
        rows = rows_of(connection, order_costs, costs, mode=account.mode)
        result = replace_scope(connection, order_costs, rows, scope=scope, at=at)
        subject = f"account {account.account_id} {start}..{end}"
        audit.append_replacements(connection, {order_costs.name: result}, subject=subject)
    return result


def read_order_costs(engine: Engine, **selection: Unpack[Selection]) -> list[OrderCost]:
    """Costs in the order in which the parent orders were decided."""
    where = selected(order_costs, order_costs.c.session_date, selection)
    order = (order_costs.c.decided_at, order_costs.c.parent_order_id)
    return read_values(engine, order_costs, OrderCost, where=where, order=order)
