"""What the other sections of an IB report in CSV need to know first: whose it is, of when, and the instruments."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.reconciliation.statements.cells import Cells
from tickledger.reconciliation.statements.csv_sections import DATA, SectionHeader, SectionRow
from tickledger.reconciliation.statements.drafts import Drafts
from tickledger.reconciliation.statements.place import Place
from tickledger.reconciliation.statements.times import a_day

BROKER: Final = "Interactive Brokers"
_ONE: Final = Decimal(1)
#: The words of the activity statement for IB's asset categories.
_ASSET_CLASSES: Final = {
    "Stocks": "STK",
    "Equity and Index Options": "OPT",
    "Futures": "FUT",
    "Options On Futures": "FOP",
    "Forex": "CASH",
    "Bonds": "BOND",
    "Treasury Bills": "BILL",
    "Warrants": "WAR",
    "Funds": "FUND",
    "Mutual Funds": "FUND",
    "CFDs": "CFD",
    "Structured Products": "IOPT",
}


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the section of instruments says of a symbol."""

    conid: str = ""
    security_id: str = ""
    multiplier: Decimal = _ONE

    @property
    def isin(self) -> str:
        """The security id where it is an ISIN."""
        return self.security_id if len(self.security_id) == len("US0378331005") else ""

    @property
    def cusip(self) -> str:
        """The security id where it is a CUSIP, or the CUSIP inside a US or Canadian ISIN."""
        if len(self.security_id) == len("037833100"):
            return self.security_id
        return self.isin[2:11] if self.isin[:2] in {"US", "CA"} else ""


@dataclass(slots=True)
class Facts:
    """What is known before rows are read."""

    instruments: dict[tuple[str, str], Instrument] = field(default_factory=dict)
    has_fills: bool = False

    def instrument(self, category: str, symbol: str) -> Instrument:
        """The instrument of a symbol; one without any facts where the file lists none."""
        return self.instruments.get((category, symbol), Instrument())


def asset_class(category: str) -> str:
    """IB's code of an asset category; the word itself where it has none here."""
    return _ASSET_CLASSES.get(category, category)


def gathered(lines: Iterable[SectionRow | SectionHeader], place: Place, common: Drafts) -> Facts:
    """Whose statement it is, into `common`, and the facts that rows refer to."""
    facts = Facts()
    for line in lines:
        if isinstance(line, SectionHeader) or line.kind != DATA:
            continue
        row = Cells(place, line.row, line.cells, common.problems, line.section)
        section = line.section.casefold()
        if section in {"statement", "account information", "summary"}:
            _header(row, common)
        elif section == "financial instrument information":
            _instrument(row, facts)
        elif section == "trades":
            facts.has_fills = facts.has_fills or row.text("DataDiscriminator") in {"Trade", "Execution"}
    return facts


def _header(row: Cells, common: Drafts) -> None:
    value = row.text("Field Value")
    match row.text("Field Name"):
        case "BrokerName":
            common.broker = value
        case "Period":
            common.start_date, common.end_date = _period(row, value)
        case "WhenGenerated":
            common.generated_at = row.at("Field Value")
        case "Account":
            common.account_id = value.partition(" ")[0]
        case "Account Alias":
            common.account_alias = value
        case "Base Currency":
            common.base_currency = value
        case _:
            pass


def _period(row: Cells, text: str) -> tuple[date | None, date | None]:
    """``January 1, 2025 - December 31, 2025``, or one day."""
    first, _, last = text.partition(" - ")
    try:
        return a_day(first, row.place.terms), a_day(last or first, row.place.terms)
    except ValueError:
        row.note("Field Value", "a period such as January 1, 2025 - December 31, 2025", repr(text))
        return None, None


def _instrument(row: Cells, facts: Facts) -> None:
    """A symbol that was renamed is listed with all its names: ``META, FB``."""
    found = Instrument(row.text("Conid"), row.text("Security ID"), row.number("Multiplier") or _ONE)
    for symbol in row.text("Symbol").split(","):
        facts.instruments[row.text("Asset Category"), symbol.strip()] = found
