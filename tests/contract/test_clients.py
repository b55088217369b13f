"""What every TWS-API client must be able to do with the gateway, written once and run with each library.

At the end of each test the client must have understood everything: `driven` looks at what it logged.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.driving import Driven, driven
from tests.contract.environments import ClientLibrary
from tests.contract.market import ACCOUNT, NOON, gateway
from tickledger.gateway.server import Gateway

pytestmark = pytest.mark.slow

Scenario = Callable[[Gateway, Driven], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture
def play(library: ClientLibrary, python: Path) -> Play:
    """Run a scenario with a gateway and a connected client that knows AAPL and IBM."""

    def run(scenario: Scenario, **settings: Any) -> None:
        async def main() -> None:
            async with gateway(**settings) as server, driven(library, python) as client:
                await client.do("connect", server.port, 1)
                for symbol in ("AAPL", "IBM"):
                    await client.do("qualify", symbol)
                await scenario(server, client)

        asyncio.run(main())

    return run


def test_a_client_connects_and_is_told_version_account_and_first_id(library: ClientLibrary, python: Path) -> None:
    async def main() -> None:
        async with gateway(first_order_id=7) as server, driven(library, python) as client:
            told = await client.do("connect", server.port, 1)
            assert told["accounts"] == [ACCOUNT]
            assert told["version"] == library.version
            assert told["next_id"] >= 7
            state = await client.error(2104)
            assert {2106, 2158} <= {one[1] for one in state["errors"]}
            assert (await client.do("time")).startswith("2013-03-14T15:30:00")

    asyncio.run(main())


def test_contracts_are_qualified_and_unknown_ones_are_error_200(play: Play) -> None:
    async def scenario(server: Gateway, client: Driven) -> None:
        told = await client.do("qualify", "IBM")
        assert told["con_id"] == server.floor.directory.of_symbol("IBM").contract_id
        assert (told["primary"], told["min_tick"]) == ("NYSE", 0.01)
        assert told["name"] == "INTERNATIONAL BUSINESS MACHINES"
        assert told["hours"].startswith("20130314:0930-20130314:1600;20130315:0930-20130315:1600;20130316:CLOSED")
        assert await client.do("qualify", "NOSUCH") is None
        await client.error(200)
        assert await client.do("matching", "IB") == ["IBM"]
        assert "20130301" in (await client.do("head", "IBM")).replace("-", "")

    play(scenario)


def test_quotes_and_prints_stream(play: Play) -> None:
    async def scenario(server: Gateway, client: Driven) -> None:
        await client.do("stream", "AAPL")
        quote = server.venue.quote("AAPL")
        assert quote is not None
        first = await client.until(lambda found: found["quotes"]["AAPL"].get("volume"), "the day's volume")
        assert first["quotes"]["AAPL"]["bid"] == float(quote.bid)
        assert first["quotes"]["AAPL"]["ask"] == float(quote.ask)
        server.advance(NOON + timedelta(minutes=5))
        last = server.venue.last("AAPL")
        assert last is not None
        await client.until(lambda found: found["quotes"]["AAPL"]["last"] == float(last.price), "the last print")
        await client.do("stop_stream", "AAPL")

    play(scenario)


@pytest.mark.parametrize("kind", ["AllLast", "BidAsk", "MidPoint"])
def test_ticks_come_one_by_one(play: Play, kind: str) -> None:
    async def scenario(server: Gateway, client: Driven) -> None:
        await client.do("tick_by_tick", "AAPL", kind)
        await client.do("time")
        server.advance(NOON + timedelta(minutes=2))
        await client.until(lambda found: found["ticks"].get(kind, 0) >= 5, f"ticks of {kind}")

    play(scenario)


def test_bars_of_five_seconds_come_as_time_passes(play: Play) -> None:
    async def scenario(server: Gateway, client: Driven) -> None:
        await client.do("realtime_bars", "AAPL")
        await client.do("time")
        server.advance(NOON + timedelta(minutes=1))
        state = await client.until(lambda found: len(found["bars"]) >= 8, "bars of five seconds")
        assert all(low <= open_ <= high and low <= close <= high for open_, high, low, close, _ in state["bars"])
        assert sum(volume for *_, volume in state["bars"]) > 0

    play(scenario)


def test_past_bars_are_told_and_the_last_one_grows(play: Play) -> None:
    async def scenario(server: Gateway, client: Driven) -> None:
        days = await client.do("past", "AAPL", "1 W", "1 day", "TRADES", False)
        assert [day[0].replace("-", "") for day in days][-2:] == ["20130313", "20130314"]
        assert days[-2][1:5] == [432.0, 435.0, 429.0, 433.0]
        minutes = await client.do("past", "AAPL", "1 D", "30 mins", "TRADES", True)
        assert len(minutes) == 4
        assert len(await client.do("past", "AAPL", "3600 S", "5 mins", "MIDPOINT", False)) == 12
        assert len(await client.do("past", "AAPL", "1 D", "1 hour", "BID_ASK", False)) == 3
        server.advance(NOON + timedelta(minutes=2))
        await client.until(lambda found: found["updates"] > 3, "updates of the last bar")

    play(scenario)


def test_a_market_order_is_acknowledged_filled_and_paid_for(play: Play) -> None:
    async def scenario(_: Gateway, client: Driven) -> None:
        order = await client.place(
            "AAPL", action="BUY", totalQuantity=100, orderType="MKT", tif="DAY", orderRef="intent-1"
        )
        told = await client.status(order, "Filled")
        assert (told["filled"], told["remaining"], told["ref"]) == (100, 0, "intent-1")
        state = await client.until(lambda found: found["commissions"], "the commission")
        [execution] = state["executions"]
        assert (execution["side"], execution["shares"], execution["ref"]) == ("BOT", 100, "intent-1")
        assert execution["perm_id"] == told["perm_id"] > 0
        assert state["commissions"] == {execution["exec_id"]: 1.0}
        assert await client.do("positions") == {"AAPL": 100}
        # The account's update comes on its own, a moment later.
        for _turn in range(100):
            if (await client.do("account"))["portfolio"] == {"AAPL": 100}:
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError(await client.do("account"))
        summary = await client.do("summary")
        assert float(summary["TotalCashValue"]) == pytest.approx(1_000_000 - 100 * told["average"] - 1)
        assert (await client.do("profit", "AAPL"))["position"] == 100
        [again] = await client.do("ask_executions", "BUY")
        assert again == execution
        assert await client.do("ask_executions", "SELL") == []

    play(scenario)


def test_a_limit_order_rests_is_changed_and_cancelled(play: Play) -> None:
    async def scenario(_: Gateway, client: Driven) -> None:
        order = await client.place("AAPL", action="BUY", totalQuantity=10, orderType="LMT", lmtPrice=400.0, tif="GTC")
        assert (await client.status(order, "Submitted"))["remaining"] == 10
        await client.place("AAPL", order_id=order, lmtPrice=401.5, totalQuantity=20)
        await client.until(lambda found: found["orders"][str(order)]["limit"] == 401.5, "the change")
        [told] = await client.do("open_orders", True)
        assert (told["limit"], told["tif"], told["client_id"]) == (401.5, "GTC", 1)
        await client.do("cancel", order)
        await client.status(order, "Cancelled")
        await client.error(202, order)
        await client.do("cancel", order)
        await client.error(10148, order)
        await client.do("cancel", 4_999)
        await client.error(10147, 4_999)
        assert await client.do("open_orders", False) == []

    play(scenario)


@pytest.mark.parametrize(
    "terms",
    [
        {"orderType": "STP", "auxPrice": 420.0},
        {"orderType": "STP LMT", "auxPrice": 420.0, "lmtPrice": 419.0},
        {"orderType": "TRAIL", "auxPrice": 5.0},
        {"orderType": "TRAIL", "trailingPercent": 2.0},
        {"orderType": "TRAIL LIMIT", "auxPrice": 5.0, "trailStopPrice": 425.0, "lmtPriceOffset": 0.5},
        {"orderType": "MOC"},
        {"orderType": "LOC", "lmtPrice": 430.0},
        {"orderType": "MKT", "tif": "OPG"},
        {"orderType": "LMT", "tif": "OPG", "lmtPrice": 430.0},
        {"orderType": "LMT", "lmtPrice": 600.0, "tif": "GTD", "goodTillDate": "20130318 15:00:00 US/Eastern"},
    ],
    ids=lambda terms: " ".join(str(value) for value in terms.values()),
)
def test_orders_that_wait_are_told_back_as_they_were_placed(play: Play, terms: dict[str, Any]) -> None:
    async def scenario(_: Gateway, client: Driven) -> None:
        await client.place("AAPL", action="BUY", totalQuantity=50, orderType="MKT", tif="DAY")
        order = await client.place("AAPL", **({"action": "SELL", "totalQuantity": 50, "tif": "DAY"} | terms))
        told = await client.status(order, "PreSubmitted", "Submitted")
        assert told["type"] == terms["orderType"]
        [listed] = await client.do("open_orders", False)
        assert listed["tif"] == terms.get("tif", "DAY")
        if "lmtPrice" in terms:
            assert listed["limit"] == terms["lmtPrice"]
        await client.do("cancel", order)
        await client.status(order, "Cancelled")

    play(scenario)


def test_a_bracket_waits_for_its_last_order_and_one_exit_ends_the_other(play: Play) -> None:
    async def scenario(server: Gateway, client: Driven) -> None:
        parent = await client.place("AAPL", action="BUY", totalQuantity=10, orderType="MKT", tif="GTC", transmit=False)
        target = await client.place(
            "AAPL",
            action="SELL",
            totalQuantity=10,
            orderType="LMT",
            lmtPrice=500.0,
            tif="GTC",
            parentId=parent,
            transmit=False,
        )
        assert (await client.do("state"))["executions"] == []
        stop = await client.place(
            "AAPL",
            action="SELL",
            totalQuantity=10,
            orderType="STP",
            auxPrice=380.0,
            tif="GTC",
            parentId=parent,
            transmit=True,
        )
        await client.status(parent, "Filled")
        assert (await client.status(target, "Submitted"))["parent"] == parent
        await client.status(stop, "PreSubmitted")
        await client.place("AAPL", order_id=target, lmtPrice=400.0)
        await client.status(target, "Filled")
        await client.status(stop, "Cancelled")
        assert await client.do("positions") == {}
        assert server.floor.books.open_orders() == []

    play(scenario)


def test_the_fill_of_one_order_cancels_the_others_of_its_group(play: Play) -> None:
    async def scenario(_: Gateway, client: Driven) -> None:
        terms = {"action": "BUY", "totalQuantity": 10, "orderType": "LMT", "tif": "GTC", "ocaGroup": "g", "ocaType": 1}
        first = await client.place("AAPL", **terms, lmtPrice=400.0)
        second = await client.place("IBM", **terms, lmtPrice=190.0)
        assert (await client.status(first, "Submitted"))["oca"] == "g"
        await client.place("IBM", order_id=second, lmtPrice=230.0)
        await client.status(second, "Filled")
        await client.status(first, "Cancelled")

    play(scenario)


@pytest.mark.parametrize(
    ("algo", "params"),
    [
        ("Adaptive", {"adaptivePriority": "Patient"}),
        ("Twap", {"strategyType": "Marketable", "startTime": "", "endTime": "", "allowPastEndTime": "1"}),
        ("Vwap", {"maxPctVol": "0.1", "startTime": "", "endTime": "", "allowPastEndTime": "1", "noTakeLiq": "0"}),
    ],
)
def test_algos_of_ib_are_told_back_with_their_parameters(play: Play, algo: str, params: dict[str, str]) -> None:
    async def scenario(_: Gateway, client: Driven) -> None:
        order = await client.place(
            "AAPL",
            action="BUY",
            totalQuantity=500,
            orderType="LMT",
            lmtPrice=400.0,
            tif="DAY",
            algoStrategy=algo,
            algoParams=params,
        )
        await client.status(order, "Submitted", "PreSubmitted")
        [listed] = await client.do("open_orders", False)
        assert (listed["algo"], listed["algo_params"]) == (algo, params)

    play(scenario)


def test_a_global_cancel_ends_the_orders_of_all_clients(play: Play, library: ClientLibrary, python: Path) -> None:
    async def scenario(server: Gateway, client: Driven) -> None:
        async with driven(library, python) as other:
            await other.do("connect", server.port, 2)
            await other.do("qualify", "IBM")
            theirs = await other.place("IBM", action="BUY", totalQuantity=1, orderType="LMT", lmtPrice=100.0, tif="GTC")
            await other.status(theirs, "Submitted")
            mine = await client.place("AAPL", action="BUY", totalQuantity=1, orderType="LMT", lmtPrice=99.0, tif="GTC")
            await client.status(mine, "Submitted")
            assert [one["client_id"] for one in await client.do("open_orders", False)] == [1]
            assert sorted(one["client_id"] for one in await client.do("open_orders", True)) == [1, 2]
            await client.do("cancel_all")
            await client.status(mine, "Cancelled")
            await other.status(theirs, "Cancelled")

    play(scenario)


def test_orders_that_ended_are_told_as_completed(play: Play) -> None:
    async def scenario(_: Gateway, client: Driven) -> None:
        bought = await client.place("IBM", action="BUY", totalQuantity=5, orderType="MKT", tif="DAY", orderRef="bought")
        await client.status(bought, "Filled")
        rested = await client.place(
            "IBM",
            action="BUY",
            totalQuantity=5,
            orderType="LMT",
            lmtPrice=100.0,
            tif="DAY",
            orderRef="rested",
            algoStrategy="Adaptive",
            algoParams={"adaptivePriority": "Normal"},
        )
        await client.status(rested, "Submitted")
        await client.do("cancel", rested)
        await client.status(rested, "Cancelled")
        ended = {one["ref"]: one for one in await client.do("completed")}
        assert (ended["bought"]["status"], ended["bought"]["filled"]) == ("Filled", 5)
        assert (ended["rested"]["status"], ended["rested"]["type"]) == ("Cancelled", "LMT")

    play(scenario)


def test_a_client_that_comes_back_finds_its_order_and_the_fills_of_the_day(play: Play) -> None:
    async def scenario(server: Gateway, client: Driven) -> None:
        order = await client.place(
            "AAPL", action="BUY", totalQuantity=10, orderType="LMT", lmtPrice=400.0, tif="GTC", orderRef="kept"
        )
        before = await client.status(order, "Submitted")
        filled = await client.place("IBM", action="BUY", totalQuantity=10, orderType="MKT", tif="DAY", orderRef="fill")
        await client.status(filled, "Filled")
        await client.do("disconnect")
        told = await client.do("connect", server.port, 1)
        assert told["next_id"] > filled
        [again] = await client.do("open_orders", False)
        assert (again["ref"], again["perm_id"], again["order_id"]) == ("kept", before["perm_id"], order)
        [execution] = await client.do("ask_executions", "")
        assert execution["ref"] == "fill"
        await client.do("cancel", order)
        await client.status(order, "Cancelled")

    play(scenario)


def test_refusals_come_by_their_codes(play: Play) -> None:
    async def scenario(_: Gateway, client: Driven) -> None:
        whole = {"action": "BUY", "totalQuantity": 10, "orderType": "LMT", "tif": "DAY"}
        for code, terms in (
            (110, whole | {"lmtPrice": 400.005}),
            (201, whole | {"totalQuantity": 1_000_000, "lmtPrice": 430.0}),
            (387, whole | {"orderType": "PEG MID", "lmtPrice": 400.0}),
            (10052, whole | {"lmtPrice": 400.0, "tif": "GAT"}),
            (439, whole | {"lmtPrice": 400.0, "algoStrategy": "DarkIce"}),
            (321, whole | {"lmtPrice": 400.0, "account": "U999"}),
        ):
            order = await client.place("AAPL", **terms)
            await client.error(code, order)
        assert await client.do("open_orders", True) == []

    play(scenario)


def test_a_what_if_order_tells_margins_and_nothing_is_bought(play: Play) -> None:
    async def scenario(server: Gateway, client: Driven) -> None:
        terms = {"action": "BUY", "totalQuantity": 100, "orderType": "LMT", "lmtPrice": 430.0, "tif": "DAY"}
        told = await client.do("what_if", "AAPL", terms)
        assert told == {"change": 21_500, "after": 21_500}
        assert server.venue.working() == []

    play(scenario)


def test_bytes_that_come_one_by_one_are_understood(play: Play) -> None:
    async def scenario(server: Gateway, client: Driven) -> None:
        server.apply({"do": "drip"})
        order = await client.place("AAPL", action="BUY", totalQuantity=1, orderType="MKT", tif="DAY")
        await client.status(order, "Filled")

    play(scenario)
