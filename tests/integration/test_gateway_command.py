"""``tickledger gateway`` as a person runs it: it listens, serves, and ends; and says what is wrong before that."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.command import TICKLEDGER, command_environment, tickledger
from tests.unit.gateway.wire import Wire, order_fields, ready, wire

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gateway command")]

HEADER = "symbol,timestamp,open,high,low,close,volume"
BARS = (HEADER, "ZZZ,2013-03-14,10,11,9,10.5,100000", "ZZZ,2013-03-15,10.5,11,10,10.8,100000")


@contextmanager
def running(home: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int, Sequence[str]]]:
    """The command while it listens, its port, and what it printed until then; it must not outlive the test."""
    process = subprocess.Popen(
        [TICKLEDGER, "gateway", "--port", "0", *arguments],
        env=dict(command_environment(home)) | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        told: list[str] = []
        while not any("Ctrl-C" in line for line in told):
            line = process.stdout.readline()
            assert line, process.communicate()
            told.append(line)
        found = re.search(r":(\d+), account", "".join(told))
        assert found
        yield process, int(found.group(1)), told
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_bundled_sample_is_served_until_the_command_is_asked_to_end(home: Path, number: signal.Signals) -> None:
    async def trade(port: int) -> list[str]:
        async with wire(port) as client:
            await ready(client)
            client.send(*order_fields(1, symbol="IBM", orderType="MKT", lmtPrice="", tif="DAY"))
            return (await client.of_kind(11))[0]

    with running(home) as (process, port, told):
        assert "5 symbols: AAPL, FB, GOOG, IBM, MSFT" in "".join(told)
        execution = asyncio.run(trade(port))
        assert execution[15].startswith("20130301 ")
        os.kill(process.pid, number)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert "The gateway has ended." in process.stderr.read()


def test_a_file_of_bars_runs_at_speed_with_faults_and_a_journal(home: Path) -> None:
    home.mkdir()
    bars, faults, journal = home / "bars.csv", home / "faults.json", home / "journal.jsonl"
    bars.write_text("\n".join(BARS) + "\n")
    faults.write_text(json.dumps([{"on": "reqIds", "do": "error", "code": 2110, "text": "told so"}]))

    async def watch(port: int) -> Wire:
        async with wire(port) as client:
            await ready(client)
            client.send(49, 1)
            [first] = await client.of_kind(49)
            await asyncio.sleep(0.2)
            client.send(8, 1, 1)
            await client.error(2110)
            client.send(49, 1)
            second = (await client.of_kind(49, 2))[1]
            assert int(second[2]) - int(first[2]) > 60
            return client

    arguments = ("--bars", bars, "--speed", "600", "--start", "2013-03-14", "--faults", faults, "--journal", journal)
    with running(home, *map(str, arguments)) as (process, port, _):
        asyncio.run(watch(port))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    names = [json.loads(line)["name"] for line in journal.read_text().splitlines()]
    assert {"startApi", "reqIds", "error"} <= set(names)


def test_what_is_wrong_is_told_before_anything_listens(home: Path) -> None:
    home.mkdir()
    faults, bars = home / "faults.json", home / "bars.csv"
    faults.write_text('[{"do": "drop_order"}, {"do": "crash", "restart_after": "soon"}]')
    bars.write_text("\n".join(BARS[:2]).replace("volume", "size"))
    for arguments, code, expected in (
        (("--faults", faults), 1, "fault 2, column restart_after: expected a number, found 'soon'"),
        (("--faults", home / "none.json"), 1, "No such file"),
        (("--bars", home / "none.csv"), 1, "no such file"),
        (("--bars", bars), 1, "volume"),
        (("--start", "2013-03-16"), 2, "expected a session of the NYSE, found Saturday 2013-03-16"),
        (("--fees", "cheap"), 2, "expected none, per_order:X, ib_fixed or ib_tiered"),
        (("--journal", home / "no" / "journal"), 2, "expected a folder"),
    ):
        ran = tickledger(home, "gateway", *map(str, arguments))
        assert ran.returncode == code, ran.stderr
        assert expected in ran.stderr.replace("\n", " ")
        assert "Traceback" not in ran.stderr


def test_a_port_in_use_is_told(home: Path) -> None:
    home.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = tickledger(home, "gateway", "--port", str(port))
    assert ran.returncode == 2
    assert f"port {port} of 127.0.0.1 is in use" in ran.stderr


def test_the_faults_are_listed(home: Path) -> None:
    home.mkdir()
    ran = tickledger(home, "gateway", "--list-faults")
    assert ran.returncode == 0
    assert "cut_after_order [symbol, times=1]: The socket is closed after the venue took an order" in ran.stdout
