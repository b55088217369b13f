"""Histories as reports read them: fills in a line of text each, with closes, standing on a day."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests import tax
from tickledger.domain.account import Mode
from tickledger.execution.tax_history import TaxHistory
from tickledger.reporting.tax_reports import Cell, Cover, Section
from tickledger.reporting.tax_reports_basis import Close, ReportBasis, scope_of
from tickledger.tax.households import with_unlisted
from tickledger.tax.schedule_d import Carryover, FilingStatus

FIRST = date(2024, 1, 2)


def standing(
    text: str,
    on: str,
    *,
    closes: Mapping[str, str] | None = None,
    account: str | None = None,
    year: int | None = None,
    carryover: Mapping[int, Carryover] | None = None,
    filing_status: FilingStatus = FilingStatus.OTHER,
    **told: Any,
) -> ReportBasis:
    """The basis on a day; `closes` are of that day."""
    day = date.fromisoformat(on)
    history = TaxHistory(tax.fills(text), **told)
    accounts = with_unlisted(history.accounts, [fill.account_id for fill in history.fills])
    return ReportBasis.standing(
        history,
        scope_of(accounts, account_id=account),
        on=day,
        tax_year=year,
        closes={symbol: Close(Decimal(price), day) for symbol, price in (closes or {}).items()},
        stated_carryover=carryover,
        filing_status=filing_status,
    )


def cover(*, watermark: str | None = None, **told: Any) -> Cover:
    """A cover as reports of a year have it."""
    plain = Cover("Jane & Joe", Mode.LIVE, 2025, date(2025, 12, 1), datetime(2025, 12, 1, 22, 5, tzinfo=UTC))
    return replace(plain, watermark=watermark, **told)


def column(section: Section, name: str) -> list[Cell]:
    """The cells of one column."""
    return [row[name] for row in section.as_dicts()]


@st.composite
def histories(draw: st.DrawFn, *, most: int = 30) -> str:
    """Trades of two symbols in two taxable accounts and an IRA over two years; nothing is sold that is not held."""
    held: dict[tuple[str, str], int] = {}
    lines, day = [], FIRST
    for number in range(draw(st.integers(2, most))):
        day += timedelta(days=draw(st.integers(0, 45)))
        place = draw(st.sampled_from([("T1", "X"), ("T1", "Y"), ("T2", "X"), ("IRA", "X")]))
        price = draw(st.integers(500, 3000))
        cents = f"{price // 100}.{price % 100:02}"
        has, account_and_symbol = held.get(place, 0), f"{place[1]} @ {cents} fee 0.35 in {place[0]}"
        if has and draw(st.booleans()):
            shares = draw(st.integers(1, has))
            held[place] = has - shares
            lines.append(f"S{number} {day} sells {shares} {account_and_symbol}")
        else:
            shares = draw(st.integers(1, 90))
            held[place] = has + shares
            lines.append(f"B{number} {day} buys {shares} {account_and_symbol}")
    return "\n".join(lines)


ACCOUNTS = (tax.account("T1"), tax.account("T2"), tax.account("IRA", "ira"))
