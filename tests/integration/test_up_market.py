"""The simulated market of `tickledger up` at the end of its sample: all begins anew, with another account."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import command_environment
from tests.integration.test_up import processes_of, wait_until_nothing_is_left
from tickledger.cli.ports import free_port
from tickledger.local_servers import locks

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.timeout(500)]

#: The command itself, on the last session of the sample instead of the first.
LAST_SESSION = """
from datetime import date
from tickledger.cli import simulated_market
from tickledger.cli.app import app
simulated_market.FIRST_SESSION = date(2013, 3, 1)
app()
"""


def markets(home: Path) -> set[str]:
    """The accounts of the gateways that run."""
    found = (re.search(r"--account (DU\d+) ", line) for line in processes_of(home))
    return {each.group(1) for each in found if each is not None}


def test_a_market_that_has_come_to_the_end_of_its_sample_begins_anew_with_another_account(home: Path) -> None:
    ports = [part for name in ("dagster", "mlflow", "dashboard") for part in (f"--{name}-port", str(free_port()))]
    messages = home.with_suffix(".stderr")
    with (
        messages.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-c", LAST_SESSION, "up", "--market-speed", "600", *ports],
            cwd=home.parent,
            env={**command_environment(home), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        ) as process,
    ):
        try:
            assert locks.poll(lambda: bool(markets(home)), seconds=120), messages.read_text()
            first = markets(home)
            # A night's half, a session of 39 s in which the sensor has an account trade, and a night's half.
            assert locks.poll(lambda: "begins anew" in messages.read_text(), seconds=180), messages.read_text()
            assert locks.poll(lambda: bool(markets(home)), seconds=120), messages.read_text()
            assert len(first) == len(markets(home)) == 1
            assert first != markets(home)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
            wait_until_nothing_is_left(home)
