"""The kinds of rows that a lineage is made of: where each is kept, how it reads, and which rows it came from.

A kind is data: the table, a sentence with the row's columns in braces, the columns shown as facts, and the
columns that hold the ids of its parents. Ids that no column of the table holds come from the subqueries in
`more`.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Table,
    and_,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from tickledger.db import tables as t
from tickledger.db.bar_reference import bar_id, referred_bar
from tickledger.db.effective_executions import told_later
from tickledger.db.lineage_kind import Cells, Kind, ids_in, lasts_as_long
from tickledger.db.lineage_reconciliation import BREAK, STATEMENT
from tickledger.db.versions import current
from tickledger.domain.bar import BarKey
from tickledger.domain.corporate_action import CorporateActionKind


def _last_status() -> ScalarSelect[Any]:
    events = t.order_events
    mine = and_(events.c.order_id == t.orders.c.order_id, lasts_as_long(events, t.orders))
    last = select(events.c.status).where(mine).order_by(events.c.sequence.desc()).limit(1)
    return last.correlate(t.orders).scalar_subquery()


def _filled() -> ScalarSelect[Any]:
    fills = t.executions
    mine = and_(fills.c.order_id == t.orders.c.order_id, lasts_as_long(fills, t.orders))
    quantity = func.coalesce(told_later(t.execution_corrections, "quantity"), fills.c.quantity)
    total = select(func.coalesce(func.sum(quantity), 0)).where(mine)
    return total.correlate(t.orders).scalar_subquery()


def _corrected(figure: str) -> ColumnElement[Any]:
    """What was told of an execution later; of one without an order of ours, by the row in force that corrects it."""
    foreign, fills = t.foreign_executions, t.executions
    same = (foreign.c[name] == fills.c[name] for name in ("account_id", "execution_id"))
    restated = select(foreign.c[figure]).where(*same, current(foreign), foreign.c.corrects != "")
    return func.coalesce(told_later(t.execution_corrections, figure), restated.correlate(fills).scalar_subquery())


def _gave(held: Table) -> ColumnElement[bool]:
    """That a corporate action gave or changed the shares of a position since it was opened."""
    actions = t.corporate_actions
    return and_(
        or_(actions.c.symbol_id == held.c.symbol_id, actions.c.new_symbol_id == held.c.symbol_id),
        actions.c.kind != CorporateActionKind.DIVIDEND,
        actions.c.ex_date > held.c.opened_date,
        actions.c.ex_date <= held.c.session_date,
        lasts_as_long(actions, held),
    )


def _changed_by() -> ScalarSelect[Any]:
    return ids_in(t.corporate_actions.c.corporate_action_id, _gave(t.positions), of=t.positions)


def _built_from() -> ScalarSelect[Any]:
    """The fills since the position was opened, also under a symbol that has become this one or spun it off."""
    fills, held = t.executions, t.positions
    sources = select(t.corporate_actions.c.symbol_id).where(_gave(held)).correlate(held)
    mine = and_(
        fills.c.account_id == held.c.account_id,
        or_(fills.c.symbol_id == held.c.symbol_id, fills.c.symbol_id.in_(sources)),
        fills.c.trade_date.between(held.c.opened_date, held.c.session_date),
        lasts_as_long(fills, held),
    )
    return ids_in(fills.c.execution_id, mine, of=held)


def _carried_into() -> ScalarSelect[Any]:
    """The wash sales whose disallowed loss the lot's basis carries: those that name the lot, or what it was before.

    A corporate action makes a lot of another id; its purchase and the start of its holding period stay the same.
    """
    losses, lots = t.wash_sales, t.tax_lots
    former, naming = lots.alias("former"), losses.alias("naming")
    is_named = select(naming.c.wash_sale_id).where(naming.c.replacement_lot_id == lots.c.lot_id).correlate(lots)
    was_held_as_long = select(former.c.lot_id).where(
        former.c.lot_id == losses.c.replacement_lot_id, former.c.holding_start == lots.c.holding_start
    )
    is_former_self = and_(
        ~is_named.exists(),
        losses.c.replacement_execution_id == lots.c.open_execution_id,
        or_(losses.c.replacement_lot_id.is_(None), was_held_as_long.correlate(losses, lots).exists()),
    )
    mine = and_(
        ~losses.c.is_permanent,
        lots.c.adjusted_basis != lots.c.original_basis,
        or_(losses.c.replacement_lot_id == lots.c.lot_id, is_former_self),
        lasts_as_long(losses, lots),
    )
    return ids_in(losses.c.wash_sale_id, mine, of=lots)


def _trained_on() -> ScalarSelect[Any]:
    """The ingestions that brought the bars of the sessions the model was trained on."""
    bars, models = t.market_data, t.model_versions
    mine = and_(
        bars.c.session_date.between(models.c.train_start_date, models.c.train_end_date), bars.c.superseded_at.is_(None)
    )
    found = select(func.array_agg(bars.c.ingestion_id.distinct())).where(mine)
    return found.correlate(models).scalar_subquery()


def _still_open() -> ScalarSelect[Any]:
    left = select(t.open_lots.c.quantity).where(t.open_lots.c.lot_id == t.tax_lots.c.lot_id)
    return left.where(t.open_lots.c.superseded_at.is_(None)).correlate(t.tax_lots).scalar_subquery()


def _bars_among(ids: Sequence[str]) -> ColumnElement[bool]:
    keys = [BarKey.parse(identity) for identity in ids]
    bars = t.market_data.c
    wanted = [(key.symbol, key.interval, key.bar_at, key.version) for key in keys]
    # The bare instants beside the tuples let PostgreSQL leave out the years that none of them is in.
    return and_(
        tuple_(t.symbols.c.ticker, bars.interval, bars.bar_at, bars.version).in_(wanted),
        bars.bar_at.in_([key.bar_at for key in keys]),
    )


def _checks(row: Cells) -> dict[str, str]:
    return {
        check["name"]: f"{_tidy(check['value'])} of {_tidy(check['limit'])}, {_VERDICT[check['is_passed']]}"
        for check in row["checks"]
    }


def _tidy(number: str) -> str:
    return f"{Decimal(number).normalize():f}"


_VERDICT: Final = {True: "passed", False: "refused"}
_VERSION: Final = t.market_data.c
_ACCOUNT: Final = ("account_id", "mode")
_COSTS: Final = ("executed_at", "commission", "fees", "commission_is_estimated", "exchange")

_KINDS: Final = (
    Kind(
        "schd",
        t.schedule_d,
        t.schedule_d.c.schedule_d_id,
        "of {taxpayer} for {tax_year} ({mode})",
        ("watermark",),
        (("line", "line_ids"),),
        {
            "line_ids": ids_in(
                t.schedule_d_lines.c.line_id,
                t.schedule_d_lines.c.schedule_d_id == t.schedule_d.c.schedule_d_id,
                of=t.schedule_d,
            )
        },
        details=lambda row: {f"line {name}": amount for name, amount in row["results"].items()},
    ),
    Kind(
        "line",
        t.form_lines,
        t.form_lines.c.line_id,
        "Form 8949 box {box} of {tax_year}: {description}, sold {date_sold}, gain or loss {gain_loss}",
        (
            *("taxpayer", "mode", "date_acquired", "proceeds", "basis", "codes", "adjustment"),
            *("direct_entry", "watermark"),
        ),
        (("gain", "gain_ids"),),
        {
            "gain_ids": select(
                func.array_agg(aggregate_order_by(t.form_line_gains.c.gain_id, t.form_line_gains.c.ordinal))
            )
            .where(t.form_line_gains.c.line_id == t.form_lines.c.line_id)
            .correlate(t.form_lines)
            .scalar_subquery()
        },
    ),
    Kind(
        "gain",
        t.capital_gains,
        t.capital_gains.c.gain_id,
        "{quantity} {symbol} sold {sold_date}: proceeds {proceeds} − basis {basis} + disallowed {disallowed_loss}"
        " = {gain_loss}",
        (
            *(*_ACCOUNT, "term", "acquired_date", "holding_start", "adjustment_code", "permanently_disallowed"),
            *("tax_year", "is_provisional", "open_until_date", "closed_by", "policies"),
        ),
        (("lot", "lot_id"), ("exec", "close_execution_id"), ("ca", "corporate_action_id"), ("wash", "wash_sale_ids")),
        {
            "wash_sale_ids": ids_in(
                t.wash_sales.c.wash_sale_id,
                t.wash_sales.c.gain_id == t.capital_gains.c.gain_id,
                lasts_as_long(t.wash_sales, t.capital_gains),
                of=t.capital_gains,
            )
        },
    ),
    Kind(
        "wash",
        t.wash_sales,
        t.wash_sales.c.wash_sale_id,
        "{quantity} shares replaced, {disallowed_loss} of the loss disallowed",
        (*_ACCOUNT, "is_permanent", "rule", "gain_id", "replacement_lot_id"),
        (("gain", "gain_id"), ("exec", "replacement_execution_id")),
    ),
    Kind(
        "lot",
        t.tax_lots,
        t.tax_lots.c.lot_id,
        "{quantity} {symbol} acquired {acquired_date}, basis {adjusted_basis}",
        (*_ACCOUNT, "asset_class", "holding_start", "original_basis", "adjusted_basis", "still_open"),
        (("exec", "open_execution_id"), ("wash", "wash_sale_ids")),
        {"wash_sale_ids": _carried_into(), "still_open": _still_open()},
    ),
    Kind(
        "exec",
        t.executions,
        t.executions.c.execution_id,
        "{side} {quantity} {symbol} at {price} on {trade_date}",
        (*_ACCOUNT, *_COSTS, "corrected_quantity", "corrected_price", "charged"),
        (("ord", "order_id"), ("bar", "bar_id")),
        {
            "bar_id": referred_bar(t.executions),
            "corrected_quantity": _corrected("quantity"),
            "corrected_price": _corrected("price"),
            "charged": told_later(t.commission_reports, "commission"),
        },
    ),
    Kind(
        "ord",
        t.orders,
        t.orders.c.order_id,
        "{order_type} to {side} {quantity} {symbol} on {session_date}: {status}",
        (*_ACCOUNT, "submitted_at", "time_in_force", "limit_price", "stop_price", "filled"),
        (("sig", "signal_id"), ("risk", "risk_decision_id"), ("ord", "parent_order_id")),
        {"status": _last_status(), "filled": _filled()},
    ),
    Kind(
        "risk",
        t.risk_decisions,
        t.risk_decisions.c.risk_decision_id,
        "lets {approved_quantity} of {requested_quantity} {symbol} pass to {side} on {session_date}",
        (*_ACCOUNT, "decided_at", "reason"),
        (("sig", "signal_id"),),
        details=_checks,
    ),
    Kind(
        "sig",
        t.signals,
        t.signals.c.signal_id,
        "{strategy} says {signal_type} {symbol} after {session_date}, confidence {confidence}",
        ("signalled_at",),
        (("sig", "component_ids"), ("model", "model_version_id"), ("feat", "feature_row_id")),
        {
            "component_ids": ids_in(
                t.signal_components.c.component_id,
                t.signal_components.c.signal_id == t.signals.c.signal_id,
                of=t.signals,
            )
        },
        details=lambda row: dict(row["metadata"]),
    ),
    Kind(
        "model",
        t.model_versions,
        t.model_versions.c.model_version_id,
        "{name} {version}, {algorithm}, trained for {trained_for_year}",
        (
            *("train_start_date", "train_end_date", "feature_set", "data_sha256", "fingerprint"),
            *("git_commit", "git_diff_sha256", "mlflow_run_id"),
        ),
        (("ing", "ingestion_ids"),),
        {"ingestion_ids": _trained_on()},
        details=lambda row: dict(row["metrics"]),
    ),
    Kind(
        "feat",
        t.feature_snapshots,
        t.feature_snapshots.c.feature_row_id,
        "of {symbol} at {bar_at}",
        (),
        (("bar", "bar_id"),),
        {"bar_id": referred_bar(t.feature_snapshots)},
        details=lambda row: dict(row["features"]),
    ),
    Kind(
        "bar",
        t.market_data,
        bar_id(_VERSION.interval, _VERSION.bar_at, _VERSION.version),
        "{symbol} {interval} {session_date}: open {open}, high {high}, low {low}, close {close}, volume {volume}",
        ("bar_at", "version"),
        (("ing", "ingestion_id"),),
        among=_bars_among,
    ),
    Kind(
        "ca",
        t.corporate_actions,
        t.corporate_actions.c.corporate_action_id,
        "{kind} of {symbol}, ex {ex_date}",
        ("ratio", "amount", "fmv_old", "fmv_new", "cash_in_lieu"),
        (("ing", "ingestion_id"),),
    ),
    Kind(
        "cash",
        t.cash_transactions,
        t.cash_transactions.c.cash_transaction_id,
        "{kind} of {amount} on {session_date}",
        (*_ACCOUNT, "symbol", "description"),
        (("ca", "corporate_action_id"),),
    ),
    Kind(
        "pos",
        t.positions,
        t.positions.c.position_id,
        "{quantity} {symbol} at the close of {session_date}, average cost {average_cost}",
        (*_ACCOUNT, "close", "unrealized_pnl", "opened_date"),
        (("exec", "execution_ids"), ("ca", "corporate_action_ids"), ("bar", "bar_id")),
        {
            "execution_ids": _built_from(),
            "corporate_action_ids": _changed_by(),
            "bar_id": referred_bar(t.positions),
        },
    ),
    Kind(
        "quar",
        t.quarantine,
        t.quarantine.c.quarantine_id,
        "refused row of {location}: expected {expected}, found {found}",
        ("row_number", "column_name", "severity"),
        (("ing", "ingestion_id"),),
        details=lambda row: dict(row["record"]),
    ),
    Kind(
        "ing",
        t.ingestions,
        t.ingestions.c.ingestion_id,
        "{dataset} brought from {source}",
        ("sha256", "window_start", "window_end", "recorded_at"),
    ),
    BREAK,
    STATEMENT,
)

#: Every kind by the prefix of its ids.
KINDS: Final[Mapping[str, Kind]] = {kind.prefix: kind for kind in _KINDS}
