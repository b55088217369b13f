"""Fills by execution id: each counted once, corrections in place of what they correct, charges when they are told.

A broker tells a fill again after every reconnect, tells its charge apart from it, and may correct it under another
id. So fills are kept in families: the first id that was booked, and every id that took its place.

    told                                              becomes
    an id never heard of, which corrects nothing      a fill
    an id never heard of, which corrects a known one  the family's figures, if it is newer than what is in force
    ... which corrects one that was never told        a fill, and the corrected id is known from then on
    an id that is known                               nothing; a contradiction where its figures are others
    an older revision than the one in force           nothing

A revision is newer where its last part counts higher (IB: ``….01.02`` after ``….01.01``); ids that do not count are
newer in the order in which they are told. A fill entered by hand is kept the same way, as a foreign one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from tickledger.domain.broker import BrokerFill, CommissionReport
from tickledger.domain.errors import Problem
from tickledger.domain.execution import Execution
from tickledger.execution.order_journal import (
    CommissionEntry,
    ExecutionCorrection,
    ForeignExecution,
    JournalEntry,
)

CURRENCY: Final = "USD"


@dataclass(slots=True)
class _Charge:
    """What is known of an execution's charge: how many reports of it there were, and the one in force."""

    told: int = 0
    report: CommissionReport | None = None


@dataclass(slots=True)
class FillBook:
    """The fills of an account, ours and foreign, as they stand; changed only by `apply`.

    `news_of_fill` and `news_of_commission` say which entries a message is worth, and are empty for one that tells
    nothing new.
    """

    own: dict[str, Execution] = field(default_factory=dict)
    foreign: dict[str, ForeignExecution] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _family: dict[str, str] = field(default_factory=dict)
    _in_force: dict[str, str] = field(default_factory=dict)
    _stems: dict[str, str] = field(default_factory=dict)
    _corrections: dict[str, int] = field(default_factory=dict)
    _charges: dict[str, _Charge] = field(default_factory=dict)
    _early: dict[str, CommissionReport] = field(default_factory=dict)
    _of_order: dict[str, list[str]] = field(default_factory=dict)
    _touched: dict[str, None] = field(default_factory=dict)

    def apply(self, entry: Execution | ExecutionCorrection | CommissionEntry | ForeignExecution) -> None:
        """Take an entry of the journal into the book."""
        match entry:
            case Execution():
                self._touched[entry.execution_id] = None
                self._open_family(entry.execution_id, entry.execution_id)
                self.own[entry.execution_id] = entry
                self._of_order.setdefault(entry.order_id, []).append(entry.execution_id)
            case ExecutionCorrection():
                self._correct(entry)
            case CommissionEntry():
                self._charge(entry)
            case ForeignExecution():
                self._take_foreign(entry)

    def of_order(self, order_id: str) -> list[Execution]:
        """The fills of an order, busts left out, in the order in which they were booked."""
        return [self.own[root] for root in self._of_order.get(order_id, ()) if self.own[root].quantity]

    def filled_quantity(self, order_id: str) -> Decimal:
        """Shares of an order that are filled."""
        return sum((self.own[root].quantity for root in self._of_order.get(order_id, ())), Decimal(0))

    def take_changed(self, seen: dict[str, Execution]) -> list[Execution]:
        """The fills that stand otherwise than in `seen`, which has them then, in the order in which they were told.

        A book that is new looks at all of its fills, one that was asked before at those that it has heard of since.
        """
        touched, self._touched = self._touched, {}
        standing = ((root, self._booked(root)) for root in touched)
        changed = {root: fill for root, fill in standing if fill is not None and seen.get(root) != fill}
        seen.update(changed)
        return list(changed.values())

    def family(self, execution_id: str) -> str | None:
        """The id under which an execution was booked first, ours or foreign; None for one never heard of."""
        return self._family.get(execution_id)

    def is_charged(self, execution_id: str) -> bool:
        """Whether the broker has told what a booked execution cost."""
        charge = self._charges.get(execution_id)
        return charge is not None and charge.report is not None

    def news_of_fill(self, fill: BrokerFill, *, is_ours: bool) -> list[JournalEntry]:
        """What a fill that the broker tells adds to the record."""
        identity = fill.execution.execution_id
        root = self._root(fill)
        if root is None:
            return self._first(fill, is_ours=is_ours)
        if identity in self._family:
            return self._again(fill, root, is_ours=is_ours)
        self._family[identity] = root
        if fill.corrects is None or not _is_newer(identity, self._in_force[root]):
            return []
        return self._corrected(fill, root)

    def news_of_commission(self, report: CommissionReport) -> list[JournalEntry]:
        """What a charge that the broker tells adds to the record; one that comes before its fill waits for it."""
        root = self._family.get(report.execution_id)
        if root is None:
            self._early[report.execution_id] = report
            return []
        if self._is_foreign(root):
            return self._foreign_charge(root, report)
        known = self._charges.get(root, _Charge())
        if known.report is not None and not self._says_more(report, known.report, in_force=self._in_force[root]):
            return []
        if report.currency != CURRENCY:
            self._tell(report.execution_id, f"a charge in {CURRENCY}", f"{report.commission} {report.currency}")
        return [CommissionEntry(root, known.told, report)]

    def _root(self, fill: BrokerFill) -> str | None:
        """The family of a fill: by its own id, by what it corrects, or by the stem of a family with corrections."""
        identity = fill.execution.execution_id
        for known in (identity, fill.corrects):
            if known is not None and known in self._family:
                return self._family[known]
        stem = _stem(identity)
        if stem is None:
            return None
        if fill.corrects is not None:
            siblings = (root for member, root in self._family.items() if _stem(member) == stem)
            return next(siblings, None)
        return self._stems.get(stem)

    def _first(self, fill: BrokerFill, *, is_ours: bool) -> list[JournalEntry]:
        execution = fill.execution
        identity = execution.execution_id
        early = self._early.pop(identity, None)
        if not is_ours:
            charged = execution if early is None else _charged(execution, early)
            return [ForeignExecution(charged, identity, fill.broker_order_id, fill.corrects or "")]
        if not execution.quantity:
            self._tell(identity, "shares of a fill", "none, in a correction of a fill that was never told")
            return []
        news: list[JournalEntry] = [execution]
        if fill.corrects is not None:
            news.append(self._correction(fill, identity, 0))
        if early is not None:
            news.append(CommissionEntry(identity, 0, early))
        return news

    def _again(self, fill: BrokerFill, root: str, *, is_ours: bool) -> list[JournalEntry]:
        identity = fill.execution.execution_id
        if is_ours and self._is_foreign(root):
            # Told without our reference first; its shares must not count twice.
            emptied = replace(self.foreign[root].execution, quantity=Decimal(0))
            return [replace(self.foreign[root], execution=emptied), fill.execution]
        if identity == self._in_force[root] and (booked := self._booked(root)) is not None:
            expected, found = (_figures(execution) for execution in (booked, fill.execution))
            if expected != found:
                self._tell(identity, f"{expected} as it is booked", str(found))
        return []

    def _corrected(self, fill: BrokerFill, root: str) -> list[JournalEntry]:
        early = self._early.pop(fill.execution.execution_id, None)
        if self._is_foreign(root):
            revised = replace(fill.execution, execution_id=root)
            charged = revised if early is None else _charged(revised, early)
            return [
                ForeignExecution(charged, fill.execution.execution_id, fill.broker_order_id, fill.corrects or ""),
            ]
        booked = self.own[root]
        expected, found = ((row.order_id, row.symbol, row.side.sign) for row in (booked, fill.execution))
        if expected != found:
            self._tell(fill.execution.execution_id, f"a correction of {expected}", str(found))
            return []
        news: list[JournalEntry] = [self._correction(fill, root, self._corrections.get(root, 0))]
        if early is not None:
            news.append(CommissionEntry(root, self._charges.get(root, _Charge()).told, early))
        return news

    @staticmethod
    def _says_more(report: CommissionReport, known: CommissionReport, *, in_force: str) -> bool:
        if report.execution_id == known.execution_id:
            told, before = ((row.commission, row.currency, row.realized_pnl) for row in (report, known))
            return told != before
        if in_force in {report.execution_id, known.execution_id}:
            return report.execution_id == in_force
        return _is_newer(report.execution_id, known.execution_id)

    @staticmethod
    def _correction(fill: BrokerFill, root: str, sequence: int) -> ExecutionCorrection:
        execution = fill.execution
        return ExecutionCorrection(
            correction_id=execution.execution_id,
            execution_id=root,
            sequence=sequence,
            corrects=fill.corrects or "",
            quantity=execution.quantity,
            price=execution.price,
            executed_at=execution.executed_at,
            trade_date=execution.trade_date,
        )

    def _foreign_charge(self, root: str, report: CommissionReport) -> list[JournalEntry]:
        known = self.foreign[root]
        is_older = report.execution_id != known.reported_id and not known.execution.commission_is_estimated
        if report.currency != CURRENCY or is_older:
            return []
        charged = _charged(known.execution, report)
        return [] if charged == known.execution else [replace(known, execution=charged)]

    def _correct(self, entry: ExecutionCorrection) -> None:
        root, booked = entry.execution_id, self.own[entry.execution_id]
        self._open_family(entry.correction_id, root)
        self._family.setdefault(entry.corrects, root)
        self._know_stem(entry.correction_id, root)
        self._corrections[root] = entry.sequence + 1
        self._touched[root] = None
        self.own[root] = replace(
            booked,
            quantity=entry.quantity,
            price=entry.price,
            executed_at=entry.executed_at,
            trade_date=entry.trade_date,
        )

    def _charge(self, entry: CommissionEntry) -> None:
        root = entry.execution_id
        self._charges[root] = _Charge(entry.sequence + 1, entry.report)
        self._touched[root] = None
        self.own[root] = _charged(self.own[root], entry.report)

    def _take_foreign(self, entry: ForeignExecution) -> None:
        root = entry.execution.execution_id
        self._open_family(entry.reported_id, root)
        if entry.corrects:
            self._family.setdefault(entry.corrects, root)
            self._know_stem(entry.reported_id, root)
        self._family.setdefault(root, root)
        self._touched[root] = None
        self.foreign[root] = entry

    def _open_family(self, identity: str, root: str) -> None:
        self._family[identity] = root
        self._in_force[root] = identity

    def _know_stem(self, identity: str, root: str) -> None:
        if (stem := _stem(identity)) is not None:
            self._stems[stem] = root

    def _is_foreign(self, root: str) -> bool:
        return root in self.foreign and root not in self.own

    def _booked(self, root: str) -> Execution | None:
        if root in self.own:
            return self.own[root]
        return self.foreign[root].execution if root in self.foreign else None

    def _tell(self, execution_id: str, expected: str, found: str) -> None:
        self.problems.append(Problem(where=f"execution {execution_id}", expected=expected, found=found))


def fills_of(entries: Iterable[object]) -> tuple[Execution, ...]:
    """The fills that entries of a journal make, ours and foreign, as they stand after all of them, busts included."""
    book = FillBook()
    for entry in entries:
        if isinstance(entry, Execution | ExecutionCorrection | CommissionEntry | ForeignExecution):
            book.apply(entry)
    return tuple(book.take_changed({}))


def _charged(execution: Execution, report: CommissionReport) -> Execution:
    """The execution at its actual cost; one in another currency is not known in USD, and stays an estimate."""
    if report.currency != CURRENCY:
        return execution
    return replace(execution, commission=report.commission, fees=Decimal(0), commission_is_estimated=False)


def _figures(execution: Execution) -> tuple[str, int, Decimal, Decimal]:
    return execution.symbol, execution.side.sign, execution.quantity, execution.price


def _stem(execution_id: str) -> str | None:
    """What revisions of an execution have in common, where ids count them in a last part."""
    stem, dot, last = execution_id.rpartition(".")
    return stem if dot and last.isdigit() else None


def _is_newer(one: str, other: str) -> bool:
    """Whether `one` is a later revision than `other`; those that do not count are, being told later."""
    if _stem(one) is None or _stem(one) != _stem(other):
        return one != other
    return int(one.rpartition(".")[2]) > int(other.rpartition(".")[2])
