"""What must hold of a venue whatever is sent to it: shares and money conserved, limits kept, endings final."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.exchange.venues import at, days
from tickledger.exchange.fees import schedule
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_orders import (
    Halt,
    OrderUpdate,
    SessionChange,
    VenueEvent,
    VenueFill,
    VenueOrder,
    VenueOrderType,
    VenueStatus,
    VenueTerm,
)
from tickledger.exchange.venue_path import MINUTE, TapeMinute, TapeStyle, price_of
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape

T = VenueOrderType
FINAL = {VenueStatus.FILLED, VenueStatus.CANCELLED, VenueStatus.REJECTED}
#: A thin, wild market on the half day before Independence Day of 2024 and on the next session, with gaps.
MARKET = {"2024-07-03": "10.00 10.60 9.50 10.20", "2024-07-05": "10.40 10.80 9.90 10.00"}
SPREAD = Decimal("0.01")


def with_gaps() -> MarketTape:
    """The minutes of a made-up market, as if most of them had been without a trade."""
    whole = MarketTape.from_bars(days(MARKET, volume=120_000), seed=7)
    kept = [minute.bar("X") for day in MARKET for minute in whole.minutes_of("X", at(day).date()) if _is_kept(minute)]
    rows = [(b.symbol, b.starts_at, float(b.open), float(b.high), float(b.low), float(b.close), b.volume) for b in kept]
    columns = ["symbol", "timestamp", "open", "high", "low", "close", "volume"]
    style = TapeStyle(ticks_per_minute=4)
    return MarketTape.from_bars(pd.DataFrame(rows, columns=columns), seed=7, style=style)


def _is_kept(minute: TapeMinute) -> bool:
    return minute.starts_at.minute % 30 in {0, 1, 2, 7, 29}


TAPE = with_gaps()
DAILY_TAPE = MarketTape.from_bars(days(MARKET, volume=120_000), seed=7, style=TapeStyle(ticks_per_minute=4))


@dataclass
class Step:
    """One call of a script: what is done, and how many minutes pass after it."""

    act: str
    order: VenueOrder | None = None
    key: int = 0
    minutes: int = 0


@dataclass
class Story:
    """A venue after a script, with all that it told and the orders as they were sent last."""

    venue: Venue
    events: list[VenueEvent] = field(default_factory=list)
    limits: dict[int, list[Decimal | None]] = field(default_factory=lambda: defaultdict(list))


def cents(low: int = 930, high: int = 1090) -> st.SearchStrategy[Decimal]:
    return st.integers(low, high).map(lambda value: Decimal(value).scaleb(-2))


@st.composite
def orders(draw: st.DrawFn, key: int, earlier: int) -> VenueOrder:
    kind = draw(st.sampled_from(list(VenueOrderType)))
    terms = [VenueTerm.DAY] if kind in {T.MOC, T.LOC} else list(VenueTerm)
    placed = VenueOrder(
        order_key=key,
        account_id=draw(st.sampled_from(["A", "B"])),
        symbol="X",
        is_buy=draw(st.booleans()),
        quantity=Decimal(draw(st.integers(1, 900))),
        order_type=kind,
        term=draw(st.sampled_from(terms)),
        limit_price=draw(cents()),
        stop_price=draw(cents()) if kind not in {T.TRAIL, T.TRAIL_LIMIT} or draw(st.booleans()) else None,
        trail_amount=Decimal(draw(st.integers(1, 40))).scaleb(-2) if kind in {T.TRAIL, T.TRAIL_LIMIT} else None,
        limit_offset=Decimal(draw(st.integers(0, 9))).scaleb(-2),
        good_till=at("2024-07-03 11:00"),
        outside_hours=draw(st.booleans()),
        oca_group=draw(st.sampled_from(["", "", "g", "h"])),
        oca_type=draw(st.integers(1, 3)),
        parent_key=draw(st.sampled_from([None, None, *range(1, earlier + 1)])),
        is_transmitted=draw(st.integers(0, 4)) > 0,
    )
    if kind in {T.MKT, T.LMT} and placed.term in {VenueTerm.DAY, VenueTerm.GTC} and draw(st.integers(0, 3)) == 0:
        return replace(placed, algo=draw(st.sampled_from(["Adaptive", "Twap", "Vwap"])))
    return placed


@st.composite
def scripts(draw: st.DrawFn) -> list[Step]:
    steps: list[Step] = []
    for key in range(1, draw(st.integers(2, 9))):
        steps.append(Step("submit", draw(orders(key, key - 1)), minutes=draw(st.sampled_from([0, 0, 1, 7, 60]))))
        match draw(st.integers(0, 5)):
            case 0:
                steps.append(Step("cancel", key=draw(st.integers(1, key)), minutes=draw(st.integers(0, 3))))
            case 1:
                known = steps[-1].order
                assert known is not None
                changed = replace(known, quantity=Decimal(draw(st.integers(1, 900))), limit_price=draw(cents()))
                steps.append(Step("modify", changed, minutes=draw(st.integers(0, 3))))
            case 2:
                steps.append(Step("halt", minutes=draw(st.integers(0, 90))))
                steps.append(Step("resume"))
            case _:
                pass
    return steps


def told(script: Iterable[Step], tape: MarketTape = TAPE, **changed: Any) -> Story:
    """Play a script, then go on until the evening of the second session."""
    terms: dict[str, Any] = {
        "accounts": {"A": Decimal(20_000), "B": Decimal(5_000)},
        "starts_at": at("2024-07-03 09:20"),
        "max_participation": Decimal("0.25"),
        "fees": schedule("ib_tiered"),
    }
    story = Story(Venue(tape, VenueSettings(**{**terms, **changed})))
    for step in script:
        story.events += _done(story, step)
        story.events += story.venue.advance(story.venue.now + timedelta(minutes=step.minutes))
    story.events += story.venue.advance(at("2024-07-05 21:00"))
    return story


def _done(story: Story, step: Step) -> list[VenueEvent]:
    venue = story.venue
    if step.order is not None:
        story.limits[step.order.order_key].append(step.order.limit_price)
        return venue.submit(step.order) if step.act == "submit" else venue.modify(step.order)
    if step.act == "cancel":
        return venue.cancel(step.key)
    return venue.halt("X") if step.act == "halt" else venue.resume("X")


def fills_of(story: Story) -> list[VenueFill]:
    return [event for event in story.events if isinstance(event, VenueFill)]


def minute_of(instant: datetime) -> datetime:
    """The minute a fill belongs to; a closing auction's is the last one of the session."""
    return instant.replace(second=0, microsecond=0)


LATENCIES = st.sampled_from([timedelta(0), timedelta(milliseconds=200), timedelta(seconds=40)])
LIGHT = settings(max_examples=examples(40), deadline=None)


@LIGHT
@given(script=scripts(), latency=LATENCIES)
def test_no_order_trades_more_than_its_size_or_beyond_its_limit(script: list[Step], latency: timedelta) -> None:
    story = told(script, latency=latency)
    traded: dict[int, Decimal] = defaultdict(Decimal)
    for fill in fills_of(story):
        traded[fill.order_key] += fill.quantity
        assert fill.quantity > 0
        assert fill.cumulative == traded[fill.order_key]
        order = story.venue.order(fill.order_key)
        if order.order_type in {T.LMT, T.LOC, T.STP_LMT}:
            allowed = [limit for limit in story.limits[fill.order_key] if limit is not None]
            sign = 1 if fill.is_buy else -1
            assert any(sign * (limit - fill.price) >= 0 for limit in allowed)
    for key, quantity in traded.items():
        assert quantity <= story.venue.order(key).quantity
        assert story.venue.update(key).filled == quantity


@LIGHT
@given(script=scripts(), latency=LATENCIES)
def test_every_fill_is_inside_its_minute_or_a_spread_beside_it(script: list[Step], latency: timedelta) -> None:
    spans = {minute.starts_at: minute.span for day in MARKET for minute in TAPE.minutes_of("X", at(day).date())}
    for fill in fills_of(told(script, latency=latency)):
        span = spans.get(minute_of(fill.executed_at)) or spans[minute_of(fill.executed_at) - MINUTE]
        assert price_of(span.low) - SPREAD <= fill.price <= price_of(span.high) + SPREAD


@LIGHT
@given(script=scripts(), latency=LATENCIES)
def test_what_has_ended_stays_as_it_ended(script: list[Step], latency: timedelta) -> None:
    ended: dict[int, OrderUpdate] = {}
    for event in told(script, latency=latency).events:
        if isinstance(event, OrderUpdate) and event.order_key in ended:
            final = ended[event.order_key]
            assert event.code in {103, 104, 10148}
            assert (event.status, event.filled, event.remaining) == (final.status, final.filled, final.remaining)
        elif isinstance(event, OrderUpdate) and event.status in FINAL and event.code != 10147:
            ended[event.order_key] = event
        elif isinstance(event, VenueFill):
            assert event.order_key not in ended


@LIGHT
@given(script=scripts())
def test_cash_and_shares_are_conserved(script: list[Step]) -> None:
    story = told(script)
    for account_id, opening in {"A": Decimal(20_000), "B": Decimal(5_000)}.items():
        fills = story.venue.fills(account_id)
        signed = [(1 if fill.is_buy else -1) * fill.quantity for fill in fills]
        charged = sum(fill.commission + fill.fees for fill in fills)
        paid = sum(shares * fill.price for shares, fill in zip(signed, fills, strict=True))
        state = story.venue.account(account_id)
        assert state.cash == opening - paid - charged
        assert sum(holding.quantity for holding in state.holdings) == sum(signed)
        gained = sum((fill.realized_pnl for fill in fills), Decimal(0)) + state.unrealized_pnl
        assert abs(state.equity - opening - gained) < Decimal("0.000001")
        assert sum(holding.daily_pnl for holding in state.holdings) == state.daily_pnl


@LIGHT
@given(script=scripts())
def test_the_orders_of_a_minute_together_keep_to_the_cap(script: list[Step]) -> None:
    spans = {minute.starts_at: minute.span for day in MARKET for minute in TAPE.minutes_of("X", at(day).date())}
    taken: dict[datetime, Decimal] = defaultdict(Decimal)
    for fill in fills_of(told(script)):
        minute = minute_of(fill.executed_at)
        taken[minute if minute in spans else minute - MINUTE] += fill.quantity
    for minute, quantity in taken.items():
        assert quantity <= Decimal("0.25") * spans[minute].volume


@LIGHT
@given(script=scripts(), latency=LATENCIES)
def test_nothing_fills_while_halted_or_closed(script: list[Step], latency: timedelta) -> None:
    is_open, is_halted = False, False
    for event in told(script, latency=latency).events:
        if isinstance(event, SessionChange):
            is_open = event.is_open
        if isinstance(event, Halt):
            is_halted = event.is_halted
        if isinstance(event, VenueFill):
            assert is_open
            assert not is_halted


@LIGHT
@given(script=scripts())
def test_a_whole_fill_of_one_of_a_group_ends_the_others(script: list[Step]) -> None:
    story = told(script)
    for fill in fills_of(story):
        order = story.venue.order(fill.order_key)
        if story.venue.update(fill.order_key).status is not VenueStatus.FILLED or not order.oca_group:
            continue
        siblings = [
            other for other in _submitted(script) if _are_siblings(order, other) and _came_before(other, fill, story)
        ]
        assert all(story.venue.update(other.order_key).status in FINAL for other in siblings)


def _submitted(script: Iterable[Step]) -> list[VenueOrder]:
    return [step.order for step in script if step.act == "submit" and step.order is not None]


def _are_siblings(order: VenueOrder, other: VenueOrder) -> bool:
    return (order.account_id, order.oca_group) == (other.account_id, other.oca_group) and order is not other


def _came_before(other: VenueOrder, fill: VenueFill, story: Story) -> bool:
    """Whether the order had been accepted when the fill happened."""
    position = story.events.index(fill)
    return any(isinstance(e, OrderUpdate) and e.order_key == other.order_key for e in story.events[:position])


@settings(max_examples=examples(15), deadline=None)
@given(script=scripts(), latency=LATENCIES)
def test_the_same_script_is_told_in_the_same_way_and_in_order_of_time(script: list[Step], latency: timedelta) -> None:
    first, second = told(script, latency=latency).events, told(script, latency=latency).events
    assert first == second
    instants = [_instant(event) for event in first]
    assert all(earlier <= later for earlier, later in pairwise(instants))


def _instant(event: VenueEvent) -> datetime:
    for name in ("occurred_at", "executed_at", "quoted_at", "traded_at"):
        if hasattr(event, name):
            value: datetime = getattr(event, name)
            return value
    starts_at: datetime = getattr(event, "starts_at", datetime.min.replace(tzinfo=UTC))
    return starts_at + MINUTE


@settings(max_examples=examples(100), deadline=None)
@given(
    script=scripts(),
    tape=st.sampled_from([TAPE, DAILY_TAPE]),
    latency=LATENCIES,
    slippage=st.sampled_from([Decimal(0), Decimal(7)]),
    margin=st.sampled_from([Decimal("0.5"), Decimal(1)]),
    participation=st.sampled_from([None, Decimal("0.25")]),
)
def test_minutes_that_are_not_played_because_nobody_watches_change_nothing(
    script: list[Step], tape: MarketTape, **terms: Any
) -> None:
    named = {"latency": "latency", "slippage": "slippage_bps", "margin": "initial_margin"}
    chosen = {named.get(name, "max_participation"): value for name, value in terms.items()}
    # What is printed during a halt is heard of by whoever looks at the tape afterwards, and by nobody who listened.
    script = [step for step in script if step.act not in {"halt", "resume"}]
    watched, unwatched = (told(script, tape, watches_all=watches_all, **chosen) for watches_all in (True, False))
    assert _of_orders(watched) == _of_orders(unwatched)
    for account_id in ("A", "B"):
        assert watched.venue.account(account_id) == unwatched.venue.account(account_id)


def _of_orders(story: Story) -> list[VenueEvent]:
    return [event for event in story.events if isinstance(event, OrderUpdate | VenueFill)]


@LIGHT
@given(script=scripts(), latency=LATENCIES)
def test_an_account_that_is_lent_nothing_owes_nothing(script: list[Step], latency: timedelta) -> None:
    story = told(script, latency=latency, initial_margin=Decimal(1), slippage_bps=Decimal(30))
    cash, held = {"A": Decimal(20_000), "B": Decimal(5_000)}, {"A": Decimal(0), "B": Decimal(0)}
    for fill in fills_of(story):
        signed = fill.quantity if fill.is_buy else -fill.quantity
        cash[fill.account_id] -= signed * fill.price + fill.commission + fill.fees
        held[fill.account_id] += signed
        assert cash[fill.account_id] >= 0
        assert held[fill.account_id] >= 0
    assert {name: story.venue.account(name).cash for name in cash} == cash
