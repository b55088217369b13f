"""What every tax report rests on: one history, one run of the engine, one taxpayer, one day on which it is read.

`on` is the day on which the reports stand: fills and corporate actions after it are not looked at. That is apart from
what was *known*: a history read as of an earlier instant lacks what was recorded later, whatever day it is about.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Final

from tickledger.domain.account import Account, AccountKind, Mode
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.lot import Lot, RealizedGain
from tickledger.execution.tax_history import TaxHistory
from tickledger.reporting.tax_years import TaxForms, tax_forms
from tickledger.tax.form_8949 import WATERMARKS
from tickledger.tax.households import households, with_unlisted
from tickledger.tax.result import TaxResult
from tickledger.tax.schedule_d import Carryover, FilingStatus

#: Which accounts a report is about where it is not told: real money before any other.
_MODES: Final = (Mode.LIVE, Mode.PAPER, Mode.SIMULATED)
#: Whose gains are on a return.
TAXED: Final = frozenset({AccountKind.TAXABLE, AccountKind.SPOUSE_TAXABLE})


@dataclass(frozen=True, slots=True)
class Close:
    """The last known price of a symbol, USD per share, and the session it is of."""

    price: Decimal
    session_date: date


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose accounts: those of one taxpayer and mode, of these the one `account_id` where it is set.

    `kinds` tells how each account of the taxpayer is taxed, `household` which accounts wash sales look at.
    """

    taxpayer: str
    mode: Mode
    kinds: Mapping[str, AccountKind]
    household: frozenset[str]
    account_id: str | None = None

    def holds(self, account_id: str) -> bool:
        """Whether rows of the account are on the reports."""
        return account_id in self.kinds and self.account_id in {None, account_id}

    def is_taxed(self, account_id: str) -> bool:
        """Whether gains of the account are on the return."""
        return self.kinds.get(account_id) in TAXED

    @property
    def watermark(self) -> str | None:
        """What is written over reports of money that is not real."""
        return WATERMARKS[self.mode]


def scope_of(accounts: Sequence[Account], *, account_id: str | None = None, taxpayer: str | None = None) -> Scope:
    """The scope that is asked for; without a choice that of the only owner, and of the most real money there is.

    Raises ConfigurationError where the account or the taxpayer is not known, or there are several to choose from.
    """
    known = [account.account_id for account in accounts]
    if not accounts:
        raise ConfigurationError("expected an account in the ledger, found none")
    if account_id is not None and account_id not in known:
        raise ConfigurationError(f"--account: expected one of {', '.join(sorted(known))}, found {account_id}")
    chosen = [account for account in accounts if account_id in {None, account.account_id}]
    owner = _owner(chosen, taxpayer)
    of_owner = [account for account in chosen if account.owner == owner]
    mode = next(mode for mode in _MODES if any(account.mode is mode for account in of_owner))
    kinds = {account.account_id: account.kind for account in accounts if (account.owner, account.mode) == (owner, mode)}
    groups, _ = households(accounts, known)
    together = [group for group in groups if kinds.keys() & group.keys()]
    return Scope(owner, mode, kinds, frozenset(name for group in together for name in group), account_id)


def _owner(accounts: Sequence[Account], taxpayer: str | None) -> str:
    owners = list(dict.fromkeys(account.owner for account in accounts))
    if taxpayer is not None and taxpayer not in owners:
        raise ConfigurationError(f"--taxpayer: expected one of {', '.join(owners)}, found {taxpayer}")
    if taxpayer is None and len(owners) > 1:
        raise ConfigurationError(f"--taxpayer: expected one of {', '.join(owners)}, found several owners and no choice")
    return taxpayer or owners[0]


@dataclass(frozen=True)
class ReportBasis:
    """A history as it stands `on` a day, its result, and the prices of that day.

    `stated_carryover` has what the year before a year left, by that year, where the taxpayer states it; else the
    record's own years tell.
    """

    history: TaxHistory
    scope: Scope
    on: date
    tax_year: int
    closes: Mapping[str, Close] = field(default_factory=dict)
    stated_carryover: Mapping[int, Carryover] = field(default_factory=dict)
    filing_status: FilingStatus = FilingStatus.OTHER

    @classmethod
    def standing(
        cls,
        history: TaxHistory,
        scope: Scope,
        *,
        on: date,
        tax_year: int | None = None,
        closes: Mapping[str, Close] | None = None,
        stated_carryover: Mapping[int, Carryover] | None = None,
        filing_status: FilingStatus = FilingStatus.OTHER,
    ) -> "ReportBasis":
        """The basis on a day: nothing later is in it; the tax year is the day's unless told otherwise."""
        accounts = with_unlisted(history.accounts, [fill.account_id for fill in history.fills])
        ordered = history.ordered()
        # What happened before anything was held concerns nobody, and would be told as a defect.
        started = [fill.trade_date for fill in ordered.fills[:1]] + [lot.acquired_date for lot in history.opening_lots]
        first = min(started, default=date.max)
        until = replace(
            ordered,
            accounts=accounts,
            fills=[fill for fill in ordered.fills if fill.trade_date <= on],
            corporate_actions=[action for action in history.corporate_actions if first <= action.ex_date <= on],
        )
        return cls(until, scope, on, tax_year or on.year, closes or {}, stated_carryover or {}, filing_status)

    @cached_property
    def result(self) -> TaxResult:
        """What the engine concludes, with windows open as of the day."""
        return self.history.result(until=self.on)

    def of_year(self, tax_year: int) -> "ReportBasis":
        """The same of another tax year."""
        return self if tax_year == self.tax_year else replace(self, tax_year=tax_year)

    @property
    def gains(self) -> list[RealizedGain]:
        """The gains of the tax year that the reports are about."""
        return self.gains_of(self.tax_year)

    def gains_of(self, tax_year: int, *, whole_taxpayer: bool = False) -> list[RealizedGain]:
        """The gains of a year: of the accounts that are asked for, or of all that are on the taxpayer's return."""
        return [
            gain
            for gain in self.result.gains
            if gain.tax_year == tax_year
            and (gain.account_id in self.scope.kinds if whole_taxpayer else self.scope.holds(gain.account_id))
        ]

    @property
    def open_lots(self) -> list[Lot]:
        """What is still held of the accounts that are asked for."""
        return [lot for lot in self.result.open_lots if self.scope.holds(lot.account_id)]

    def forms(self, years: Iterable[int]) -> list[TaxForms]:
        """The forms of years, of the accounts that are asked for, with losses carried over from the years before."""
        mine = [account for account in self.history.accounts if self.scope.holds(account.account_id)]
        taxed = [account for account in mine if account.kind in TAXED]
        gains = [gain for gain in self.result.gains if self.scope.holds(gain.account_id)]
        return tax_forms(
            gains,
            taxed,
            years=list(years),
            corporate_actions=self.history.corporate_actions,
            filing_status=self.filing_status,
            # What the taxpayer carries is not one account's.
            carried_into={} if self.scope.account_id else self.stated_carryover,
        )

    @cached_property
    def carryover(self) -> Carryover:
        """The loss carried into `tax_year` by the whole taxpayer: as stated, else as the years of the record leave."""
        if self.tax_year in self.stated_carryover:
            return self.stated_carryover[self.tax_year]
        whole = replace(self, scope=replace(self.scope, account_id=None))
        forms = whole.forms([self.tax_year - 1])
        return forms[0].schedule.carryover if forms else Carryover()
