"""What other processes see of a session while it trades: an onlooker that publishes to the cache, and never waits."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final

from resources.session_tally import SessionTally
from tickledger.cache.publisher import CachePublisher
from tickledger.domain.live_view import LimitsInForce, LivePosition, PortfolioSummary, SessionBeat
from tickledger.domain.market import BarsClosed
from tickledger.execution.account_book import AccountBook
from tickledger.execution.session import TurnNews
from tickledger.execution.session_terms import SessionTerms
from tickledger.risk.exposure import Exposure
from tickledger.risk.exposure_summary import exposure_summary

_ZERO: Final = Decimal(0)


class SessionView:
    """Publishes one session. `now` is the wall's time: readers judge by it whether the session lives."""

    def __init__(
        self,
        publisher: CachePublisher,
        tally: SessionTally,
        account: AccountBook,
        terms: SessionTerms,
        now: Callable[[], datetime],
    ) -> None:
        self._publisher = publisher
        self._tally = tally
        self._account = account
        self._terms = terms
        self._now = now
        self._held: set[str] = set()
        bars = sorted(terms.history, key=lambda bar: bar.bar_id)
        publisher.warm(limits=LimitsInForce({row.name: row.value for row in terms.limits}, now()), bars={"1min": bars})

    def __call__(self, news: TurnNews) -> None:
        """Publish what one event led to."""
        if isinstance(news.event, BarsClosed):
            for bar in news.event.bars:
                self._publisher.publish_bar(bar, interval=news.event.interval)
            self._publish_account(news.event.occurred_at)
        for signal in news.signals:
            self._publisher.publish_signal(signal)
        if news.fills:
            self._publish_account(news.event.occurred_at)
        self._publish_state()

    def _publish_state(self) -> None:
        tally = self._tally
        detail = {name: str(value) for name, value in tally.detail().items()}
        self._publisher.publish_state(
            SessionBeat(
                tally.session_id,
                tally.session_date,
                tally.state,
                self._now(),
                tally.market_at,
                reason=tally.reason,
                detail=detail,
            )
        )

    def _publish_account(self, at: datetime) -> None:
        portfolio = self._account.portfolio
        values = {
            symbol: LivePosition(
                symbol,
                held.quantity,
                held.average_cost,
                self._account.price(symbol),
                held.quantity * (self._account.price(symbol) - held.average_cost),
                at,
            )
            for symbol, held in portfolio.holdings.items()
        }
        for symbol in self._held - set(values):
            self._publisher.publish_position(LivePosition(symbol, *(_ZERO,) * 4, at))
        for position in values.values():
            self._publisher.publish_position(position)
        self._held = set(values)
        equity, worth = self._account.equity(), sum((p.quantity * p.price for p in values.values()), _ZERO)
        pnl = equity - self._account.previous_equity
        self._publisher.publish_portfolio(PortfolioSummary(equity, portfolio.cash, worth, pnl, at))
        held = Exposure(
            equity=equity,
            cash=portfolio.cash,
            quantities={symbol: position.quantity for symbol, position in values.items()},
            prices={symbol: position.price for symbol, position in values.items()},
        )
        self._publisher.publish_exposure(exposure_summary(held, sectors=self._terms.sectors, measured_at=at))
