"""Snapshots that are told by what is new in them come back as they were, from the journal's own text."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tickledger.domain.broker import BrokerOrder, BrokerPosition, BrokerSnapshot
from tickledger.domain.order import OrderSide, OrderStatus, OrderType, TimeInForce
from tickledger.execution.plain_values import plain, restored
from tickledger.execution.snapshot_lines import SnapshotChanges

AT = datetime(2012, 1, 4, 15, tzinfo=UTC)
EMPTY = BrokerSnapshot("DU1", AT, (), None, (), (), (), Decimal(0))
ORDER = BrokerOrder(
    "ord_1", "1", "DU1", "X", OrderSide.BUY, Decimal(9), Decimal(0), OrderStatus.SUBMITTED, OrderType.MARKET, "MKT",
    TimeInForce.DAY,
)  # fmt: skip


def working(number: int) -> BrokerOrder:
    return replace(ORDER, order_id=f"ord_{number // 3}", broker_order_id=str(number // 3), quantity=Decimal(number % 3))


ORDERS = st.lists(st.integers(0, 20).map(working), max_size=12).map(tuple)
POSITIONS = st.lists(st.integers(1, 9).map(lambda n: BrokerPosition("DU1", "X", Decimal(n), Decimal(5))), max_size=4)
SNAPSHOTS = st.builds(
    lambda open_orders, completed, positions: replace(
        EMPTY, open_orders=open_orders, completed_orders=completed, positions=tuple(positions)
    ),
    ORDERS,
    st.none() | ORDERS,
    POSITIONS,
)


@given(st.lists(SNAPSHOTS, max_size=5))
def test_what_was_told_of_snapshots_gives_them_back(snapshots: list[BrokerSnapshot]) -> None:
    writer, reader = SnapshotChanges(), SnapshotChanges()
    for snapshot in snapshots:
        text = json.dumps(plain(writer.told(snapshot)))
        assert reader.restored(restored(json.loads(text))) == snapshot


def test_what_was_told_before_is_not_told_again() -> None:
    changes = SnapshotChanges()
    known = tuple(map(working, range(0, 300, 3)))
    changes.told(replace(EMPTY, completed_orders=known))
    # The newest first, as some brokers have it.
    _, told = changes.told(replace(EMPTY, completed_orders=(working(301), *known)))
    assert told == {"completed_orders": [working(301), (0, 100)]}
