"""The Great Expectations suite judges real rows in a real PostgreSQL, and keeps to itself."""

import re
import socket
import tempfile
from pathlib import Path
from typing import NoReturn

import pandas as pd
import pytest
from sqlalchemy import Engine, text

from resources.expectations import validate_bars
from tickledger.bars.sample import SAMPLE_BARS, SAMPLE_CORPORATE_ACTIONS
from tickledger.bars.sources import read_bars_file, read_corporate_actions_file
from tickledger.db.corporate_actions import ingest_corporate_actions
from tickledger.db.ingestion import IngestionSource
from tickledger.db.market_data import ingest_bars

pytestmark = pytest.mark.xdist_group("great_expectations")  # one worker pays for the import


@pytest.fixture(autouse=True)
def calls_outside(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every address that Python code asks for; libpq, which talks to PostgreSQL, does not ask Python."""
    asked: list[object] = []

    def refuse(*address: object, **_options: object) -> NoReturn:
        asked.append(address)
        raise OSError(f"a test may not look for {address}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return asked


def url(ledger: Engine) -> str:
    return ledger.url.render_as_string(hide_password=False)


def source(name: str) -> IngestionSource:
    return IngestionSource(name=name, sha256="0" * 64, window_start=None, window_end=None)


def ingest(ledger: Engine, bars: pd.DataFrame) -> None:
    ingest_bars(ledger, bars, rejects=[], source=source("bars.csv"))


def drop_constraints(ledger: Engine) -> None:
    """Let the table take what its own constraints refuse, as a table that another hand filled might hold."""
    named = text("SELECT conname FROM pg_constraint WHERE conrelid = 'market_data'::regclass AND contype = 'c'")
    with ledger.begin() as connection:
        for name in connection.scalars(named).all():
            connection.execute(text(f'ALTER TABLE market_data DROP CONSTRAINT "{name}"'))


def test_the_sample_meets_every_expectation_and_nothing_is_asked_of_the_outside(
    ledger: Engine, tmp_path: Path, calls_outside: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    actions, _ = read_corporate_actions_file(SAMPLE_CORPORATE_ACTIONS)
    ingest_corporate_actions(ledger, actions, rejects=[], source=source("corporate_actions.csv"))
    ingest(ledger, read_bars_file(SAMPLE_BARS)[0])
    report = validate_bars(database_url=url(ledger), data_docs=tmp_path / "docs")
    assert (report.success, report.evaluated, report.failed, report.warnings) == (True, 20, (), ())
    assert calls_outside == []
    assert list(home.iterdir()) == []
    assert "20 of 20 expectations are met" in report.index_page.read_text()


def test_each_page_stands_on_its_own(ledger: Engine, tmp_path: Path) -> None:
    ingest(ledger, read_bars_file(SAMPLE_BARS)[0].head(10))
    index = validate_bars(database_url=url(ledger), data_docs=tmp_path).index_page
    links = re.findall(r'href="([^"#]+)"', index.read_text())
    assert len(links) == 2
    assert all((tmp_path / link).is_file() for link in links)
    for page in tmp_path.rglob("*.html"):
        assert not re.search(r'<(?!a\b)[^>]*\b(?:src|href)\s*=\s*["\']?(?:https?:)?//', page.read_text())
        assert "<script" not in page.read_text()


def test_bars_that_cannot_be_are_named(ledger: Engine, tmp_path: Path) -> None:
    drop_constraints(ledger)
    bars = read_bars_file(SAMPLE_BARS)[0].head(20).reset_index(drop=True)
    bars.loc[3, "high"] = 1.0
    bars.loc[5, "volume"] = -4
    bars.loc[7, "open"] = -2.0
    ingest(ledger, bars)
    report = validate_bars(database_url=url(ledger), data_docs=tmp_path)
    assert not report.success
    told = {failure.split(":")[0]: failure for failure in report.failed}
    assert set(told) == {
        *(f"high is at least {other}" for other in ("low", "open", "close")),
        *("volume is not negative", "open is above 0", "open is at least low"),
    }
    assert told["volume is not negative"] == (
        "volume is not negative: not so for 1 of 20 bars, such as AAPL at 2000-03-08 00:00:00+00:00 (volume -4)"
    )
    assert "(high 1.0, low 125.0)" in told["high is at least low"]
    assert "14 of 20 expectations are met" in report.index_page.read_text()


def test_a_slipped_decimal_point_is_a_warning_and_a_known_split_is_not(ledger: Engine, tmp_path: Path) -> None:
    sample, _ = read_bars_file(SAMPLE_BARS)
    bars = sample[sample["symbol"] == "AAPL"].iloc[1240:1270].reset_index(drop=True)
    assert bars["close"].pct_change().min() < -0.45  # Apple's split of 2005-02-28
    bars.loc[20:, ["open", "high", "low", "close"]] *= 10
    ingest(ledger, bars)
    report = validate_bars(database_url=url(ledger), data_docs=tmp_path)
    assert report.success
    (warning,) = report.warnings
    slipped = bars["timestamp"].iloc[20].date()
    assert warning.startswith("no close jumps without a split to explain it: not so for 1 of 30 bars, such as ")
    assert f"AAPL at {slipped}" in warning


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_split_that_is_not_recorded_is_a_jump(ledger: Engine, tmp_path: Path, is_recorded: bool) -> None:  # noqa: FBT001
    sample, _ = read_bars_file(SAMPLE_BARS)
    before = sample[sample["symbol"] == "AAPL"].head(10).reset_index(drop=True)
    after = before.assign(timestamp=before["timestamp"] + pd.Timedelta("20D"))
    after[["open", "high", "low", "close"]] /= 5
    ingest(ledger, pd.concat([before, after], ignore_index=True))
    if is_recorded:
        split = pd.DataFrame({"symbol": ["AAPL"], "kind": ["split"], "ratio": [5.0], "amount": [float("nan")]})
        split["ex_date"] = pd.Timestamp("2000-03-19")  # a Sunday: it takes effect at the next bar
        ingest_corporate_actions(ledger, split, rejects=[], source=source("corporate_actions.csv"))
    report = validate_bars(database_url=url(ledger), data_docs=tmp_path)
    assert report.success
    assert len(report.warnings) == (0 if is_recorded else 1)


def test_an_empty_ledger_has_no_bars(ledger: Engine, tmp_path: Path) -> None:
    report = validate_bars(database_url=url(ledger), data_docs=tmp_path)
    assert report.failed == ("there are bars: found 0",)


def test_superseded_bars_are_not_judged_and_no_connection_stays(ledger: Engine, tmp_path: Path) -> None:
    bars = read_bars_file(SAMPLE_BARS)[0].head(5).reset_index(drop=True)
    ingest(ledger, bars.assign(volume=1))
    ingest(ledger, bars)
    report = validate_bars(database_url=url(ledger), data_docs=tmp_path)
    assert report.success
    ledger.dispose()
    with ledger.connect() as connection:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        assert connection.scalar(text(f"{others} AND backend_type = 'client backend'")) == 0
