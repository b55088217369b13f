"""The days that several statements tell of together: what overlaps, and what nobody tells.

Days without a session (weekends, holidays) leave no gap: there is no daily statement of them.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final

from tickledger.bars.calendars import sessions
from tickledger.domain.errors import Problem
from tickledger.reconciliation.statement import Statement

_DAY: Final = timedelta(days=1)
Period = tuple[date, date]


def periods_of(statements: Iterable[Statement]) -> tuple[Period, ...]:
    """The periods of all statements, those that touch or overlap made one."""
    found: list[Period] = []
    for start, end in sorted(period for one in statements for period in _own(one)):
        if found and not _gap(found[-1], (start, end)):
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def period_problems(statements: Sequence[Statement]) -> list[Problem]:
    """Files that are given twice, periods that overlap, and sessions between two periods of which no file tells."""
    problems = _repeated(statements)
    last: tuple[Period, str] | None = None
    for (start, end), name in sorted({(period, names_of(one)) for one in statements for period in _own(one)}):
        if last is not None:
            (before, ended), other = last
            if start <= ended and (before, ended) != (start, end):
                expected = f"a period after {ended}, the end of {other}"
                found = f"{start} to {end}; rows that both tell count once"
                problems.append(Problem(name, expected, found, severity="warning"))
            elif missing := _gap((before, ended), (start, end)):
                expected = f"a statement of each session between {ended} and {start}"
                found = f"none of {missing[0]} to {missing[-1]}" if len(missing) > 1 else f"none of {missing[0]}"
                problems.append(Problem(f"{other}, {name}", expected, found, severity="warning"))
        if last is None or end >= last[0][1]:
            last = ((start, end), name)
    return problems


def names_of(statement: Statement) -> str:
    """What a statement is called in Problems: its files."""
    return ", ".join(source.name for source in statement.sources) or "a statement"


def _own(statement: Statement) -> tuple[Period, ...]:
    if statement.periods:
        return statement.periods
    if statement.start_date is None or statement.end_date is None:
        return ()
    return ((statement.start_date, statement.end_date),)


def _gap(earlier: Period, later: Period) -> list[date]:
    """The sessions between two periods."""
    first, last = earlier[1] + _DAY, later[0] - _DAY
    return sessions(first, last) if first <= last else []


def _repeated(statements: Sequence[Statement]) -> list[Problem]:
    problems: list[Problem] = []
    seen: dict[tuple[str, ...], str] = {}
    for one in statements:
        if len(one.sources) != 1:
            continue
        key = (one.sources[0].sha256, one.base_currency, str(one.start_date), str(one.end_date), str(one.generated_at))
        if key in seen:
            problems.append(Problem(names_of(one), "each file once", f"the content of {seen[key]}", severity="warning"))
        seen.setdefault(key, names_of(one))
    return problems
