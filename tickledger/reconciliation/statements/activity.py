"""The reader of IB's activity statement in CSV.

It has no execution ids and often no fills, only orders: a second source beside Flex. Lots stand below the trade that
closed them; instruments, which give symbols their conid, below everything; so the rows are gone through twice.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from tickledger.domain.errors import Problem
from tickledger.reconciliation.accounting import Fate
from tickledger.reconciliation.statement import Source, StatementFile, StatementKind
from tickledger.reconciliation.statements.activity_cash import SECTIONS as CASH_SECTIONS
from tickledger.reconciliation.statements.activity_cash import (
    CashReportRows,
    CashRows,
    NavRows,
    read_fx_rate,
    read_sales_tax,
)
from tickledger.reconciliation.statements.activity_facts import BROKER, gathered
from tickledger.reconciliation.statements.activity_trades import (
    PositionRows,
    TradeRows,
    read_corporate_action,
    read_transfer,
)
from tickledger.reconciliation.statements.csv_rows import csv_text
from tickledger.reconciliation.statements.csv_sections import section_rows
from tickledger.reconciliation.statements.drafts import Drafts
from tickledger.reconciliation.statements.place import Place
from tickledger.reconciliation.statements.sections import Accounts, Section, read_sections
from tickledger.reconciliation.statements.terms import ReadingTerms

_COMPUTED: Final = "computed by the broker from what is read"
_ACCRUED: Final = "accrued and not paid yet; what is paid is among the movements of cash"
_LOANS: Final = "lending of shares; its interest is among the movements of cash"
_SEGMENT: Final = "the part of one segment of the account; the sum is read"
_FACT: Final = "read before all other sections"
_CASH_COLUMNS: Final = frozenset(
    {"Account", "Currency", "Date", "Settle Date", "Date/Time", "Description", "Amount", "Code", "Subtitle", "Symbol"}
)
_SALES_TAX_COLUMNS: Final = frozenset(
    {"Account", "Currency", "Date", "Tax Type", "Taxable Description", "Description", "Sales Tax", "Code"}
)
_SALES_TAX_IGNORED: Final = dict.fromkeys(("Country", "Payer", "Taxable Amount", "Tax Rate"), "who was paid for what")
_TRADE_COLUMNS: Final = frozenset(
    {
        *("Account", "DataDiscriminator", "Asset Category", "Currency", "Symbol", "Date/Time", "Quantity", "T. Price"),
        *("Proceeds", "Comm/Fee", "Basis", "Realized P/L", "Code"),
        *(f"Comm in {currency}" for currency in ("USD", "EUR", "GBP", "CHF", "CAD", "AUD", "JPY", "HKD", "SGD")),
    }
)
_TRADE_IGNORED: Final[Mapping[str, str]] = {
    "C. Price": _COMPUTED,
    "Close Price": _COMPUTED,
    "Notional Value": "of futures, which have no proceeds",
    "MTM P/L": _COMPUTED,
    "Realized P/L %": _COMPUTED,
    "Exchange": "where the order was filled",
    **{f"MTM in {currency}": _COMPUTED for currency in ("USD", "EUR", "GBP", "CHF", "CAD", "AUD", "JPY", "HKD", "SGD")},
}
_POSITION_COLUMNS: Final = frozenset(
    {
        *("Account", "DataDiscriminator", "Asset Category", "Currency", "Symbol", "Open", "Quantity", "Mult"),
        *("Cost Price", "Cost Basis", "Close Price", "Value", "Unrealized P/L", "Code"),
    }
)
_ACTION_COLUMNS: Final = frozenset(
    {
        *("Account", "Asset Category", "Currency", "Report Date", "Date/Time", "Description", "Quantity", "Proceeds"),
        *("Value", "Realized P/L", "Code"),
    }
)
_TRANSFER_COLUMNS: Final = frozenset(
    {
        *("Account", "Asset Category", "Currency", "Symbol", "Date", "Type", "Direction", "Xfer Company"),
        *("Xfer Account", "Qty", "Xfer Price", "Market Value", "Cash Amount", "Code"),
    }
)

#: Sections that are left aside, with the reasons.
_IGNORED: Final[Mapping[str, str]] = {
    "Mark-to-Market Performance Summary": "performance marked to market, computed by the broker",
    "Month & Year to Date Performance Summary": "performance marked to market, computed by the broker",
    "Realized & Unrealized Performance Summary": "gains summed by symbol; trades and lots tell them one by one",
    "Net Stock Position Summary": "positions again, net of shares lent",
    "Complex Positions Summary": "positions again, by strategy",
    "Forex Balances": "currencies as positions; balances are read from the cash report",
    "Forex P/L Details": "forex results in the base currency",
    "Commission Details": "parts of the commissions, which the trades tell",
    "Change in Dividend Accruals": _ACCRUED,
    "Open Dividend Accruals": _ACCRUED,
    "Interest Accruals": _ACCRUED,
    "Stock Yield Enhancement Program Securities Lent Activity": _LOANS,
    "Stock Yield Enhancement Program Securities Lent": _LOANS,
    "Stock Yield Enhancement Program Securities Lent Interest Details": _LOANS,
    "IBKR Managed Securities Lent": _LOANS,
    "IBKR Managed Securities Lent Activity": _LOANS,
    "Borrow Fee Details": _LOANS,
    "Option Exercises, Assignments and Expirations": "among the trades, with the codes Ex, A and Ep",
    "Option Cash Settlements": "among the trades, with the codes Ex, A and Ep",
    "Transaction Fees": "taxes of trades, which the column Comm/Fee of the trades holds",
    "Grant Activity": "grants of the broker's own shares",
    "Codes": "what the codes mean",
    "Notes": "notes for people",
    "Notes/Legal Notes": "notes for people",
    "Legal Notes": "notes for people",
    "Location of Customer Assets, Positions and Money": "where the broker keeps the cash",
    "Insured Bank Deposit Sweep Program": "where the broker keeps the cash",
}


def read_activity(content: bytes, *, name: str, terms: ReadingTerms | None = None) -> StatementFile:
    """The statements of an activity statement in CSV; `name` is what Problems call it."""
    place = Place(name, terms or ReadingTerms())
    source = Source(name, hashlib.sha256(content).hexdigest(), StatementKind.ACTIVITY_CSV)
    text = csv_text(content)
    accounts = Accounts(place, Drafts(place, broker=BROKER))
    facts = gathered(section_rows(text), place, accounts.common)
    cash_report, nav = CashReportRows(), NavRows()
    fields = frozenset({"Field Name", "Field Value"})
    sections = {
        **{name: Section(reason=reason) for name, reason in _IGNORED.items()},
        **{name: Section(CashRows(word).read, _CASH_COLUMNS) for name, word in CASH_SECTIONS.items()},
        "Sales Tax Details": Section(read_sales_tax, _SALES_TAX_COLUMNS, _SALES_TAX_IGNORED),
        "Statement": Section(_fact, fields),
        "Account Information": Section(_fact, fields),
        "Financial Instrument Information": Section(reason=_FACT),
        "Trades": Section(TradeRows(facts).read, _TRADE_COLUMNS, _TRADE_IGNORED),
        "Open Positions": Section(PositionRows(facts).read, _POSITION_COLUMNS, {"Unrealized P/L %": _COMPUTED}),
        "Corporate Actions": Section(read_corporate_action, _ACTION_COLUMNS),
        "Transfers": Section(read_transfer, _TRANSFER_COLUMNS, {"Realized P/L": _COMPUTED}),
        "Cash Report": Section(
            cash_report.read,
            frozenset({"Account", "Currency Summary", "Currency", "Total"}),
            dict.fromkeys(("Securities", "Futures", "Paxos", "IBUKL", "Month to Date", "Year to Date"), _SEGMENT),
        ),
        "Net Asset Value": Section(
            nav.read_value,
            frozenset({"Account", "Asset Class", "Current Total"}),
            {
                **dict.fromkeys(("Prior Total", "Current Long", "Current Short", "Change"), _COMPUTED),
                "Time Weighted Rate of Return": "the broker's own rate of return",
            },
            has_totals=True,
        ),
        "Change in NAV": Section(nav.read_change, fields | {"Account"}),
        "Base Currency Exchange Rate": Section(read_fx_rate, frozenset({"Account", "Currency", "Rate"})),
    }
    read_sections(section_rows(text), sections, accounts)
    for drafts in accounts.all():
        cash_report.finish(drafts)
        nav.finish(drafts)
    return StatementFile(
        source,
        tuple(drafts.statement(source) for drafts in accounts.all()),
        problems=_file_problems(name, text, accounts),
    )


def _fact(_row: object, _drafts: object) -> str:
    """Read before all other sections."""
    return ""


def _file_problems(name: str, text: str, accounts: Accounts) -> tuple[Problem, ...]:
    tally = accounts.common.tally
    if any(place.casefold() == "statement" and fate is Fate.READ for place, fate, _ in tally.counts):
        return torn_end(name, text)
    return (Problem(name, "a section Statement, which says whose it is and of when", "none"), *torn_end(name, text))


def torn_end(name: str, text: str) -> tuple[Problem, ...]:
    """A warning where the last line has no end: a file that was cut there looks the same."""
    if not text or text.endswith(("\n", "\r")):
        return ()
    line = text.count("\n") + 1
    return (
        Problem(name, "an end of the last line", "none: the file may have been cut here", line, severity="warning"),
    )
