"""One scenario of sessions: a plan that is carried out, everything made whole again, and a verdict."""

import asyncio
import random as global_random
import tempfile
import traceback
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, Final

from resources.session_account import session_limits
from tests.chaos.plan import LONGEST_FAULT, SYMBOLS, Step
from tests.chaos.process import ACCOUNT, Durable, KilledError, Process
from tests.chaos.session.faults import SessionFaults
from tests.chaos.session.loops import World
from tests.chaos.session.market import swinging_minutes
from tests.chaos.session.plan import SessionPlan
from tests.chaos.session.ports import Estate, SessionSetting, opening_state
from tests.chaos.session.process import SessionProcess
from tests.chaos.session.record import Database, KeyedJournal
from tests.chaos.session.stage import SessionStage
from tests.chaos.session.verdict import (
    SessionOutcome,
    book_differences,
    bought_though_stopped,
    oversold,
    replay_differences,
    two_at_once,
)
from tests.chaos.stage import CASH, YESTERDAY, opening
from tests.chaos.verdict import Verdict, verdict
from tickledger.bars.calendars import session_close
from tickledger.domain.account import Mode
from tickledger.domain.order import RiskLimit
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape
from tickledger.execution.clock import MarketClock
from tickledger.execution.session_terms import SessionTerms
from tickledger.gateway.gateway_settings import GatewaySettings
from tickledger.gateway.server import Gateway
from tickledger.ib.order_ids import InMemoryOrderIds
from tickledger.settings import Settings
from tickledger.strategies.sizing import SizingPolicy

_NEVER_TICKS: Final = 1e9
_RECOVERY: Final = 300.0
#: Longer than a commission is late.
_AFTERMATH: Final = 35.0
_REMEDIES: Final = ("restore_link", "mend_farm", "resume")
_MARKETS: Final = 6
#: Features need 64 bars.
_WARM_UP: Final = timedelta(minutes=75)
#: Of a plain session nothing is refused for being large.
_WIDE: Final[Mapping[str, Any]] = {
    "max_position_size": 10_000,
    "max_portfolio_exposure": Decimal(5),
    "max_sector_exposure": Decimal(5),
    "max_single_name_exposure": Decimal(5),
    "max_single_loss": Decimal(10**7),
    "max_daily_loss": Decimal(10**7),
    "max_order_quantity": 10_000,
    "max_order_notional": Decimal(10**7),
    "max_volume_participation": Decimal(1),
}


def play_session(plan: SessionPlan, *, is_traced: bool = False) -> SessionOutcome:
    """Carry out a plan; what our code raised where nothing may raise is among the mismatches."""
    errors: list[str] = []
    global_random.seed(plan.seed)  # the pauses between attempts to connect are drawn from the module's own generator

    def on_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, KilledError):
            errors.append(f"{context['message']}: {error!r}")

    with tempfile.TemporaryDirectory(prefix="tickledger-chaos-") as folder, World() as world:
        scenario = _Scenario(plan, world, Path(folder), on_error, is_traced=is_traced)
        outcome = SessionOutcome(plan, Verdict())
        try:
            outcome = world.run(scenario.outcome(), on_error=on_error)
        except Exception as error:  # noqa: BLE001  whatever our code raises is what this looks for
            errors.append("".join(traceback.format_exception(error)))
        outcome.timeline = scenario.timeline
        if not scenario.has_killed_trading:
            replay_differences(scenario.sessions, outcome)
    outcome.verdict.mismatches.extend(errors)
    return outcome


@lru_cache
def _tape(number: int, starts_at: datetime) -> MarketTape:
    return MarketTape.from_bars(swinging_minutes(SYMBOLS, number=number, since=starts_at - _WARM_UP), seed=number)


def _limits(folder: Path) -> tuple[RiskLimit, ...]:
    return tuple(session_limits(Settings(home=folder, mode=Mode.PAPER, **_WIDE), ACCOUNT))


def _terms(plan: SessionPlan, folder: Path) -> SessionTerms:
    return SessionTerms(
        account_id=ACCOUNT,
        session_date=plan.starts_at.date(),
        strategy="mean_reversion",
        interval="1min",
        policy=plan.policy,
        sizing=SizingPolicy(target_weight=plan.target_weight, maximum_quantity=Decimal(2_000)),
        limits=_limits(folder),
        opening=opening_state(CASH),
        opened_on=YESTERDAY,
        previous_close=session_close(YESTERDAY),
        warmed_until=plan.starts_at,
        volumes=dict.fromkeys((symbol.replace(" ", ".") for symbol in SYMBOLS), Decimal(400_000)),
        algorithm=plan.algorithm,
        pace=plan.speed,
    )


class _Scenario:
    """A plan at work."""

    stage: SessionStage
    faults: SessionFaults

    def __init__(self, plan: SessionPlan, world: World, folder: Path, on_error: Any, *, is_traced: bool) -> None:
        self.plan = plan
        self._world = world
        self._folder = folder
        self._on_error = on_error
        self._is_traced = is_traced
        self.timeline: list[str] = []
        self._beside: list[asyncio.Task[None]] = []
        self.sessions: list[SessionProcess] = []
        self.has_killed_trading = False
        self._deaths: Counter[str] = Counter()

    async def outcome(self) -> SessionOutcome:
        """Play it from the beginning to the end."""
        plan, world = self.plan, self._world
        market = VenueSettings(
            accounts={ACCOUNT: CASH}, starts_at=plan.starts_at, max_participation=Decimal(plan.participation)
        )
        settings = GatewaySettings(port=0, account=ACCOUNT, profit_seconds=_NEVER_TICKS, account_seconds=_NEVER_TICKS)
        async with Gateway(_tape(plan.seed % _MARKETS, plan.starts_at), market, settings) as gateway:
            database = Database(lambda: world.time.now)
            clock = MarketClock(plan.starts_at, plan.speed, monotonic=lambda: world.time.now)
            stage = self.stage = SessionStage(
                gateway,
                world=world,
                setting=SessionSetting(_terms(plan, self._folder), clock, plan.speed, self._folder),
                estate=Estate(Durable(KeyedJournal(opening()), InMemoryOrderIds()), database),
                latency=plan.latency,
                seed=plan.seed,
                on_error=self._on_error,
                is_traced=self._is_traced,
            )
            self.timeline, self.sessions = stage.timeline, stage.sessions
            self.faults = SessionFaults(stage, Random(f"scenario {plan.seed}"))  # noqa: S311  no secret
            stage.watch_the_wire()
            loop = asyncio.get_running_loop()
            self._beside = [loop.create_task(stage.market()), loop.create_task(stage.supervise())]
            try:
                await self._until_whole()
                for step in plan.steps:
                    await asyncio.sleep(step.after)
                    stage.notice_deaths()
                    if stage.is_day_over:
                        break
                    stage.log(str(step))
                    await self._do(step)
                return await self._end()
            finally:
                for task in self._beside:
                    task.cancel()
                for line in stage.line.all:
                    await line.stop()

    async def _do(self, step: Step) -> None:
        act = getattr(self.faults, step.do, None)
        if act is None:
            self.faults.apply(step.do, step.terms)
            return
        done = act(**step.terms)
        if done is not None:
            await done

    async def _until_whole(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _RECOVERY
        while not (self.stage.is_whole() or self.stage.is_day_over):
            for task in self._beside:
                if task.done():
                    task.result()
            if loop.time() > deadline:
                raise AssertionError("no session trades long after the last fault")
            await asyncio.sleep(0.5)

    async def _end(self) -> SessionOutcome:
        """Take every fault back, wait until a session trades or the day is over, and compare."""
        stage = self.stage
        stage.log("the faults end")
        await self._make_whole()
        await self._until_whole()
        await asyncio.sleep(3)
        for symbol in SYMBOLS:
            self.faults.apply("halt", {"symbol": symbol})
        await asyncio.sleep(_AFTERMATH)
        await self._until_whole()
        stage.log("the comparison begins")
        self._deaths = stage.deaths.copy()
        if stage.is_day_over:
            return await self._after_the_close()
        return await self._beside_a_session()

    async def _make_whole(self) -> None:
        stage, faults = self.stage, self.faults
        self._disarm()
        faults.database_is_back()
        await asyncio.sleep(LONGEST_FAULT + 5)
        self._disarm()
        while any(stage.is_frozen(session) for session in stage.alive):  # noqa: ASYNC110  nobody tells of it
            await asyncio.sleep(0.5)
        faults.database_is_back()
        self.has_killed_trading = bool(stage.estate.record.switch)
        if self.has_killed_trading:
            faults.resume_trading()
        for symbol in SYMBOLS:
            faults.apply("resume", {"symbol": symbol})
        if stage.gateway.floor.faults.is_link_down:
            faults.apply("restore_link", {"data": "lost"})
        await stage.gateway.restart()
        faults.close_half_open()

    def _disarm(self) -> None:
        faults = self.stage.gateway.floor.faults
        faults._armed.clear()
        faults.waiting.clear()
        for session in self.stage.alive:
            session.death.where = session.death.freezes_at = session.journal.fails = ""

    async def _beside_a_session(self) -> SessionOutcome:
        """Compare what a session that lives has with the gateway, then let another process find nothing new."""
        stage = self.stage
        session = stage.process
        assert session is not None
        result = await stage.done_by(session, session.manager.start())
        if not result.is_clean:
            # What was on its way is there a moment later.
            await asyncio.sleep(10)
            await stage.done_by(session, session.manager.start())
        await asyncio.sleep(3)
        found = self._verdict(session)
        found.mismatches += book_differences(session, stage.gateway, with_cash=True)
        stage.is_supervised = False
        for one in stage.alive:
            one.kill()
        await self._review(found, expects_nothing=True)
        return self._outcome(found)

    async def _after_the_close(self) -> SessionOutcome:
        """The sessions are over: one more process reads the record, asks the gateway and compares."""
        stage = self.stage
        stage.is_supervised = False
        deadline = asyncio.get_running_loop().time() + 60
        while stage.alive and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110  nobody tells of it
            await asyncio.sleep(0.5)
        for session in stage.alive:
            session.kill()
        found = Verdict()
        process = await self._review(found, expects_nothing=False)
        first = process.manager.last_reconciliation
        await process.manager.start()
        whole = self._verdict(process)
        whole.mismatches += found.mismatches
        last = next(session for session in reversed(stage.sessions) if session.end == "over")
        has_heard_all = first is not None and not first.missing_fills
        if has_heard_all and last is stage.sessions[-1] and last.manager.is_ready:
            whole.mismatches += book_differences(last, stage.gateway, with_cash=False)
        return self._outcome(whole)

    async def _review(self, found: Verdict, *, expects_nothing: bool) -> Process:
        """A process without a session reconciles."""
        stage = self.stage
        await asyncio.sleep(5)
        line = stage.sessions[-1].line
        process = Process(stage.estate.durable, port=line.port, clock=stage.setting.began_at, log=stage.log)
        while not process.is_started:  # noqa: ASYNC110  nobody tells of it
            await asyncio.sleep(0.1)
        result = process.manager.last_reconciliation
        if result is None or not result.is_clean or (expects_nothing and result.missing_fills):
            found.mismatches.append(f"asked again by a new process: expected nothing new, found {result}")
        if expects_nothing:
            process.kill()
        return process

    def _verdict(self, process: Any) -> Verdict:
        stage, meant = self.stage, self.stage.estate.intentions
        return verdict(
            stage.gateway,
            process,
            durable=stage.estate.durable,
            orders=meant.orders,
            parents=meant.parents,
            accepted=meant.accepted,
            wire=stage.wire,
        )

    def _outcome(self, found: Verdict) -> SessionOutcome:
        stage = self.stage
        counted = Counter({name: n for name, n in stage.gateway.floor.faults.counted.items() if name not in _REMEDIES})
        counted.update(self.faults.counted)
        counted["journal failed"] += stage.estate.durable.failures
        return SessionOutcome(
            self.plan,
            found,
            two_at_once=two_at_once(stage.arrivals),
            oversold=oversold(stage.gateway),
            though_stopped=bought_though_stopped(stage.arrivals, self.faults.killed, stage.estate.intentions),
            sessions=len(stage.sessions),
            epochs=len(stage.estate.database.acquisitions),
            faults=counted,
            deaths=self._deaths,
        )
