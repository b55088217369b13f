"""The risk limits in force on a date. They are rows: a later row of the same name takes an earlier one's place."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.domain.order import CONTROL_LIMIT_UNITS, RISK_LIMIT_UNITS, RiskLimit

LIMIT_NAMES: Final = tuple(RISK_LIMIT_UNITS)
CONTROL_LIMIT_NAMES: Final = tuple(CONTROL_LIMIT_UNITS)


def limits_in_force(limits: Iterable[RiskLimit], *, account_id: str, on: date) -> Mapping[str, Decimal]:
    """The value of each limit of `account_id` on a date: its row with the latest `effective_from` not after it.

    A limit without such a row is absent, and whoever asks must fail closed.
    """
    rows = (limit for limit in limits if limit.account_id == account_id and limit.effective_from <= on)
    return {row.name: row.value for row in sorted(rows, key=lambda row: row.effective_from)}
