"""``python -m tickledger.tax.kernel``: compile the kernel ahead, so that no first long history has to wait for it."""

from datetime import date
from decimal import Decimal

from tickledger.tax import book_building
from tickledger.tax.engine import compute
from tickledger.tax.fills import Fill, FillSide


def main() -> None:
    """Work a history of one trade through the compiled kernel, which makes numba compile and keep it."""
    book_building.WORTH_COMPILING = 0  # type: ignore[misc]  # whatever its length
    one, price, day = Decimal(1), Decimal(100), date(2024, 1, 2)
    bought = Fill("B", "B", "A", "X", FillSide.BUY, one, price, Decimal(0), day)
    sold = Fill("S", "S", "A", "X", FillSide.SELL, one, price, Decimal(0), day)
    compute([bought, sold])


if __name__ == "__main__":
    main()
