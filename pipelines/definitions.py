"""The one Definitions: every asset, check, job, schedule and sensor, wired to the resources that the settings name."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets import bars, features, live, lots, market_data, models, reconciliation, reports, signals, trading
from pipelines.jobs import JOBS, intraday, nightly_books, nightly_reconciliation
from pipelines.schedules import SCHEDULES
from resources.data_quality import DataQuality
from resources.exports import Exports
from resources.lake import ParquetLake
from resources.ledger import Ledger
from resources.market_files import MarketFiles
from resources.model_registry import Models
from resources.notifier import AlertNotifier
from resources.simulated_account import SimulatedAccount
from resources.statement_inbox import StatementInbox
from resources.trading_session import LiveTrading
from sensors.evenings import simulated_evening_sensor
from sensors.market_files import market_files_changed
from sensors.run_failures import run_failures
from sensors.trading_session import trading_session_sensor
from tickledger.bars.sample import SAMPLE_BARS, SAMPLE_CORPORATE_ACTIONS, SAMPLE_SYMBOLS
from tickledger.settings import Settings, load_settings

STAGES = (market_data, bars, features, models, signals, trading, live, lots, reconciliation, reports)


def default_resources(settings: Settings) -> Mapping[str, Any]:
    """The resources that `settings` name.

    Addresses are read from the environment when a run starts, so that no password is part of a definition.
    """
    return {
        "io_manager": ParquetLake(folder=str(settings.home / "lake")),
        "ledger": Ledger(url=dg.EnvVar("TICKLEDGER_LEDGER_URL")),
        "models": Models(
            tracking_uri=dg.EnvVar("TICKLEDGER_MLFLOW_URL"), artifacts=str(settings.home / "mlflow" / "artifacts")
        ),
        "market_files": MarketFiles(
            bars=str(SAMPLE_BARS), corporate_actions=str(SAMPLE_CORPORATE_ACTIONS), symbols=str(SAMPLE_SYMBOLS)
        ),
        "data_quality": DataQuality(data_docs=str(settings.home / "data_docs")),
        "live": LiveTrading(settings),
        "inbox": StatementInbox(folder=str(settings.home / "statements")),
        "exports": Exports(folder=str(settings.home / "exports")),
        "notifier": AlertNotifier(),
        "simulated": SimulatedAccount(
            account_id="SIM0001",
            owner=settings.taxpayer,
            opening_cash="100000",
            strategy="composite",
            risk_limits={
                "max_position_size": str(settings.max_position_size),
                "max_portfolio_exposure": str(settings.max_portfolio_exposure),
                "max_sector_exposure": str(settings.max_sector_exposure),
                "max_single_loss": str(settings.max_single_loss),
                "max_daily_loss": str(settings.max_daily_loss),
            },
        ),
    }


def build_definitions(settings: Settings, *, resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Fresh Definitions for `settings`; tests override single resources by name.

    Where the market is simulated, trading is on from the beginning; at any other a person switches it on in the UI.
    Raises ConfigurationError where mode and account contradict each other.
    """
    trading = LiveTrading(settings)
    account_id = None if trading.is_off else trading.account.account_id
    is_on = not trading.is_off and trading.has_simulated_market
    status = dg.DefaultSensorStatus.RUNNING if is_on else dg.DefaultSensorStatus.STOPPED
    return dg.Definitions(
        assets=dg.load_assets_from_modules(STAGES),
        asset_checks=dg.load_asset_checks_from_modules(STAGES),
        jobs=[*JOBS, intraday(account_id)],
        schedules=SCHEDULES,
        sensors=[
            market_files_changed,
            run_failures,
            trading_session_sensor(status),
            simulated_evening_sensor(status, (nightly_books, nightly_reconciliation)),
        ],
        resources={**default_resources(settings), **(resource_overrides or {})},
        # In this process, never one process for each step: a killed worker must not leave a child behind.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads; nothing is read before it asks."""
    return build_definitions(load_settings())
