"""Bars and corporate actions are brought in once, restated by version, and what was refused is kept."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, text

from tests.examples import examples
from tests.integration.db.story import END, SOURCE, START, at, bars, corporate_actions, reject
from tickledger.bars.reject import Reject
from tickledger.bars.sample import SAMPLE_BARS, SAMPLE_CORPORATE_ACTIONS
from tickledger.bars.sources import read_bars_file, read_corporate_actions_file
from tickledger.db import audit
from tickledger.db.corporate_actions import ingest_corporate_actions, read_corporate_actions
from tickledger.db.ingestion import IngestionResult, IngestionSource
from tickledger.db.lineage import explain
from tickledger.db.market_data import ingest_bars, read_bars
from tickledger.db.quarantine import read_quarantine
from tickledger.db.symbols import read_symbols, upsert_symbols
from tickledger.db.tables import market_data, symbols
from tickledger.domain.bar import BarKey
from tickledger.domain.errors import InputError, LedgerError, Problem

CORRECTION = IngestionSource("correction.csv", "cd" * 32)


def counts(result: IngestionResult) -> tuple[int, int, int, int]:
    return result.inserted, result.unchanged, result.restated, result.quarantined


def now(ledger: Engine) -> datetime:
    with ledger.connect() as connection:
        instant: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return instant


def restated_bars() -> pd.DataFrame:
    """The bars of the story with another volume on 2012-01-04."""
    frame = bars()
    frame.loc[1, "volume"] = 7
    return frame


def test_the_whole_sample_comes_back_as_the_files_say(ledger: Engine) -> None:
    sample, rejects = read_bars_file(SAMPLE_BARS)
    actions, _ = read_corporate_actions_file(SAMPLE_CORPORATE_ACTIONS)
    assert counts(ingest_bars(ledger, sample, rejects=rejects, source=SOURCE)) == (12_154, 0, 0, 0)
    assert counts(ingest_corporate_actions(ledger, actions, rejects=[], source=SOURCE)) == (95, 0, 0, 0)
    expected = sample.sort_values(["symbol", "timestamp"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(read_bars(ledger).drop(columns="bar_id"), expected, check_exact=True)
    key = ["ex_date", "symbol", "kind"]
    found = read_corporate_actions(ledger).drop(columns="corporate_action_id").sort_values(key).reset_index(drop=True)
    pd.testing.assert_frame_equal(found[list(actions)], actions.sort_values(key).reset_index(drop=True))


def test_bringing_the_same_rows_again_changes_nothing(ledger: Engine) -> None:
    first = ingest_bars(ledger, bars(), rejects=[reject()], source=SOURCE)
    before, as_it_was = read_bars(ledger), now(ledger)
    again = ingest_bars(ledger, bars(), rejects=[reject()], source=SOURCE)
    elsewhere = ingest_bars(ledger, bars(), rejects=[], source=CORRECTION)
    assert [counts(result) for result in (first, again, elsewhere)] == [(5, 0, 0, 1), (0, 5, 0, 1), (0, 5, 0, 0)]
    assert first.ingestion_id == again.ingestion_id != elsewhere.ingestion_id
    pd.testing.assert_frame_equal(read_bars(ledger), before)
    pd.testing.assert_frame_equal(read_bars(ledger, as_of=as_it_was), before)
    assert len(read_quarantine(ledger)) == 1


def test_a_restated_bar_adds_a_version_and_the_old_one_can_be_asked_for(ledger: Engine) -> None:
    ingest_bars(ledger, bars(), rejects=[], source=SOURCE)
    original, before = read_bars(ledger), now(ledger)
    result = ingest_bars(ledger, restated_bars(), rejects=[], source=CORRECTION)
    assert counts(result) == (0, 4, 1, 0)
    after = read_bars(ledger)
    assert after["bar_id"].tolist()[:3] == [
        "bar_AAPL_1day_20120103T0000Z_1",
        "bar_AAPL_1day_20120104T0000Z_2",
        "bar_AAPL_1day_20120105T0000Z_1",
    ]
    assert after["volume"].tolist()[1] == 7
    pd.testing.assert_frame_equal(read_bars(ledger, as_of=before), original)
    back = ingest_bars(ledger, bars(), rejects=[], source=SOURCE)
    assert counts(back) == (0, 4, 1, 0)
    assert read_bars(ledger)["bar_id"].tolist()[1] == "bar_AAPL_1day_20120104T0000Z_3"


def test_before_the_first_ingestion_nothing_was_known(ledger: Engine) -> None:
    before = now(ledger)
    ingest_bars(ledger, bars(), rejects=[], source=SOURCE)
    ingest_corporate_actions(ledger, corporate_actions(), rejects=[], source=SOURCE)
    assert read_bars(ledger, as_of=before).empty
    assert read_corporate_actions(ledger, as_of=before).empty
    assert read_bars(ledger, as_of=before).dtypes.equals(read_bars(ledger).dtypes)
    assert read_corporate_actions(ledger, as_of=before).dtypes.equals(read_corporate_actions(ledger).dtypes)


def test_bars_are_read_by_dates_and_symbols(ledger: Engine) -> None:
    ibm = bars().assign(symbol="IBM")
    ingest_bars(ledger, pd.concat([ibm, bars()]), rejects=[], source=SOURCE)
    some = read_bars(ledger, start=date(2012, 1, 4), end=date(2012, 1, 6), symbols=["IBM", "no'body"])
    assert some["symbol"].unique().tolist() == ["IBM"]
    assert some["timestamp"].dt.day.tolist() == [4, 5, 6]
    assert read_bars(ledger, end=START)["symbol"].tolist() == ["AAPL", "IBM"]
    assert len(read_bars(ledger, start=END)) == 2


def test_a_minute_bar_belongs_to_the_session_of_its_new_york_date(ledger: Engine) -> None:
    stamps = pd.to_datetime(["2012-01-03T23:59Z", "2012-01-04T00:30Z", "2012-01-04T14:30Z"]).as_unit("us")
    minutes = bars().head(3).assign(timestamp=stamps)
    ingest_bars(ledger, minutes, rejects=[], source=SOURCE, interval="1min")
    assert len(read_bars(ledger, interval="1min", start=START, end=START)) == 2
    assert len(read_bars(ledger, interval="1min", start=date(2012, 1, 4))) == 1
    assert read_bars(ledger).empty


def test_a_bar_of_a_second_is_called_in_the_record_as_it_is_in_the_domain(ledger: Engine) -> None:
    stamps = pd.to_datetime(["2012-01-03T14:30:00Z", "2012-01-03T14:30:59Z", "2012-01-03T14:31:00Z"]).as_unit("us")
    ingest_bars(ledger, bars().head(3).assign(timestamp=stamps), rejects=[], source=SOURCE, interval="1sec")
    expected = [str(BarKey("AAPL", "1sec", stamp.to_pydatetime())) for stamp in stamps]
    assert read_bars(ledger, interval="1sec")["bar_id"].tolist() == expected
    assert expected[1] == "bar_AAPL_1sec_20120103T143059Z_1"
    assert [node.id for node in (explain(ledger, bar_id) for bar_id in expected)] == expected


def test_each_year_has_a_partition_of_its_own(ledger: Engine) -> None:
    stamps = pd.to_datetime(["1999-12-31", "2000-01-03", "2012-01-03", "2012-12-31", "2013-01-02"], utc=True)
    ingest_bars(ledger, bars().assign(timestamp=stamps.as_unit("us")), rejects=[], source=SOURCE)
    with ledger.connect() as connection:
        rows = connection.execute(text("SELECT tableoid::regclass::text, count(*) FROM market_data GROUP BY 1"))
        found = {name: count for name, count in rows}  # noqa: C416  a row is not a pair to mypy
    years = {f"market_data_{year}": 1 for year in (1999, 2000, 2013)}
    assert found == years | {"market_data_2012": 2}


def test_two_bars_of_one_moment_are_refused_and_nothing_is_kept(ledger: Engine) -> None:
    twice = pd.concat([bars(), bars().tail(1)])
    with pytest.raises(InputError, match=r"bars\.csv, column timestamp: expected one bar .* AAPL at 2012-01-09"):
        ingest_bars(ledger, twice, rejects=[], source=SOURCE)
    assert read_bars(ledger).empty


def test_a_bar_the_checks_let_slip_costs_the_whole_ingestion_and_leaves_no_trace(ledger: Engine) -> None:
    impossible = bars()
    impossible.loc[0, "high"] = 1.0
    with pytest.raises(LedgerError, match="ck_market_data_range_holds_prices"):
        ingest_bars(ledger, impossible, rejects=[reject()], source=SOURCE)
    assert read_bars(ledger).empty
    assert read_quarantine(ledger) == []
    assert audit.verify(ledger) == []


def test_refused_rows_are_kept_with_their_cells_whatever_bytes_they_hold(ledger: Engine) -> None:
    garbage = b"\x00\xff12".decode("utf-8", "surrogateescape")
    odd = Reject(Problem("bars.csv", "a price", garbage, row=9, column="open"), {"open": garbage, "symbol": "Ä€"})
    nothing = bars().head(0)
    result = ingest_bars(ledger, nothing, rejects=[reject(), odd, odd], source=SOURCE)
    assert counts(result) == (0, 0, 0, 3)
    first, second = read_quarantine(ledger, ingestion_id=result.ingestion_id)
    assert first.reject == reject()
    assert second.reject.record == {"open": "\\x00\\udcff12", "symbol": "Ä€"}
    assert second.reject.problem.row == 9


def test_two_processes_that_bring_the_same_bars_at_once_store_them_once(ledger: Engine) -> None:
    def bring(_: int) -> IngestionResult:
        return ingest_bars(ledger, bars(), rejects=[reject()], source=SOURCE)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(bring, range(4)))
    assert sum(result.inserted for result in results) == 5
    assert len(read_bars(ledger)) == 5
    assert audit.verify(ledger) == []


prices = st.floats(min_value=1e-4, max_value=1e9, allow_nan=False, allow_infinity=False)


@given(values=st.lists(prices, min_size=1, max_size=5, unique=True))
@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_stored_is_the_shortest_decimal_of_the_float_and_reads_back_exactly(
    ledger: Engine, values: list[float]
) -> None:
    frame = bars().head(len(values)).assign(symbol="X")
    for column in ("open", "high", "low", "close"):
        frame[column] = values
    ingest_bars(ledger, frame, rejects=[], source=SOURCE)
    assert read_bars(ledger, symbols=["X"])["close"].tolist()[: len(values)] == values
    bar = (
        select(market_data.c.close).join(symbols).where(symbols.c.ticker == "X", market_data.c.superseded_at.is_(None))
    )
    with ledger.connect() as connection:
        stored = connection.execute(bar.order_by(market_data.c.bar_at)).scalars().all()
    assert stored[: len(values)] == [Decimal(repr(value)) for value in values]


def actions(*rows: dict[str, Any]) -> pd.DataFrame:
    columns = ["symbol", "ex_date", "kind", "ratio", "amount", "new_symbol"]
    frame = pd.DataFrame(list(rows), columns=columns)
    return frame.astype({"ex_date": "datetime64[us]", "ratio": "float64", "amount": "float64"})


def dividend(amount: float) -> dict[str, Any]:
    return {"symbol": "AAPL", "ex_date": date(2012, 1, 9), "kind": "dividend", "amount": amount}


def test_two_dividends_of_a_day_are_two_and_are_restated_together(ledger: Engine) -> None:
    both = actions(dividend(2.65), dividend(1.0), {"symbol": "IBM", "ex_date": END, "kind": "split", "ratio": 1 / 3})
    assert counts(ingest_corporate_actions(ledger, both, rejects=[], source=SOURCE)) == (3, 0, 0, 0)
    before = now(ledger)
    corrected = actions(dividend(2.65), dividend(1.25))
    assert counts(ingest_corporate_actions(ledger, corrected, rejects=[], source=CORRECTION)) == (0, 1, 1, 0)
    assert sorted(read_corporate_actions(ledger).query("symbol == 'AAPL'")["amount"]) == [1.25, 2.65]
    assert sorted(read_corporate_actions(ledger, as_of=before).query("symbol == 'AAPL'")["amount"]) == [1.0, 2.65]
    assert read_corporate_actions(ledger).query("symbol == 'IBM'")["ratio"].tolist() == [1 / 3]
    assert counts(ingest_corporate_actions(ledger, corrected, rejects=[], source=CORRECTION)) == (0, 2, 0, 0)


def test_a_change_of_ticker_names_the_new_one(ledger: Engine) -> None:
    change = {"symbol": "FB", "ex_date": date(2022, 6, 9), "kind": "ticker_change", "new_symbol": "META"}
    ingest_corporate_actions(ledger, actions(change), rejects=[], source=SOURCE)
    (row,) = read_corporate_actions(ledger).to_dict("records")
    assert (row["symbol"], row["new_symbol"]) == ("FB", "META")
    assert pd.isna(row["amount"])


def test_descriptions_of_instruments_are_brought_up_to_date_and_never_forgotten(ledger: Engine) -> None:
    ingest_bars(ledger, bars(), rejects=[], source=SOURCE)
    described = pd.DataFrame([{"symbol": "AAPL", "company_name": "Apple", "sector": "Technology"}, {"symbol": "IBM"}])
    assert upsert_symbols(ledger, described) == 2
    assert upsert_symbols(ledger, described) == 0
    assert upsert_symbols(ledger, pd.DataFrame([{"symbol": "AAPL", "company_name": "Apple Inc."}])) == 1
    apple, ibm = read_symbols(ledger).to_dict("records")
    assert (apple["company_name"], apple["sector"], ibm["symbol"]) == ("Apple Inc.", "Technology", "IBM")
    assert ibm["sector"] is None


def test_instants_are_utc(ledger: Engine) -> None:
    ingest_bars(ledger, bars(), rejects=[], source=SOURCE)
    with ledger.connect() as connection:
        stored = connection.execute(select(func.min(market_data.c.bar_at))).scalar_one()
    assert stored == at(START)
    assert stored.tzinfo is not None
    assert stored.utcoffset() == datetime(2012, 1, 1, tzinfo=UTC).utcoffset()
