"""The journal: everything both sides said, in order, and a replay that goes the same way or says where it did not."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.contract.market import NOON, gateway, small_tape
from tests.unit.gateway.wire import AAPL, order_fields, ready, wire
from tickledger.domain.errors import InputError
from tickledger.gateway.journal import Entry, read_journal
from tickledger.gateway.replay import Difference, connections, replay


def recorded(path: Path) -> list[Entry]:
    """A short session with orders of all kinds, as a journal."""

    async def main() -> None:
        async with gateway(journal=path) as server, wire(server.port, 4) as client:
            await ready(client)
            client.send(9, 8, 50, *AAPL, 0, "", "", "")
            client.send(1, 11, 51, *AAPL, 0, "233", 0, 0, "")
            client.send(*order_fields(1, orderType="MKT", lmtPrice="", tif="DAY"))
            await client.of_kind(59)
            client.send(*order_fields(2))
            await client.answered()
            client.send(4, 1, 2, "")
            client.send(7, 3, 52, "0", "", "", "", "", "", "")
            await client.of_kind(55)

    asyncio.run(main())
    return list(read_journal(path))


def replayed(entries: Sequence[Entry], *, seed: int = 1) -> list[Difference]:
    async def main() -> list[Difference]:
        async with gateway(small_tape(seed)) as server:
            [connection] = connections(entries)
            return await replay(entries, "127.0.0.1", server.port, connection=connection, patience=0.5)

    return asyncio.run(main())


def test_both_directions_are_written_with_names_and_fields(tmp_path: Path) -> None:
    entries = recorded(tmp_path / "journal.jsonl")
    names = [(entry.direction, entry.name) for entry in entries]
    assert names[:4] == [("note", "connected"), ("in", "handshake"), ("out", "handshake"), ("in", "startApi")]
    assert ("in", "placeOrder") in names
    assert names.index(("in", "placeOrder")) < names.index(("out", "openOrder")) < names.index(("out", "execDetails"))
    assert names[-1] == ("note", "disconnected")
    assert all(entry.client == 4 for entry in entries[5:])
    [placed, _] = [entry for entry in entries if entry.name == "placeOrder"]
    assert placed.fields[:2] == ["3", "1"]
    assert all(one.at <= other.at for one, other in pairwise(entries))


def test_a_replay_over_the_same_market_goes_word_by_word_the_same_way(tmp_path: Path) -> None:
    assert replayed(recorded(tmp_path / "journal.jsonl")) == []


def test_a_replay_over_another_market_tells_where_it_differs(tmp_path: Path) -> None:
    differences = replayed(recorded(tmp_path / "journal.jsonl"), seed=2)
    assert differences
    assert all(one.recorded != one.replayed for one in differences)
    assert {"1", "11"} & {one.recorded[0] for one in differences}


def test_a_line_that_a_kill_cut_short_is_passed_over_and_a_broken_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    entries = recorded(path)
    with path.open("a") as file:
        file.write('{"at":"2013')
    assert list(read_journal(path)) == entries
    with path.open("a") as file:
        file.write("\n")
    with pytest.raises(InputError, match=f"row {len(entries) + 1}"):
        list(read_journal(path))


def test_the_same_market_and_the_same_requests_give_the_same_fills() -> None:
    async def main() -> list[object]:
        venue = {"stands": False, "latency": timedelta(milliseconds=20)}
        async with gateway(venue=venue) as server, wire(server.port) as client:
            await ready(client)
            for number in range(1, 6):
                client.send(*order_fields(number, lmtPrice=430 + number, tif="DAY"))
                await client.answered()
                server.advance(NOON + timedelta(minutes=5 * number))
            return [one.told for one in server.floor.books.executions]

    first, second = asyncio.run(main()), asyncio.run(main())
    assert first == second != []
