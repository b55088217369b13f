"""The smoke script for a paper account, as a person runs it, against the simulated gateway in another process."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.performance.loopback import gateway_process
from tickledger.gateway.journal import read_journal

SCRIPT = Path(__file__).resolve().parents[3] / "deploy" / "paper_smoke.py"
FLAG = "--i-know-this-is-paper"


def smoke(*arguments: str) -> tuple[int, str]:
    ran = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, timeout=120, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def requests(journal: Path) -> list[str]:
    return [entry.name for entry in read_journal(journal) if entry.direction == "in"]


@pytest.mark.slow
def test_on_the_simulated_gateway_all_is_as_expected_but_the_time(tmp_path: Path) -> None:
    journal = tmp_path / "wire.jsonl"
    with gateway_process(["AAPL"], journal=journal, messages_per_second=50) as gateway:
        code, told = smoke(FLAG, "--port", str(gateway.port))
        assert gateway.do(do="status")["open_orders"] == []
    looks = [line.split("│")[1].strip() for line in told.splitlines() if "│ LOOK" in line]
    assert (looks, code) == (["clock"], 1), told
    names = requests(journal)
    assert names.count("placeOrder") == 2, "the order and its modification"
    assert names.count("cancelOrder") == 1
    placed = [entry.fields for entry in read_journal(journal) if entry.name == "placeOrder"]
    first, second = (Decimal(fields[fields.index("LMT") + 1]) for fields in placed)
    assert 0 < second < first < 51, "the market stands at about 100"


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["drop_order", pytest.param("refuse_order", marks=pytest.mark.long)])
def test_an_order_that_goes_wrong_is_told_and_does_not_stay(fault: str, tmp_path: Path) -> None:
    with gateway_process(["AAPL"], journal=tmp_path / "wire.jsonl") as gateway:
        gateway.do(do=fault)
        code, told = smoke(FLAG, "--port", str(gateway.port), "--patience", "3")
        assert gateway.do(do="status")["open_orders"] == []
    assert code == 1
    assert [line for line in told.splitlines() if "place" in line and "LOOK" in line], told


def test_an_account_that_is_not_paper_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    journal = tmp_path / "wire.jsonl"
    with gateway_process(["AAPL"], account="U1234567", journal=journal) as gateway:
        code, told = smoke(FLAG, "--port", str(gateway.port))
    assert code == 2
    assert "expected paper accounts, whose numbers begin with D, found U1234567" in told
    assert set(requests(journal)) <= {"handshake", "startApi"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "expected --i-know-this-is-paper"),
        ((FLAG, "--port", "7496"), "--port 7496 is that of a live login of TWS"),
        ((FLAG, "--port", "4001"), "--port 4001 is that of a live login of IB Gateway"),
    ],
)
def test_without_the_flag_or_on_a_port_of_live_logins_nothing_begins(arguments: tuple[str, ...], reason: str) -> None:
    code, told = smoke(*arguments)
    assert code == 2
    assert reason in told


def test_without_a_gateway_it_says_what_was_expected() -> None:
    code, told = smoke(FLAG, "--port", "1", "--patience", "1")
    assert code == 1
    assert "127.0.0.1:1: expected a gateway with its API enabled" in told
