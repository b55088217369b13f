"""The account as clients are told of it: positions, values, summaries and profit and loss, at once and on change."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.market import ACCOUNT, NOON
from tests.unit.gateway.floors import on_floor
from tests.unit.gateway.wire import Wire, order_fields
from tickledger.gateway.server import Gateway

MARKET: dict[str, Any] = {"orderType": "MKT", "lmtPrice": "", "tif": "DAY"}


def values(client: Wire, number: int = 6) -> dict[str, str]:
    """The last of each value."""
    place = {6: 2, 73: 5, 63: 4}[number]
    return {fields[place]: fields[place + 1] for fields in client.of(number)}


def test_positions_come_with_an_end_and_then_with_every_fill_until_cancelled() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(61, 1)
        await client.of_kind(62)
        assert client.of(61) == []
        client.send(*order_fields(1, **MARKET))
        [held] = await client.of_kind(61)
        assert (held[2], held[4], held[14]) == (ACCOUNT, "AAPL", "100")
        client.send(*order_fields(2, **MARKET, action="SELL"))
        assert (await client.of_kind(61, 2))[1][14] == "0"
        client.send(64, 1)
        client.send(*order_fields(3, **MARKET))
        await client.of_kind(59, 3)
        await client.answered()
        assert len(client.of(61)) == 2

    on_floor(scenario)


def test_the_average_cost_contains_the_commission() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(61, 1)
        client.send(*order_fields(1, **MARKET))
        [held] = await client.of_kind(61)
        [execution] = server.floor.books.executions
        assert Decimal(held[15]) == execution.told.price + Decimal(1) / 100

    on_floor(scenario)


def test_account_updates_come_with_portfolio_time_and_end_and_again_after_a_fill() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(6, 2, 1, "")
        await client.of_kind(54)
        assert values(client)["NetLiquidation"] == "1000000.00"
        assert client.of(8) == [["8", "1", "11:30"]]
        client.send(*order_fields(1, **MARKET))
        [held] = await client.of_kind(7)
        assert (held[3], held[13]) == ("AAPL", "100")
        assert Decimal(values(client)["TotalCashValue"]) < Decimal(1_000_000)
        assert values(client)["GrossPositionValue"] == f"{Decimal(held[15]):.2f}"
        client.send(6, 2, 0, "")
        await client.answered()
        told = len(client.of(6))
        client.send(*order_fields(2, **MARKET))
        await client.of_kind(59, 2)
        await client.answered()
        assert len(client.of(6)) == told

    on_floor(scenario)


def test_updates_of_several_requests_end_one_by_one() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(76, 1, 70, ACCOUNT, "", 0)
        client.send(76, 1, 71, ACCOUNT, "model", 1)
        await client.of_kind(74, 2)
        assert {fields[5] for fields in client.of(73) if fields[2] == "71"} >= {"NetLiquidation", "CashBalance"}
        assert not any(fields[5] == "BuyingPower" for fields in client.of(73) if fields[2] == "71")
        client.send(77, 1, 70)
        await client.answered()
        told = len([fields for fields in client.of(73) if fields[2] == "70"])
        client.send(*order_fields(1, **MARKET))
        await client.of_kind(59)
        await client.answered()
        assert len([fields for fields in client.of(73) if fields[2] == "70"]) == told

    on_floor(scenario)


def test_a_summary_tells_the_tags_that_were_asked_for() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(62, 1, 80, "All", "NetLiquidation,$LEDGER:USD,Nonsense")
        await client.of_kind(64)
        told = values(client, 63)
        assert told["NetLiquidation"] == "1000000.00"
        assert told["CashBalance"] == "1000000.00"
        assert "Nonsense" not in told
        assert "BuyingPower" not in told

    on_floor(scenario)


def test_summaries_and_values_are_told_again_after_their_interval() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(62, 1, 80, "All", "NetLiquidation")
        await client.of_kind(63, 2)

    on_floor(scenario, account_seconds=0.05)


def test_profit_and_loss_are_told_when_they_change() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        contract_id = server.floor.directory.of_symbol("AAPL").contract_id
        client.send(92, 90, ACCOUNT, "")
        client.send(94, 91, ACCOUNT, "", contract_id)
        assert (await client.of_kind(94))[0] == ["94", "90", "0", "0", "0"]
        assert (await client.of_kind(95))[0][2] == "0"
        client.send(*order_fields(1, **MARKET))
        [_, after] = (await client.of_kind(94, 2))[:2]
        assert Decimal(after[2]) == Decimal(after[3]) < 0
        single = (await client.of_kind(95, 2))[1]
        assert (single[2], Decimal(single[4])) == ("100", Decimal(after[3]))
        server.advance(NOON + timedelta(minutes=30))
        await client.of_kind(94, 3)
        client.send(93, 90)
        client.send(95, 91)
        await client.answered()
        told = len(client.of(94))
        server.advance(NOON + timedelta(minutes=60))
        await client.answered()
        assert len(client.of(94)) == told

    on_floor(scenario, profit_seconds=0.02)


def test_a_what_if_order_tells_margins_and_commission_and_changes_nothing() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*order_fields(1, lmtPrice=430, totalQuantity=1_000, whatIf=True))
        [told] = await client.of_kind(5)
        before = told.index("PreSubmitted") + 1
        assert told[before : before + 9] == [
            *("0.00", "0.00", "1000000.00"),
            *("215000.00", "107500.00", "0.00"),
            *("215000.00", "107500.00", "1000000.00"),
        ]
        assert Decimal(told[before + 9]) == 5
        assert server.floor.books.open_orders() == []
        client.send(8, 1, 1)
        assert (await client.of_kind(9, 2))[1][2] == "1"

    on_floor(scenario)


@pytest.mark.parametrize(
    "fields", [(76, 1, 70, "DU9", "", 0), (6, 2, 1, "DU9"), (92, 70, "DU9", ""), (74, 1, 70, "DU9", "")]
)
def test_another_account_is_error_321(fields: tuple[object, ...]) -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(*fields)
        await client.error(321)

    on_floor(scenario)


def test_positions_of_a_request_come_with_its_id() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(*order_fields(1, **MARKET))
        await client.of_kind(59)
        client.send(74, 1, 70, ACCOUNT, "")
        await client.of_kind(72)
        assert [(fields[2], fields[5], fields[15]) for fields in client.of(71)] == [("70", "AAPL", "100")]

    on_floor(scenario)
