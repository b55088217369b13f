"""Strategies and models: how they did, what they say, which model speaks and what it was trained on."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from dash import html

from tickledger.api.dashboard.components import (
    PAGE_ROWS,
    Column,
    badge,
    choice_filter,
    chosen_tab,
    lineage_link,
    pager,
    panel,
    signed,
    table,
    tabs,
)
from tickledger.api.dashboard.formats import NOTHING, clock_time, count, day, moment, number, pct, usd, words
from tickledger.api.dashboard.page import Children, Look, Page
from tickledger.api.queries.orders import known_symbols
from tickledger.api.queries.strategies import (
    RECENT_DAYS,
    ModelRow,
    PerformanceRow,
    SignalRow,
    known_strategies,
    model_rows,
    performance_rows,
    signal_counts,
    signal_rows,
)
from tickledger.domain.signal import Signal, SignalType

_TABS: Final = (("performance", "Performance"), ("signals", "Signals"), ("models", "Models"))
_MOST: Final = 100
_TONES: Final = {SignalType.BUY: "good", SignalType.SELL: "bad"}
_VALIDATION: Final = "validation_"


def head(look: Look) -> Children:
    """Filters of the signals."""
    strategies = [(name, words(name)) for name in known_strategies(look.engine)]
    listed = [(symbol, symbol) for symbol in known_symbols(look.engine)]
    return html.Div(
        [
            choice_filter("strategy", "Strategy of signals", look.address.get("strategy"), strategies),
            choice_filter("symbol", "Symbol of signals", look.address.get("symbol"), listed),
        ],
        className="filters panel",
    )


def body(look: Look) -> Children:
    """The part that was chosen."""
    draw = {"performance": _performance, "signals": _signals, "models": _models}
    return [
        html.Div(tabs(look.address, "show", _TABS), className="bar"),
        draw[chosen_tab(look.address, "show", _TABS)](look),
    ]


def _performance(look: Look) -> Children:
    columns: Sequence[Column[PerformanceRow]] = (
        Column("Strategy", lambda row: words(row.strategy)),
        Column("From", lambda row: day(row.start_date)),
        Column("To", lambda row: day(row.end_date)),
        Column("Signals", lambda row: count(row.signals), is_number=True),
        Column("Fills", lambda row: count(row.trades), is_number=True),
        Column("P&L, USD", lambda row: signed(usd(row.pnl, signed=True), row.pnl), is_number=True),
        Column("Return", lambda row: signed(pct(row.total_return, signed=True), row.total_return), is_number=True),
        Column("Sharpe", lambda row: number(row.sharpe_ratio), is_number=True),
        Column("Sortino", lambda row: number(row.sortino_ratio), is_number=True),
        Column("Deepest drawdown", lambda row: pct(_down(row.max_drawdown)), is_number=True),
        Column(
            "Won", lambda row: pct(row.win_rate), is_number=True, hint="part of the closing fills that earned money"
        ),
    )
    rows = performance_rows(look.engine, look.account_id, limit=_MOST)
    empty = "No performance of this account is recorded: the asset reports/performance makes it, at the end of the day."
    return panel("Performance", table("Performance of strategies", columns, rows, empty=empty))


def _signals(look: Look) -> Sequence[Children]:
    offset = look.address.number("page") * PAGE_ROWS
    rows = signal_rows(
        look.engine,
        strategy=look.address.get("strategy"),
        symbol=look.address.get("symbol"),
        limit=PAGE_ROWS + 1,
        offset=offset,
    )
    columns: Sequence[Column[SignalRow]] = (
        Column("Signalled, New York", lambda row: moment(row.signalled_at)),
        Column("Symbol", lambda row: row.symbol),
        Column("Strategy", lambda row: words(row.strategy)),
        Column("Says", lambda row: _opinion(SignalType(row.signal_type))),
        Column("Confidence", lambda row: pct(row.confidence), is_number=True),
        Column(
            "Model", lambda row: lineage_link(row.model_version_id, look.address) if row.model_version_id else NOTHING
        ),
        Column("Signal", lambda row: lineage_link(row.signal_id, look.address)),
    )
    made = table("Signals", columns, rows[:PAGE_ROWS], empty="No signal matches.")
    return [
        *_live_signals(look),
        panel("What was said lately", _counts(look), hint=f"Signals in force of the last {RECENT_DAYS} days."),
        panel("Signals", made, pager(look.address, has_more=len(rows) > PAGE_ROWS)),
    ]


def _live_signals(look: Look) -> Sequence[Children]:
    if not look.live.signals:
        return []
    columns: Sequence[Column[Signal]] = (
        Column("Symbol", lambda row: row.symbol),
        Column("Strategy", lambda row: words(row.strategy)),
        Column("Says", lambda row: _opinion(row.signal_type)),
        Column("Confidence", lambda row: pct(row.confidence), is_number=True),
        Column("Market time", lambda row: clock_time(row.signalled_at)),
    )
    return [panel("Now", table("Signals of the running session", columns, look.live.signals))]


def _counts(look: Look) -> Children:
    by_strategy: dict[str, dict[str, int]] = defaultdict(dict)
    for one in signal_counts(look.engine):
        by_strategy[one.strategy][one.signal_type] = one.number
    kinds = [str(kind) for kind in SignalType]
    columns: Sequence[Column[tuple[str, dict[str, int]]]] = (
        Column("Strategy", lambda row: words(row[0])),
        *(_count_column(kind) for kind in kinds),
    )
    return table("Signals by strategy", columns, list(by_strategy.items()), empty="No signal is recorded.")


def _count_column(kind: str) -> Column[tuple[str, dict[str, int]]]:
    return Column(words(kind.lower()), lambda row: count(row[1].get(kind, 0)), is_number=True)


def _models(look: Look) -> Children:
    columns: Sequence[Column[ModelRow]] = (
        Column("Model", lambda row: f"{row.name} {row.version}"),
        Column("", lambda row: badge("champion", "good") if row.is_champion else ""),
        Column("Algorithm", lambda row: words(row.algorithm)),
        Column("For", lambda row: str(row.trained_for_year), is_number=True),
        Column("Trained on", lambda row: f"{day(row.train_start_date)} to {day(row.train_end_date)}"),
        Column("Features", lambda row: row.feature_set),
        Column("Accuracy", lambda row: _metric(row, "accuracy"), is_number=True),
        Column("Base rate", lambda row: _metric(row, "base_rate"), is_number=True, hint="accuracy of always the same"),
        Column("ROC AUC", lambda row: _metric(row, "roc_auc"), is_number=True),
        Column("Log loss", lambda row: _metric(row, "log_loss"), is_number=True),
        Column("Version", lambda row: lineage_link(row.model_version_id, look.address)),
    )
    rows = model_rows(look.engine, limit=_MOST)
    empty = "No model is trained: the asset models/direction makes them, or `tickledger demo`."
    hint = "No version has seen the year it speaks for; metrics are those of validation. MLflow has the rest."
    return panel("Model versions", table("Model versions", columns, rows, empty=empty), hint=hint)


def _metric(row: ModelRow, name: str) -> str:
    value = row.metrics.get(_VALIDATION + name, row.metrics.get(name))
    return number(value, places=3) if isinstance(value, int | float) else NOTHING


def _opinion(kind: SignalType) -> Children:
    return badge(words(str(kind).lower()), _TONES.get(kind, "neutral"))


def _down(drawdown: float | None) -> float | None:
    return None if drawdown is None else -abs(drawdown)


PAGE: Final = Page("/strategies", "Strategies", "Strategies and models", body, head)
