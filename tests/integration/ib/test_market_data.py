import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.integration.ib.desk import Desk, on_desk, tape
from tests.unit.ib.messages import ACCOUNT
from tickledger.bars.schemas import RawBars
from tickledger.domain.bar import Print, Quote, TimeBar
from tickledger.domain.errors import Problem
from tickledger.execution.clock import ReplayClock
from tickledger.gateway.gateway_settings import GatewaySettings
from tickledger.ib.broker import IBBroker
from tickledger.ib.historical import HistoricalData
from tickledger.ib.market_data import Consumers, FeedPolicy, MarketDataFeed
from tickledger.ib.pacing import Lane

OPEN = datetime(2013, 3, 27, 13, 30, tzinfo=UTC)


class Screen:
    """A feed and everything it told; its clock stands at an hour into the session until it is moved."""

    def __init__(self, broker: IBBroker, policy: FeedPolicy | None = None) -> None:
        self.quotes: list[Quote] = []
        self.prints: list[Print] = []
        self.bars: list[TimeBar] = []
        self.problems: list[Problem] = []
        self.clock = ReplayClock(OPEN + timedelta(hours=1))
        self.feed = MarketDataFeed(
            wire=broker.wire,
            pacer=broker.pacer,
            requests=broker.requests,
            connection=broker.connection,
            clock=self.clock,
            consumers=Consumers(self.quotes.append, self.prints.append, self.bars.append, self.problems.append),
            policy=policy,
        )

    def later(self, **time: float) -> None:
        self.clock.advance(self.clock.now() + timedelta(**time))

    def symbols(self) -> set[str]:
        return {quote.symbol for quote in self.quotes}


def on_screen(
    scenario: Callable[[Desk, Screen], Awaitable[None]],
    *,
    policy: FeedPolicy | None = None,
    gateway_settings: GatewaySettings | None = None,
) -> None:
    screens: list[Screen] = []

    async def run(desk: Desk) -> None:
        await scenario(desk, screens[0])

    def prepare(broker: IBBroker) -> None:
        screens.append(Screen(broker, policy))

    on_desk(run, prepare=prepare, gateway_settings=gateway_settings)


def _go_on(desk: Desk, minutes: float = 1) -> None:
    """Let the market go on, and quotes with it."""
    desk.gateway.advance(desk.gateway.venue.now + timedelta(minutes=minutes))


def test_quotes_and_prints_of_what_is_subscribed_arrive() -> None:
    async def scenario(desk: Desk, screen: Screen) -> None:
        assert screen.feed.subscribe("AAPL") is None
        await desk.until(lambda: screen.quotes)
        _go_on(desk)
        await desk.until(lambda: screen.prints)
        assert screen.symbols() == {"AAPL"}
        quote = screen.quotes[-1]
        assert Decimal(99) < quote.bid < quote.ask < Decimal(101)
        assert quote.bid_size > 0
        screen.feed.unsubscribe("AAPL")
        await desk.settle()
        told = len(screen.quotes)
        _go_on(desk)
        await desk.settle()
        assert len(screen.quotes) == told

    on_screen(scenario)


def test_lost_data_are_requested_again_after_1101() -> None:
    async def scenario(desk: Desk, screen: Screen) -> None:
        screen.feed.subscribe("AAPL")
        screen.feed.subscribe("MSFT")
        await desk.until(lambda: screen.symbols() == {"AAPL", "MSFT"})
        desk.fault("lose_link")
        desk.fault("restore_link", data="lost")
        screen.quotes.clear()
        await desk.until(lambda: screen.symbols() == {"AAPL", "MSFT"})

    on_screen(scenario)


def test_a_farm_that_came_back_is_asked_again_though_it_says_it_is_ok() -> None:
    async def scenario(desk: Desk, screen: Screen) -> None:
        screen.feed.subscribe("AAPL")
        await desk.until(lambda: screen.quotes)
        desk.fault("break_farm")
        desk.fault("mend_farm")
        await desk.settle()
        screen.quotes.clear()
        _go_on(desk)
        await desk.until(lambda: screen.quotes)

    on_screen(scenario)


def test_a_feed_that_dies_quietly_is_noticed_by_its_silence() -> None:
    async def scenario(desk: Desk, screen: Screen) -> None:
        screen.feed.subscribe("AAPL")
        screen.feed.subscribe("MSFT")
        await desk.until(lambda: screen.symbols() == {"AAPL", "MSFT"})
        desk.fault("kill_feed", symbols=["AAPL"])
        screen.later(seconds=20)
        _go_on(desk)
        await desk.settle()
        screen.later(seconds=20)
        assert screen.feed.check() == ("AAPL",)
        assert screen.feed.check() == ()
        assert "market data of AAPL: expected data within the session" in str(screen.problems[-1])
        screen.later(seconds=50)
        assert screen.feed.check() == ("MSFT",), "the patience with AAPL has doubled"

    on_screen(scenario, policy=FeedPolicy(stale_after=timedelta(seconds=30)))


def test_a_request_that_waits_for_its_turn_misses_nothing_yet() -> None:
    async def scenario(desk: Desk, screen: Screen) -> None:
        for _ in range(60):
            desk.broker.pacer.submit(lambda: None, lane=Lane.DATA)
        assert screen.feed.subscribe("AAPL") is None
        screen.later(seconds=31)
        assert screen.feed.check() == ()
        await desk.until(lambda: screen.quotes)
        assert not screen.problems
        screen.later(seconds=31)
        assert screen.feed.check() == ("AAPL",)

    on_screen(scenario, policy=FeedPolicy(stale_after=timedelta(seconds=30)))


def test_silence_outside_the_session_is_no_fault() -> None:
    async def scenario(desk: Desk, screen: Screen) -> None:
        screen.feed.subscribe("AAPL")
        await desk.until(lambda: screen.quotes)
        screen.later(hours=8)
        assert screen.feed.check() == ()
        screen.clock.advance(datetime(2013, 3, 28, 13, 30, 10, tzinfo=UTC))
        assert screen.feed.check() == (), "the next session has just opened"
        screen.later(seconds=25)
        assert screen.feed.check() == ("AAPL",)

    on_screen(scenario)


def test_everything_is_subscribed_again_on_the_next_connection() -> None:
    async def scenario(desk: Desk, screen: Screen) -> None:
        screen.feed.subscribe("AAPL")
        await desk.until(lambda: screen.quotes)
        desk.fault("crash", restart_after=0.1)
        await desk.until(lambda: len(desk.changes()) > 1)
        screen.quotes.clear()
        await desk.until(lambda: screen.quotes)

    on_screen(scenario)


def test_no_more_lines_are_asked_for_than_there_are() -> None:
    async def scenario(desk: Desk, screen: Screen) -> None:
        assert screen.feed.subscribe("AAPL") is None
        assert screen.feed.subscribe("MSFT") is None
        problem = screen.feed.subscribe("BRK.B")
        assert problem is not None
        assert "expected at most 2 subscriptions" in str(problem)
        screen.feed.unsubscribe("AAPL")
        assert screen.feed.subscribe("BRK.B") is None
        await desk.until(lambda: screen.symbols() >= {"MSFT", "BRK.B"})

    on_screen(scenario, policy=FeedPolicy(lines=2))


def test_a_line_the_gateway_refuses_is_told_and_the_others_go_on() -> None:
    async def scenario(desk: Desk, screen: Screen) -> None:
        screen.feed.subscribe("AAPL")
        await desk.until(lambda: screen.quotes)
        screen.feed.subscribe("MSFT")
        await desk.until(lambda: screen.problems)
        assert "error 101" in str(screen.problems[0])
        assert screen.feed.symbols() == ("AAPL",)
        assert screen.feed.check() == ()

    on_screen(scenario, gateway_settings=GatewaySettings(port=0, account=ACCOUNT, market_lines=1))


def test_data_that_are_not_subscribed_are_told_as_that() -> None:
    async def scenario(desk: Desk, screen: Screen) -> None:
        desk.fault("unsubscribe", symbols=["AAPL"])
        screen.feed.subscribe("AAPL")
        await desk.until(lambda: screen.problems)
        assert "error 354" in str(screen.problems[0])
        assert screen.feed.symbols() == ()

    on_screen(scenario)


def test_bars_of_five_seconds_arrive() -> None:
    async def scenario(desk: Desk, screen: Screen) -> None:
        screen.feed.subscribe("AAPL", bars=True)
        await desk.settle()
        _go_on(desk, 2)
        await desk.until(lambda: len(screen.bars) > 3)
        bar = screen.bars[0]
        assert bar.starts_at.second % 5 == 0
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high

    on_screen(scenario)


def test_a_flood_arrives_without_loss_of_the_latest() -> None:
    async def scenario(desk: Desk, screen: Screen) -> None:
        for symbol in ("AAPL", "MSFT"):
            screen.feed.subscribe(symbol)
        await desk.until(lambda: screen.symbols() == {"AAPL", "MSFT"})
        screen.quotes.clear()
        desk.fault("flood", rate=10_000, seconds=0.3)
        await asyncio.sleep(0.4)
        await desk.settle()
        assert desk.gateway.flooded > 2500
        assert screen.symbols() == {"AAPL", "MSFT"}
        assert len(screen.quotes) <= desk.gateway.flooded

    on_screen(scenario)


def test_history_comes_with_the_columns_of_the_ledger() -> None:
    histories: list[HistoricalData] = []

    async def scenario(_: Desk) -> None:
        start, end = datetime(2013, 3, 26, tzinfo=UTC), datetime(2013, 3, 27, tzinfo=UTC)
        days = RawBars.validate(await histories[0].bars("AAPL", "1day", start=start, end=end))
        assert list(days["timestamp"]) == [start]
        assert days.loc[0, "close"] == 100.0
        minutes = RawBars.validate(await histories[0].bars("AAPL", "1min", start=start, end=end))
        assert len(minutes) == 390
        assert minutes["timestamp"].is_monotonic_increasing
        assert (minutes["symbol"] == "AAPL").all()

    on_desk(
        scenario,
        prepare=lambda broker: histories.append(HistoricalData(wire=broker.wire, requests=broker.requests)),
        market=tape(["AAPL"]),
    )
