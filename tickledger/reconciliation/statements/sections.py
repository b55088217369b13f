"""What the readers of files with several tables share: a table of sections, and the account of each row and column."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tickledger.domain.errors import Problem
from tickledger.reconciliation.accounting import Fate, Tally
from tickledger.reconciliation.statements.cells import Cells, RefusedRowError
from tickledger.reconciliation.statements.csv_sections import DATA, HEADER, SectionHeader, SectionRow
from tickledger.reconciliation.statements.drafts import Drafts
from tickledger.reconciliation.statements.place import Place

_SUMS: Final = "a sum of rows that are read"
_NOTES: Final = "notes for people"
_KINDS: Final = {"SubTotal": _SUMS, "Total": _SUMS, "Notes": _NOTES, "Note": _NOTES, "Footer": _SUMS, "Trailer": _NOTES}
_TOTAL: Final = "total"
UNKNOWN: Final = "?"


@dataclass(frozen=True, slots=True)
class Section:
    """One table: who reads its rows, or the reason why nobody does.

    `read` are the columns that are read, `ignored` the others with their reasons. A handler gives the reason why a
    row is left aside, "?" where nobody knows what it is, and an empty text where it was read. Rows that begin with
    "Total" are sums, unless `has_totals` says that the handler wants them.
    """

    handler: Callable[[Cells, Drafts], str] | None = None
    read: frozenset[str] = frozenset()
    ignored: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    has_totals: bool = False


@dataclass(slots=True)
class Accounts:
    """The statements in the making of one file, by account; `common` is what rows without an account belong to."""

    place: Place
    common: Drafts
    drafts: dict[str, Drafts] = field(default_factory=dict)
    _settled: list[Drafts] = field(default_factory=list)

    def of(self, account_id: str) -> Drafts:
        """The statement of an account."""
        if not account_id or account_id == self.common.account_id:
            return self.common
        if account_id not in self.drafts:
            self.drafts[account_id] = Drafts(
                self.place,
                account_id=account_id,
                broker=self.common.broker,
                base_currency=self.common.base_currency,
                start_date=self.common.start_date,
                end_date=self.common.end_date,
                generated_at=self.common.generated_at,
                is_complete=self.common.is_complete,
            )
        return self.drafts[account_id]

    def all(self) -> list[Drafts]:
        """All statements. The common one is left out where only rows of named accounts were found."""
        if not self._settled:
            named = list(self.drafts.values())
            if named and not self.common.account_id:
                named[0].tally.counts.update(self.common.tally.counts)
                named[0].problems[:0] = self.common.problems
                self._settled = named
            else:
                self._settled = [self.common, *named]
        return self._settled


def read_sections(
    lines: Iterable[SectionRow | SectionHeader], sections: Mapping[str, Section], accounts: Accounts
) -> None:
    """Give every row to the reader of its section and account for everything.

    Names of sections are compared without regard to capitals, which IB has changed.
    """
    sections = {name.casefold(): section for name, section in sections.items()}
    headers: dict[str, SectionHeader] = {}
    for line in lines:
        if isinstance(line, SectionHeader):
            headers[line.section] = line
            _account_columns(line, sections.get(line.section.casefold()), accounts.common.tally)
        else:
            _row(line, headers.get(line.section), sections.get(line.section.casefold()), accounts)


def _account_columns(header: SectionHeader, section: Section | None, tally: Tally) -> None:
    if section is None or section.reason:
        return
    for column in header.columns:
        reason = section.ignored.get(column, "")
        if not column.startswith("column ") and column not in section.read:
            fate = Fate.IGNORED if reason else Fate.UNKNOWN
        else:
            fate = Fate.READ
        tally.add(f"{header.section}: {column}", fate, reason)


def _row(line: SectionRow, header: SectionHeader | None, section: Section | None, accounts: Accounts) -> None:
    drafts = accounts.of(line.cells.get("Account", "").strip().partition(" ")[0])
    tally, place = drafts.tally, line.section or "rows without a section"
    if line.kind != DATA:
        reason = _KINDS.get(line.kind, "")
        kind = line.kind or "rows without a kind"
        tally.add(f"{place}, {kind}", Fate.IGNORED if reason else Fate.UNKNOWN, reason)
    elif section is None or section.reason or section.handler is None:
        tally.add(place, Fate.IGNORED if section else Fate.UNKNOWN, section.reason if section else "")
    elif _is_total(line) and not section.has_totals:
        tally.add(f"{place}, totals", Fate.IGNORED, _SUMS)
    elif header is None:
        tally.add(place, Fate.REFUSED)
        drafts.problems.append(_problem(accounts, line, f"a row of kind {HEADER} above", "none"))
    else:
        _read(line, section.handler, drafts, accounts)


def _is_total(line: SectionRow) -> bool:
    return next(iter(line.cells.values()), "").strip().lower().startswith(_TOTAL)


def _read(line: SectionRow, handler: Callable[[Cells, Drafts], str], drafts: Drafts, accounts: Accounts) -> None:
    if line.fault:
        drafts.problems.append(_problem(accounts, line, "a whole row", line.fault))
    row = Cells(accounts.place, line.row, line.cells, drafts.problems, line.section)
    try:
        reason = handler(row, drafts)
    except RefusedRowError:
        drafts.tally.add(line.section, Fate.REFUSED)
        return
    fate = Fate.UNKNOWN if reason == UNKNOWN else Fate.IGNORED if reason else Fate.READ
    drafts.tally.add(line.section, fate, "" if reason == UNKNOWN else reason)


def _problem(accounts: Accounts, line: SectionRow, expected: str, found: str) -> Problem:
    return Problem(f"{accounts.place.name}, {line.section}", expected, found, line.row)
