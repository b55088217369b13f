"""Past bars: which stretch a duration means, where bars begin, how they are told, and how often one may ask."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd
import pytest

from tests.contract.market import NOON, small_tape
from tests.unit.gateway.floors import on_floor
from tests.unit.gateway.wire import AAPL, Wire
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.exchange.venue_tape import MarketTape
from tickledger.gateway.history_bars import history
from tickledger.gateway.history_desk import HistoryPace
from tickledger.gateway.history_request import BAR_SIZES, HistoryRequest, HistoryRequestError, check
from tickledger.gateway.listings import Listing, SecurityName
from tickledger.gateway.server import Gateway

LISTING = Listing(1, "AAPL", SecurityName("APPLE INC."))


def request(**terms: Any) -> HistoryRequest:
    whole: dict[str, Any] = {
        "listing": LISTING,
        "bar_size": "1 day",
        "duration": "5 D",
        "what": "TRADES",
        "is_regular": True,
        "format_date": 1,
        "ends_at": None,
        "keeps_up": False,
    }
    return HistoryRequest(**(whole | terms))


def asked(request_id: int, **terms: Any) -> list[object]:
    told = {"end": "", "size": "1 day", "duration": "5 D", "rth": 1, "what": "TRADES", "format": 1, "keep": 0} | terms
    return [
        *(20, request_id, *AAPL, 0, told["end"], told["size"], told["duration"], told["rth"]),
        *(told["what"], told["format"], told["keep"], ""),
    ]


@pytest.mark.parametrize(
    ("duration", "since"),
    [
        ("3600 S", datetime(2013, 3, 14, 14, 30, tzinfo=UTC)),
        ("1 D", datetime(2013, 3, 14, 8, 0, tzinfo=UTC)),
        ("4 D", datetime(2013, 3, 11, 8, 0, tzinfo=UTC)),
        ("5 D", datetime(2013, 3, 8, 9, 0, tzinfo=UTC)),  # a Friday before the clocks went forward
        ("1 W", datetime(2013, 3, 7, 16, 30, tzinfo=UTC)),
        ("1 M", datetime(2013, 2, 14, 16, 30, tzinfo=UTC)),
        ("1 Y", datetime(2012, 3, 14, 15, 30, tzinfo=UTC)),
    ],
)
def test_a_duration_reaches_back_from_the_end(duration: str, since: datetime) -> None:
    assert request(duration=duration).since(NOON) == since


@pytest.mark.parametrize(
    ("is_regular", "since"),
    [(True, datetime(2013, 3, 13, 8, 0, tzinfo=UTC)), (False, datetime(2013, 3, 14, 8, 0, tzinfo=UTC))],
)
def test_before_the_open_a_day_is_the_last_session_whose_hours_have_begun(*, is_regular: bool, since: datetime) -> None:
    before_the_open = datetime(2013, 3, 14, 13, 29, tzinfo=UTC)
    assert request(duration="1 D", is_regular=is_regular).since(before_the_open) == since


def test_a_month_before_the_31st_ends_where_the_shorter_month_ends() -> None:
    assert request(duration="1 M").since(datetime(2013, 3, 31, 16, tzinfo=UTC)).date() == date(2013, 2, 28)


@pytest.mark.parametrize(
    "terms",
    [
        {"duration": "5 X"},
        {"duration": "D"},
        {"duration": "0 D"},
        {"duration": "-1 D"},
        {"duration": "90000 S"},
        {"bar_size": "7 mins"},
        {"bar_size": "5 secs"},
        {"what": "GOSSIP"},
        {"keeps_up": True, "ends_at": NOON},
    ],
)
def test_a_request_for_what_there_is_not_is_refused(terms: dict[str, object]) -> None:
    with pytest.raises(HistoryRequestError):
        check(request(**terms))


def test_hours_begin_on_the_hour_and_the_first_one_at_the_open() -> None:
    bars = history(small_tape(), request(bar_size="1 hour", duration="1 D"), now=NOON)
    labels = [request(bar_size="1 hour").label(bar.starts_at) for bar in bars]
    assert labels == [f"20130314 {hour}:00 US/Eastern" for hour in ("09:30", "10:00", "11:00")]


@pytest.mark.parametrize("size", [*BAR_SIZES])
def test_bars_of_every_size_add_up_to_the_day(size: str) -> None:
    tape, end = small_tape(), datetime(2013, 3, 14, 20, 0, tzinfo=UTC)
    bars = history(tape, request(bar_size=size, duration="1 D"), now=end)
    assert sum(bar.volume for bar in bars) == 5_000_000
    assert (bars[0].open, max(bar.high for bar in bars)) == (Decimal("430.00"), Decimal("433.00"))
    assert (min(bar.low for bar in bars), bars[-1].close) == (Decimal("427.00"), Decimal("431.00"))


def test_labels_are_new_yorks_time_seconds_or_dates() -> None:
    at = datetime(2013, 3, 14, 13, 30, tzinfo=UTC)
    assert request(bar_size="1 min").label(at) == "20130314 09:30:00 US/Eastern"
    assert request(bar_size="1 min", format_date=2).label(at) == "1363267800"
    assert request(format_date=2).label(datetime(2013, 3, 14, tzinfo=UTC)) == "20130314"


def test_nothing_of_the_future_is_told() -> None:
    bars = history(small_tape(), request(bar_size="1 min", ends_at=NOON + timedelta(days=2), duration="5 D"), now=NOON)
    assert bars[-1].starts_at == NOON - timedelta(minutes=1)


def split_and_dividend() -> MarketTape:
    days = pd.to_datetime(["2013-03-11", "2013-03-12", "2013-03-13", "2013-03-14"], utc=True)
    prices = (200.0, 100.0, 100.0, 95.0)
    rows = [("AAPL", day, price, price, price, price, 1_000) for day, price in zip(days, prices, strict=True)]
    frame = pd.DataFrame(rows, columns=["symbol", "timestamp", "open", "high", "low", "close", "volume"])
    actions = [
        CorporateAction("AAPL", date(2013, 3, 12), CorporateActionKind.SPLIT, ratio=Fraction(2)),
        CorporateAction("AAPL", date(2013, 3, 14), CorporateActionKind.DIVIDEND, amount=Decimal(5)),
    ]
    return MarketTape.from_bars(frame, corporate_actions=actions)


@pytest.mark.parametrize(("what", "closes"), [("TRADES", [100, 100, 100, 95]), ("ADJUSTED_LAST", [95, 95, 95, 95])])
def test_trades_are_adjusted_for_splits_and_the_adjusted_last_for_dividends_too(what: str, closes: list[int]) -> None:
    end = datetime(2013, 3, 14, 20, 30, tzinfo=UTC)
    bars = history(split_and_dividend(), request(what=what, duration="4 D"), now=end)
    assert [bar.close for bar in bars] == closes
    assert [bar.volume for bar in bars] == [2_000, 1_000, 1_000, 1_000]


def test_a_split_of_the_future_changes_nothing_yet() -> None:
    bars = history(split_and_dividend(), request(), now=datetime(2013, 3, 11, 21, tzinfo=UTC))
    assert [bar.close for bar in bars] == [200]


def test_the_sides_of_the_quote_lie_apart_and_bid_ask_tells_both() -> None:
    tape = small_tape()
    told = {
        what: history(tape, request(bar_size="30 mins", duration="1 D", what=what), now=NOON)
        for what in ("BID", "ASK", "MIDPOINT", "BID_ASK")
    }
    for bid, ask, middle, both in zip(*told.values(), strict=True):
        assert bid.low < middle.low < ask.low
        assert bid.high < middle.high < ask.high
        assert (both.low, both.high) == (bid.low, ask.high)
        assert both.open < both.close
    with pytest.raises(HistoryRequestError, match="more than 10 sessions"):
        history(tape, request(duration="1 M", what="BID"), now=NOON)


def test_ibs_pacing_rules() -> None:
    pace = HistoryPace()
    assert not pace.is_violated(request(), 0.0)
    assert pace.is_violated(request(), 14.9)
    assert not pace.is_violated(request(), 15.0)
    pace = HistoryPace()
    answers = [pace.is_violated(request(duration=f"{days} D"), 0.1 * days) for days in range(1, 8)]
    assert answers == [False] * 6 + [True]
    assert not pace.is_violated(request(duration="9 D"), 2.2)
    pace = HistoryPace()
    times = [pace.is_violated(request(duration=f"{days} D"), 3.0 * days) for days in range(1, 62)]
    assert times == [False] * 60 + [True]
    assert pace.is_violated(request(duration="99 D"), 602.9)
    assert not pace.is_violated(request(duration="99 D"), 603.0)


def test_bid_ask_counts_twice() -> None:
    pace = HistoryPace()
    times = [pace.is_violated(request(duration=f"{days} D", what="BID_ASK"), 3.0 * days) for days in range(1, 32)]
    assert times == [False] * 30 + [True]


def test_pacing_and_bad_requests_are_told_by_their_codes() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(*asked(60))
        client.send(*asked(61))
        assert await client.error(162) == 61
        client.send(*asked(62, size="7 mins"))
        client.send(*asked(63, end="yesterday"))
        await client.until(lambda: {(62, 321), (63, 321)} <= set(client.errors()))
        client.send(*asked(64, end="20130101 12:00:00 US/Eastern"))
        await client.until(lambda: (64, 162) in client.errors())
        client.send(25, 1, 60)
        assert await client.error(366) == 60

    on_floor(scenario, has_history_pacing=True)


def test_the_last_bar_grows_from_what_was_told_and_a_new_one_begins() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*asked(60, size="5 mins", duration="1 D", keep=1))
        [told] = await client.of_kind(17)
        assert told[-8] == "20130314 11:25:00 US/Eastern"
        server.advance(NOON + timedelta(minutes=6))
        await client.answered()
        labels = [fields[3] for fields in client.of(90)]
        assert list(dict.fromkeys(labels)) == [f"20130314 11:{minute}:00 US/Eastern" for minute in (30, 35)]
        for _, _, _, _, open_, close, high, low, *_ in client.of(90):
            assert (
                Decimal(low)
                <= min(Decimal(open_), Decimal(close))
                <= max(Decimal(open_), Decimal(close))
                <= Decimal(high)
            )
        client.send(25, 1, 60)
        await client.answered()
        told_so_far = len(client.of(90))
        server.advance(NOON + timedelta(minutes=8))
        await client.answered()
        assert len(client.of(90)) == told_so_far

    on_floor(scenario)


def test_the_growing_day_goes_on_where_the_answer_ended() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*asked(60, keep=1))
        [told] = await client.of_kind(17)
        server.advance(NOON + timedelta(minutes=1))
        update = (await client.of_kind(90))[0]
        assert update[3] == told[-8] == "20130314"
        assert update[4] == told[-7]
        assert Decimal(update[9]) > Decimal(told[-3])

    on_floor(scenario)


def test_a_request_that_ends_before_all_calendars_has_no_data() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        for request_id, duration in enumerate(("1 D", "40 Y", "3650 D"), start=1):
            client.send(*asked(request_id, end="00010101 00:00:00", duration=duration))
        await client.answered()
        assert [error for error in client.errors() if error[0] > 0] == [(1, 162), (2, 162), (3, 162)]

    on_floor(scenario)


def test_dividends_are_adjusted_for_without_reading_the_whole_history_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    days: list[int] = []
    real = MarketTape.daily_bars

    def counted(tape: MarketTape, symbol: str, *, since: date, until: datetime) -> Any:
        days.append((until.date() - since).days)
        return real(tape, symbol, since=since, until=until)

    monkeypatch.setattr(MarketTape, "daily_bars", counted)
    bars = history(split_and_dividend(), request(what="ADJUSTED_LAST"), now=NOON)
    assert [bar.close for bar in bars] == [95, 95, 95, 95]
    assert max(days) <= 40
