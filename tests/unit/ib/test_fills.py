from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ib.messages import NOON, commission_report, contract, execution
from tickledger.domain.order import OrderSide
from tickledger.exchange.fees import schedule
from tickledger.ib.fills import ExecutionKey, FillBook, predecessor
from tickledger.ib.library import UNSET_DOUBLE


def _book() -> FillBook:
    return FillBook(schedule("ib_fixed"))


def test_an_execution_that_is_told_again_is_one_fill() -> None:
    book = _book()
    assert book.take(contract(), execution("0000e0d5.5f0a.01.01", 100), side=None) is not None
    assert book.take(contract(), execution("0000e0d5.5f0a.01.01", 100), side=None) is None
    assert book.filled(order_id="ord_1") == 100


def test_a_correction_takes_the_place_of_what_it_corrects() -> None:
    book = _book()
    book.take(contract(), execution("0000e0d5.5f0a.01.01", 100, 10.0), side=None)
    corrected = book.take(contract(), execution("0000e0d5.5f0a.01.02", 90, 10.1), side=None)
    assert corrected is not None
    assert corrected.corrects == "0000e0d5.5f0a.01.01"
    assert book.filled(order_id="ord_1") == 90
    assert book.take(contract(), execution("0000e0d5.5f0a.01.01", 100, 10.0), side=None) is None
    assert [f.execution.execution_id for f in book.latest(["0000e0d5.5f0a.01.01", "0000e0d5.5f0a.01.02"])] == [
        "0000e0d5.5f0a.01.02"
    ]


def test_a_correction_whose_original_was_never_heard_names_it_by_its_number() -> None:
    corrected = _book().take(contract(), execution("0000e0d5.5f0a.01.02", 90), side=None)
    assert corrected is not None
    assert corrected.corrects == "0000e0d5.5f0a.01.01"


def test_an_id_without_a_revision_is_a_first_one() -> None:
    assert ExecutionKey.parse("abc") == ExecutionKey("abc", 1)
    assert predecessor("abc") is None
    assert predecessor("a.01") is None
    assert predecessor("a.10") == "a.09"


@given(st.permutations(["x.01.01", "x.01.02", "x.01.03", "x.02.01"]))
def test_whatever_the_order_of_messages_the_latest_revisions_count(told: list[str]) -> None:
    quantities = {"x.01.01": 100, "x.01.02": 80, "x.01.03": 70, "x.02.01": 10}
    book = _book()
    for execution_id in told:
        book.take(contract(), execution(execution_id, quantities[execution_id]), side=None)
    assert book.filled(order_id="ord_1") == 80


def test_charges_are_an_estimate_over_the_fills_of_an_order_until_they_are_told() -> None:
    book = _book()
    fills = [book.take(contract(), execution(f"x.0{n}.01", 100, 50.0), side=OrderSide.BUY) for n in (1, 2, 3)]
    # 0.005 a share, at least 1.00 an order: 1.00 after 100 and 200 shares, 1.50 after 300.
    assert [fill.execution.commission for fill in fills if fill] == [Decimal("1.00"), Decimal(0), Decimal("0.50")]
    assert all(fill.execution.commission_is_estimated for fill in fills if fill)
    told = book.commission(commission_report("x.01.01", 1.0123), reported_at=NOON)
    assert told is not None
    assert (told.commission, told.realized_pnl) == (Decimal("1.0123"), None)
    assert book.commission(commission_report("x.01.01", 1.0123), reported_at=NOON) is None


def test_a_commission_that_is_not_set_is_not_told() -> None:
    assert _book().commission(commission_report("x.01.01", UNSET_DOUBLE), reported_at=NOON) is None
    assert _book().commission(commission_report("", 1.0), reported_at=NOON) is None


def test_a_fill_has_the_side_of_our_order_and_the_date_of_new_york() -> None:
    late = datetime(2026, 3, 3, 1, 30, tzinfo=UTC)
    fill = _book().take(contract(), execution("x.01.01", 10, side="SLD", at=late), side=OrderSide.SELL_SHORT)
    assert fill is not None
    assert fill.execution.side is OrderSide.SELL_SHORT
    assert fill.execution.executed_at == late
    assert fill.execution.trade_date == date(2026, 3, 2)


def test_a_fill_on_the_other_side_than_our_order_is_believed() -> None:
    fill = _book().take(contract(), execution("x.01.01", 10, side="SLD"), side=OrderSide.BUY)
    assert fill is not None
    assert fill.execution.side is OrderSide.SELL


def test_fills_of_orders_that_are_not_ours_are_told_apart_by_the_brokers_id() -> None:
    book = _book()
    book.take(contract(), execution("x.01.01", 10, order_id="", perm_id=1), side=None)
    book.take(contract(), execution("y.01.01", 20, order_id="", perm_id=2), side=None)
    assert book.filled(broker_order_id="2") == 20
    assert book.filled(order_id="ord_1") == 0
