"""Feature rows and model versions are recorded once; the champion is the one promoted last."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, select

from tests.integration.db.story import SOURCE, Story, bars, feature_rows, model
from tickledger.db import features, market_data, models
from tickledger.db.tables import feature_snapshots
from tickledger.domain.errors import LedgerError


def test_feature_rows_are_kept_once_and_exactly(ledger: Engine) -> None:
    market_data.ingest_bars(ledger, bars(), rejects=[], source=SOURCE)
    rows = feature_rows()
    assert features.write_feature_snapshots(ledger, rows.head(3)) == 3
    assert features.write_feature_snapshots(ledger, rows) == 2
    assert features.write_feature_snapshots(ledger, rows.head(0)) == 0
    with ledger.connect() as connection:
        kept = connection.execute(select(feature_snapshots.c.features)).scalars().all()
    assert kept == [{"return_1": 0.1 + 0.2, "rsi_14": 55.5}] * 5


def test_a_feature_row_stands_for_one_content_and_one_bar(ledger: Engine) -> None:
    market_data.ingest_bars(ledger, bars(), rejects=[], source=SOURCE)
    features.write_feature_snapshots(ledger, feature_rows())
    with pytest.raises(LedgerError, match=r"feature_snapshots feat_03 is recorded with features"):
        features.write_feature_snapshots(ledger, feature_rows().assign(rsi_14=0.0))
    elsewhere = feature_rows().assign(feature_row_id="feat_x", bar_id="bar_AAPL_1day_19990104T0000Z_1").head(1)
    with pytest.raises(LedgerError, match="fk_feature_snapshots_market_data"):
        features.write_feature_snapshots(ledger, elsewhere)


def test_a_model_version_comes_back_as_it_was_recorded(ledger: Engine, story: Story) -> None:
    assert models.read_model_versions(ledger, "direction") == [story.model]
    assert models.read_model_versions(ledger, "direction", year=2011) == []
    assert models.read_model_versions(ledger, "other") == []


def test_the_champion_of_a_year_is_the_model_promoted_last(ledger: Engine) -> None:
    def version(number: int, *, year: int = 2012, champion: bool = True) -> None:
        start = model().train_start_date
        end = start.replace(year=year - 1)
        models.record_model_version(
            ledger,
            replace(
                model(),
                model_version_id=f"model_{number}",
                version=number,
                fingerprint=f"{number}",
                trained_for_year=year,
                train_end_date=end,
                is_champion=champion,
            ),
        )

    def champions() -> list[int]:
        return [one.version for one in models.read_model_versions(ledger, "direction") if one.is_champion]

    version(1)
    version(2, champion=False)
    version(3, year=2011)
    assert champions() == [1, 3]
    version(2)
    assert champions() == [2, 3]
    version(1, champion=False)
    assert champions() == [2, 3]
    version(1)
    assert champions() == [1, 3]


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"fingerprint": "another"}, "model_1 is recorded as"),
        ({"model_version_id": "model_2"}, "uq_model_versions_name_version"),
        ({"model_version_id": "model_2", "version": 2, "trained_for_year": 2011}, "training_saw_the_past_only"),
    ],
)
def test_a_model_that_contradicts_the_record_is_refused(told: Engine, changed: dict[str, Any], refusal: str) -> None:
    with pytest.raises(LedgerError, match=refusal):
        models.record_model_version(told, replace(model(), **changed))
    assert models.read_model_versions(told, "direction") == [model()]
