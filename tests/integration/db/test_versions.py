"""Rows of a scope take each other's place, whatever was written before, and nothing is lost on the way."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, update

from tests.examples import examples
from tickledger.db.accounts import ensure_account
from tickledger.db.tables import balances
from tickledger.db.trading import read_balances, replace_session
from tickledger.db.versions import ReplaceResult, Scope, replace_scope, writing
from tickledger.domain.account import Account, Mode
from tickledger.domain.errors import ConfigurationError, LedgerError
from tickledger.domain.position import Balance
from tickledger.domain.session_record import SessionRecord

FIRST = date(2012, 1, 2)
CASH = st.integers(0, 3)  # few values, so that rows come back after they were superseded


@st.composite
def written_scopes(draw: st.DrawFn) -> tuple[int, int, dict[int, int]]:
    """A span of days, and the cash of some of them."""
    start = draw(st.integers(0, 6))
    end = draw(st.integers(start, 6))
    return start, end, draw(st.dictionaries(st.integers(start, end), CASH))


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def write(ledger: Engine, account: Account, start: int, end: int, cash: dict[int, int]) -> ReplaceResult:
    rows = [Balance(account.account_id, day(n), Decimal(amount), Decimal(amount)) for n, amount in cash.items()]
    record = SessionRecord((), (), (), (), (), (), tuple(rows))
    return replace_session(ledger, account, record, start=day(start), end=day(end))["balances"]


def read(ledger: Engine, account: Account, as_of: datetime | None = None) -> dict[int, int]:
    rows = read_balances(ledger, account_id=account.account_id, as_of=as_of)
    return {(row.session_date - FIRST).days: int(row.cash) for row in rows}


def stored(ledger: Engine) -> int:
    with ledger.connect() as connection:
        return connection.execute(select(func.count()).select_from(balances)).scalar_one()


def fresh_account(ledger: Engine) -> Account:
    account = Account(f"SIM{stored(ledger)}-{id(object())}", Mode.SIMULATED)
    ensure_account(ledger, account)
    return account


@given(writes=st.lists(written_scopes(), min_size=1, max_size=6))
@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_last_word_on_each_day_stands_and_nothing_is_deleted(
    ledger: Engine, writes: Sequence[tuple[int, int, dict[int, int]]]
) -> None:
    account, model = fresh_account(ledger), dict[int, int]()
    for start, end, cash in writes:
        rows_before = stored(ledger)
        kept = {n for n in cash if model.get(n) == cash[n]}
        gone = {n for n in model if start <= n <= end and n not in kept}
        model = {n: amount for n, amount in model.items() if not start <= n <= end} | cash
        assert write(ledger, account, start, end, cash) == ReplaceResult(len(cash) - len(kept), len(kept), len(gone))
        assert read(ledger, account) == model
        assert write(ledger, account, start, end, cash) == ReplaceResult(0, len(cash), 0)
        assert stored(ledger) >= rows_before


@given(totals=st.lists(st.dictionaries(st.integers(0, 6), st.integers(0)), min_size=2, max_size=5))
@settings(max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_current_at_an_instant_can_be_asked_for(ledger: Engine, totals: list[dict[int, int]]) -> None:
    account = fresh_account(ledger)
    # Every write has amounts of its own: a row that comes back counts as current all the while.
    states = [{n: amount * 10 + i for n, amount in total.items()} for i, total in enumerate(totals)]
    instants = []
    for state in states:
        write(ledger, account, 0, 6, state)
        with ledger.connect() as connection:
            instants.append(connection.execute(select(func.clock_timestamp())).scalar_one())
    assert [read(ledger, account, as_of=instant) for instant in instants] == states


def test_a_row_outside_the_scope_is_refused(ledger: Engine) -> None:
    account = fresh_account(ledger)
    with pytest.raises(LedgerError, match="lies outside the rows that are being replaced"):
        write(ledger, account, 0, 3, {4: 1})
    assert read(ledger, account) == {}


def test_another_accounts_rows_are_left_alone(ledger: Engine) -> None:
    mine, other = fresh_account(ledger), Account("OTHER", Mode.PAPER)
    ensure_account(ledger, other)
    write(ledger, other, 0, 6, {1: 1})
    write(ledger, mine, 0, 6, {1: 2})
    write(ledger, mine, 0, 6, {})
    assert (read(ledger, mine), read(ledger, other)) == ({}, {1: 1})


def test_an_id_stands_for_one_content(ledger: Engine) -> None:
    account = fresh_account(ledger)
    scope = Scope(among={"account_id": [account.account_id]})

    def put(*amounts: int) -> None:
        row = {"balance_id": "bal_1", "account_id": account.account_id, "mode": "simulated", "session_date": FIRST}
        rows = [row | {"cash": Decimal(amount), "equity": Decimal(0)} for amount in amounts]
        with writing(ledger, "trading") as (connection, at):
            replace_scope(connection, balances, rows, scope=scope, at=at)

    with pytest.raises(LedgerError, match="bal_1 stands for two contents"):
        put(1, 2)
    put(1)
    with pytest.raises(LedgerError, match=r"balances bal_1 is recorded with cash Decimal\('1'\), found Decimal\('2'\)"):
        put(2)
    put(1, 1)
    assert read(ledger, account) == {0: 1}


def test_a_connection_that_is_lost_costs_the_whole_write_and_says_so(ledger: Engine) -> None:
    def lose_the_connection() -> None:
        with writing(ledger, "trading") as (connection, at):
            connection.execute(update(balances).values(superseded_at=at))
            backend = connection.execute(select(func.pg_backend_pid())).scalar_one()
            with ledger.begin() as other:
                other.execute(select(func.pg_terminate_backend(backend)))
            connection.execute(select(balances))

    account = fresh_account(ledger)
    write(ledger, account, 0, 6, {1: 1})
    with pytest.raises(ConfigurationError, match="the database could not write trading, and kept nothing of it: term"):
        lose_the_connection()
    assert read(ledger, account) == {1: 1}


def test_a_write_that_fails_half_way_leaves_nothing(ledger: Engine) -> None:
    account = fresh_account(ledger)
    write(ledger, account, 0, 6, {1: 1})
    bad = Balance(account.account_id, day(2), Decimal("NaN"), Decimal(0))
    record = SessionRecord((), (), (), (), (), (), (bad,))
    with pytest.raises(LedgerError, match="ck_balances_finite"):
        replace_session(ledger, account, record, start=day(0), end=day(6))
    assert read(ledger, account) == {1: 1}
