"""The book of an account's orders beside its journal: what one of them has the other has, or the book is made anew."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal

from tickledger.domain.broker import BrokerSnapshot
from tickledger.domain.errors import LedgerError
from tickledger.execution.account_reading import AccountReading, references
from tickledger.execution.order_book import OrderBook, TrackedOrder
from tickledger.execution.order_journal import DurableJournal, JournalEntry, NewOrder, OrderPlaced
from tickledger.execution.order_reconciliation import BreakKind, Reconciliation, reconciled


class RecordedBook:
    """The book of `account_id`, which is stale until it has been read.

    `on_failure` hears that the journal has failed: nobody knows what it kept, and the book is made anew from it
    before anything else is booked. Orders of `foreign_ids` are not looked for in the journal.
    """

    def __init__(
        self, journal: DurableJournal, reading: AccountReading, account_id: str, *, on_failure: Callable[[], None]
    ) -> None:
        self._journal = journal
        self._reading = reading
        self._account_id = account_id
        self._on_failure = on_failure
        self._is_stale = True
        self.book = OrderBook()
        self.foreign_ids: set[str] = set()

    def adopt(self, book: OrderBook) -> None:
        """Go on with another book, which has all that the journal has."""
        self.book, self._is_stale = book, False

    def forget_finished(self) -> None:
        """Drop what cannot matter any more: the book is made anew from the journal before anything else is booked."""
        self._is_stale = True

    def recover(self) -> None:
        """Make the book anew from the journal where the two may differ."""
        if self._is_stale:
            self.adopt(OrderBook(self._reading.load().entries))

    def agreed(
        self, snapshot: BrokerSnapshot, before: Reconciliation | None, *, patience: timedelta
    ) -> Reconciliation | None:
        """What comes of a snapshot that tells nothing new since `before`, while no answer is due; None of another.

        A day has thousands of orders: those that are over are not read back every few minutes.
        """
        record = self._reading.last
        if self._is_stale or self.book.waiting or record is None or before is None:
            return None
        if references(snapshot) - self.book.orders.keys():
            return None
        found = reconciled(record, snapshot, patience=patience, book=self.book)
        if found.entries or found.unresolved or found.problems or _differences(found) != _differences(before):
            # The book has entries now that the journal does not have.
            self._is_stale = True
            return None
        return found

    def find(self, order_id: str) -> bool:
        """Whether an order is in the record; one that the book does not have any more is read back."""
        if order_id in self.book.orders:
            return True
        if not order_id or order_id in self.foreign_ids:
            return False
        entries = self._reading.find_order(order_id)
        for entry in entries:
            self.book.apply(entry)
        return bool(entries)

    def tracked(self, order_id: str) -> TrackedOrder:
        """What is known of an order; raises LedgerError for one that is not in the record."""
        self.find(order_id)
        return self.book.tracked(order_id)

    def write_down(self, placed: Sequence[NewOrder]) -> Sequence[NewOrder]:
        """Commit orders together; those of them that were not in the journal already, from a time long gone."""
        if not placed:
            return []
        try:
            self._journal.record_orders(self._account_id, placed)
        except LedgerError:
            unknown = [new for new in placed if not self.find(new.order.order_id)]
            if len(unknown) == len(placed):
                raise
            return self.write_down(unknown)
        for new in placed:
            self.book.apply(OrderPlaced(new.order))
            self.book.apply(new.event)
        return placed

    def write_news(self) -> None:
        """Append what the book has heard to the journal; raises what the journal raises."""
        self.append(self.book.take_news())

    def append(self, entries: Sequence[JournalEntry]) -> None:
        """Append entries to the journal; raises what the journal raises."""
        if not entries:
            return
        try:
            self._journal.record(self._account_id, entries)
        except Exception:
            self._is_stale = True
            self._on_failure()
            raise


def _differences(found: Reconciliation) -> list[tuple[BreakKind, str, Decimal]]:
    """What does not agree, and by how much, whatever was traded on both sides meanwhile."""
    return [(each.kind, each.subject, each.at_broker - each.in_record) for each in found.breaks]
