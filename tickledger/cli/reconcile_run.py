"""What ``tickledger reconcile`` does: read the files, find whose they are, compare, record."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tickledger.cli.ledger import opened_ledger
from tickledger.cli.tax_run import TaxFiles, TaxInputs, read_inputs
from tickledger.domain.account import Account, Mode
from tickledger.domain.errors import ConfigurationError, InputError, Problem
from tickledger.domain.execution import Execution
from tickledger.domain.order import OrderSide
from tickledger.execution.clock import WallClock
from tickledger.execution.tax_history import TaxHistory
from tickledger.reconciliation.beside import compared_beside, sole_account
from tickledger.reconciliation.breaks import BreakState, Comparison, ReconciliationBreak
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.reconciliation.statement import Statement, StatementFile
from tickledger.reconciliation.statements.reading import read_statement
from tickledger.reconciliation.statements.terms import ReadingTerms
from tickledger.tax.engine import collector_at_rest
from tickledger.tax.fills import Fill
from tickledger.tax.methods import MethodSchedule

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tickledger.reconciliation.breaks import TrackedBreak

_PIECE: Final = 1 << 20
_NEW_YORK: Final = ZoneInfo("America/New_York")
_NOON: Final = time(12, tzinfo=_NEW_YORK)
_SIDES: Final = {side.value: side for side in OrderSide}
_SETTLED: Final = frozenset({BreakState.EXPLAINED, BreakState.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked, read from the options."""

    statements: tuple[Path, ...]
    account: str | None = None
    fills: Path | None = None
    corporate_actions: Path | None = None
    accounts: Path | None = None
    tax_year: int | None = None
    terms: ReadingTerms = field(default_factory=ReadingTerms)
    is_recorded: bool = True

    @classmethod
    def of_options(
        cls,
        *,
        statements: tuple[Path, ...],
        account: str | None,
        fills: Path | None,
        corporate_actions: Path | None,
        accounts: Path | None,
        tax_year: int | None,
        zone: str,
        is_day_first: bool,
        is_recorded: bool,
    ) -> "Wish":
        """The wish that the options stand for; raises ConfigurationError naming the option that does not."""
        if fills is None and (corporate_actions is not None or accounts is not None):
            raise ConfigurationError("--corporate-actions, --accounts: expected together with --fills")
        try:
            kept_in = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ConfigurationError(f"--zone: expected a time zone such as America/New_York, found {zone!r}") from None
        terms = ReadingTerms(zone=kept_in, is_day_first=is_day_first, account_id=account or "")
        return cls(statements, account, fills, corporate_actions, accounts, tax_year, terms, is_recorded)


@dataclass(frozen=True, slots=True)
class Result:
    """The files that were read, and what each account came to; `tracked` has the history of recorded breaks."""

    files: tuple[StatementFile, ...]
    comparisons: tuple[Comparison, ...]
    problems: tuple[Problem, ...]
    tracked: Mapping[str, "TrackedBreak"] = field(default_factory=dict)

    @property
    def breaks(self) -> tuple[ReconciliationBreak, ...]:
        """Those of all comparisons, the most money first."""
        found = (one for comparison in self.comparisons for one in comparison.breaks)
        return tuple(sorted(found, key=lambda one: (-one.money_at_stake, one.session_date, one.break_id)))

    @property
    def unsettled(self) -> tuple[ReconciliationBreak, ...]:
        """The breaks that no person has explained or accepted."""
        return tuple(
            one
            for one in self.breaks
            if one.break_id not in self.tracked or self.tracked[one.break_id].state not in _SETTLED
        )

    @property
    def has_errors(self) -> bool:
        """Whether something of the input could not be used."""
        return any(problem.severity == "error" for problem in self.problems)


def reconciled(wish: Wish) -> Result:
    """Compare; raises InputError for a file that nothing can be read from, ConfigurationError for a wrong wish."""
    with collector_at_rest():
        files, contents, problems = _read(wish)
        if wish.fills is not None:
            return _with_files(wish, files, problems)
    with opened_ledger() as engine:
        return _with_ledger(engine, wish, files, contents, problems)


def _read(wish: Wish) -> tuple[list[StatementFile], list[bytes], list[Problem]]:
    """Each file that can be read, and a Problem for each that cannot."""
    files, contents, problems = list[StatementFile](), list[bytes](), list[Problem]()
    for path in wish.statements:
        try:
            with path.open("rb") as opened:
                file = read_statement(iter(partial(opened.read, _PIECE), b""), name=path.name, terms=wish.terms)
        except OSError as error:
            problems.append(Problem(str(path), "a file that can be read", error.strerror or str(error)))
        except InputError as error:
            problems += error.problems
        else:
            files.append(file)
            contents.append(path.read_bytes() if wish.is_recorded else b"")
            problems += file.all_problems
    if not files:
        raise InputError(problems)
    return files, contents, problems


def _with_ledger(
    engine: "Engine", wish: Wish, files: Sequence[StatementFile], contents: Sequence[bytes], problems: list[Problem]
) -> Result:
    from tickledger.db.breaks import read_breaks, record_comparison
    from tickledger.db.ledger_views import read_ledger_view
    from tickledger.db.statements import record_statement_file
    from tickledger.db.trading import read_accounts

    known = {account.account_id: account for account in read_accounts(engine)}
    groups, strange = _by_account(files, known, wish)
    statement_ids: list[str] = []
    if wish.is_recorded:
        for file, content in zip(files, contents, strict=True):
            statement_ids += record_statement_file(engine, file, content).statement_ids
    comparisons = []
    now = WallClock().now()
    for account_id, statements in groups.items():
        view = read_ledger_view(engine, account_id)
        for comparison in compared_beside(view, statements, tax_year=wish.tax_year):
            comparisons.append(comparison)
            if wish.is_recorded and comparison.scope.subjects:
                record_comparison(engine, known[account_id], comparison, compared_at=now, statement_ids=statement_ids)
    tracked = {one.found.break_id: one for name in groups for one in read_breaks(engine, account_id=name)}
    return _result(files, comparisons, [*problems, *strange], tracked)


def _with_files(wish: Wish, files: Sequence[StatementFile], problems: list[Problem]) -> Result:
    if wish.fills is None:
        raise ConfigurationError("--fills: expected a file")
    files_of_record = TaxFiles(wish.fills, wish.corporate_actions, wish.accounts)
    inputs = read_inputs(files_of_record, tax_year=wish.tax_year or 0)
    fills = defaultdict[str, list[Fill]](list)
    for fill in inputs.fills:
        fills[fill.account_id].append(fill)
    traded = set(fills)
    known = {account.account_id: account for account in inputs.accounts}
    # Fills that name no account at all are an empty set, whoever's statement it is: everything is missing.
    named = traded or ({wish.account} if wish.account else _accounts_of(files)) if not known else traded
    known |= {name: Account(name, Mode.LIVE) for name in sorted(named - known.keys())}
    groups, strange = _by_account(files, known, wish)
    comparisons = [
        comparison
        for name, told in groups.items()
        for comparison in compared_beside(_view(inputs, name, fills[name]), told, tax_year=wish.tax_year)
    ]
    return _result(files, comparisons, [*problems, *inputs.problems, *strange], {})


def _accounts_of(files: Iterable[StatementFile]) -> set[str]:
    return {statement.account_id for file in files for statement in file.statements if statement.account_id}


def _result(
    files: Sequence[StatementFile],
    comparisons: Sequence[Comparison],
    problems: Sequence[Problem],
    tracked: Mapping[str, "TrackedBreak"],
) -> Result:
    more = [problem for comparison in comparisons for problem in comparison.problems]
    told = tuple(dict.fromkeys([*problems, *more]))
    return Result(tuple(files), tuple(comparisons), told, tracked)


def _by_account(
    files: Iterable[StatementFile], known: Mapping[str, Account], wish: Wish
) -> tuple[dict[str, list[Statement]], list[Problem]]:
    """The statements of each account that is known; a Problem for every other, and for one of no account."""
    if wish.account is not None and wish.account not in known:
        raise ConfigurationError(f"--account: expected one of {_names(known)}, found {wish.account!r}")
    groups: dict[str, list[Statement]] = {}
    problems = []
    only = wish.account or sole_account(known.values())
    for file in files:
        for statement in file.statements:
            name = statement.account_id or only or ""
            if name in known and wish.account in {None, name}:
                groups.setdefault(name, []).append(replace(statement, account_id=name))
                continue
            expected = f"a statement of {wish.account or _names(known)}"
            found = f"one of {name}" if name else "one that names no account; --account says whose it is"
            problems.append(Problem(file.source.name, expected, found))
    return groups, problems


def _names(known: Mapping[str, Account]) -> str:
    return ", ".join(sorted(known)) or "an account of the record, which has none"


def _view(inputs: TaxInputs, account_id: str, mine: Sequence[Fill]) -> LedgerView:
    """An account as fills tell it: what it held is what they add up to, its cash is not known."""
    history = TaxHistory(
        fills=inputs.fills,
        accounts=inputs.accounts,
        corporate_actions=inputs.actions,
        methods=MethodSchedule(changes=inputs.methods),
        left_out=inputs.left_out,
        where=inputs.where,
    )
    first = min((fill.trade_date for fill in mine), default=None)
    return LedgerView(
        account_id=account_id,
        executions=[execution for fill in mine if (execution := _execution(fill)) is not None],
        corporate_actions=inputs.actions,
        holdings={} if first is None else {first - timedelta(days=1): {}},
        history=history,
    )


def _execution(fill: Fill) -> Execution | None:
    """A trade of shares as an execution; what happened to holdings otherwise is none."""
    side = _SIDES.get(fill.side.value)
    if side is None or fill.contract is not None:
        return None
    return Execution(
        execution_id=fill.execution_id,
        order_id=fill.order_id,
        account_id=fill.account_id,
        symbol=fill.symbol,
        side=side,
        quantity=fill.quantity,
        price=fill.gross_amount / fill.quantity,
        commission=fill.commission,
        fees=Decimal(0),
        executed_at=fill.executed_at or datetime.combine(fill.trade_date, _NOON),
        trade_date=fill.trade_date,
    )
