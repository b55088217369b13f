"""The trading desk: one session of the account that the settings name, for whoever starts it (Dagster, a terminal)."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime

from resources.market_clock import told_now
from resources.session_account import session_account
from resources.session_plan import symbols_of, terms_of
from resources.session_run import SessionRequest, SessionRun
from resources.session_tally import SessionSummary
from tickledger.cache.connect import open_cache
from tickledger.db.engine import create_ledger_engine
from tickledger.execution.session import Onlooker
from tickledger.ib import library
from tickledger.notifications.configuration import build_notifier
from tickledger.settings import Settings

__all__ = ["SessionRequest", "SessionSummary", "TradingDesk"]


class TradingDesk:
    """Sessions of one account. `onlookers` hear what each event of a session led to; they must not block."""

    def __init__(self, settings: Settings, ledger_url: str, *, onlookers: Sequence[Onlooker] = ()) -> None:
        self._settings = settings
        self._ledger_url = ledger_url
        self._onlookers = onlookers

    def market_now(self) -> datetime:
        """The market's time; raises BrokerUnavailableError where a simulated gateway's control does not answer."""
        return told_now(self._settings)

    def terms(self) -> Mapping[str, str]:
        """Account, broker, strategy, symbols and limits, for a person to read; raises ConfigurationError."""
        engine = create_ledger_engine(self._ledger_url)
        try:
            return terms_of(
                self._settings, session_account(self._settings).account_id, symbols_of(engine, self._settings)
            )
        finally:
            engine.dispose()

    def run(
        self,
        request: SessionRequest,
        *,
        on_summary: Callable[[SessionSummary], None],
        summary_every: float = 15.0,
    ) -> SessionSummary:
        """Trade until the day is over, or `request` says so; the session as it ended.

        `on_summary` is called from another thread every `summary_every` seconds, and once at the end from this one.
        What interrupts this thread ends the session in good order and is raised. Raises TickledgerError where the
        session could not go on.
        """
        # What happens to the link is told by reports; the library would say it again, on stderr.
        logging.getLogger(library.NAME).setLevel(logging.CRITICAL)
        engine = create_ledger_engine(self._ledger_url, pool_size=8)
        with open_cache(self._settings) as cache, closing(build_notifier(self._settings)) as alerts:
            session = SessionRun(self._settings, engine, request, alerts=alerts, cache=cache, onlookers=self._onlookers)
            try:
                return asyncio.run(_with_summaries(session, on_summary, summary_every))
            finally:
                engine.dispose()
                if session.tally is not None:
                    on_summary(session.tally.summary())


async def _with_summaries(
    session: SessionRun, on_summary: Callable[[SessionSummary], None], every: float
) -> SessionSummary:
    async def tell() -> None:
        while True:
            await asyncio.sleep(every)
            if session.tally is not None:
                await asyncio.to_thread(on_summary, session.tally.summary())

    telling = asyncio.create_task(tell())
    try:
        return await session.run()
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
