"""The schema goes up and down, is what the metadata say, and holds its rows to what was recorded."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, func, inspect, select, text, update
from sqlalchemy.exc import IntegrityError

from tests.integration.db.story import ACCOUNT, Story
from tickledger.db import migrate, tax, trading
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.tables import METADATA, audit_head, leases, market_data, symbols, trading_sessions
from tickledger.domain.lot import ClosedBy

#: Reference data, the audit log's head and what processes are up to are brought up to date; all else is a record.
IN_PLACE = (symbols, audit_head, leases, trading_sessions)
RECORDS = [table for table in METADATA.sorted_tables if table not in IN_PLACE]


def test_up_down_and_up_again_gives_the_described_schema(empty: Engine) -> None:
    assert migrate.current_revision(empty) is None
    migrate.upgrade(empty)
    assert migrate.schema_differences(empty) == []
    migrate.downgrade(empty, "base")
    assert inspect(empty).get_table_names() == ["alembic_version"]
    assert _functions(empty) == 0
    migrate.upgrade(empty)
    assert migrate.schema_differences(empty) == []
    assert migrate.current_revision(empty) is not None


@pytest.mark.usefixtures("story")
def test_a_filled_ledger_still_matches_and_still_goes_down(ledger: Engine) -> None:
    assert migrate.schema_differences(ledger) == []
    migrate.downgrade(ledger, "base")
    assert inspect(ledger).get_table_names() == ["alembic_version"]


def test_a_difference_from_the_described_schema_is_seen(ledger: Engine) -> None:
    with ledger.begin() as connection:
        connection.execute(text("DROP INDEX ix_market_data_symbol_id_bar_at"))
        connection.execute(text("ALTER TABLE signals DROP COLUMN strategy"))
    assert len(migrate.schema_differences(ledger)) == 2


def test_gains_of_before_0002_say_what_closed_them_and_depend_on_no_policy(ledger: Engine, story: Story) -> None:
    """Their wash sales name no lot: nobody wrote it down then."""
    action = _action(ledger)
    in_lieu = replace(
        story.tax.gains[1],
        gain_id="gain_in_lieu",
        close_execution_id="CA:AAPL:2012-01-09",
        corporate_action_id=action,
        closed_by=ClosedBy.CORPORATE_ACTION,
    )
    result = replace(story.tax, gains=(*story.tax.gains, in_lieu))
    tax.replace_tax_result(ledger, result, account_ids=[ACCOUNT.account_id])
    migrate.downgrade(ledger, "0001")
    assert not {"closed_by", "policies"} & {column["name"] for column in inspect(ledger).get_columns("capital_gains")}
    migrate.upgrade(ledger)
    assert migrate.schema_differences(ledger) == []
    gains = {gain.gain_id: gain for gain in tax.read_gains(ledger)}
    assert gains["gain_in_lieu"] == in_lieu
    assert gains["gain_washed"] == replace(story.tax.gains[0], policies=())
    assert [wash.replacement_lot_id for wash in tax.read_wash_sales(ledger)] == [None]


def _action(ledger: Engine) -> str:
    identity: str = read_corporate_actions(ledger)["corporate_action_id"].iloc[0]
    return identity


def test_commands_that_migrate_at_once_migrate_once(empty: Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate.upgrade, [empty] * 4))
    assert migrate.schema_differences(empty) == []


def test_the_story_has_a_row_of_every_kind(told: Engine) -> None:
    with told.connect() as connection:
        counts = {
            t.name: connection.execute(select(func.count()).select_from(t)).scalar() for t in METADATA.tables.values()
        }
    assert [name for name, count in counts.items() if count == 0] == []


def test_every_record_says_when_it_was_recorded() -> None:
    assert [table.name for table in RECORDS if "recorded_at" not in table.c] == []


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET recorded_at = now()", "TRUNCATE {} CASCADE"])
def test_no_record_is_changed_or_deleted(told: Engine, statement: str) -> None:
    for table in RECORDS:
        with told.connect() as connection, pytest.raises(IntegrityError, match="append-only"):
            connection.execute(text(statement.format(table.name)))


@pytest.mark.usefixtures("story")
def test_a_record_can_be_superseded(ledger: Engine) -> None:
    with ledger.begin() as connection:
        for table in RECORDS:
            if "superseded_at" in table.c:
                connection.execute(update(table).values(superseded_at=func.now()))


def test_what_trades_carries_its_accounts_mode(told: Engine) -> None:
    with_account = [table for table in METADATA.sorted_tables if "account_id" in table.c]
    assert len(with_account) >= 12
    assert [table.name for table in with_account if "mode" not in table.c] == []
    statement = text("INSERT INTO balances VALUES ('bal_x', 'SIM0001', 'live', '2012-02-01', 1, 1)")
    with told.connect() as connection, pytest.raises(IntegrityError, match="fk_balances_accounts"):
        connection.execute(statement)


def test_bars_are_found_by_symbol_and_time(ledger: Engine) -> None:
    indexes = {index["name"]: index["column_names"] for index in inspect(ledger).get_indexes("market_data")}
    assert indexes["ix_market_data_symbol_id_bar_at"] == ["symbol_id", "bar_at"]


def test_the_steps_of_an_order_are_found_by_the_order_and_orders_by_their_status(ledger: Engine) -> None:
    """Also by who reads superseded steps, which the index that numbers the steps in force leaves out."""
    indexes = {index["name"]: index for index in inspect(ledger).get_indexes("order_events")}
    whole = [
        index["column_names"]
        for index in indexes.values()
        if not index.get("dialect_options", {}).get("postgresql_where")
    ]
    assert ["order_id"] in whole
    by_status = indexes["ix_order_events_account_id_status_order_id"]
    assert by_status["column_names"] == ["account_id", "status", "order_id"]


def test_the_indexes_of_0011_are_gone_after_the_way_down_and_steps_are_as_they_were(
    ledger: Engine, story: Story
) -> None:
    told = trading.read_order_events(ledger)
    migrate.downgrade(ledger, "0010")
    names = {index["name"] for index in inspect(ledger).get_indexes("order_events")}
    assert not names & {"ix_order_events_order_id", "ix_order_events_account_id_status_order_id"}
    migrate.upgrade(ledger)
    assert migrate.schema_differences(ledger) == []
    assert trading.read_order_events(ledger) == told != []
    assert {event.order_id for event in told} == {order.order_id for order in story.record.orders}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("high", "low - 0.01"),
        ("close", "high + 0.01"),
        ("open", "'NaN'"),
        ("high", "'Infinity'"),
        ("low", "0"),
        ("volume", "-1"),
        ("version", "0"),
        ("interval", "'fortnight'"),
    ],
)
def test_a_bar_that_cannot_be_is_refused(told: Engine, column: str, value: str) -> None:
    names = [c.name for c in market_data.c if c.name != "session_date"]
    given = {"version": "2", column: value}
    cells = ", ".join(given.get(name, name) for name in names)
    statement = f"INSERT INTO market_data ({', '.join(names)}) SELECT {cells} FROM market_data LIMIT 1"  # noqa: S608
    with told.connect() as connection, pytest.raises(IntegrityError, match="ck_market_data"):
        connection.execute(text(statement))


def _functions(engine: Engine) -> int:
    with engine.connect() as connection:
        statement = text("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
        return int(connection.execute(statement).scalar_one())
