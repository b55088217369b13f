from decimal import Decimal

import pytest

from tests.unit.ib.messages import ACCOUNT, contract, open_order, order
from tickledger.domain.order import OrderSide, OrderStatus, OrderType, TimeInForce
from tickledger.execution.algos.broker_algos import IbAdaptive, IbTwap
from tickledger.ib.library import UNSET_DOUBLE
from tickledger.ib.orders import broker_order, ib_contract, ib_order, open_status, our_symbol, refusal


@pytest.mark.parametrize(
    ("text", "action", "order_type", "limit", "stop"),
    [
        ("BUY 100 AAPL MARKET", "BUY", "MKT", UNSET_DOUBLE, UNSET_DOUBLE),
        ("SELL_SHORT 5 AAPL LIMIT 10.05", "SELL", "LMT", 10.05, UNSET_DOUBLE),
        ("BUY_TO_COVER 5 AAPL STOP 11", "BUY", "STP", UNSET_DOUBLE, 11.0),
        ("SELL 5 AAPL STOP_LIMIT 9.50 9.40", "SELL", "STP LMT", 9.4, 9.5),
    ],
)
def test_an_order_in_the_words_of_ib(text: str, action: str, order_type: str, limit: float, stop: float) -> None:
    sent = ib_order(order("ord_7", text))
    assert (sent.action, sent.orderType, sent.lmtPrice, sent.auxPrice) == (action, order_type, limit, stop)
    assert (sent.orderRef, sent.account, sent.transmit) == ("ord_7", ACCOUNT, True)


@pytest.mark.parametrize("time_in_force", TimeInForce)
def test_the_time_in_force_is_always_said(time_in_force: TimeInForce) -> None:
    assert ib_order(order(time_in_force=time_in_force)).tif == time_in_force.value


def test_an_algorithm_of_ib_goes_with_its_order() -> None:
    sent = ib_order(order(), IbAdaptive())
    assert sent.algoStrategy == "Adaptive"
    assert [(param.tag, param.value) for param in sent.algoParams] == [("adaptivePriority", "Normal")]


def test_an_algorithm_on_an_order_that_ib_does_not_work_by_it_is_refused_before_it_is_sent() -> None:
    why = refusal(order(), account_id=ACCOUNT, algo=IbTwap())
    assert "IB's Twap needs a LIMIT order, found MARKET" in str(why)
    assert refusal(order(), account_id=ACCOUNT, algo=IbAdaptive()) is None


def test_a_class_of_shares_is_written_with_a_blank_at_ib() -> None:
    assert ib_contract("BRK.B").symbol == "BRK B"
    assert our_symbol(contract("BRK B")) == "BRK.B"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("BUY 1.5 AAPL MARKET", "whole number of shares, found 1.5"),
        ("BUY 0 AAPL MARKET", "whole number of shares, found 0"),
        ("BUY -3 AAPL MARKET", "whole number of shares, found -3"),
    ],
)
def test_what_the_api_would_not_take_is_refused_before_it_is_sent(text: str, why: str) -> None:
    assert why in str(refusal(order(text=text), account_id=ACCOUNT))


def test_an_order_of_another_account_or_without_its_price_is_refused() -> None:
    assert "expected an order of account U9" in str(refusal(order(), account_id="U9"))
    assert "expected a limit price" in str(refusal(order(order_type=OrderType.LIMIT), account_id=ACCOUNT))
    assert "expected no limit price" in str(refusal(order(limit_price=Decimal(1)), account_id=ACCOUNT))
    assert "expected a stop price" in str(refusal(order(order_type=OrderType.STOP), account_id=ACCOUNT))
    assert refusal(order(), account_id=ACCOUNT) is None


def test_an_order_entered_by_hand_is_not_ours_and_a_type_we_do_not_have_keeps_its_name() -> None:
    told = open_order("", 300, action="SELL", orderType="TRAIL", auxPrice=1.5, tif="GTD", clientId=0, orderId=0)
    found = broker_order(contract("MSFT"), told, status=OrderStatus.SUBMITTED, filled=Decimal(0))
    assert found.order_id is None
    assert (found.order_type, found.raw_type, found.time_in_force) == (None, "TRAIL", None)
    assert (found.side, found.quantity, found.stop_price) == (OrderSide.SELL, Decimal(300), Decimal("1.5000"))


def test_an_unset_price_is_no_price() -> None:
    found = broker_order(contract(), open_order(), status=OrderStatus.SUBMITTED, filled=Decimal(0))
    assert (found.limit_price, found.stop_price) == (None, None)
    assert found.order_type is OrderType.MARKET


def test_a_status_in_a_list_is_read_with_what_was_filled() -> None:
    assert open_status("Submitted", filled=Decimal(0)) is OrderStatus.SUBMITTED
    assert open_status("PreSubmitted", filled=Decimal(0)) is OrderStatus.SUBMITTED
    assert open_status("Submitted", filled=Decimal(5)) is OrderStatus.PARTIALLY_FILLED
    assert open_status("PendingSubmit", filled=Decimal(0)) is OrderStatus.PENDING
    assert open_status("ApiCancelled", filled=Decimal(5)) is OrderStatus.CANCELLED
