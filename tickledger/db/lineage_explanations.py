"""The paragraphs that explain gains, put together from the rows of the ledger that were in force with them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Table, or_, select

from tickledger.bars.corporate_actions import domain_actions
from tickledger.db.accounts import read_accounts
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.effective_executions import EffectiveExecutions
from tickledger.db.lineage_kind import lasts_as_long
from tickledger.db.records import as_values, select_fields
from tickledger.db.tables import capital_gains, executions, form_line_gains, tax_lots, wash_sales
from tickledger.db.tax import gains_where
from tickledger.domain.lot import Lot, RealizedGain, WashSale
from tickledger.tax.evidence import gathered
from tickledger.tax.explanation import explain_gain
from tickledger.tax.fills import from_executions
from tickledger.tax.policies import Policies

Value = TypeVar("Value")
_LINE: Final = "line_"


def gain_explanations(engine: Engine, identity: str, *, policies: Policies | None = None) -> Mapping[str, str]:
    """The paragraph of a gain, or those of the gains on a form line in their order, by gain_id; none for other ids.

    Superseded gains are explained by what was in force with them. `policies` are the settings that the lots were
    computed with, the defaults unless given.
    """
    with engine.connect() as connection:
        gain_ids = _gains_of(connection, identity)
        gains = {gain.gain_id: gain for gain in gains_where(connection, capital_gains.c.gain_id.in_(gain_ids))}
        if not gains:
            return {}
        rows = _rows_beside(connection, list(gains.values()))
    evidence = gathered(
        **rows,
        accounts=read_accounts(engine),
        corporate_actions=domain_actions(read_corporate_actions(engine)),
        policies=policies,
    )
    return {gain_id: explain_gain(gains[gain_id], evidence) for gain_id in gain_ids if gain_id in gains}


def _gains_of(connection: Connection, identity: str) -> list[str]:
    if not identity.startswith(_LINE):
        return [identity]
    table = form_line_gains
    rows = select(table.c.gain_id).where(table.c.line_id == identity).order_by(table.c.ordinal)
    return list(connection.execute(rows).scalars())


def _rows_beside(connection: Connection, gains: Sequence[RealizedGain]) -> dict[str, Any]:
    """What the gains refer to: the losses taken over and carried in, their sales, the lots and the fills of all."""
    washes = _washes(connection, [gain.gain_id for gain in gains])
    losing = gains_where(connection, capital_gains.c.gain_id.in_({wash.gain_id for wash in washes}))
    lot_ids = {gain.lot_id for gain in gains} | {wash.replacement_lot_id for wash in washes if wash.replacement_lot_id}
    fill_ids = {name for gain in gains for name in (gain.open_execution_id, gain.close_execution_id)}
    fill_ids |= {wash.replacement_execution_id for wash in washes}
    fills = EffectiveExecutions().found(connection, executions.c.execution_id.in_(fill_ids))
    return {
        "gains": {gain.gain_id: gain for gain in (*gains, *losing)}.values(),
        "wash_sales": washes,
        "lots": _found(connection, tax_lots, Lot, tax_lots.c.lot_id.in_(lot_ids)),
        "fills": from_executions(fills),
    }


def _washes(connection: Connection, gain_ids: Collection[str]) -> list[WashSale]:
    """The wash sales that disallow the gains' losses, or whose losses their fills have taken over."""
    gain, wash = capital_gains.c, wash_sales.c
    touched = or_(
        wash.gain_id == gain.gain_id,
        wash.replacement_execution_id.in_([gain.open_execution_id, gain.close_execution_id]),
    )
    beside = select(gain.gain_id).where(gain.gain_id.in_(gain_ids), touched, lasts_as_long(wash_sales, capital_gains))
    return _found(connection, wash_sales, WashSale, beside.correlate(wash_sales).exists())


def _found(connection: Connection, table: Table, kind: type[Value], where: ColumnElement[bool]) -> list[Value]:
    """The rows that hold `where` as values, in the order of their ids."""
    key = next(iter(table.primary_key.columns))
    return as_values(connection, select_fields(table, kind).where(where).order_by(key), kind)
