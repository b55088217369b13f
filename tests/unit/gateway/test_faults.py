"""Every fault bites as it says, and what the broker's books hold stays true behind it."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.contract.market import NOON, gateway
from tests.unit.gateway.floors import executions, on_floor, statuses
from tests.unit.gateway.wire import AAPL, Wire, order_fields, ready, wire
from tickledger.domain.errors import InputError
from tickledger.gateway.fault_actions import _ACTIONS as THROWN
from tickledger.gateway.fault_switches import next_revision
from tickledger.gateway.faults import ACTIONS, describe, parse_fault, read_faults
from tickledger.gateway.server import Gateway

MARKET: dict[str, Any] = {"orderType": "MKT", "lmtPrice": "", "tif": "DAY"}
STREAM = (*AAPL, 0, "", 0, 0, "")
SETTLE = 0.05


async def filled(client: Wire, order_id: int) -> None:
    client.send(*order_fields(order_id, **MARKET))
    await client.until(lambda: statuses(client, order_id)[-1:] == ["Filled"])


# The link and the farms.


def test_silence_after_1100_and_the_fill_is_there_for_who_asks_after_1102() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(1, 11, 50, *STREAM)
        client.send(*order_fields(1, lmtPrice=433, totalQuantity=10))
        await client.until(lambda: statuses(client, 1))
        before = statuses(client, 1)
        server.apply({"do": "lose_link"})
        await client.error(1100)
        ticks = len(client.of(1))
        client.send(*order_fields(2, **MARKET))
        await client.answered()
        server.advance(NOON + timedelta(hours=4))
        await client.answered()
        assert statuses(client, 1) == before
        assert len(client.of(1)) == ticks
        assert statuses(client, 2) == []
        server.apply({"do": "restore_link"})
        await client.error(1102)
        await client.until(lambda: statuses(client, 2))
        client.send(7, 3, 60, "0", "", "", "", "", "", "")
        await client.of_kind(55)
        told = {fields[14] for fields in client.of(11)}
        assert told == {one.told.execution_id for one in server.floor.books.executions}
        server.advance(NOON + timedelta(hours=4, minutes=20))
        await client.until(lambda: len(client.of(1)) > ticks)

    on_floor(scenario)


def test_who_connects_while_the_link_is_lost_is_told_so_and_then_that_it_is_back() -> None:
    async def scenario(server: Gateway, _: Wire) -> None:
        server.apply({"do": "lose_link"})
        async with wire(server.port, 2) as late:
            await late.error(2110)
            await late.answered()
            assert 2104 not in {code for _, code in late.errors()}
            server.apply({"do": "restore_link"})
            await late.error(1102)

    on_floor(scenario)


def test_after_1101_the_subscriptions_are_gone_until_asked_for_again() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(1, 11, 50, *STREAM)
        await client.of_kind(1, 2)
        server.apply({"do": "lose_link"})
        server.apply({"do": "restore_link", "data": "lost"})
        await client.error(1101)
        ticks = len(client.of(1))
        server.advance(NOON + timedelta(minutes=2))
        await client.answered()
        assert len(client.of(1)) == ticks
        client.send(1, 11, 50, *STREAM)
        await client.until(lambda: len(client.of(1)) > ticks)

    on_floor(scenario)


def test_a_late_change_of_an_order_that_is_over_makes_no_second_order_of_it_though_its_id_fell_back() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*order_fields(1, orderRef="ord_1", **MARKET))
        await client.until(lambda: statuses(client, 1)[-1:] == ["Filled"])
        server.apply({"do": "roll_back_ids", "count": 5})
        client.send(*order_fields(1, orderRef="ord_1", **{**MARKET, "totalQuantity": 200}))
        await client.error(103)
        client.send(*order_fields(1, orderRef="ord_2", **MARKET))
        await client.until(lambda: len(executions(client)) == 2)
        assert len(server.venue.fills()) == 2

    on_floor(scenario)


def test_the_daily_reset_closes_refuses_and_rolls_ids_back_so_that_they_are_given_again() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*order_fields(8))
        await client.until(lambda: statuses(client, 8))
        server.apply({"do": "daily_reset", "seconds": 0.1, "closes": True, "ids_back": 4})
        await client.closed()
        assert (-1, 1100) in client.errors()
        async with wire(server.port, None) as early:
            await early.closed()
            assert early.seen == []
        await asyncio.sleep(0.15)
        async with wire(server.port) as again:
            await ready(again)
            assert again.of(9) == [["9", "1", "5"]]
            again.send(*order_fields(5, **MARKET))
            await again.until(lambda: statuses(again, 5)[-1:] == ["Filled"])
            again.send(16, 1)
            await again.of_kind(53)
            assert again.of(5)[-1][1] == "8"

    on_floor(scenario)


def test_a_farm_breaks_with_2103_and_after_2104_the_old_feed_stays_dead() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(1, 11, 50, *STREAM)
        await client.of_kind(1, 2)
        server.apply({"do": "break_farm"})
        await client.error(2103)
        server.apply({"do": "mend_farm"})
        await client.until(lambda: [code for _, code in client.errors()].count(2104) == 2)
        ticks = len(client.of(1))
        server.advance(NOON + timedelta(minutes=1))
        await client.answered()
        assert len(client.of(1)) == ticks
        client.send(2, 2, 50)
        client.send(1, 11, 51, *STREAM)
        server.advance(NOON + timedelta(minutes=2))
        await client.until(lambda: any(fields[2] == "51" for fields in client.of(1)))

    on_floor(scenario)


def test_a_feed_dies_quietly_for_one_symbol_alone() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(1, 11, 50, *STREAM)
        client.send(1, 11, 51, *("IBM" if field == "AAPL" else field for field in STREAM))
        await client.until(lambda: {fields[2] for fields in client.of(1)} == {"50", "51"})
        server.apply({"do": "kill_feed", "symbols": ["AAPL"]})
        dead = sum(fields[2] == "50" for fields in client.of(1))
        alive = sum(fields[2] == "51" for fields in client.of(1))
        server.advance(NOON + timedelta(minutes=2))
        await client.until(lambda: sum(fields[2] == "51" for fields in client.of(1)) > alive)
        assert sum(fields[2] == "50" for fields in client.of(1)) == dead

    on_floor(scenario)


# The socket.


def test_a_crash_closes_every_socket_and_after_the_restart_the_books_are_as_they_were() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        await filled(client, 1)
        client.send(*order_fields(2))
        await client.until(lambda: statuses(client, 2))
        server.crash()
        await client.closed()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)
        await server.restart()
        async with wire(server.port) as again:
            await ready(again)
            assert again.of(9) == [["9", "1", "3"]]
            again.send(5, 1)
            assert [fields[1] for fields in await again.of_kind(5)] == ["2"]
            again.send(7, 3, 60, "0", "", "", "", "", "", "")
            await again.of_kind(11)
            again.send(61, 1)
            assert (await again.of_kind(61))[0][14] == "100"

    on_floor(scenario)


def test_a_crash_by_script_restarts_by_itself() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": "crash", "restart_after": 0.05})
        await client.closed()
        await asyncio.sleep(0.1)
        async with wire(server.port) as again:
            await ready(again)

    on_floor(scenario)


def test_a_half_open_socket_stands_and_says_nothing() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": "half_open", "client": 1})
        seen = len(client.seen)
        client.send(49, 1)
        client.send(*order_fields(1, **MARKET))
        await asyncio.sleep(SETTLE)
        assert len(client.seen) == seen
        assert not client.is_closed
        assert server.floor.books.executions == []

    on_floor(scenario)


def test_bytes_that_drip_are_the_same_messages() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": "drip"})
        await filled(client, 1)
        server.apply({"do": "drip", "is_on": False})
        await filled(client, 2)
        assert statuses(client, 1)[-1] == "Filled"

    on_floor(scenario)


def test_one_client_is_disconnected_and_the_others_stay() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        async with wire(server.port, 2) as other:
            await ready(other)
            server.apply({"do": "disconnect", "client": 2})
            await other.closed()
        await client.answered()

    on_floor(scenario)


def test_a_client_id_counts_as_in_use_once() -> None:
    async def scenario(server: Gateway, _: Wire) -> None:
        server.apply({"do": "refuse_client", "client": 5})
        async with wire(server.port, 5) as refused:
            await refused.closed()
            assert refused.errors() == [(-1, 326)]
        async with wire(server.port, 5) as taken:
            await ready(taken)

    on_floor(scenario)


# Requests.


@pytest.mark.parametrize(
    ("request_name", "code", "fields"),
    [
        ("reqHistoricalData", 162, (20, 9, *AAPL, 0, "", "1 day", "5 D", 1, "TRADES", 1, 0, "")),
        ("reqMktData", 101, (1, 11, 9, *STREAM)),
        ("reqMktData", 354, (1, 11, 9, *STREAM)),
        ("reqContractDetails", 200, (9, 8, 9, *AAPL, 0, "", "", "")),
    ],
)
def test_a_request_is_refused_by_the_code_that_was_told_and_served_afterwards(
    request_name: str, code: int, fields: tuple[Any, ...]
) -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": "refuse_request", "request": request_name, "code": code, "text": "told so"})
        client.send(*fields)
        assert await client.error(code) == 9
        refused = len(client.errors())
        client.send(*fields)
        await client.answered()
        assert len(client.errors()) == refused
        assert any(client.of(number) for number in (17, 58, 10))

    on_floor(scenario)


def test_a_request_that_is_dropped_is_never_answered() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": "drop_request", "request": "reqExecutions"})
        client.send(7, 3, 60, "0", "", "", "", "", "", "")
        await client.answered()
        assert client.of(55) == []

    on_floor(scenario)


# Orders.


def test_a_dropped_order_is_nowhere_and_its_id_is_used() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"on": "order", "nth": 2, "do": "drop_order"})
        await filled(client, 1)
        client.send(*order_fields(2, **MARKET))
        await client.answered()
        assert statuses(client, 2) == []
        assert server.floor.books.of_client(1, 2) is None
        await filled(client, 3)
        assert len(server.floor.books.executions) == 2
        client.send(*order_fields(2, **MARKET))
        await client.error(103)

    on_floor(scenario)


@pytest.mark.parametrize("code", [103, 110, 201])
def test_an_order_is_refused_by_the_code_that_was_told(code: int) -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": "refuse_order", "code": code, "symbol": "IBM"})
        await filled(client, 1)
        client.send(*order_fields(2, symbol="IBM"))
        assert await client.error(code) == 2
        assert server.venue.working() == []

    on_floor(scenario)


def test_10349_looks_like_an_end_and_the_order_lives_on() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": "preset_term"})
        client.send(*order_fields(1, tif=""))
        assert await client.error(10349) == 1
        assert [order.order_key for order in server.venue.working()]
        client.send(4, 1, 1, "")
        await client.until(lambda: statuses(client, 1)[-1:] == ["Cancelled"])

    on_floor(scenario)


@pytest.mark.parametrize(("fault", "is_at_broker"), [("cut_before_order", False), ("cut_after_order", True)])
def test_the_socket_is_cut_before_or_after_the_venue_has_the_order(fault: str, *, is_at_broker: bool) -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": fault})
        client.send(*order_fields(1, **MARKET))
        await client.closed()
        assert statuses(client, 1) == executions(client) == []
        assert len(server.floor.books.executions) == int(is_at_broker)
        async with wire(server.port) as again:
            await ready(again)
            again.send(7, 3, 60, "0", "", "", "", "", "", "")
            await again.of_kind(55)
            assert len(again.of(11)) == int(is_at_broker)

    on_floor(scenario)


@pytest.mark.parametrize("code", [10147, 10148])
def test_a_cancellation_is_refused_by_the_code_that_was_told(code: int) -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*order_fields(1))
        await client.until(lambda: statuses(client, 1))
        server.apply({"do": "refuse_cancel", "code": code})
        client.send(4, 1, 1, "")
        assert await client.error(code) == 1
        assert len(server.venue.working()) == 1
        server.apply({"do": "drop_cancel"})
        client.send(4, 1, 1, "")
        await client.answered()
        assert len(server.venue.working()) == 1

    on_floor(scenario)


@pytest.mark.parametrize(("quantity", "ends"), [(None, "Cancelled"), (30, "Cancelled"), (100, "Filled")])
def test_a_cancellation_crosses_a_fill(quantity: int | None, ends: str) -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*order_fields(1, lmtPrice=420))
        await client.until(lambda: statuses(client, 1))
        server.apply({"do": "fill_before_cancel"} | ({} if quantity is None else {"quantity": quantity}))
        client.send(4, 1, 1, "")
        await client.until(lambda: statuses(client, 1)[-1] == ends)
        [told] = client.of(11)
        assert told[19] == str(quantity or 50)
        await client.answered()
        if ends == "Filled":
            assert (1, 10148) in client.errors()

    on_floor(scenario)


# What is told.


def test_statuses_come_twice_and_out_of_order() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": "duplicate_status", "copies": 3})
        client.send(*order_fields(1))
        await client.until(lambda: statuses(client, 1) == ["Submitted"] * 3)
        server.apply({"do": "reorder_status"})
        client.send(*order_fields(2, **MARKET))
        await client.until(lambda: len(statuses(client, 2)) == 2)
        assert statuses(client, 2) == ["Filled", "Submitted"]

    on_floor(scenario)


def test_a_commission_comes_late_or_only_to_who_asks() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": "delay_commission", "seconds": 0.1})
        await filled(client, 1)
        await client.answered()
        assert client.of(59) == []
        client.send(7, 3, 60, "0", "", "", "", "", "", "")
        await client.of_kind(55)
        assert client.of(59) == []
        await client.of_kind(59)
        server.apply({"do": "drop_commission"})
        await filled(client, 2)
        await client.answered()
        assert len(client.of(59)) == 1
        client.send(7, 3, 61, "0", "", "", "", "", "", "")
        assert len(await client.of_kind(59, 3)) == 3

    on_floor(scenario)


def test_a_correction_is_the_execution_again_under_the_next_revision() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": "correct_execution"})
        await filled(client, 1)
        first, second = (await client.of_kind(11, 2))[:2]
        assert first[14].endswith(".01")
        assert second[14] == f"{first[14][:-3]}.02"
        assert first[15:] == second[15:]
        assert {fields[2] for fields in await client.of_kind(59, 2)} == {first[14], second[14]}
        client.send(61, 1)
        assert (await client.of_kind(61))[0][14] == "100"

    on_floor(scenario)


def test_a_corrected_price_is_told_and_paid() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": "correct_execution", "price": -0.5})
        await filled(client, 1)
        first, second = (await client.of_kind(11, 2))[:2]
        prices = [Decimal(fields[20]) for fields in (first, second)]
        assert prices[1] == prices[0] - Decimal("0.5")
        assert [fill.price for fill in server.venue.fills()] == [prices[1]]

    on_floor(scenario)


def test_revisions_count_in_the_last_part_of_the_id() -> None:
    assert next_revision("0001f4e8.652.01.01") == "0001f4e8.652.01.02"
    assert next_revision("a.09") == "a.10"
    with pytest.raises(ValueError, match="ends in a revision"):
        next_revision("abc")


def test_a_halt_stops_the_symbol_and_is_told() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(1, 11, 50, *STREAM)
        await client.of_kind(1, 2)
        server.apply({"do": "halt", "symbol": "AAPL"})
        await client.until(lambda: ["45", "6", "50", "49", "1"] in client.seen)
        client.send(*order_fields(1, **MARKET))
        await client.until(lambda: statuses(client, 1))
        assert executions(client) == []
        server.apply({"do": "resume", "symbol": "AAPL"})
        await client.until(lambda: statuses(client, 1)[-1] == "Filled")

    on_floor(scenario)


def test_an_error_out_of_the_blue_reaches_the_client_it_is_for() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": "error", "code": 2110, "text": "Connectivity is broken", "client": 2})
        server.apply({"do": "error", "code": 1300, "request_id": 12})
        assert await client.error(1300) == 12
        assert 2110 not in {code for _, code in client.errors()}

    on_floor(scenario)


# When.


def test_faults_happen_after_a_while_at_an_instant_and_on_an_event() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"after": 0.05, "do": "error", "code": 1})
        server.apply({"at": (NOON + timedelta(minutes=1)).isoformat(), "do": "error", "code": 2})
        server.apply({"on": "reqCurrentTime", "nth": 2, "do": "error", "code": 3})
        await client.answered()
        assert not {1, 2, 3} & {code for _, code in client.errors()}
        await client.answered()
        await client.error(3)
        await client.error(1)
        server.advance(NOON + timedelta(minutes=1))
        await client.error(2)

    on_floor(scenario)


def test_a_flood_sends_at_about_its_rate() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(1, 11, 50, *STREAM)
        await client.of_kind(1, 2)
        server.apply({"do": "flood", "rate": 2_000, "seconds": 0.2})
        await client.until(lambda: len(client.of(1)) > 250)
        assert server.flooded <= 450

    on_floor(scenario)


# The file.


def test_every_fault_is_described_and_every_switch_is_known() -> None:
    assert set(THROWN) <= set(ACTIONS)
    assert all(f"{name}" in describe() and action.does for name, action in ACTIONS.items())


@pytest.mark.parametrize(
    ("said", "column", "expected"),
    [
        ({"do": "explode"}, "do", "one of lose_link"),
        ({}, "do", "one of"),
        ({"do": "drop_order", "simbol": "AAPL"}, "simbol", "a field of drop_order: symbol, times"),
        ({"do": "drop_order", "times": "two"}, "times", "a number"),
        ({"do": "drop_order", "times": 0}, "times", "a number from 1 on"),
        ({"do": "flood", "rate": -5}, "rate", "a number from 1 on"),
        ({"do": "flood", "seconds": float("inf")}, "seconds", "a number"),
        ({"do": "daily_reset", "data": "some"}, "data", "one of kept, lost"),
        ({"do": "refuse_request", "request": "reqFoo", "code": 1}, "request", "one of cancelAccountSummary"),
        ({"do": "drip", "is_on": 1}, "is_on", "a truth"),
        ({"do": "kill_feed", "symbols": "AAPL"}, "symbols", "a list"),
        ({"do": "halt"}, "symbol", "a text"),
        ({"do": "crash", "after": -1}, "after", "not negative"),
        ({"do": "crash", "after": 1, "on": "order"}, "on", "one of after, at and on"),
        ({"do": "crash", "on": "lunch"}, "on", "one of cancel"),
        ({"do": "crash", "on": "order", "nth": 0}, "nth", "from 1 on"),
        ({"do": "crash", "at": "2013-03-14T12:00:00"}, "at", "with its zone"),
        ({"do": "crash", "at": 5}, "at", "an instant"),
    ],
)
def test_a_fault_that_is_none_is_told_with_its_field(said: dict[str, object], column: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_fault(said, where="faults.json, fault 3")
    [problem] = caught.value.problems
    assert (problem.where, problem.column) == ("faults.json, fault 3", column)
    assert expected in problem.expected


@pytest.mark.parametrize(("text", "expected"), [("{", "JSON"), ("{}", "a list of faults"), ("[1]", "an object")])
def test_a_file_of_faults_that_cannot_be_read_is_told(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "faults.json"
    path.write_text(text)
    with pytest.raises(InputError, match=expected):
        read_faults(path)


def test_a_file_of_faults_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a readable file, found No such file"):
        read_faults(tmp_path / "faults.json")


@pytest.mark.parametrize("when", [{}, {"after": 60}, {"at": "2013-03-14T15:31:00Z"}, {"on": "order"}])
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"do": "halt", "symbol": "NOSUCH"}, "halt, column symbol: expected a symbol of the tape, found NOSUCH"),
        ({"do": "kill_feed", "symbols": ["AAPL", "NOSUCH"]}, "expected a symbol of the tape, found NOSUCH"),
        ({"do": "order_by_hand", "symbol": "NOSUCH"}, "order_by_hand: expected an order TWS takes, found 200"),
        ({"do": "order_by_hand", "symbol": "AAPL", "order_type": "LMT"}, "order_by_hand: .* found 321"),
    ],
)
def test_a_fault_that_cannot_happen_is_told_when_it_is_planned(
    fault: dict[str, Any], when: dict[str, Any], expected: str
) -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        with pytest.raises(InputError, match=expected):
            server.apply(fault | when)
        client.send(*order_fields(1))
        server.advance(NOON + timedelta(minutes=2))
        await client.answered()

    on_floor(scenario)


def test_the_file_of_faults_is_planned(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text(json.dumps([{"do": "drop_order"}, {"on": "connect", "nth": 2, "do": "error", "code": 5}]))

    async def main() -> None:
        async with gateway() as server:
            for fault in read_faults(path):
                server.apply(fault)
            async with wire(server.port, 1) as client, wire(server.port, 2) as second:
                await ready(client)
                await second.error(5)
                client.send(*order_fields(1))
                await client.answered()
                assert client.of(5) == []

    asyncio.run(main())
