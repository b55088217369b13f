"""A flood: the quotes of all lines sent again and again at a given rate, to measure clients and the gateway itself."""

import asyncio
from collections.abc import Sequence
from itertools import cycle, islice
from typing import TYPE_CHECKING, Final

from tickledger.gateway import answers
from tickledger.gateway.market_lines import ASK, BID, QuoteLine

if TYPE_CHECKING:
    from tickledger.gateway.floor import Floor

_STEP_SECONDS: Final = 0.005
#: Sizes differ from one round to the next, so that no client takes a tick for the one before.
_ROUNDS: Final = 8


class Flood:
    """Sends ticks that were made before; `sent` counts them."""

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor
        self.sent = 0

    async def run(self, rate: float, seconds: float) -> None:
        """Send `rate` ticks a second over all lines, for `seconds`."""
        lines = self._floor.feed.quote_lines
        ticks = [(line, frame) for number in range(_ROUNDS) for line in lines for frame in self._frames(line, number)]
        if not ticks:
            return
        loop = asyncio.get_running_loop()
        began_at, sent, endless = loop.time(), 0, cycle(ticks)
        while (elapsed := loop.time() - began_at) < seconds:
            due = int(elapsed * rate) - sent
            for line, frame in islice(endless, max(due, 0)):
                line.session.send(frame)
            sent += max(due, 0)
            self.sent += max(due, 0)
            await asyncio.sleep(_STEP_SECONDS)

    def _frames(self, line: QuoteLine, number: int) -> Sequence[bytes]:
        quote = self._floor.venue.quote(line.listing.symbol)
        if quote is None:
            return ()
        bid = answers.tick_price(line.request_id, BID, quote.bid, quote.bid_size + number, mask=1)
        ask = answers.tick_price(line.request_id, ASK, quote.ask, quote.ask_size + number, mask=1)
        return (bid, ask)
