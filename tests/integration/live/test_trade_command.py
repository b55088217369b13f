"""`tickledger trade` as a person uses it: terms first, then a session, and one interrupt ends it in good order."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import TICKLEDGER, tickledger
from tests.integration.live.market import ACCOUNT, HALF_DAY, Market, market, printed

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live")]


@pytest.fixture
def open_market(home: Path) -> Iterator[Market]:
    with market(home) as running:
        yield running


def trading(home: Path, place: Market, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [TICKLEDGER, "trade", "--mode", "paper", *options],
        cwd=home.parent,
        env=dict(place.environment(home)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_session_trades_until_it_is_told_to_end(home: Path, open_market: Market) -> None:
    with trading(home, open_market, "--until", "12:50", "--json") as process:
        out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    summary = printed(out)
    assert (summary["session_date"], summary["state"]) == (HALF_DAY, "ended")
    assert summary["bars"] > 0
    assert summary["signals"] > 0
    terms, progress = err[: err.index("bars,")], err[err.index("bars,") :]
    assert ACCOUNT in terms
    assert "max daily loss" in terms
    assert f"{summary['bars']} bars" in progress


@pytest.mark.long
def test_an_interrupt_ends_it_in_good_order(home: Path, open_market: Market) -> None:
    with trading(home, open_market) as process:
        assert process.stderr is not None
        said = next(line for line in process.stderr if "running" in line)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, said + err
    assert "what the account holds and what works at the broker stays" in err
    assert "ended" in out


@pytest.mark.long
def test_a_second_session_beside_it_is_refused_and_the_first_goes_on(home: Path) -> None:
    with market(home, speed=5) as slow, trading(home, slow) as first:
        assert first.stderr is not None
        next(line for line in first.stderr if "running" in line)
        with trading(home, slow) as second:
            _, err = second.communicate(timeout=120)
        assert second.returncode != 0
        assert "traded by another session" in " ".join(err.split())
        assert first.poll() is None
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)
    assert first.returncode == 0


@pytest.mark.parametrize(
    "until", ["12:20", *(pytest.param(text, marks=pytest.mark.long) for text in ("noon", "2012-07-03T12:50:00"))]
)
def test_an_end_that_is_past_or_no_instant_is_refused(home: Path, open_market: Market, until: str) -> None:
    with trading(home, open_market, "--until", until) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "--until: expected" in err


def test_real_money_takes_the_setting_and_a_terminal(home: Path) -> None:
    refused = tickledger(home, "trade", "--mode", "live")
    assert refused.returncode == 2
    assert "expected TICKLEDGER_MODE=live as well" in refused.stderr
    live = subprocess.run(
        [TICKLEDGER, "trade", "--mode", "live"],
        cwd=home.parent,
        env={"TICKLEDGER_MODE": "live", "TICKLEDGER_IB_ACCOUNT": "U7654321", "TICKLEDGER_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert live.returncode == 2
    assert "U7654321" in live.stderr
    assert "max daily loss" in live.stderr
    assert "no terminal" in live.stderr


def test_a_replay_is_no_session(home: Path) -> None:
    refused = tickledger(home, "trade", "--mode", "simulated")
    assert refused.returncode == 2
    assert "expected paper or live" in refused.stderr
