"""Trades of others in our account: the gateway tells every change of a position, but fills only to who ordered them.

A position that is otherwise than the last one and the fills told since make it was changed by somebody else: a person
at TWS, another program. Then the fills are asked for, which are told for the whole account; see `Inquiry.ask`. What no
fill explains (a transfer, a corporate action) is taken as it is, for the next snapshot to judge.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from tickledger.domain.broker import BrokerFill
from tickledger.ib.library import LibraryObject
from tickledger.ib.orders import our_symbol, shares
from tickledger.ib.wire import Wire

#: How long a fill and the position that it makes may be apart, and how long the answer about fills may take, seconds.
FILL_GRACE: Final = 0.5
ANSWER_GRACE: Final = 5.0
_NOTHING: Final = Decimal(0)


class PositionWatch:
    """The positions of one account, as long as they are subscribed to.

    `ask` has the account's fills told; `later` does something after so many seconds.
    """

    def __init__(
        self,
        account_id: str,
        wire: Wire,
        *,
        ask: Callable[[], None],
        later: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self._account_id = account_id
        self._ask = ask
        self._later = later
        self._told: dict[str, Decimal] = {}
        self._expected: dict[str, Decimal] = {}
        self._is_complete = False
        self._is_checking = False
        wire.listen("position", self._take)
        wire.listen("positionEnd", self._settle)

    def take_fill(self, fill: BrokerFill) -> None:
        """Count a fill that is told for the first time; a correction is left for the position to tell."""
        if fill.corrects is None:
            symbol, change = fill.execution.symbol, fill.execution.side.sign * fill.execution.quantity
            self._expected[symbol] = self._expected.get(symbol, _NOTHING) + change
            self._check_soon()

    def forget(self) -> None:
        """Know nothing: the connection is gone, and with it the subscription."""
        self._told.clear()
        self._expected.clear()
        self._is_complete = False

    def _take(self, account_id: str, contract: LibraryObject, quantity: float, *_: object) -> None:
        if account_id == self._account_id:
            self._told[our_symbol(contract)] = shares(quantity)
            self._check_soon()

    def _settle(self) -> None:
        """All positions were told, as they are after a question: what they are is what is expected from now on."""
        self._expected = dict(self._told)
        self._is_complete = True

    def _check_soon(self) -> None:
        if self._is_complete and not self._is_checking and self._differs():
            self._is_checking = True
            self._later(FILL_GRACE, self._check)

    def _check(self) -> None:
        if not self._is_complete or not self._differs():
            self._is_checking = False
            return
        self._ask()
        self._later(ANSWER_GRACE, self._take_as_it_is)

    def _take_as_it_is(self) -> None:
        self._is_checking = False
        if self._is_complete:
            self._settle()

    def _differs(self) -> bool:
        symbols = self._told.keys() | self._expected.keys()
        return any(self._told.get(one, _NOTHING) != self._expected.get(one, _NOTHING) for one in symbols)
