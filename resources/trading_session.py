"""The trading session as a resource: the desk that trades, the broker beside it, and the clock of its market."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resources.broker_view import BrokerView
from resources.ledger import Ledger
from resources.market_clock import market_now
from resources.session_account import session_account
from resources.session_tally import SessionSummary
from tickledger.domain.account import Account, Mode
from tickledger.domain.alert import Alert
from tickledger.execution.clock import WallClock
from tickledger.notifications.configuration import build_notifier
from tickledger.settings import Settings

if TYPE_CHECKING:
    from resources.trading_desk import TradingDesk

_SENDING_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class LiveTrading:
    """What the settings say of live trading. It is not configured in Dagster: secrets stay in the environment."""

    settings: Settings

    @property
    def is_off(self) -> bool:
        """Whether there is no broker to trade at: the mode is simulated."""
        return self.settings.mode is Mode.SIMULATED

    @property
    def has_simulated_market(self) -> bool:
        """Whether the market is a simulated gateway's, with a clock of its own."""
        return self.settings.gateway_control is not None

    @property
    def account(self) -> Account:
        """The account that is traded; raises ConfigurationError where the settings name none."""
        return session_account(self.settings)

    @property
    def broker(self) -> BrokerView:
        """The broker, to be asked."""
        return BrokerView(self.settings)

    def desk(self, ledger: Ledger) -> "TradingDesk":
        """The desk that trades the account."""
        # Imported here: features, strategies and the broker's library take seconds, and a sensor needs none of them.
        from resources.trading_desk import TradingDesk  # noqa: PLC0415

        return TradingDesk(self.settings, ledger.url)

    def trade(
        self, ledger: Ledger, session_date: date, *, run_id: str, on_summary: Callable[[SessionSummary], None]
    ) -> SessionSummary:
        """Trade one session, once nobody else does; see `TradingDesk.run`."""
        from resources.trading_desk import SessionRequest  # noqa: PLC0415  as above

        request = SessionRequest(session_date, dagster_run_id=run_id, waits_for_lease=True)
        return self.desk(ledger).run(request, on_summary=on_summary)

    def journal_of(self, summary: SessionSummary) -> Path:
        """Where the inputs of a session are written down."""
        return self.settings.home / "sessions" / f"{summary.session_date}" / f"{summary.session_id}.jsonl"

    def market_now(self) -> datetime:
        """The market's time; raises BrokerUnavailableError where a simulated one does not answer."""
        return market_now(self.settings.gateway_control)

    def tell(self, alert: Alert) -> None:
        """Send an alert now, as far as that succeeds in a few seconds: for what has no run to send it in."""
        notifier = build_notifier(self.settings)
        notifier.notify(alert)
        notifier.close(_SENDING_SECONDS)

    def now(self) -> datetime:
        """The wall's time."""
        return WallClock().now()

    @property
    def lead(self) -> timedelta:
        """How long before the open a run starts; a simulated night may last a minute, so there it starts at dusk."""
        return timedelta(days=4) if self.has_simulated_market else timedelta(minutes=5)
