"""What there is to tell: numbers that become messages outside."""

from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.columns import Book


def new_event(book: Book, kind: int, subject: int, value: int, other: int) -> None:
    """Note something to be told of a fill, a lot, a piece, a wash sale or a pool."""
    event = book.counts[c.EVENTS]
    book.counts[c.EVENTS] = event + 1
    row = book.events[event]
    row[c.EVENT_KIND], row[c.EVENT_FILL], row[c.EVENT_VALUE], row[c.EVENT_OTHER] = kind, subject, value, other
