"""The broker as it is seen from beside a session: asked, never told anything.

The connection has a client id of its own, so it can be made while a session trades, and an objection to every order,
so nothing can be sent over it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from resources.session_account import session_account
from tickledger.domain.broker import BrokerSnapshot
from tickledger.execution.clock import WallClock
from tickledger.ib.broker import IBBroker
from tickledger.ib.ib_settings import IBSettings
from tickledger.ib.order_ids import InMemoryOrderIds
from tickledger.settings import Settings

#: Added to the session's client id.
BESIDE: Final = 100
_PATIENCE: Final = 10.0
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class BrokerView:
    """Questions to the broker that the settings name; each makes a connection and ends it.

    They raise BrokerUnavailableError where the broker does not answer, ConfigurationError where it is not the one
    that the settings mean.
    """

    settings: Settings

    def snapshot(self) -> BrokerSnapshot:
        """The whole account as the broker has it now."""
        return self._ask(lambda broker: broker.snapshot())

    def time(self) -> datetime:
        """The broker's time, whole seconds, aware UTC."""
        return self._ask(lambda broker: broker.requests.current_time(within=_PATIENCE))

    async def times(self, count: int, *, every: float) -> list[tuple[float, datetime]]:
        """The broker's time asked `count` times, `every` so many seconds, each with the seconds of the loop's clock."""
        told = []
        async with self._connected() as broker:
            for place in range(count):
                if place:
                    await asyncio.sleep(every)
                at = await broker.requests.current_time(within=_PATIENCE)
                told.append((asyncio.get_running_loop().time(), at))
        return told

    def _ask(self, question: Callable[[IBBroker], Awaitable[_Answer]]) -> _Answer:
        async def ask() -> _Answer:
            async with self._connected() as broker:
                return await question(broker)

        return asyncio.run(ask())

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[IBBroker]:
        broker = IBBroker(self._address(), clock=WallClock(), order_ids=InMemoryOrderIds(), objection=_only_asks)
        await broker.start()
        try:
            yield broker
        finally:
            await broker.stop()

    def _address(self) -> IBSettings:
        settings = self.settings
        account_id = session_account(settings).account_id
        return IBSettings(settings.ib_host, settings.ib_port, settings.ib_client_id + BESIDE, account_id)


def _only_asks() -> str:
    return "this connection only asks"
