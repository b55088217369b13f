"""A flood: the quotes of all lines sent again and again at a given rate, to measure clients and the gateway itself."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tickledger.gateway import answers
from tickledger.gateway.market_lines import ASK, BID, QuoteLine

if TYPE_CHECKING:
    from tickledger.gateway.floor import Floor

_STEP_SECONDS: Final = 0.005
#: Sizes differ from one round to the next, so that no client takes a tick for the one before.
_ROUNDS: Final = 8
#: After so many ticks the loop has its turn, whatever is due.
_LONGEST_BURST: Final = 20_000
#: What a stamp counts from: with it every stamp has fifteen digits, and a double still holds it exactly.
STAMP_BASE: Final = 10**14

#: A line, and the bytes of a tick before and after its stamp.
_Tick = tuple[QuoteLine, bytes, bytes]


class Flood:
    """Sends ticks that were made before; `sent` counts them.

    Where `is_stamped`, the size of a tick is `STAMP_BASE` and the microseconds of the machine's monotonic clock when
    it was sent: a client on the same machine can tell how long it took, and no tick repeats the one before.
    """

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor
        self._stamp = 0
        self.sent = 0

    async def run(self, rate: float, seconds: float, *, is_stamped: bool = False) -> None:
        """Send `rate` ticks a second over all lines, for `seconds`, and longer where that many could not be sent."""
        lines = self._floor.feed.quote_lines
        rounds = 1 if is_stamped else _ROUNDS
        ticks = [tick for number in range(rounds) for line in lines for tick in self._ticks(line, number, is_stamped)]
        if not ticks:
            return
        loop = asyncio.get_running_loop()
        began_at, sent, wanted = loop.time(), 0, int(rate * seconds)
        while sent < wanted:
            most = sent + _LONGEST_BURST
            due = min(int((loop.time() - began_at) * rate), wanted, most)
            while sent < due:
                place = sent % len(ticks)
                burst = ticks[place : place + due - sent]
                stamp = self._next_stamp(loop.time()) if is_stamped else b""
                for line, before, after in burst:
                    line.session.send(before + stamp + after)
                sent += len(burst)
                self.sent += len(burst)
            await asyncio.sleep(0 if due == most else _STEP_SECONDS)

    def _next_stamp(self, now: float) -> bytes:
        self._stamp = max(STAMP_BASE + int(now * 1e6), self._stamp + 1)
        return b"%d" % self._stamp

    def _ticks(self, line: QuoteLine, number: int, is_stamped: bool) -> Sequence[_Tick]:  # noqa: FBT001  read above
        quote = self._floor.venue.quote(line.listing.symbol)
        if quote is None:
            return ()
        bid_size, ask_size = (STAMP_BASE,) * 2 if is_stamped else (quote.bid_size + number, quote.ask_size + number)
        bid = answers.tick_price(line.request_id, BID, quote.bid, bid_size, mask=1)
        ask = answers.tick_price(line.request_id, ASK, quote.ask, ask_size, mask=1)
        return [(line, *(_around(frame) if is_stamped else (frame, b""))) for frame in (bid, ask)]


def _around(frame: bytes) -> tuple[bytes, bytes]:
    """What stands before and after the size of a tick."""
    before, _, after = frame.partition(b"%d" % STAMP_BASE)
    return before, after
