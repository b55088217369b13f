"""The durable record of an account as one process reads it, and what its last close has of the fills in it."""

from dataclasses import replace
from decimal import Decimal

from tickledger.domain.broker import BrokerSnapshot
from tickledger.domain.execution import Execution
from tickledger.execution.order_fills import fills_of
from tickledger.execution.order_journal import AccountRecord, AnyEntry, DurableJournal, OrderPlaced


class AccountReading:
    """Reads one account; raises what the journal raises."""

    def __init__(self, journal: DurableJournal, account_id: str) -> None:
        self._journal = journal
        self._account_id = account_id
        self._settled: list[Execution] = []
        self._last: AccountRecord | None = None

    @property
    def last(self) -> AccountRecord | None:
        """The account as it was read last, without its entries, and with the cash that was told since."""
        return self._last

    def note_cash(self, amount: Decimal) -> None:
        """Cash was told that no fill moved."""
        if self._last is not None:
            self._last = replace(self._last, cash_moved=self._last.cash_moved + amount)

    def load(self) -> AccountRecord:
        """The account since its last close."""
        record = self._journal.load(self._account_id)
        self._settled += record.settled
        self._last = replace(record, entries=())
        return record

    def load_beside(self, snapshot: BrokerSnapshot) -> AccountRecord:
        """The same, with every order that the broker tells of: it may remember what was over long before the close."""
        record = self.load()
        known = {entry.order.order_id for entry in record.entries if isinstance(entry, OrderPlaced)}
        for order_id in sorted(references(snapshot) - known):
            record = record.with_entries(self.find_order(order_id))
        return record

    def find_order(self, order_id: str) -> tuple[AnyEntry, ...]:
        """The entries of an order that the account since its last close does not have; none where there is none.

        Nothing was told of it since that close, which has its fills as they stand.
        """
        entries = self._journal.find_order(self._account_id, order_id)
        self._settled += fills_of(entries)
        return entries

    def take_settled(self) -> list[Execution]:
        """The fills that the last close has, as it has them: those read since this was last asked."""
        settled, self._settled = self._settled, []
        return settled


def references(snapshot: BrokerSnapshot) -> set[str]:
    """The references of the orders that a broker tells of, ours and others'."""
    told = {order.order_id for order in (*snapshot.open_orders, *(snapshot.completed_orders or ()))}
    told |= {fill.execution.order_id for fill in snapshot.fills}
    return {reference for reference in told if reference}
