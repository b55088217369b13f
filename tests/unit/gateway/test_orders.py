"""Orders as clients see them: acknowledgements in order, who is told what, and refusals by IB's codes."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.market import NOON
from tests.unit.gateway.floors import executions, on_floor, statuses
from tests.unit.gateway.wire import Wire, order_fields, ready, wire
from tickledger.gateway.server import Gateway


def test_open_order_comes_before_status_and_execution_before_commission() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(*order_fields(1, orderType="MKT", lmtPrice="", tif="DAY"))
        await client.of_kind(59)
        kinds = [fields[0] for fields in client.seen if fields[0] in {"5", "3", "11", "59"}]
        assert kinds.index("5") < kinds.index("3")
        assert kinds.index("3") < kinds.index("11") < kinds.index("59")
        await client.until(lambda: statuses(client, 1)[-1] == "Filled")

    on_floor(scenario)


def test_a_finished_orders_id_is_error_103_and_so_is_one_below_those_used() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(*order_fields(5, orderType="MKT", lmtPrice="", tif="DAY"))
        await client.until(lambda: statuses(client, 5)[-1:] == ["Filled"])
        client.send(*order_fields(5))
        client.send(*order_fields(4))
        await client.until(lambda: {(5, 103), (4, 103)} <= set(client.errors()))

    on_floor(scenario)


def test_a_change_of_side_or_contract_is_error_105_and_the_order_stays() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*order_fields(1))
        await client.of_kind(5)
        client.send(*order_fields(1, action="SELL"))
        client.send(*order_fields(1, symbol="IBM"))
        await client.until(lambda: client.errors().count((1, 105)) == 2)
        [order] = server.venue.working()
        assert (order.is_buy, order.symbol) == (True, "AAPL")

    on_floor(scenario)


def test_a_change_that_the_broker_refuses_leaves_the_terms_as_they_were() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(*order_fields(1, lmtPrice=400))
        await client.of_kind(5)
        client.send(*order_fields(1, lmtPrice=430, totalQuantity=1_000_000))
        await client.error(201)
        client.send(5, 1)
        await client.of_kind(53)
        assert client.of(5)[-1][16] == "400"
        assert statuses(client, 1)[-1] == "Submitted"

    on_floor(scenario)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"lmtPrice": "400.005"}, 110),
        ({"lmtPrice": ""}, 321),
        ({"lmtPrice": "-1"}, 321),
        ({"totalQuantity": "0"}, 434),
        ({"totalQuantity": "1.5"}, 10243),
        ({"action": "HOLD"}, 321),
        ({"orderType": "REL"}, 387),
        ({"orderType": "TRAIL", "auxPrice": ""}, 321),
        ({"orderType": "TRAIL", "trailingPercent": "100"}, 321),
        ({"tif": "GTD", "goodTillDate": "tomorrow"}, 321),
        ({"parentId": 99}, 201),
        ({"account": "DU9"}, 321),
        ({"symbol": "NOSUCH"}, 200),
    ],
)
def test_tws_refuses_what_it_cannot_send_on(terms: dict[str, Any], code: int) -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*order_fields(1, **terms))
        assert await client.error(code) == 1
        assert server.floor.books.open_orders() == []
        assert client.of(5) == []

    on_floor(scenario)


def test_what_the_broker_refuses_is_inactive_and_completed() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(*order_fields(1, totalQuantity=1_000_000, lmtPrice=430))
        await client.error(201)
        await client.until(lambda: statuses(client, 1) == ["Inactive"])
        client.send(99, 0)
        [completed] = await client.of_kind(101)
        assert "Inactive" in completed
        client.send(5, 1)
        await client.of_kind(53)
        assert len(client.of(5)) == 1

    on_floor(scenario)


def test_a_client_sees_its_own_orders_and_those_of_all_only_when_it_asks_for_all() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        async with wire(server.port, 2) as other:
            await ready(other)
            other.send(*order_fields(9))
            await other.of_kind(5)
            await client.answered()
            assert client.of(5) == client.of(3) == []
            client.send(5, 1)
            await client.of_kind(53)
            assert client.of(5) == []
            client.send(16, 1)
            await client.of_kind(53, 2)
            [told] = client.of(5)
            assert (told[1], told[24]) == ("9", "2")
            client.send(4, 1, 9, "")
            assert await client.error(10147) == 9
            assert len(server.venue.working()) == 1

    on_floor(scenario)


def test_the_master_client_is_told_of_all_orders_and_executions() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        async with wire(server.port, 7) as master:
            await ready(master)
            client.send(*order_fields(1, orderType="MKT", lmtPrice="", tif="DAY"))
            await master.of_kind(59)
            assert statuses(master, 1)[-1] == "Filled"
            assert executions(master) == executions(client)

    on_floor(scenario, master_client_id=7)


def test_an_order_by_hand_is_seen_by_who_asks_for_all_and_bound_to_client_0() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        by_hand = {"symbol": "IBM", "quantity": 7, "order_type": "LMT", "price": 100}
        server.apply({"do": "order_by_hand", **by_hand})
        client.send(16, 1)
        [told] = await client.of_kind(5)
        assert (told[1], told[24]) == ("0", "0")
        async with wire(server.port, 0) as zero:
            await ready(zero)
            zero.send(15, 1, 1)
            [bound] = await zero.of_kind(100)
            assert bound[2:] == ["0", "-1"]
            zero.send(5, 1)
            assert (await zero.of_kind(5))[0][1] == "-1"
            zero.send(4, 1, -1, "")
            await zero.until(lambda: statuses(zero, -1)[-1:] == ["Cancelled"])
            server.apply({"do": "order_by_hand", **by_hand})
            assert (await zero.of_kind(100, 2))[1][2:] == ["0", "-2"]
            await zero.until(lambda: statuses(zero, -2) == ["Submitted"])
        await client.answered()
        assert len(client.of(5)) == 1

    on_floor(scenario)


def test_executions_are_asked_for_by_filter() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*order_fields(1, orderType="MKT", lmtPrice="", tif="DAY"))
        client.send(*order_fields(2, orderType="MKT", lmtPrice="", tif="DAY", symbol="IBM", action="SELL"))
        await client.of_kind(59, 2)
        for number, (asked, found) in enumerate(
            (
                (["0", "", "", "", "", "", ""], 2),
                (["1", "DU1234567", "", "AAPL", "STK", "", ""], 1),
                (["0", "", "", "", "", "", "SELL"], 1),
                (["5", "", "", "", "", "", ""], 0),
                (["0", "", "20130314 11:31:00 US/Eastern", "", "", "", ""], 0),
                (["0", "", "", "", "FUT", "", ""], 0),
            ),
            start=100,
        ):
            client.send(7, 3, number, *asked)
            await client.until(lambda number=number: ["55", "1", str(number)] in client.seen)  # type: ignore[misc]
            assert sum(fields[1] == str(number) for fields in client.of(11)) == found
        server.advance(NOON + timedelta(days=1))
        client.send(7, 3, 200, "0", "", "", "", "", "", "")
        await client.until(lambda: ["55", "1", "200"] in client.seen)
        assert not any(fields[1] == "200" for fields in client.of(11))

    on_floor(scenario)


def test_day_orders_end_with_the_session_and_others_stay() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*order_fields(1, tif="DAY"))
        client.send(*order_fields(2, tif="GTC"))
        await client.of_kind(5, 2)
        server.advance(NOON + timedelta(hours=12))
        await client.until(lambda: statuses(client, 1)[-1] == "Cancelled")
        assert statuses(client, 2)[-1] != "Cancelled"

    on_floor(scenario)


def test_partial_fills_add_up_and_the_commission_is_the_orders() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.advance(NOON + timedelta(seconds=1))
        client.send(*order_fields(1, orderType="LMT", lmtPrice=440, totalQuantity=20_000, tif="DAY"))
        await client.of_kind(5)
        server.advance(NOON + timedelta(minutes=30))
        await client.until(lambda: statuses(client, 1)[-1] == "Filled")
        shares = [Decimal(fields[19]) for fields in client.of(11)]
        assert len(shares) > 1
        assert sum(shares) == 20_000
        paid = sum(Decimal(fields[3]) for fields in await client.of_kind(59, len(shares)))
        assert paid == Decimal(100)

    venue = {"stands": False, "max_participation": Decimal("0.1"), "accounts": {"DU1234567": Decimal(10**8)}}
    on_floor(scenario, venue=venue)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"totalQuantity": "inf"}, 321),
        ({"totalQuantity": "1e15"}, 321),
        ({"totalQuantity": "1e300"}, 320),
        ({"lmtPrice": "1e12"}, 321),
        ({"lmtPrice": "-Infinity"}, 321),
        ({"orderType": "TRAIL", "auxPrice": "Infinity"}, 321),
        ({"orderType": "TRAIL LIMIT", "auxPrice": 1, "lmtPriceOffset": "Infinity"}, 321),
    ],
)
def test_sizes_and_prices_that_no_order_has_are_refused_and_the_line_stays(terms: dict[str, Any], code: int) -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(*order_fields(1, **terms))
        assert await client.error(code) == 1
        await client.answered()

    on_floor(scenario)
