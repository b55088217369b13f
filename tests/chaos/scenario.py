"""One scenario: a plan that is carried out on a stage.

The market goes on while the plan does. In the end the faults are taken back, everything reconnects and is asked for
again, and `verdict` compares the record with the venue's own books.
"""

import asyncio
import random as global_random
import traceback
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import Any, Final

import pandas as pd

from tests.chaos.faults import Faults
from tests.chaos.line import Line
from tests.chaos.plan import LONGEST_FAULT, SYMBOLS, TRADES, Plan, Step
from tests.chaos.process import ACCOUNT, Durable, KilledError, PickledJournal
from tests.chaos.stage import CASH, NOON, Stage, opening
from tests.chaos.strategy import Strategy
from tests.chaos.verdict import Verdict, verdict
from tests.chaos.warp import run
from tickledger.domain.order import OrderEvent, OrderStatus
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape
from tickledger.execution.order_journal import CANCEL_ASKED, AnyEntry, DurableJournal
from tickledger.gateway.gateway_settings import GatewaySettings
from tickledger.gateway.server import Gateway
from tickledger.ib.order_ids import InMemoryOrderIds, OrderIds

_NEVER_TICKS: Final = 1e9
#: How long everything may take to be whole again once the faults are over, and how long it is then left alone.
_RECOVERY: Final = 300
_AFTERMATH: Final = 60
_SUCCESSION: Final = 30
#: What ends a fault and is none.
_REMEDIES: Final = ("restore_link", "mend_farm", "resume")
#: A handful of markets is enough, and each costs to make.
_MARKETS: Final = 4


@dataclass
class Outcome:
    """What came of a scenario; the timeline is told where it was traced."""

    plan: Plan
    verdict: Verdict
    faults: Counter[str]
    timeline: list[str] = field(default_factory=list)


def play(
    plan: Plan, *, journal: DurableJournal | None = None, order_ids: OrderIds | None = None, is_traced: bool = False
) -> Outcome:
    """Carry out a plan; what our code raised where nothing may raise is among the mismatches."""
    errors: list[str] = []

    def on_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, KilledError):
            errors.append(f"{context['message']}: {error!r}")

    # The pauses between attempts to connect are drawn from the module's own generator.
    global_random.seed(plan.seed)
    durable = Durable(journal or PickledJournal(opening()), order_ids or InMemoryOrderIds())
    scenario = _Scenario(plan, durable, is_traced=is_traced)
    try:
        outcome: Outcome = run(scenario.outcome(), on_error=on_error)
    except Exception as error:  # noqa: BLE001  whatever our code raises is what this looks for
        errors.append("".join(traceback.format_exception(error)))
        outcome = scenario.broken_off()
    outcome.verdict.mismatches.extend(errors)
    return outcome


@lru_cache
def _tape(number: int) -> MarketTape:
    """Two lively sessions of a few thinly traded symbols."""
    days = [datetime(2013, 3, day, tzinfo=UTC) for day in (26, 27)]
    rows = [
        (symbol, day, 100.0 + place, 103.0 + place, 97.5 + place, 101.0 + place, 400_000)
        for place, symbol in enumerate(SYMBOLS)
        for day in days
    ]
    columns = ["symbol", "timestamp", "open", "high", "low", "close", "volume"]
    return MarketTape.from_bars(pd.DataFrame(rows, columns=columns), seed=number)


class _Scenario:
    """A plan at work."""

    stage: Stage
    strategy: Strategy
    faults: Faults

    def __init__(self, plan: Plan, durable: Durable, *, is_traced: bool) -> None:
        self.plan = plan
        self.durable = durable
        self.is_traced = is_traced

    async def outcome(self) -> Outcome:
        """Play it from the beginning to the end."""
        plan = self.plan
        market = VenueSettings(accounts={ACCOUNT: CASH}, starts_at=NOON, max_participation=Decimal(plan.participation))
        settings = GatewaySettings(port=0, account=ACCOUNT, profit_seconds=_NEVER_TICKS, account_seconds=_NEVER_TICKS)
        async with Gateway(_tape(plan.seed % _MARKETS), market, settings) as gateway:
            line = Line(gateway.port, Random(f"line {plan.seed}"), latency=plan.latency)  # noqa: S311  no secret
            random = Random(f"scenario {plan.seed}")  # noqa: S311  no secret
            self.stage = Stage(gateway, line, self.durable, speed=plan.speed, is_traced=self.is_traced)
            self.strategy = Strategy(self.stage, random)
            self.faults = Faults(self.stage, self.strategy, random)
            self.stage.watch_the_wire()
            await line.start()
            market_goes_on = asyncio.get_running_loop().create_task(self.stage.market())
            self.stage.boot()
            await self.stage.until_started()
            for step in plan.steps:
                await asyncio.sleep(step.after)
                self.stage.log(str(step))
                await self._do(step)
            await self._recover()
            market_goes_on.cancel()
            return await self._end()

    def broken_off(self) -> Outcome:
        """What is known of one that did not come to its end."""
        return Outcome(self.plan, Verdict(), Counter(), self.stage.timeline)

    async def _do(self, step: Step) -> None:
        self.stage.notice_death()
        if step.do in TRADES:
            await self.strategy.wait_for_the_process()
            await self.strategy.retry()
        act = getattr(self.strategy if step.do in TRADES else self.faults, step.do, None)
        if act is None:
            self.faults.apply(step.do, step.terms)
            return
        done = act(**step.terms)
        if done is not None:
            await done

    async def _recover(self) -> None:
        """Take every fault back, and wait until our process is whole and has sent everything."""
        stage = self.stage
        stage.log("the faults end")
        self._disarm()
        await asyncio.sleep(LONGEST_FAULT + 5)
        self._disarm()
        for symbol in SYMBOLS:
            self.faults.apply("resume", {"symbol": symbol})
        if stage.gateway.floor.faults.is_link_down:
            self.faults.apply("restore_link", {"data": "lost"})
        await stage.gateway.restart()
        self.faults.close_half_open()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _RECOVERY
        while not (stage.is_whole() and stage.process is not None and not stage.process.broker.pacer):
            if loop.time() > deadline:
                raise AssertionError("our process is not ready long after the last fault")
            await asyncio.sleep(0.5)
        await self.strategy.retry()
        if self.plan.ends_flat:
            await self.strategy.cancel_each()

    def _disarm(self) -> None:
        faults = self.stage.gateway.floor.faults
        faults._armed.clear()
        faults.waiting.clear()
        if (process := self.stage.process) is not None:
            process.death.where = process.journal.fails = ""

    async def _end(self) -> Outcome:
        """Compare, and let a successor of our process find nothing new."""
        stage, strategy = self.stage, self.strategy
        await asyncio.sleep(_AFTERMATH)
        stage.notice_death()
        process = stage.process
        assert process is not None
        await process.manager.start()
        found = verdict(
            stage.gateway,
            process,
            durable=self.durable,
            orders=strategy.orders,
            parents=strategy.parents,
            accepted=strategy.accepted,
            wire=stage.wire,
        )
        owed = self._cancellations_owed({state.order.order_id for state in process.manager.working()})
        process.kill()
        await asyncio.sleep(_SUCCESSION)
        stage.boot()
        await stage.until_started()
        successor = stage.process
        assert successor is not None
        result = successor.manager.last_reconciliation
        if result is None or not result.is_clean or any(_is_news(entry, owed) for entry in result.entries):
            found.mismatches.append(f"asked again by a new process: expected nothing new, found {result}")
        successor.kill()
        await stage.line.stop()
        return Outcome(self.plan, found, self._counted(), stage.timeline)

    def _cancellations_owed(self, working: set[str]) -> set[str]:
        """The orders that work though they were to be cancelled: another process asks for it again."""
        entries = [entry for entry in self.durable.journal.load(ACCOUNT).entries if isinstance(entry, OrderEvent)]
        return {entry.order_id for entry in entries if entry.reason.startswith(CANCEL_ASKED)} & working

    def _counted(self) -> Counter[str]:
        at_gateway = self.stage.gateway.floor.faults.counted
        counted = Counter({name: count for name, count in at_gateway.items() if name not in _REMEDIES})
        counted.update(self.faults.counted)
        counted.update(self.stage.deaths)
        counted["journal failed"] += self.durable.failures
        return counted


def _is_news(entry: AnyEntry, owed: set[str]) -> bool:
    """Whether an entry says more than that a cancellation that was owed has been carried out."""
    return not (isinstance(entry, OrderEvent) and entry.order_id in owed and entry.status is OrderStatus.CANCELLED)
