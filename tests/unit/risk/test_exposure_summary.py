"""The sums that a person sees of an account's exposure are those that risk judges by."""

from datetime import UTC, datetime
from decimal import Decimal

from tickledger.domain.live_view import ExposureSummary
from tickledger.risk.exposure import Exposure
from tickledger.risk.exposure_summary import exposure_summary

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)


def test_exposure_is_summed_by_sector_and_unknown_sectors_together() -> None:
    exposure = Exposure(
        equity=Decimal(100_000),
        cash=Decimal(0),
        quantities={"AAPL": Decimal(10), "MSFT": Decimal(-5), "XYZ": Decimal(2), "ABC": Decimal(1)},
        prices={"AAPL": Decimal(100), "MSFT": Decimal(200), "XYZ": Decimal(50), "ABC": Decimal(7)},
    )
    summary = exposure_summary(exposure, sectors={"AAPL": "technology", "MSFT": "technology"}, measured_at=NOON)
    by_sector = {"technology": Decimal(2_000), "unclassified": Decimal(107)}
    assert summary == ExposureSummary(Decimal(2_107), Decimal(107), by_sector, NOON)
    assert summary.total_exposure == exposure.gross_notional()


def test_an_account_that_holds_nothing_has_nothing_at_stake() -> None:
    summary = exposure_summary(Exposure(equity=Decimal(1), cash=Decimal(1)), sectors={}, measured_at=NOON)
    assert summary == ExposureSummary(Decimal(0), Decimal(0), {}, NOON)
