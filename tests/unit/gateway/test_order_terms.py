"""What IB's terms mean: instants in the forms clients write them, spellings, and contracts."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.contract.market import NAMES
from tickledger.gateway.listings import Directory, is_on_increment
from tickledger.gateway.order_terms import read_instant

AT = datetime(2013, 3, 28, 19, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("20130328 15:00:00 US/Eastern", AT),
        ("20130328 15:00:00 America/New_York", AT),
        ("20130328 15:00:00", AT),
        ("20130328  15:00:00", AT),
        ("20130328-19:00:00", AT),
        ("20130328 12:00:00 US/Pacific", AT),
        ("20130328", datetime(2013, 3, 29, 3, 59, 59, tzinfo=UTC)),
        ("20130110", datetime(2013, 1, 11, 4, 59, 59, tzinfo=UTC)),
    ],
)
def test_instants_are_read_in_every_form_ib_takes(text: str, at: datetime) -> None:
    assert read_instant(text) == at


@pytest.mark.parametrize(
    "text",
    [
        *("", "tomorrow", "20131328", "20130328 25:00:00", "99991231"),
        *("20130328 15:00:00 Moon/Crater", "20130328 15:00:00 America", "00010101 00:00:00 Asia/Tokyo"),
    ],
)
def test_other_texts_are_no_instants(text: str) -> None:
    with pytest.raises(ValueError, match="expected an instant"):
        read_instant(text)


@pytest.mark.parametrize(
    ("price", "fits"), [("1.00", True), ("1.005", False), ("0.9999", True), ("0.00005", False), ("432.10", True)]
)
def test_stocks_are_quoted_in_cents_and_below_a_dollar_in_hundredths(price: str, *, fits: bool) -> None:
    assert is_on_increment(Decimal(price)) is fits


def contract(**terms: str) -> dict[str, str]:
    blank = dict.fromkeys(
        ("conId", "symbol", "secType", "exchange", "primaryExchange", "currency", "localSymbol", "tradingClass"), ""
    )
    return blank | {"secType": "STK"} | terms


def test_a_contract_is_found_by_symbol_or_by_id() -> None:
    directory = Directory(NAMES, NAMES)
    ibm = directory.of_symbol("IBM")
    for terms in (
        {"symbol": "IBM"},
        {"symbol": "IBM", "exchange": "SMART", "currency": "USD", "primaryExchange": "NYSE"},
        {"localSymbol": "IBM"},
        {"conId": str(ibm.contract_id), "secType": ""},
        {"conId": str(ibm.contract_id), "symbol": "IBM"},
    ):
        assert directory.find(contract(**terms)) == ibm
    apple = directory.find(contract(symbol="AAPL", primaryExchange="ISLAND"))
    assert apple == directory.of_symbol("AAPL")


@pytest.mark.parametrize(
    "terms",
    [
        {"symbol": "NOSUCH"},
        {"symbol": "IBM", "currency": "EUR"},
        {"symbol": "IBM", "secType": "OPT"},
        {"symbol": "IBM", "exchange": "LSE"},
        {"symbol": "IBM", "primaryExchange": "NASDAQ"},
        {"conId": "77"},
        {"symbol": "IBM", "secType": ""},
    ],
)
def test_a_contract_that_is_not_listed_is_not_found(terms: dict[str, str]) -> None:
    assert Directory(NAMES, NAMES).find(contract(**terms)) is None


def test_an_id_with_another_symbol_is_not_found() -> None:
    directory = Directory(NAMES, NAMES)
    number = str(directory.of_symbol("IBM").contract_id)
    assert directory.find(contract(conId=number, symbol="AAPL")) is None


def test_contract_ids_are_the_same_in_every_run_and_never_shared() -> None:
    symbols = [f"S{number}" for number in range(3_000)]
    first, second = Directory(symbols), Directory(reversed(symbols))
    ids = [first.of_symbol(symbol).contract_id for symbol in symbols]
    assert ids == [second.of_symbol(symbol).contract_id for symbol in symbols]
    assert len(set(ids)) == len(ids)


def test_a_stock_whose_exchange_nobody_knows_is_found_under_any_primary_exchange() -> None:
    directory = Directory(["AAPL", "SPY"], NAMES)
    for exchange in ("ARCA", "NYSE", "NASDAQ"):
        assert directory.find(contract(symbol="SPY", primaryExchange=exchange)) == directory.of_symbol("SPY")
    assert directory.find(contract(symbol="SPY", primaryExchange="LSE")) is None
    assert directory.find(contract(symbol="AAPL", primaryExchange="ARCA")) is None
