"""Silence within the session: told once for each symbol, and DEGRADED where nothing is heard of any."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from resources.session_tally import SessionTally
from resources.session_watch import DataWatch
from tickledger.bars.quotes import QuoteStore
from tickledger.domain.bar import Print, Quote
from tickledger.domain.trading_session import SessionState

DAY = date(2013, 3, 27)
OPEN = datetime(2013, 3, 27, 13, 30, tzinfo=UTC)
CLOSE = datetime(2013, 3, 27, 20, 0, tzinfo=UTC)
PATIENCE = timedelta(seconds=60)


class Watched:
    def __init__(self) -> None:
        self.quotes = QuoteStore()
        self.tally = SessionTally("sess_1", DAY)
        self.tally.begin_trading()
        self.told: list[tuple[str, datetime | None]] = []
        self.watch = DataWatch(
            self.quotes,
            ("AAPL", "MSFT"),
            session_date=DAY,
            patience=PATIENCE,
            tally=self.tally,
            tell=lambda symbol, last_at: self.told.append((symbol, last_at)),
        )

    def quote(self, symbol: str, at: datetime) -> None:
        self.quotes.take_quote(Quote(symbol, at, Decimal(99), Decimal(100), 100, 100), at)

    def look(self, seconds: float, since: datetime = OPEN) -> SessionState:
        self.watch.look(since + timedelta(seconds=seconds))
        return self.tally.state


def test_a_session_that_has_just_begun_has_patience() -> None:
    watched = Watched()
    assert watched.look(3600) is SessionState.RUNNING
    assert watched.look(3660) is SessionState.RUNNING
    assert watched.look(3661) is SessionState.DEGRADED
    assert watched.told == [("AAPL", None), ("MSFT", None)]


def test_before_the_open_and_after_the_close_silence_is_no_fault() -> None:
    watched = Watched()
    assert watched.look(-7200) is SessionState.RUNNING
    assert watched.look(59) is SessionState.RUNNING
    assert watched.look(0, since=CLOSE) is SessionState.RUNNING
    assert not watched.told


def test_one_silent_symbol_is_told_once_and_the_session_runs() -> None:
    watched = Watched()
    watched.quote("AAPL", OPEN)
    for second in range(0, 300, 10):
        watched.quote("MSFT", OPEN + timedelta(seconds=second))
        assert watched.look(second) is SessionState.RUNNING
    assert watched.told == [("AAPL", OPEN)]
    watched.quote("AAPL", OPEN + timedelta(seconds=300))
    watched.look(301)
    watched.quote("MSFT", OPEN + timedelta(seconds=350))
    watched.look(370)
    assert watched.told[1:] == [("AAPL", OPEN + timedelta(seconds=300))]


def test_a_print_is_a_sign_of_life_too() -> None:
    watched = Watched()
    watched.look(0)
    at = OPEN + timedelta(seconds=90)
    watched.quotes.take_print(Print("AAPL", at, Decimal(100), 100), at)
    assert watched.look(100) is SessionState.RUNNING
    assert [symbol for symbol, _ in watched.told] == ["MSFT"]


def test_degraded_until_anything_is_heard_again() -> None:
    watched = Watched()
    watched.look(0)
    watched.quote("AAPL", OPEN)
    assert watched.look(100) is SessionState.DEGRADED
    assert watched.tally.reason == "market data: nothing since 13:30:00 UTC of any of 2 symbols"
    watched.quote("AAPL", OPEN + timedelta(seconds=101))
    assert watched.look(102) is SessionState.RUNNING
