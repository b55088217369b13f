"""What a session says of itself now, read from the cache; one that does not answer is told, never taken for zero."""

from collections.abc import Callable
from dataclasses import dataclass

from tickledger.cache.keys import Scope
from tickledger.cache.reader import CacheReader
from tickledger.cache.store import Source
from tickledger.domain.account import Mode
from tickledger.domain.errors import CacheUnavailableError, InputError
from tickledger.domain.live_view import ExposureSummary, LimitsInForce, LivePosition, PortfolioSummary, SessionBeat
from tickledger.domain.signal import Signal


@dataclass(frozen=True, slots=True)
class LiveAccount:
    """How an account stands while a session trades it; `problem` says why nothing is known."""

    beat: SessionBeat | None = None
    portfolio: PortfolioSummary | None = None
    positions: tuple[LivePosition, ...] = ()
    exposure: ExposureSummary | None = None
    limits: LimitsInForce | None = None
    signals: tuple[Signal, ...] = ()
    problem: str = ""

    @property
    def is_trading(self) -> bool:
        """Whether a session has said within half a minute that it lives, and is not over."""
        return self.beat is not None and not self.beat.state.is_over


class LiveView:
    """Reads accounts from the cache, in one event loop; a connection is opened with the first question."""

    def __init__(self, make_source: Callable[[], Source]) -> None:
        self._make_source = make_source
        self._source: Source | None = None

    async def account(self, account_id: str, mode: Mode) -> LiveAccount:
        """What is known of an account; nothing where no session lives or the cache is away."""
        if self._source is None:
            self._source = self._make_source()
        # Quotes are asked for by nobody here, so the market they would be of does not matter.
        reader = CacheReader(self._source, Scope(mode, account_id, is_simulated_market=False))
        try:
            beat = await reader.session()
            if beat is None:
                return LiveAccount()
            held = tuple(row for row in await reader.positions() if row.quantity != 0)
            return LiveAccount(
                beat=beat,
                portfolio=await reader.portfolio(),
                positions=held,
                exposure=await reader.exposure(),
                limits=await reader.limits(),
                signals=await reader.signals(),
            )
        except (CacheUnavailableError, InputError) as error:
            return LiveAccount(problem=str(error))

    async def close(self) -> None:
        """Give the connection back."""
        if self._source is not None:
            await self._source.close()
