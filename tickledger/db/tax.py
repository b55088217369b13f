"""What the tax engine concluded: lots, gains and wash sales, written as a whole for a set of accounts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Engine, Table, case, func, literal, select

from tickledger.db import audit
from tickledger.db.accounts import mode_of
from tickledger.db.copying import Row
from tickledger.db.records import as_values, rows_of, select_fields
from tickledger.db.tables import capital_gains, corporate_actions, open_lots, symbols, tax_lots, wash_sales
from tickledger.db.versions import ReplaceResult, Scope, current, replace_scope, writing
from tickledger.domain.account import Mode
from tickledger.domain.errors import LedgerError
from tickledger.domain.ids import deterministic_id
from tickledger.domain.lot import Lot, RealizedGain, WashSale


class TaxRows(Protocol):
    """The rows of a `TaxResult`, whatever made them."""

    @property
    def gains(self) -> Sequence[RealizedGain]: ...

    @property
    def wash_sales(self) -> Sequence[WashSale]: ...

    @property
    def open_lots(self) -> Sequence[Lot]: ...

    @property
    def lots(self) -> Sequence[Lot]: ...


def replace_tax_result(engine: Engine, result: TaxRows, *, account_ids: Collection[str]) -> Mapping[str, ReplaceResult]:
    """Make `result` the lots, gains and wash sales of `account_ids`, in one transaction; what changed, by table.

    Raises LedgerError where a row is of another account, or refers to an execution, a lot or a corporate action
    that is not in the ledger.
    """
    scope = Scope(among={"account_id": sorted(account_ids)})
    with writing(engine, "tax") as (connection, at):
        results = {
            table.name: replace_scope(connection, table, rows, scope=scope, at=at)
            for table, rows in _rows(connection, result, account_ids)
        }
        audit.append_replacements(connection, results, subject=f"accounts {', '.join(sorted(account_ids))}")
    return results


def read_gains(
    engine: Engine,
    *,
    years: Collection[int] | None = None,
    mode: Mode | None = None,
    account_ids: Collection[str] | None = None,
    as_of: datetime | None = None,
) -> list[RealizedGain]:
    """Realized gains by date sold, account, symbol and date acquired."""
    where = _of(capital_gains, mode=mode, account_ids=account_ids, as_of=as_of)
    if years is not None:
        where.append(capital_gains.c.tax_year.in_(sorted(years)))
    with engine.connect() as connection:
        return gains_where(connection, *where)


def gains_where(connection: Connection, *where: ColumnElement[bool]) -> list[RealizedGain]:
    """The gains that hold `where`, superseded ones too unless it says otherwise, in the order of `read_gains`."""
    statement = (
        select_fields(capital_gains, RealizedGain, close_execution_id=_closing_event())
        .outerjoin(corporate_actions, capital_gains.c.corporate_action_id == corporate_actions.c.corporate_action_id)
        .where(*where)
        .order_by(
            capital_gains.c.sold_date,
            capital_gains.c.account_id,
            symbols.c.ticker,
            capital_gains.c.acquired_date,
            capital_gains.c.gain_id,
        )
    )
    return as_values(connection, statement, RealizedGain, decoders={"policies": tuple})


def read_open_lots(
    engine: Engine,
    *,
    mode: Mode | None = None,
    account_ids: Collection[str] | None = None,
    as_of: datetime | None = None,
) -> list[Lot]:
    """What is still held, each under the id of the lot it is left of, by account, symbol and date acquired."""
    left = {name: open_lots.c[name] for name in ("quantity", "original_basis", "adjusted_basis")}
    statement = (
        select_fields(tax_lots, Lot, **left)
        .join(open_lots, open_lots.c.lot_id == tax_lots.c.lot_id)
        .where(*_of(open_lots, mode=mode, account_ids=account_ids, as_of=as_of))
        .order_by(tax_lots.c.account_id, symbols.c.ticker, tax_lots.c.acquired_date, tax_lots.c.lot_id)
    )
    with engine.connect() as connection:
        return as_values(connection, statement, Lot)


def read_wash_sales(
    engine: Engine,
    *,
    years: Collection[int] | None = None,
    mode: Mode | None = None,
    account_ids: Collection[str] | None = None,
    as_of: datetime | None = None,
) -> list[WashSale]:
    """Wash sales by the date of the loss; `years` are the tax years of the losses."""
    statement = (
        select_fields(wash_sales, WashSale)
        .join(capital_gains, capital_gains.c.gain_id == wash_sales.c.gain_id)
        .where(*_of(wash_sales, mode=mode, account_ids=account_ids, as_of=as_of))
        .order_by(capital_gains.c.sold_date, wash_sales.c.gain_id, wash_sales.c.wash_sale_id)
    )
    if years is not None:
        statement = statement.where(capital_gains.c.tax_year.in_(sorted(years)))
    with engine.connect() as connection:
        return as_values(connection, statement, WashSale)


def _rows(connection: Connection, result: TaxRows, account_ids: Collection[str]) -> list[tuple[Table, Sequence[Row]]]:
    """The rows of each table, in the order in which they refer back."""
    modes = {account_id: mode_of(connection, account_id) for account_id in account_ids}
    accounts = {gain.gain_id: gain.account_id for gain in result.gains}
    lots = {lot.lot_id: lot for lot in result.lots}

    def of_account(value: Lot | RealizedGain) -> dict[str, Any]:
        return {"mode": _known(modes, value.account_id)}

    def of_gain(gain: RealizedGain) -> dict[str, Any]:
        closed_by_action = gain.corporate_action_id is not None
        kept = {"policies": list(gain.policies)} | ({"close_execution_id": None} if closed_by_action else {})
        return of_account(gain) | kept

    def of_wash_sale(wash_sale: WashSale) -> dict[str, Any]:
        account_id = _known(accounts, wash_sale.gain_id)
        return {"account_id": account_id, "mode": _known(modes, account_id)}

    def left_of_lot(lot: Lot) -> dict[str, Any]:
        return of_account(lot) | {"open_lot_id": _open_lot_id(lot, _known(lots, lot.lot_id))}

    return [
        (tax_lots, rows_of(connection, tax_lots, result.lots, extra=of_account)),
        (open_lots, rows_of(connection, open_lots, result.open_lots, extra=left_of_lot)),
        (capital_gains, rows_of(connection, capital_gains, result.gains, extra=of_gain)),
        (wash_sales, rows_of(connection, wash_sales, result.wash_sales, extra=of_wash_sale)),
    ]


def _known(values: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401  whatever the mapping holds
    try:
        return values[key]
    except KeyError:
        raise LedgerError(f"the tax result names {key}, which is not among the rows that are being replaced") from None


def _open_lot_id(left: Lot, lot: Lot) -> str:
    """The id of what is left of `lot`; raises LedgerError where more than shares and basis has changed."""
    whole = replace(left, quantity=lot.quantity, original_basis=lot.original_basis, adjusted_basis=lot.adjusted_basis)
    if whole != lot:
        raise LedgerError(f"expected what is left of {lot}, found {left}")
    return deterministic_id("open", left.lot_id, left.quantity, left.original_basis, left.adjusted_basis)


def _closing_event() -> ColumnElement[str]:
    """The closing execution, or ``CA:symbol:ex_date`` where a corporate action closed the lot."""
    subject = symbols.alias("subject")
    ticker = select(subject.c.ticker).where(subject.c.symbol_id == corporate_actions.c.symbol_id).scalar_subquery()
    day = func.to_char(corporate_actions.c.ex_date, "YYYY-MM-DD")
    action = func.concat_ws(literal(":"), literal("CA"), ticker, day)
    return case((capital_gains.c.corporate_action_id.is_(None), capital_gains.c.close_execution_id), else_=action)


def _of(
    table: Table, *, mode: Mode | None, account_ids: Collection[str] | None, as_of: datetime | None
) -> list[ColumnElement[bool]]:
    where = [current(table, as_of)]
    if mode is not None:
        where.append(table.c.mode == mode)
    if account_ids is not None:
        where.append(table.c.account_id.in_(sorted(account_ids)))
    return where
