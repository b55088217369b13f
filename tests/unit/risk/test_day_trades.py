"""Day trades as FINRA counts them: its own examples, and what is none."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tickledger.domain.execution import Execution
from tickledger.domain.order import OrderSide
from tickledger.risk.day_trades import day_trades

MONDAY = date(2026, 5, 4)
WEEK = frozenset(MONDAY + timedelta(days=number) for number in range(5))


def executions(text: str) -> list[Execution]:
    """Fills such as ``"0 buy 100 A, 0 sell 100 A"``, each with the day of the week it is of, from Monday."""
    sides = {"buy": OrderSide.BUY, "sell": OrderSide.SELL, "short": OrderSide.SELL_SHORT}
    rows = []
    for number, line in enumerate(text.split(", ")):
        day, side, quantity, symbol = line.split()
        on = MONDAY + timedelta(days=int(day))
        rows.append(
            Execution(
                execution_id=str(number),
                order_id=str(number),
                account_id="U1",
                symbol=symbol,
                side=sides[side],
                quantity=Decimal(quantity),
                price=Decimal(10),
                commission=Decimal(0),
                fees=Decimal(0),
                executed_at=datetime(on.year, on.month, on.day, 14, tzinfo=UTC) + timedelta(minutes=number),
                trade_date=on,
            )
        )
    return rows


@pytest.mark.parametrize(
    ("trades", "held", "count"),
    [
        ("0 buy 100 A, 0 sell 100 A", 0, 1),
        ("0 buy 100 A, 0 sell 50 A, 0 sell 50 A", 0, 1),  # one purchase sold in parts
        ("0 buy 50 A, 0 buy 50 A, 0 sell 100 A", 0, 1),
        ("0 buy 100 A, 0 sell 100 A, 0 buy 100 A, 0 sell 100 A", 0, 2),
        ("0 buy 100 A, 1 sell 100 A", 0, 0),  # held overnight
        ("0 sell 100 A, 0 buy 100 A", 100, 0),  # what was held, then a new position
        ("0 sell 100 A, 0 buy 100 A, 0 sell 100 A", 100, 1),
        ("0 buy 50 A, 0 sell 50 A", 100, 1),  # after a new purchase the day's own shares count first
        ("0 short 100 A, 0 buy 100 A", 0, 1),
        ("0 short 100 A, 1 buy 100 A", 0, 0),
        ("0 buy 100 A, 0 sell 150 A, 0 buy 50 A", 0, 2),  # through zero and back
        ("0 buy 100 A, 0 sell 100 B", 0, 0),
        ("0 buy 1 A, 0 sell 1 A, 1 buy 1 A, 1 sell 1 A, 4 buy 1 B, 4 sell 1 B", 0, 3),
        ("0 buy 1 A, 0 sell 1 A, 5 buy 1 A, 5 sell 1 A", 0, 1),  # the next Monday is not of these five days
    ],
)
def test_a_day_trade_opens_and_closes_on_one_day(trades: str, held: int, count: int) -> None:
    assert day_trades(executions(trades), days=WEEK, held={"A": Decimal(held)}) == count
