"""Amounts as the forms ask for them: negative in parentheses, zero as -0- (i8949 2025, columns (g) and (h))."""

from decimal import Decimal


def amount_text(amount: Decimal) -> str:
    """``1,234.50``, ``(1,234.50)`` or ``-0-``; whole dollars where the amount has no cents."""
    if not amount:
        return "-0-"
    return f"({-amount:,f})" if amount < 0 else f"{amount:,f}"
