"""The reader of 1099-B in OFX (OFX Tax Extensions, message TAX1099): TAX1099B_V100 with its sales, PROCDET_V100.

What a person is and where they live (PAYERADDR, RECADDR, sign-on) is left aside. A value that the file cuts off may
be shortened, so the sale it belongs to is not used.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from tickledger.domain.errors import Problem
from tickledger.domain.lot import Term
from tickledger.reconciliation.accounting import Fate
from tickledger.reconciliation.form_1099b import Form1099BRow
from tickledger.reconciliation.statement import Source, StatementFile, StatementKind
from tickledger.reconciliation.statements.cells import Cells, RefusedRowError
from tickledger.reconciliation.statements.csv_rows import csv_text
from tickledger.reconciliation.statements.drafts import Drafts
from tickledger.reconciliation.statements.ofx_tags import OfxEnd, OfxStart, OfxValue, has_document_type, ofx_events
from tickledger.reconciliation.statements.place import Place
from tickledger.reconciliation.statements.sales_1099b import a_yes, completed, quantity_in
from tickledger.reconciliation.statements.terms import ReadingTerms

_FORM: Final = "TAX1099B_V100"
_SALE: Final = "PROCDET_V100"
_PERSONAL: Final = "personal data, which nothing here needs"
_SUMS: Final = "a sum of sales that are read"
_STATE: Final = "tax of a state"
_OTHER_FORM: Final = "another form than 1099-B"
_ENVELOPE: Final = "the envelope of the answer"
#: Aggregates that are left aside with everything inside, and the reasons.
_IGNORED: Final = {
    **dict.fromkeys(("PAYERADDR", "RECADDR", "FI", "SONRS", "FIDIRECTDEPOSITINFO"), _PERSONAL),
    **dict.fromkeys(("PROCSUM_V100",), _SUMS),
    **dict.fromkeys(("STATUS",), _ENVELOPE),
    **dict.fromkeys(("ADDLSTTAXWHAGG", "STTAXWHAGG", "LCLTAXWHAGG"), _STATE),
    **dict.fromkeys(
        ("TAX1099INT_V100", "TAX1099DIV_V100", "TAX1099MISC_V100", "TAX1099OID_V100", "TAX1099R_V100"), _OTHER_FORM
    ),
}
_ENTERED: Final = frozenset(
    {"OFX", "SIGNONMSGSRSV1", "TAX1099MSGSRSV1", "TAX1099TRNRS", "TAX1099RS", _FORM, "EXTDBINFO_V100", _SALE}
)
_READ_OF_SALE: Final = frozenset(
    {
        *("FORM8949CODE", "DTAQD", "DTVAR", "DTSALE", "SECNAME", "SALEDESCRIPTION", "NUMSHRS", "COSTBASIS", "SALESPR"),
        *("ACCRUEDMKTDISCOUNT", "LONGSHORT", "ORDINARY", "WASHSALE", "FEDTAXWH", "WASHSALELOSSDISALLOWED"),
        *("NONCOVEREDSECURITY", "LOSSNOTALLOWED", "BASISNOTSHOWN", "COLLECTIBLE", "ADJCODE", "CUSIPNUM"),
    }
)
_IGNORED_OF_SALE: Final = {
    "FORM1099BNOTRECEIVED": "told by the box of Form 8949",
    "FATCA": "a duty of the payer",
    **dict.fromkeys(("STATECODE", "STATEIDNUM", "STATETAXWHELD"), _STATE),
    **dict.fromkeys(("STATECODE2", "STATEIDNUM2", "STATETAXWHELD2"), _STATE),
}
_READ_OF_FORM: Final = frozenset({"TAXYEAR", "RECACCT"})
_IGNORED_OF_FORM: Final = dict.fromkeys(("SRVRTID", "PAYERID", "RECID", "TINNOT", "VOID", "CORRECTED"), _PERSONAL)


@dataclass(slots=True)
class _Reading:
    place: Place
    drafts: Drafts | None = None
    open: list[str] = field(default_factory=list)
    sale: dict[str, str] | None = None
    sale_row: int = 0
    finished: list[Drafts] = field(default_factory=list)
    envelope: Drafts = field(init=False)

    def __post_init__(self) -> None:
        self.envelope = Drafts(self.place)

    @property
    def current(self) -> Drafts:
        return self.drafts or self.envelope

    @property
    def ignored(self) -> str:
        """Why what comes now is left aside; empty where it is not."""
        return next((_IGNORED[name] for name in self.open if name in _IGNORED), "")


def read_ofx_1099b(content: bytes, *, name: str, terms: ReadingTerms | None = None) -> StatementFile:
    """The 1099-B forms of an OFX file, one statement each; `name` is what Problems call it."""
    place = Place(name, terms or ReadingTerms())
    source = Source(name, hashlib.sha256(content).hexdigest(), StatementKind.OFX_1099B)
    text, reading = csv_text(content), _Reading(place)
    if has_document_type(text):
        return StatementFile(
            source, (), problems=(Problem(name, "OFX without a document type", "one, which is refused"),)
        )
    for event in ofx_events(text):
        if isinstance(event, OfxStart):
            _start(reading, event)
        elif isinstance(event, OfxValue):
            _value(reading, event)
        else:
            _end(reading, event)
    problems = list(reading.envelope.problems)
    if not reading.finished:
        problems.append(Problem(name, f"a form {_FORM}", "none"))
    statements = tuple(drafts.statement(source) for drafts in reading.finished)
    return StatementFile(source, statements, reading.envelope.tally.table(), tuple(problems))


def _start(reading: _Reading, event: OfxStart) -> None:
    outer = reading.ignored
    reading.open.append(event.name)
    if outer:
        return
    if event.name == _FORM:
        reading.drafts = Drafts(reading.place)
    elif event.name == _SALE:
        reading.sale, reading.sale_row = {}, event.row
    reason = reading.ignored
    if event.name != _SALE:
        fate = Fate.IGNORED if reason else Fate.READ if event.name in _ENTERED else Fate.UNKNOWN
        reading.current.tally.add(event.name, fate, reason)


def _value(reading: _Reading, event: OfxValue) -> None:
    if reading.ignored:
        return
    tally = reading.current.tally
    if reading.sale is not None:
        reading.sale[event.name] = event.text
        _account(tally_of=reading.current, place=f"{_SALE}: {event.name}", name=event.name, is_sale=True)
    elif _FORM in reading.open:
        _account(tally_of=reading.current, place=f"{_FORM}: {event.name}", name=event.name, is_sale=False)
        _header(reading.current, event)
    else:
        tally.add(f"{event.parent}: {event.name}", Fate.IGNORED, _ENVELOPE)


def _account(*, tally_of: Drafts, place: str, name: str, is_sale: bool) -> None:
    read, ignored = (_READ_OF_SALE, _IGNORED_OF_SALE) if is_sale else (_READ_OF_FORM, _IGNORED_OF_FORM)
    reason = ignored.get(name, "")
    tally_of.tally.add(place, Fate.READ if name in read else Fate.IGNORED if reason else Fate.UNKNOWN, reason)


def _header(drafts: Drafts, event: OfxValue) -> None:
    if event.name == "RECACCT":
        drafts.account_id = event.text
    elif event.name == "TAXYEAR":
        if event.text.isdecimal() and date.min.year <= int(event.text) <= date.max.year:
            year = int(event.text)
            drafts.start_date, drafts.end_date = date(year, 1, 1), date(year, 12, 31)
        else:
            drafts.problems.append(Problem(drafts.place.name, "a tax year", repr(event.text), event.row, "TAXYEAR"))


def _end(reading: _Reading, event: OfxEnd) -> None:
    was_ignored = bool(reading.ignored)
    if reading.open:
        reading.open.pop()
    if was_ignored:
        return
    if event.is_cut and event.name in {_FORM, _SALE}:
        reading.current.is_complete = False
        found = "the end of the file"
        reading.current.problems.append(Problem(reading.place.name, f"the end of {event.name}", found, event.row))
    if event.name == _SALE and reading.sale is not None:
        _finish_sale(reading, is_cut=event.is_cut)
    elif event.name == _FORM and reading.drafts is not None:
        reading.finished.append(reading.drafts)
        reading.drafts = None


def _finish_sale(reading: _Reading, *, is_cut: bool) -> None:
    cells, drafts = reading.sale or {}, reading.current
    reading.sale = None
    if is_cut:
        drafts.tally.add(_SALE, Fate.REFUSED)
        return
    try:
        drafts.form_1099b.append(_sale(Cells(reading.place, reading.sale_row, cells, drafts.problems, _SALE)))
    except RefusedRowError:
        drafts.tally.add(_SALE, Fate.REFUSED)
    else:
        drafts.tally.add(_SALE, Fate.READ)


def _yes(row: Cells, name: str) -> bool | None:
    return row.parsed(name, a_yes, "Y or N")


def _sale(row: Cells) -> Form1099BRow:
    """One sale. Dates may carry a time and a zone (``20250131120000[-5:EST]``), of which the day counts."""
    description = row.text("SALEDESCRIPTION") or row.needed_text("SECNAME", "what was sold")
    quantity, loss, is_not_shown = (
        row.number("NUMSHRS"),
        row.number("WASHSALELOSSDISALLOWED"),
        _yes(row, "BASISNOTSHOWN"),
    )
    sale = Form1099BRow(
        description=description,
        proceeds=row.needed_number("SALESPR"),
        sold_date=_day(row, "DTSALE") or row.needed_day("DTSALE"),
        acquired_date=_day(row, "DTAQD"),
        acquired_text="VARIOUS" if _yes(row, "DTVAR") else "",
        basis=row.number("COSTBASIS"),
        accrued_market_discount=row.number("ACCRUEDMKTDISCOUNT"),
        disallowed_loss=None if loss is None else abs(loss),
        term=row.parsed(
            "LONGSHORT", lambda text: {"LONG": Term.LONG, "SHORT": Term.SHORT}[text.upper()], "LONG or SHORT"
        ),
        is_ordinary=_yes(row, "ORDINARY"),
        is_collectible=_yes(row, "COLLECTIBLE"),
        federal_tax_withheld=row.number("FEDTAXWH"),
        is_noncovered=_yes(row, "NONCOVEREDSECURITY"),
        is_loss_not_allowed=_yes(row, "LOSSNOTALLOWED"),
        is_basis_reported=None if is_not_shown is None else not is_not_shown,
        form_8949_box=row.text("FORM8949CODE").upper(),
        adjustment_code=row.text("ADJCODE").upper() or ("W" if _yes(row, "WASHSALE") or loss else ""),
        quantity=quantity_in(description) if quantity is None else abs(quantity),
        cusip=row.text("CUSIPNUM"),
        where=row.place.name,
        row=row.row,
    )
    return completed(sale)


def _day(row: Cells, name: str) -> date | None:
    text = row.text(name)
    length = len("20250131")
    if not text[:length].isdecimal() or len(text) < length:
        return None
    try:
        return date.fromisoformat(text[:length])
    except ValueError:
        return None
