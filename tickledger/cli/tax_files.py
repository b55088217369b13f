"""The files that ``tickledger tax`` reads beside fills: accounts, corporate actions, opening lots, identity, carryover.

Every reader is total: it returns what is good and a Problem for each defect. Where a row cannot be used, the
securities that are not complete without it are named in `left_out`, so that nothing is computed from half a
history.
"""

import json
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from tickledger.cli.file_rows import (
    FileRow,
    a_date,
    a_decimal,
    a_ratio,
    a_text,
    not_negative,
    read_rows,
)
from tickledger.domain.account import Account, AccountKind, Mode
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.errors import InputError, Problem
from tickledger.domain.lot import Lot
from tickledger.reporting.tax_tables import LOT_COLUMNS
from tickledger.tax.corporate_actions import EventKey, event_key
from tickledger.tax.distributions import place_of
from tickledger.tax.households import DEFAULT_OWNER
from tickledger.tax.methods import Method
from tickledger.tax.schedule_d import Carryover

_ZERO: Final = Decimal(0)


@dataclass(slots=True)
class AccountsFile:
    """Accounts with their dated methods; `left_out` are accounts whose row cannot be used."""

    accounts: list[Account] = field(default_factory=list)
    methods: dict[str, list[tuple[date, Method]]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)


def read_accounts(path: Path) -> AccountsFile:
    """The accounts of `accounts.csv`; several rows of one account change its method by date."""
    rows = read_rows(path, required=("account", "kind", "owner"), optional=("mode", "method", "method_from"))
    result = AccountsFile(problems=list(rows.problems))
    seen: dict[str, Account] = {}
    for row in rows:
        account = _account(row)
        first = seen.setdefault(account.account_id, account)
        if account != first:
            row.complain("account", expected="the kind, owner and mode of its other rows", found=account.account_id)
        method = row.choice("method", Method, otherwise=Method.FIFO) if row.text("method") else None
        since = row.read_optional("method_from", a_date, expected="a date")
        if row.problems:
            result.problems += row.problems
            result.left_out.add(account.account_id)
        elif method is not None:
            result.methods.setdefault(account.account_id, []).append((since or date.min, method))
    result.accounts = [account for name, account in seen.items() if name not in result.left_out]
    return result


def _account(row: FileRow) -> Account:
    return Account(
        account_id=row.read("account", a_text, expected="an account", otherwise=""),
        mode=row.choice("mode", Mode, otherwise=Mode.LIVE) if row.text("mode") else Mode.LIVE,
        kind=row.choice("kind", AccountKind, otherwise=AccountKind.TAXABLE),
        owner=row.text("owner") or DEFAULT_OWNER,
    )


@dataclass(slots=True)
class ActionsFile:
    """Corporate actions; `left_out` are the symbols of rows that cannot be used.

    `rows` says in which row each event stands, by what the engine's messages call it.
    """

    actions: list[CorporateAction] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    rows: dict[str, int] = field(default_factory=dict)


def read_corporate_actions(path: Path) -> ActionsFile:
    """The events of `corporate_actions.csv`; a row that repeats another is told and passed over."""
    rows = read_rows(
        path,
        required=("symbol", "ex_date", "kind", "ratio", "amount"),
        optional=("new_symbol", "fmv_old", "fmv_new", "cash_in_lieu"),
    )
    result = ActionsFile(problems=list(rows.problems))
    seen: dict[EventKey, CorporateAction] = {}
    for row in rows:
        action = _action(row)
        first = seen.setdefault(event_key(action), action)
        if not row.problems and (first is action or action.kind is CorporateActionKind.DIVIDEND):
            result.actions.append(action)
            result.rows[place_of(action)] = row.row
            continue
        if not row.problems:
            row.complain("kind", expected=f"one {action.kind} of a symbol on a date", found="a second one")
        result.problems += row.problems
        if action != first:
            result.left_out |= {name for name in (row.text("symbol"), row.text("new_symbol")) if name}
    return result


def _action(row: FileRow) -> CorporateAction:
    amount = "a number, 0 or more"
    return CorporateAction(
        symbol=row.read("symbol", a_text, expected="a symbol", otherwise=""),
        ex_date=row.read("ex_date", a_date, expected="a date", otherwise=date.min),
        kind=row.choice("kind", CorporateActionKind, otherwise=CorporateActionKind.DIVIDEND),
        ratio=row.read_optional("ratio", a_ratio, expected="a number or fraction above 0"),
        amount=row.read_optional("amount", not_negative, expected=amount),
        new_symbol=row.text("new_symbol") or None,
        fmv_old=row.read_optional("fmv_old", not_negative, expected=amount),
        fmv_new=row.read_optional("fmv_new", not_negative, expected=amount),
        cash_in_lieu=row.read_optional("cash_in_lieu", not_negative, expected=amount),
    )


@dataclass(slots=True)
class OpeningLotsFile:
    """Lots carried in; `left_out` are the symbols of rows that cannot be used."""

    lots: list[Lot] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)


def read_opening_lots(path: Path) -> OpeningLotsFile:
    """The lots of a `lots.csv` that an earlier run wrote."""
    rows = read_rows(path, required=LOT_COLUMNS)
    result = OpeningLotsFile(problems=list(rows.problems))
    for row in rows:
        lot = _lot(row)
        if not row.problems:
            result.lots.append(lot)
        else:
            result.problems += row.problems
            result.left_out.add(row.text("symbol"))
    return result


def _lot(row: FileRow) -> Lot:
    acquired = row.read("acquired_date", a_date, expected="a date", otherwise=date.min)
    lot = Lot(
        lot_id=row.text("lot_id"),
        open_execution_id=row.read("open_execution_id", a_text, expected="an id", otherwise=""),
        account_id=row.read("account", a_text, expected="an account", otherwise=""),
        symbol=row.read("symbol", a_text, expected="a symbol", otherwise=""),
        quantity=row.read("quantity", a_decimal, expected="a number", otherwise=_ZERO),
        acquired_date=acquired,
        holding_start=row.read("holding_start", a_date, expected="a date", otherwise=date.min),
        original_basis=row.read("original_basis", not_negative, expected="a number, 0 or more", otherwise=_ZERO),
        adjusted_basis=row.read("adjusted_basis", a_decimal, expected="a number", otherwise=_ZERO),
    )
    if not row.problems and not lot.quantity:
        row.complain("quantity", expected="a number other than 0", found=row.text("quantity"))
    return lot


def read_identity(path: Path) -> tuple[dict[str, str], list[Problem]]:
    """What the taxpayer declares substantially identical: `identity.csv`, a group for each symbol."""
    rows = read_rows(path, required=("symbol", "group"))
    groups: dict[str, str] = {}
    problems = list(rows.problems)
    for row in rows:
        symbol = row.read("symbol", a_text, expected="a symbol", otherwise="")
        group = row.read("group", a_text, expected="the name of a group", otherwise="")
        if groups.setdefault(symbol, group) != group:
            row.complain("group", expected=f"{groups[symbol]}, as before", found=group)
        problems += row.problems
    return groups, problems


def read_carryover(path: Path, *, tax_year: int) -> tuple[Carryover, list[Problem]]:
    """Losses carried from the year before: its `schedule_d.json`, or a table with `short_term, long_term`."""
    if path.name.endswith(".json"):
        return _carryover_of_schedule(path, tax_year=tax_year)
    rows = read_rows(path, required=("short_term", "long_term"))
    if len(rows) > 1:
        raise InputError([Problem(path.name, "one row", f"{len(rows)} rows")])
    total, problems = Carryover(), list(rows.problems)
    for row in rows:
        expected = "a loss as a number, 0 or more"
        total = Carryover(
            short_term=row.read("short_term", not_negative, expected=expected, otherwise=_ZERO),
            long_term=row.read("long_term", not_negative, expected=expected, otherwise=_ZERO),
        )
        problems += row.problems
    return total, problems


def _carryover_of_schedule(path: Path, *, tax_year: int) -> tuple[Carryover, list[Problem]]:
    expected = "the schedule_d.json of the year before, with a carryover of short_term and long_term"
    try:
        carried = json.loads(path.read_text(encoding="utf-8"), parse_float=str, parse_int=str)["carryover"]
        total = Carryover(not_negative(carried["short_term"]), not_negative(carried["long_term"]))
        to_year = int(carried.get("to_year", tax_year))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError([Problem(path.name, expected, f"{type(error).__name__}: {error}")]) from error
    if to_year == tax_year:
        return total, []
    found = f"a carryover to {to_year}"
    return total, [Problem(path.name, f"a carryover to {tax_year}", found, column="to_year", severity="warning")]
