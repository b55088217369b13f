"""What a person hears of a session at once: fills, refusals, limits that stopped it, data and links that are gone."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Literal

from tickledger.domain.account import Account
from tickledger.domain.alert import AlertKind, Alerts
from tickledger.domain.alert_wording import (
    SessionNews,
    fill_alert,
    kill_switch_alert,
    outage_alert,
    reject_alert,
    risk_stop_alert,
    session_alert,
    stale_data_alert,
)
from tickledger.domain.broker import Connectivity, ConnectivityChange
from tickledger.domain.kill_switch import KillSwitchEvent
from tickledger.domain.order import OrderStatus, RiskDecision
from tickledger.execution.session import OLDEST_QUOTE, TurnNews

_QUOTE_AGE: Final = "quote_age_seconds"
#: The checks whose failure a person should hear of at once; others are in the record of decisions.
_STOPS: Final = frozenset({"max_daily_loss", "max_single_loss", "kill_switch", "max_orders_per_day"})


class SessionAlerts:
    """An onlooker that sends alerts, and the words for what happens to the session itself."""

    def __init__(self, alerts: Alerts, account: Account, session_id: str, now: Callable[[], datetime]) -> None:
        self._alerts = alerts
        self._account = account
        self._session_id = session_id
        self._now = now
        self._is_broker_down = False

    def __call__(self, news: TurnNews) -> None:
        """Tell what one event led to."""
        for fill in news.fills:
            self._alerts.notify(fill_alert(fill, mode=self._account.mode))
        for state in news.orders:
            if state.status is OrderStatus.REJECTED:
                self._tell_reject(news, state.order.order_id)
        for decision in news.decisions:
            if not decision.is_approved:
                self._tell_refusal(decision)

    def hear_link(self, change: ConnectivityChange) -> None:
        """Tell that the broker, or what is behind it, is out of reach, and that it is back."""
        is_down = change.connectivity is not Connectivity.CONNECTED
        if is_down is not self._is_broker_down:
            self._is_broker_down = is_down
            self._tell_outage(AlertKind.BROKER_DOWN, change.reason, is_over=not is_down)

    def tell_session(self, news: SessionNews, reason: str) -> None:
        """Tell that the session began, ended, or may not trade any more."""
        self._alerts.notify(
            session_alert(
                news,
                account_id=self._account.account_id,
                mode=self._account.mode,
                session_id=self._session_id,
                reason=reason,
                occurred_at=self._now(),
            )
        )

    def tell_database(self, reason: str) -> None:
        """Tell that the record is away."""
        self._tell_outage(AlertKind.DATABASE_DOWN, reason, is_over=False)

    def tell_silence(self, symbol: str, last_at: datetime | None) -> None:
        """Tell that nothing comes of a symbol any more."""
        self._alerts.notify(
            stale_data_alert(
                account_id=self._account.account_id,
                mode=self._account.mode,
                symbol=symbol,
                last_at=last_at,
                occurred_at=self._now(),
            )
        )

    def tell_kill_switch(self, event: KillSwitchEvent) -> None:
        """Tell a request or a step of the kill switch."""
        self._alerts.notify(kill_switch_alert(event, mode=self._account.mode))

    def _tell_outage(
        self, kind: Literal[AlertKind.DATABASE_DOWN, AlertKind.BROKER_DOWN], reason: str, *, is_over: bool
    ) -> None:
        self._alerts.notify(
            outage_alert(
                kind,
                account_id=self._account.account_id,
                mode=self._account.mode,
                reason=reason,
                occurred_at=self._now(),
                is_over=is_over,
            )
        )

    def _tell_reject(self, news: TurnNews, order_id: str) -> None:
        order = next(state.order for state in news.orders if state.order.order_id == order_id)
        self._alerts.notify(
            reject_alert(
                order, reason="the broker refused it", occurred_at=news.event.occurred_at, mode=self._account.mode
            )
        )

    def _tell_refusal(self, decision: RiskDecision) -> None:
        failed = {check.name: check for check in decision.checks if not check.is_passed}
        if (stale := failed.get(_QUOTE_AGE)) is not None:
            age = timedelta(seconds=float(stale.value))
            self._alerts.notify(
                stale_data_alert(
                    account_id=decision.account_id,
                    mode=self._account.mode,
                    symbol=decision.symbol,
                    last_at=None if age >= OLDEST_QUOTE else decision.decided_at - age,
                    occurred_at=decision.decided_at,
                )
            )
        for limit in sorted(_STOPS & set(failed)):
            self._alerts.notify(
                risk_stop_alert(
                    account_id=decision.account_id,
                    mode=self._account.mode,
                    limit=limit,
                    reason=decision.reason,
                    occurred_at=decision.decided_at,
                    symbol=decision.symbol,
                )
            )
