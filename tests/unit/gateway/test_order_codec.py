"""Any order that ib_insync can send is read in order, and told back so that ib_insync reads the same order again.

The client's own writer and reader are the judges: no socket is between them and ours.
"""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import ib_insync
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ib_insync.client import Client
from ib_insync.decoder import Decoder
from ib_insync.order import OrderComboLeg
from ib_insync.util import UNSET_DOUBLE

from tests.examples import examples
from tickledger.gateway.fields import FieldReader, MalformedMessageError, split
from tickledger.gateway.listings import Listing, SecurityName
from tickledger.gateway.order_answers import (
    Completion,
    ExecutionTold,
    OrderIdentity,
    OrderStateTold,
    StatusTold,
    commission_report,
    completed_order,
    execution_details,
    open_order,
    order_status,
)
from tickledger.gateway.placed_order import PlacedOrder, read_placed_order

VERSIONS = (157, 160, 163, 166, 169, 170, 176)
LISTING = Listing(265_598, "AAPL", SecurityName("APPLE INC."))
IDENTITY = OrderIdentity(client_id=3, order_id=17, permanent_id=990_001, account="DU1")
AT = datetime(2013, 3, 14, 15, 30, tzinfo=UTC)
#: Not told back by TWS, or told from elsewhere.
UNTOLD = {
    *("orderId", "clientId", "permId", "account", "parentId", "transmit", "algoId", "orderMiscOptions", "scaleTable"),
    *("activeStartTime", "activeStopTime", "extOperator", "advancedErrorOverride", "manualOrderTime"),
    *("overridePercentageConstraints", "mifid2DecisionMaker", "mifid2DecisionAlgo", "mifid2ExecutionTrader"),
    *("mifid2ExecutionAlgo", "basisPoints", "basisPointsType", "deltaNeutralOrderType", "autoCancelDate"),
    *("filledQuantity", "refFuturesConId", "shareholder", "imbalanceOnly", "routeMarketableToBbo", "parentPermId"),
}
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=8)
PRICE = st.decimals(0, 10**6, places=2).map(float)
COUNT = st.integers(0, 10**6)
TAGS = st.lists(st.builds(ib_insync.TagValue, TEXT, TEXT), max_size=3)
CONDITIONS = st.one_of(
    st.builds(ib_insync.PriceCondition, isMore=st.booleans(), price=PRICE, conId=COUNT, exch=TEXT),
    st.builds(ib_insync.TimeCondition, isMore=st.booleans(), time=TEXT),
    st.builds(ib_insync.MarginCondition, conjunction=st.just("o"), isMore=st.booleans(), percent=COUNT),
    st.builds(ib_insync.ExecutionCondition, secType=TEXT, exch=TEXT, symbol=TEXT),
    st.builds(ib_insync.VolumeCondition, isMore=st.booleans(), volume=COUNT, conId=COUNT, exch=TEXT),
    st.builds(ib_insync.PercentChangeCondition, isMore=st.booleans(), changePercent=PRICE, conId=COUNT, exch=TEXT),
)
TYPES = st.sampled_from(["MKT", "LMT", "STP LMT", "TRAIL", "PEG BENCH", "PEG BEST", "PEG MID", "MOC"])


_PLAIN_TERMS: Sequence[tuple[st.SearchStrategy[Any], Sequence[str]]] = (
    (st.just(UNSET_DOUBLE) | PRICE, ("lmtPrice", "auxPrice", "trailStopPrice", "trailingPercent", "percentOffset")),
    (st.just(UNSET_DOUBLE) | PRICE, ("volatility", "cashQty", "triggerPrice", "lmtPriceOffset", "startingPrice")),
    (TEXT, ("tif", "ocaGroup", "orderRef", "goodAfterTime", "goodTillDate", "faGroup", "modelCode", "settlingFirm")),
    (st.booleans(), ("outsideRth", "hidden", "allOrNone", "sweepToFill", "notHeld", "solicited", "randomizeSize")),
    (st.booleans(), ("whatIf", "randomizePrice", "dontUseAutoPriceForHedge", "isOmsContainer")),
    (COUNT, ("ocaType", "displaySize", "minQty", "triggerMethod", "shortSaleSlot")),
)


def _peg(order: ib_insync.Order, draw: st.DrawFn) -> None:
    if order.orderType == "PEG BENCH":
        order.referenceContractId, order.peggedChangeAmount = draw(COUNT), draw(PRICE)
    if order.orderType == "PEG BEST":
        order.competeAgainstBestOffset = draw(st.just(float("inf")) | PRICE)
        order.minCompeteSize = draw(COUNT)
    if order.orderType in {"PEG BEST", "PEG MID"}:
        order.midOffsetAtWhole, order.midOffsetAtHalf = draw(PRICE), draw(PRICE)


@st.composite
def orders(draw: st.DrawFn) -> ib_insync.Order:
    order = ib_insync.Order(
        action=draw(st.sampled_from(["BUY", "SELL"])), totalQuantity=float(draw(COUNT)), orderType=draw(TYPES)
    )
    for values, names in _PLAIN_TERMS:
        for name in names:
            setattr(order, name, draw(values))
    if draw(st.booleans()):
        order.algoStrategy, order.algoParams = "Adaptive", draw(TAGS)
    if draw(st.booleans()):
        order.hedgeType, order.hedgeParam = "D", draw(TEXT)
    if draw(st.booleans()):
        order.scalePriceIncrement, order.scaleInitLevelSize = 0.5, draw(COUNT)
        order.scalePriceAdjustValue, order.scaleAutoReset = draw(PRICE), draw(st.booleans())
    if draw(st.booleans()):
        order.deltaNeutralOrderType, order.deltaNeutralAuxPrice = "MKT", draw(PRICE)
        order.deltaNeutralConId = draw(COUNT)
    _peg(order, draw)
    order.conditions = draw(st.lists(CONDITIONS, max_size=3))
    order.conditionsIgnoreRth = bool(order.conditions) and draw(st.booleans())
    return order


@st.composite
def contracts(draw: st.DrawFn, order: ib_insync.Order) -> ib_insync.Contract:
    contract = ib_insync.Contract(secType="STK", symbol="AAPL", exchange="SMART", currency="USD")
    if draw(st.booleans()):
        contract.deltaNeutralContract = ib_insync.DeltaNeutralContract(draw(COUNT), draw(PRICE), draw(PRICE))
    if draw(st.booleans()):
        contract.secType = "BAG"
        leg = st.builds(ib_insync.ComboLeg, conId=COUNT, ratio=COUNT, action=TEXT, exchange=TEXT)
        legs = draw(st.lists(leg, max_size=3))
        contract.comboLegs = legs
        order.orderComboLegs = [OrderComboLeg(draw(PRICE)) for _ in legs]
        order.smartComboRoutingParams = draw(TAGS)
    if draw(st.booleans()):
        contract.exchange = "IBKRATS"
        order.minTradeQty = draw(COUNT)
    return contract


def sent(contract: ib_insync.Contract, order: ib_insync.Order, version: int) -> Sequence[str]:
    """PlaceOrder as the client writes it."""
    client: Any = Client.__new__(Client)
    written: list[str] = []
    client._serverVersion, client.connState = version, Client.CONNECTED
    client.sendMsg = written.append
    client.placeOrder(IDENTITY.order_id, contract, order)
    return split(written[0].encode())


def read(fields: Sequence[str], version: int) -> PlacedOrder:
    reader = FieldReader(fields)
    assert reader.identifier("message") == 3
    return read_placed_order(reader, version=version)


class Told:
    """A wrapper that keeps what the decoder calls it with."""

    def __init__(self) -> None:
        self.calls: dict[str, tuple[Any, ...]] = {}

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.update({name: arguments})


def decoder(told: Told, version: int) -> Any:
    """The client's reader, which tells `told` what it read."""
    wrapper: Any = told
    reader: Any = Decoder
    return reader(wrapper, version)


def decoded(frame: bytes, version: int, caplog: pytest.LogCaptureFixture) -> dict[str, tuple[Any, ...]]:
    told = Told()
    caplog.clear()
    decoder(told, version).interpret(split(frame[4:]))
    assert not caplog.records, [record.exc_info for record in caplog.records]
    return told.calls


def comparable(order: ib_insync.Order, version: int, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    left_out = UNTOLD | without | ({"minTradeQty", "minCompeteSize"} if version < 170 else set())
    if version < 170:
        left_out |= {"competeAgainstBestOffset", "midOffsetAtWhole", "midOffsetAtHalf"}
    return {field.name: getattr(order, field.name) for field in dataclasses.fields(order) if field.name not in left_out}


@settings(max_examples=examples(150))
@given(st.data(), st.sampled_from(VERSIONS))
def test_an_open_order_is_the_order_that_was_placed(data: st.DataObject, version: int) -> None:
    order = data.draw(orders())
    contract = data.draw(contracts(order))
    placed = read(sent(contract, order, version), version)
    told = Told()
    frame = open_order(placed, IDENTITY, OrderStateTold("Submitted"), LISTING, version=version)
    decoder(told, version).openOrder(split(frame[4:]))
    number, found_contract, found, state = told.calls["openOrder"]
    midpoints = frozenset(() if _tells_midpoints(order) else ("midOffsetAtWhole", "midOffsetAtHalf"))
    assert comparable(found, version, without=midpoints) == comparable(order, version, without=midpoints)
    assert (number, found.clientId, found.permId, found.account) == (17, 3, 990_001, "DU1")
    assert state.status == "Submitted"
    assert list(found_contract.comboLegs or []) == list(contract.comboLegs or [])
    assert found_contract.deltaNeutralContract == contract.deltaNeutralContract
    assert found.deltaNeutralOrderType == (order.deltaNeutralOrderType or "None")


def _tells_midpoints(order: ib_insync.Order) -> bool:
    return order.orderType == "PEG MID" or order.competeAgainstBestOffset == float("inf")


@settings(max_examples=examples(150))
@given(st.data(), st.sampled_from(VERSIONS))
def test_a_completed_order_is_the_order_that_was_placed(data: st.DataObject, version: int) -> None:
    order = data.draw(orders())
    placed = read(sent(data.draw(contracts(order)), order, version), version)
    completion = Completion("Cancelled", AT, "Cancelled by Trader", Decimal(40))
    told = Told()
    frame = completed_order(placed, IDENTITY, completion, LISTING, version=version)
    decoder(told, version).completedOrder(split(frame[4:]))
    _, found, state = told.calls["completedOrder"]
    untold = {"whatIf", "blockOrder", "optOutSmartRouting", "discretionaryUpToLimitPrice", "usePriceMgmtAlgo"}
    untold |= {"adjustedOrderType", "triggerPrice", "adjustedStopPrice", "adjustedStopLimitPrice", "duration"}
    untold |= {"adjustedTrailingAmount", "adjustableTrailingUnit", "softDollarTier", "postToAts", "autoCancelParent"}
    untold |= {"deltaNeutralSettlingFirm", "deltaNeutralClearingAccount", "deltaNeutralClearingIntent"}
    untold |= {"deltaNeutralOpenClose", "eTradeOnly", "firmQuoteOnly", "nbboPriceCap", "auctionStrategy"}
    if not _tells_midpoints(order):
        untold |= {"midOffsetAtWhole", "midOffsetAtHalf"}
    left_out = frozenset(untold)
    assert comparable(found, version, without=left_out) == comparable(order, version, without=left_out)
    assert (found.permId, found.filledQuantity) == (990_001, 40)
    assert (state.status, state.completedStatus) == ("Cancelled", "Cancelled by Trader")
    assert state.completedTime == "20130314 11:30:00 US/Eastern"


@given(st.data())
def test_a_restored_order_can_be_placed_again(data: st.DataObject) -> None:
    order = data.draw(orders())
    contract = data.draw(contracts(order))
    placed = read(sent(contract, order, 176), 176)
    told = Told()
    frame = open_order(placed, IDENTITY, OrderStateTold("Submitted"), LISTING, version=176)
    decoder(told, 176).openOrder(split(frame[4:]))
    _, _, restored, _ = told.calls["openOrder"]
    again = read(sent(contract, restored, 176), 176)
    changed = {"deltaNeutralOrderType", "account", "parentId", "competeAgainstBestOffset", *UNTOLD}
    before = {name: text for name, text in placed.terms.items() if name not in changed}
    assert {name: again.term(name) for name in before} == before
    assert again.algo_params == placed.algo_params
    assert again.conditions == placed.conditions


@given(st.data(), st.sampled_from(VERSIONS), st.integers(1, 40))
def test_an_order_that_is_cut_short_is_malformed(data: st.DataObject, version: int, cut: int) -> None:
    order = data.draw(orders())
    fields = sent(data.draw(contracts(order)), order, version)
    with pytest.raises(MalformedMessageError):
        read(fields[:-cut], version)


@given(st.lists(TEXT, max_size=200))
def test_any_fields_are_an_order_or_malformed(fields: list[str]) -> None:
    try:
        read_placed_order(FieldReader(fields), version=176)
    except MalformedMessageError:
        return


@pytest.mark.parametrize("version", VERSIONS)
def test_status_execution_and_commission_are_read_as_they_were_told(
    version: int, caplog: pytest.LogCaptureFixture
) -> None:
    status = StatusTold("Submitted", Decimal(30), Decimal(70), Decimal("431.25"), Decimal("431.5"), "locate")
    calls = decoded(order_status(IDENTITY, status), version, caplog)
    assert calls["orderStatus"] == (17, "Submitted", 30, 70, 431.25, 990_001, 0, 431.5, 3, "locate", 0)
    placed = PlacedOrder(17, {"exchange": "SMART"}, {"orderRef": "ref", "modelCode": ""})
    size, price = Decimal(30), Decimal("431.5")
    execution = ExecutionTold("a.b.01.01", AT, "NASDAQ", False, size, price, size, price)
    frame = execution_details(-1, placed, IDENTITY, execution, LISTING, version=version)
    number, contract, found = decoded(frame, version, caplog)["execDetails"]
    assert (number, contract.symbol, found.execId, found.side, found.shares) == (-1, "AAPL", "a.b.01.01", "SLD", 30)
    assert (found.time, found.orderRef, found.acctNumber, found.lastLiquidity) == (AT, "ref", "DU1", 2)
    calls = decoded(commission_report("a.b.01.01", Decimal("1.05"), Decimal("-3.20")), version, caplog)
    [report] = calls["commissionReport"]
    assert (report.execId, report.commission, report.realizedPNL) == ("a.b.01.01", 1.05, -3.2)
