"""What goes wrong in a scenario: at the gateway, by its own catalogue; on the line; in our process and its journal."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tests.chaos.plan import TRADES
from tests.chaos.process import CLIENT_ID
from tests.chaos.stage import Stage
from tests.chaos.strategy import Strategy


class Faults:
    """Each method that a plan names lets one thing go wrong; all others are the gateway's own."""

    def __init__(self, stage: Stage, strategy: Strategy, random: Random) -> None:
        self.stage = stage
        self.strategy = strategy
        self.random = random
        self.counted: Counter[str] = Counter()

    def apply(self, do: str, terms: Mapping[str, Any]) -> None:
        fault = {"do": do, **terms}
        if "nth_next" in fault:
            happened = self.stage.gateway.floor.faults._counts[fault["on"]]
            fault["nth"] = happened + fault.pop("nth_next")
        self.stage.gateway.apply(fault)

    def _later(self, seconds: float, act: Callable[[], Any]) -> None:
        asyncio.get_running_loop().call_later(seconds, act)

    def lose_link(self, seconds: float, data: str, **when: Any) -> None:
        self.apply("lose_link", when)
        delay = seconds + float(when.get("after", 0))
        self._later(delay, lambda: self.apply("restore_link", {"data": data}))

    def daily_reset(self, *, restarts: bool, **terms: Any) -> None:
        """A reset of the gateway, in which our process is often started again as well."""
        self.apply("daily_reset", terms)
        if restarts and len(terms.keys() & {"on", "after"}) == 0:
            self.kill(self.random.uniform(0, terms["seconds"]))

    def gateway_crash(self, **terms: Any) -> None:
        self.apply("crash", terms)

    def break_farm(self, seconds: float) -> None:
        self.apply("break_farm", {})
        self._later(seconds, lambda: self.apply("mend_farm", {"resumes": True}))

    def half_open(self, seconds: float, **when: Any) -> None:
        self.apply("half_open", {"client": CLIENT_ID, **when})
        delay = seconds + float(when.get("after", 0))
        self._later(delay, self.close_half_open)

    def close_half_open(self) -> None:
        for session in list(self.stage.gateway.floor.sessions):
            if session.connection._is_half_open:
                session.connection.close()

    def drip(self, seconds: float) -> None:
        self.apply("drip", {})
        self._later(seconds, lambda: self.apply("drip", {"is_on": False}))

    def halt(self, symbol: str, seconds: float) -> None:
        self.apply("halt", {"symbol": symbol})
        self._later(seconds, lambda: self.apply("resume", {"symbol": symbol}))

    def error(self, which: int, *, is_latest: bool, code: int, names_order: bool) -> None:
        ids = sorted(number for numbers in self.stage.wire.values() for number in numbers)
        number = -1
        if names_order:
            if not ids:
                return
            number = ids[-1 if is_latest else which % len(ids)]
        self.apply("error", {"code": code, "text": "out of the blue", "request_id": number})

    def order_by_hand(self, offset: int, **terms: Any) -> None:
        quote = self.stage.gateway.venue.quote(terms["symbol"])
        assert quote is not None
        sign = -1 if terms["action"] == "BUY" else 1
        price = round(float(quote.bid) + sign * offset / 20, 2)
        self.apply("order_by_hand", {**terms, **({"price": price} if terms["order_type"] == "LMT" else {})})

    def cut_line(self) -> None:
        self.counted["line cut"] += 1
        self.stage.line.cut()

    def stall_line(self, direction: str, seconds: float) -> None:
        self.counted["line stalled"] += 1
        self.stage.line.stall(direction, seconds)

    def fail_journal(self, where: str, nth: int) -> None:
        if self.stage.process is not None and not self.stage.process.is_dead:
            self.stage.process.journal.fails, self.stage.process.journal.fails_in = where, nth

    async def die(self, where: str, nth: int, down: float) -> None:
        if self.stage.process is not None and not self.stage.process.is_dead:
            self.down = down
            self.stage.process.death.where, self.stage.process.death.nth = where, nth
            await self._provoke(where)

    async def _provoke(self, where: str) -> None:
        """Mostly do what leads to where the process is to die."""
        if self.random.random() > 0.7:
            return
        if "modify" in where:
            await self.strategy.modify(self.random.randrange(1000), is_latest=True, what="both", factor=2, offset=5)
        elif "cancel" in where:
            await self.strategy.cancel(which=self.random.randrange(1000), is_latest=self.random.random() < 0.5)
        else:
            await self.strategy.place(**TRADES["place"][1](self.random))

    def kill(self, down: float) -> None:
        """Our process dies, whatever it is about."""
        self.stage.kill(down)
