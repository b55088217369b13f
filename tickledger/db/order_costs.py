"""What parent orders cost, written and read; `tickledger.execution.slippage` makes a model of what is read."""

from collections.abc import Sequence
from datetime import date
from typing import Unpack

from sqlalchemy import Engine

from tickledger.db import audit
from tickledger.db.records import Selection, read_values, rows_of, selected
from tickledger.db.tables import order_costs
from tickledger.db.versions import ReplaceResult, Scope, replace_scope, writing
from tickledger.domain.account import Account
from tickledger.execution.tca import OrderCost


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
