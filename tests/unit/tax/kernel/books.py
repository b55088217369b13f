"""Books with nothing in them yet, to put rows into by hand."""

from tickledger.tax.book import empty_book
from tickledger.tax.kernel.columns import Book
from tickledger.tax.policies import Policies


def blank(*, rows: int = 64) -> Book:
    """Tables of lists with room for so many rows."""
    return empty_book(policies=Policies(), has_wash_sales=True, reserved_scale=1, is_compiled=False, fills=rows)
