"""What a session begins with: whose account, what it has, what is traded, and which settings contradict each other."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine

from resources.session_account import (
    SIMULATED_GATEWAY,
    cash_before_fills,
    enter_account,
    opened_account,
    opening_deposit,
    session_account,
    session_before,
    session_limits,
)
from resources.session_plan import session_policy, symbols_of, terms_of
from tests.trading import order
from tests.unit.execution.remote_venue import CHARGE, START, Venue
from tickledger.db.session_record import SessionRecorder
from tickledger.domain.account import Mode
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.position import Balance
from tickledger.execution.clock import ReplayClock
from tickledger.execution.session_policy import SessionPolicy
from tickledger.settings import Settings

DAY = date(2012, 7, 3)


def chosen(home: Path, **changed: Any) -> Settings:
    return Settings(home=home, **{"mode": Mode.PAPER, **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mode": Mode.SIMULATED}, "TICKLEDGER_MODE: expected paper or live for a session, found simulated"),
        ({"mode": Mode.LIVE}, "TICKLEDGER_IB_ACCOUNT: expected the account's number, found none"),
        ({"mode": Mode.LIVE, "ib_account": "DU7654321"}, "expected a live account"),
        ({"mode": Mode.PAPER, "ib_account": "U7654321"}, "expected a paper account, whose number begins with D"),
    ],
)
def test_a_mode_and_an_account_that_contradict_each_other_are_refused(
    changed: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        session_account(Settings(home=tmp_path, **changed))


def test_paper_without_a_number_is_the_simulated_gateways_account(tmp_path: Path) -> None:
    assert session_account(chosen(tmp_path)).account_id == SIMULATED_GATEWAY
    assert session_account(chosen(tmp_path, mode=Mode.LIVE, ib_account="U7654321")).mode is Mode.LIVE


def test_the_limits_of_a_session_are_those_of_the_settings_each_once(tmp_path: Path) -> None:
    rows = session_limits(chosen(tmp_path, max_order_quantity=77), "DU1")
    assert len({row.name for row in rows}) == len(rows)
    assert {row.name: row.value for row in rows}["max_order_quantity"] == 77
    assert {row.account_id for row in rows} == {"DU1"}


def test_an_account_is_entered_once_and_never_in_another_mode(ledger: Engine, tmp_path: Path) -> None:
    first = enter_account(ledger, chosen(tmp_path))
    assert enter_account(ledger, chosen(tmp_path)) == first


def test_a_new_account_has_nothing_until_its_deposit_is_recorded_and_is_new_no_more(
    ledger: Engine, tmp_path: Path
) -> None:
    account = enter_account(ledger, chosen(tmp_path))
    opened = opened_account(ledger, account.account_id, DAY)
    assert opened.is_new
    assert (opened.opening.cash, opened.opening.previous_equity, opened.last_close) == (Decimal(0), None, None)
    deposit = opening_deposit(account.account_id, Decimal(100_000), DAY)
    for session in ("sess_1", "sess_2"):
        # A process that died after it told the deposit is followed by one that tells it again.
        with SessionRecorder(ledger, account.account_id, session_id=session, session_date=DAY) as recorder:
            recorder.record_cash_transaction(deposit)
    again = opened_account(ledger, account.account_id, DAY)
    assert not again.is_new
    assert again.cash == (deposit,)
    assert again.opening.cash == 0


def test_the_deposit_of_an_account_that_somebody_traded_this_morning_is_what_it_had_before() -> None:
    venue = Venue(ReplayClock(START))
    bought = venue.enter(order("BUY 100 X"), "")
    first, second = venue.fill(bought, Decimal(60), Decimal(10)), venue.fill(bought, Decimal(40), Decimal(11))
    venue.correct(first, Decimal(60), Decimal("10.50"))
    for fill in (first, second):
        venue.charge(fill)
    assert venue.cash() == 100_000 - 630 - 440 - 2 * CHARGE
    for venue.tells_all_revisions in (False, True):
        assert cash_before_fills(venue.snapshot()) == 100_000


def test_cash_of_before_the_last_close_is_in_it_already(ledger: Engine, tmp_path: Path) -> None:
    account = enter_account(ledger, chosen(tmp_path))
    before = session_before(DAY)
    assert before == date(2012, 7, 2)
    with SessionRecorder(ledger, account.account_id, session_id="sess_1", session_date=before) as recorder:
        recorder.record_cash_transaction(opening_deposit(account.account_id, Decimal(100_000), before))
        recorder.record_balance(Balance(account.account_id, before, Decimal(100_000), Decimal(100_000)))
    opened = opened_account(ledger, account.account_id, DAY)
    assert (opened.last_close, opened.cash, opened.is_new) == (before, (), False)
    assert opened.opening.cash == opened.opening.previous_equity == 100_000
    # The day itself, seen again after its own close, still begins with the close before it.
    assert opened_account(ledger, account.account_id, before).cash != ()


def test_what_is_traded_is_what_the_settings_name_or_all_that_is_known(ledger: Engine, tmp_path: Path) -> None:
    assert symbols_of(ledger, chosen(tmp_path, symbols=" msft, AAPL ,msft,")) == ("AAPL", "MSFT")
    assert len(symbols_of(ledger, chosen(tmp_path))) > 2


def test_more_symbols_than_the_account_has_lines_for_are_refused(ledger: Engine, tmp_path: Path) -> None:
    many = ",".join(f"S{number}" for number in range(51))
    with pytest.raises(ConfigurationError, match=r"TICKLEDGER_SYMBOLS: expected 1 to 50 symbols.*found 51"):
        symbols_of(ledger, chosen(tmp_path, symbols=many))


@pytest.mark.parametrize(
    ("changed", "policy"),
    [
        (
            {},
            SessionPolicy(timedelta(seconds=60), Decimal("0.02"), timedelta(minutes=10)),
        ),
        (
            {"stop_loss": 0, "flatten_minutes": 0, "quote_age_seconds": 5},
            SessionPolicy(quote_limit=timedelta(seconds=5)),
        ),
        (
            {"strategy": "composite", "execution_algo": "twap", "execution_minutes": 7},
            SessionPolicy(timedelta(seconds=60), Decimal("0.02"), working_time=timedelta(minutes=7)),
        ),
    ],
    ids=["as it comes", "nothing", "daily"],
)
def test_how_a_session_trades_follows_from_the_settings(
    changed: dict[str, Any], policy: SessionPolicy, tmp_path: Path
) -> None:
    assert session_policy(chosen(tmp_path, **changed)) == policy


@pytest.mark.parametrize(
    "changed",
    [
        {"stop_loss": 1},
        {"stop_loss": -1},
        {"flatten_minutes": 391},
        {"bar_interval": "2min"},
        {"execution_minutes": 0},
        {"strategy": "astrology"},
        {"target_weight": 0},
        {"quote_age_seconds": 0},
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(changed: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=next(iter(changed))):
        chosen(tmp_path, **changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"stop_loss": Decimal(0)},
        {"stop_loss": Decimal(1)},
        {"flatten_before": timedelta(0)},
        {"quote_limit": -timedelta(seconds=1)},
        {"working_time": timedelta(0)},
    ],
    ids=str,
)
def test_terms_that_contradict_themselves_are_refused_by_name(changed: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"{next(iter(changed))}: expected"):
        SessionPolicy(**changed)


def test_nothing_is_opened_between_the_longer_of_two_times_and_the_close() -> None:
    ten, twenty = timedelta(minutes=10), timedelta(minutes=20)
    assert SessionPolicy(quiet_before=ten).last_opening == ten
    assert SessionPolicy(quiet_before=ten, flatten_before=twenty).last_opening == twenty
    assert SessionPolicy(quiet_before=twenty, flatten_before=ten).last_opening == twenty


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({}, "mean_reversion on 1min"),
        ({"bar_interval": "1sec"}, "mean_reversion on 1sec"),
        ({"strategy": "composite"}, "composite on daily bars"),
    ],
)
def test_a_person_is_shown_what_decides(changed: dict[str, Any], shown: str, tmp_path: Path) -> None:
    told = terms_of(chosen(tmp_path, **changed), "DU1", ["AAPL"])
    assert told["strategy"] == shown
    assert told["account"] == "DU1"
