"""The files that ``tickledger tax`` reads: fills, accounts, corporate actions, opening lots, identity, carryover.

Every reader is total: it returns what is good and a Problem for each defect. Where a row cannot be used, the
securities that are not complete without it are named in `left_out`, so that nothing is computed from half a
history.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from tickledger.cli.file_rows import (
    FileRow,
    a_date,
    a_decimal,
    a_ratio,
    a_text,
    above_zero,
    not_negative,
    read_rows,
)
from tickledger.domain.account import Account, AccountKind, Mode
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.errors import InputError, Problem
from tickledger.domain.instrument import AssetClass, OptionContract, OptionRight
from tickledger.domain.lot import Lot
from tickledger.reporting.tax_tables import LOT_COLUMNS
from tickledger.tax.corporate_actions import EventKey, event_key
from tickledger.tax.fills import Fill, FillSide, LotChoice
from tickledger.tax.households import DEFAULT_OWNER
from tickledger.tax.methods import Method
from tickledger.tax.schedule_d import Carryover

_NEW_YORK: Final = ZoneInfo("America/New_York")
_ZERO: Final = Decimal(0)
_NEVER: Final[tuple[date, datetime | None]] = (date.min, None)
_BARE_DATE: Final = len("2025-01-31")
_ONE: Final = Decimal(1)
_HUNDRED: Final = Decimal(100)
_RIGHTS: Final = frozenset({"C", "P", "CALL", "PUT"})
#: What happens to holdings without an order, and so may come without a price and costs.
_NOT_PRICED: Final = frozenset(FillSide) - frozenset(
    {FillSide.BUY, FillSide.SELL, FillSide.SELL_SHORT, FillSide.BUY_TO_COVER}
)
#: Of these, what has an amount of its own is only the arrival of shares.
_WITHOUT_MONEY: Final = _NOT_PRICED - {FillSide.TRANSFER_IN}
_PLAIN_SIDES: Final[Mapping[str, FillSide]] = {side: side for side in FillSide if side not in _NOT_PRICED}

_FILL_COLUMNS: Final = (
    "execution_id",
    "order_id",
    "account",
    "symbol",
    "side",
    "quantity",
    "price",
    "commission",
    "executed_at",
)
_MORE_FILL_COLUMNS: Final = (
    "gross_amount",
    "lots",
    "asset_class",
    "underlying",
    "expiry",
    "strike",
    "right",
    "multiplier",
)


@dataclass(slots=True)
class FillsFile:
    """The fills of a file; `left_out` are the symbols (and underlyings) of rows that cannot be used."""

    fills: list[Fill] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)


def read_fills(path: Path, *, today: date) -> FillsFile:
    """The fills of `fills.csv`; none may be dated after `today`, the New York date."""
    rows = read_rows(path, required=_FILL_COLUMNS, optional=_MORE_FILL_COLUMNS)
    result = FillsFile(problems=list(rows.problems))
    for row in rows:
        # Most rows are plain trades without a defect; all others are read cell by cell, for the messages.
        fill = _plain_trade(row, today=today)
        if fill is None:
            fill = _fill(row, today=today)
        if not row.problems:
            result.fills.append(fill)
        else:
            result.problems += row.problems
            result.left_out |= {name for name in (row.text("symbol"), row.text("underlying")) if name}
    return result


def _plain_trade(row: FileRow, *, today: date) -> Fill | None:
    """A trade of shares that is told in the simplest way; None where anything is out of the ordinary."""
    cells = row.cells
    side = _PLAIN_SIDES.get(cells["side"])
    if side is None or any(map(cells.get, _MORE_FILL_COLUMNS)):
        return None
    try:
        quantity, price, commission = map(Decimal, (cells["quantity"], cells["price"], cells["commission"]))
        trade_date, executed_at = _executed(cells["executed_at"])
    except (ValueError, ArithmeticError):
        return None
    names = cells["execution_id"], cells["account"], cells["symbol"]
    are_plain = quantity.is_finite() and price.is_finite() and commission.is_finite()
    if not all(names) or not are_plain or quantity <= 0 or price < 0 or trade_date > today:
        return None
    if "_" in cells["quantity"] or "_" in cells["price"] or "_" in cells["commission"]:
        return None
    return Fill(
        execution_id=names[0],
        order_id=cells["order_id"] or names[0],
        account_id=names[1],
        symbol=names[2],
        side=side,
        quantity=quantity,
        gross_amount=price * quantity,
        commission=commission,
        trade_date=trade_date,
        executed_at=executed_at,
        row=row.row,
    )


def _fill(row: FileRow, *, today: date) -> Fill:
    execution_id = row.read("execution_id", a_text, expected="an id", otherwise="")
    quantity = row.read("quantity", above_zero, expected="a number above 0", otherwise=Decimal(1))
    side = row.choice("side", FillSide, otherwise=FillSide.BUY)
    trade_date, executed_at = row.read(
        "executed_at",
        _executed,
        expected="a date, or an instant with its offset, such as 2025-01-31T15:30:00-05:00",
        otherwise=_NEVER,
    )
    if trade_date > today:
        row.complain("executed_at", expected=f"a date not after today, {today}", found=row.text("executed_at"))
    asset_class = _asset_class(row)
    contract = _contract(row) if asset_class is AssetClass.OPTION and row.text("underlying") else None
    symbol = row.read("symbol", a_text, expected="a symbol", otherwise="")
    return Fill(
        execution_id=execution_id,
        order_id=row.text("order_id") or execution_id,
        account_id=row.read("account", a_text, expected="an account", otherwise=""),
        # Some statements name an option by its underlying alone.
        symbol=contract.name if contract is not None and symbol == contract.underlying else symbol,
        side=side,
        quantity=quantity,
        gross_amount=_gross_amount(row, side, quantity, _multiplier(row, asset_class)),
        commission=_commission(row, side),
        trade_date=trade_date,
        executed_at=executed_at,
        lots=_lot_choices(row),
        asset_class=asset_class,
        row=row.row,
        contract=contract,
    )


def _asset_class(row: FileRow) -> AssetClass:
    return (
        row.choice("asset_class", AssetClass, otherwise=AssetClass.STOCK)
        if row.text("asset_class")
        else AssetClass.STOCK
    )


def _contract(row: FileRow) -> OptionContract:
    """The terms of an option; the right is C, CALL, P or PUT."""
    return OptionContract(
        underlying=row.text("underlying"),
        expiry=row.read("expiry", a_date, expected="a date", otherwise=date.min),
        strike=row.read("strike", not_negative, expected="a number, 0 or more", otherwise=_ZERO),
        right=row.read("right", _right, expected="C or P", otherwise=OptionRight.CALL),
        multiplier=_multiplier(row, AssetClass.OPTION),
    )


def _right(text: str) -> OptionRight:
    return OptionRight(text[:1].upper()) if text.upper() in _RIGHTS else OptionRight(text)


def _multiplier(row: FileRow, asset_class: AssetClass) -> Decimal:
    """Shares in a contract, 100 unless told; a share is one."""
    if asset_class is not AssetClass.OPTION:
        return _ONE
    if not row.text("multiplier"):
        return _HUNDRED
    return row.read("multiplier", _whole_above_zero, expected="a whole number above 0", otherwise=_HUNDRED)


def _whole_above_zero(text: str) -> Decimal:
    value = above_zero(text)
    if value != value.to_integral_value():
        raise ValueError(text)
    return value


def _commission(row: FileRow, side: FillSide) -> Decimal:
    """What is no trade has costs only where it says so."""
    if side in _NOT_PRICED and not row.text("commission"):
        return _ZERO
    return row.read("commission", a_decimal, expected="a number (negative: a rebate)", otherwise=_ZERO)


def _executed(text: str) -> tuple[date, datetime | None]:
    """The New York trade date, and the instant where one is given."""
    if len(text.removesuffix("T00:00:00")) == _BARE_DATE:
        return a_date(text), None
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant.astimezone(_NEW_YORK).date(), instant


def _gross_amount(row: FileRow, side: FillSide, quantity: Decimal, multiplier: Decimal) -> Decimal:
    """The exact total, or the price of all shares; what is no trade has neither."""
    expected = "a number, 0 or more"
    if row.text("gross_amount"):
        return row.read("gross_amount", not_negative, expected=expected, otherwise=_ZERO)
    if side in _NOT_PRICED and not row.text("price"):
        return _ZERO
    price = row.read("price", not_negative, expected=expected, otherwise=_ZERO)
    return price * quantity * multiplier if side not in _WITHOUT_MONEY else _ZERO


def _lot_choices(row: FileRow) -> tuple[LotChoice, ...]:
    """``OPEN_EXECUTION_ID:quantity;…``; an id may itself hold colons."""

    def choices(text: str) -> tuple[LotChoice, ...]:
        pairs = [part.rpartition(":") for part in text.split(";") if part.strip()]
        return tuple(LotChoice(a_text(name.strip()), above_zero(quantity.strip())) for name, _, quantity in pairs)

    return row.read("lots", choices, expected="OPEN_EXECUTION_ID:quantity;…", otherwise=())


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
    """Corporate actions; `left_out` are the symbols of rows that cannot be used."""

    actions: list[CorporateAction] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)


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
    if len(rows.rows) > 1:
        raise InputError([Problem(path.name, "one row", f"{len(rows.rows)} rows")])
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
