"""The dated rates of the two regulatory fees on sales of US equities: SEC Section 31 and FINRA's TAF.

Both are charged to sellers only. The rates are data, oldest first; a rate holds from its date until the next
row's. `is_certain` is False where the rate or its date was not found in a primary or reprinted source.
Not here: the consolidated audit trail's fee (since 2024, at most 0.000072 a share, no dated source at hand).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

#: Rates are known up to this date; what is sold later is charged by the last row, and marked as estimated.
REVIEWED_THROUGH: Final = date(2026, 12, 31)


@dataclass(frozen=True, slots=True)
class RegulatoryRate:
    """One rate in force from a date: USD per million USD sold (Section 31) or per share sold, capped (TAF)."""

    effective_from: date
    rate: Decimal
    source: str
    cap: Decimal | None = None
    is_certain: bool = True


def _sec(day: str, rate: str, source: str, *, is_certain: bool = True) -> RegulatoryRate:
    return RegulatoryRate(date.fromisoformat(day), Decimal(rate), source, is_certain=is_certain)


def _taf(day: str, rate: str, cap: str, source: str, *, is_certain: bool = True) -> RegulatoryRate:
    return RegulatoryRate(date.fromisoformat(day), Decimal(rate), source, Decimal(cap), is_certain=is_certain)


_LIST: Final = "traderstatus.com/secfeerates.htm, a list of the SEC's advisories"
_DERIVED: Final = "rate named by a later notice; date = 60 days after the appropriation, not found in print"
_RECALLED: Final = "from memory; no source found"
_FEE_PLAN: Final = "FINRA fee increase schedule, SR-FINRA-2020-032"

#: Section 31 of the Exchange Act: USD per million USD of covered sales.
SEC_SECTION_31: Final[Sequence[RegulatoryRate]] = (
    _sec("2000-01-01", "33.30", _LIST),
    _sec("2001-12-28", "15.00", _LIST),
    _sec("2002-04-01", "30.10", _LIST),
    _sec("2003-03-22", "25.20", "SEC press release 2003-27"),
    _sec("2003-04-01", "46.80", "SEC press release 2003-27"),
    _sec("2004-02-22", "39.00", _LIST),
    _sec("2004-04-01", "23.40", _LIST),
    _sec("2005-01-07", "32.90", _LIST),
    _sec("2005-04-01", "41.80", _LIST),
    _sec("2005-12-22", "30.70", _LIST),
    _sec("2007-03-17", "15.30", _RECALLED, is_certain=False),
    _sec("2008-01-25", "11.00", "rate: FINRA information notice 3/10/08; date from memory", is_certain=False),
    _sec("2008-04-01", "5.60", "FINRA information notice 3/10/08"),
    _sec("2009-04-10", "25.70", "rate: SEC press release 2009-100; date from memory", is_certain=False),
    _sec("2010-01-15", "12.70", "SEC press release 2009-270"),
    _sec("2010-04-01", "16.90", "FINRA information notice 3/10/10"),
    _sec("2011-01-21", "19.20", "SEC press release 2010-255"),
    _sec("2012-02-21", "18.00", "SEC Fee Rate Advisory 5 for fiscal year 2012"),
    _sec("2012-04-01", "22.40", "rate: SEC press release 2012-232; date: mid-year adjustment"),
    _sec("2013-05-25", "17.40", "78 FR 25515: appropriation of 2013-03-26, in force 60 days later"),
    _sec("2014-03-18", "22.10", "FINRA information notice 3/3/14"),
    _sec("2015-02-14", "18.40", _RECALLED, is_certain=False),
    _sec("2016-02-16", "21.80", f"FINRA information notice 3/15/16; {_DERIVED}", is_certain=False),
    _sec("2017-07-04", "23.10", "SEC fee rate advisory 3 for fiscal year 2017"),
    _sec("2018-05-22", "13.00", "FINRA information notice 5/7/18"),
    _sec("2019-04-16", "20.70", "SEC fee rate advisory 2 for fiscal year 2019"),
    _sec("2020-02-18", "22.10", "FINRA information notice 2/3/20"),
    _sec("2021-02-25", "5.10", "FINRA information notice 2/16/21"),
    _sec("2022-05-14", "22.90", _DERIVED, is_certain=False),
    _sec("2023-02-27", "8.00", "SEC release 34-96724, 88 FR 5051"),
    _sec("2024-05-22", "27.80", f"89 FR 29402; {_DERIVED}", is_certain=False),
    _sec("2025-05-14", "0.00", "FINRA information notice 4/24/25"),
    _sec("2026-04-04", "20.60", "SEC fee rate advisory 2026-2, by secondary sources", is_certain=False),
)

#: FINRA's Trading Activity Fee (By-Laws, Schedule A, section 1): USD per share sold, with its cap per trade.
FINRA_TAF: Final[Sequence[RegulatoryRate]] = (
    _taf("2005-01-01", "0.000075", "3.75", "FINRA Regulatory Notice 11-27: in place for over six years by June 2011"),
    _taf("2011-07-01", "0.000090", "4.50", "FINRA Regulatory Notice 11-27"),
    _taf("2012-03-01", "0.000095", "4.75", "FINRA Regulatory Notice 12-06"),
    _taf("2012-07-01", "0.000119", "5.95", "77 FR 27527, approved by 77 FR 38690"),
    _taf("2022-01-01", "0.000130", "6.49", _FEE_PLAN),
    _taf("2023-01-01", "0.000145", "7.27", _FEE_PLAN),
    _taf("2024-01-01", "0.000166", "8.30", _FEE_PLAN),
    _taf("2026-01-01", "0.000195", "9.79", "SR-FINRA-2024-019"),
    _taf("2026-10-01", "0", "0", "SR-FINRA-2026-021, release 34-106409"),
)


def rate_on(table: Sequence[RegulatoryRate], trade_date: date) -> tuple[RegulatoryRate, bool]:
    """The rate of `table` for a sale on `trade_date`, and whether that is an estimate.

    It is one before the first row (whose rate is then charged), after `REVIEWED_THROUGH`, and where the row is
    not certain.
    """
    if trade_date < table[0].effective_from:
        return table[0], True
    row = next(row for row in reversed(table) if row.effective_from <= trade_date)
    return row, not row.is_certain or trade_date > REVIEWED_THROUGH
