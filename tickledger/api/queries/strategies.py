"""What strategies and models said, and how they did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Engine, func, select

from tickledger.db.tables import model_promotions, model_versions, signals, strategy_performance, symbols
from tickledger.db.versions import current

#: How many of the last days with signals a count is about.
RECENT_DAYS: Final = 60


@dataclass(frozen=True, slots=True)
class PerformanceRow:
    """How a strategy did on an account over a period; returns and ratios are fractions, None where not defined."""

    strategy: str
    start_date: date
    end_date: date
    signals: int
    trades: int
    pnl: Decimal
    win_rate: float | None
    total_return: float | None
    sharpe_ratio: float | None
    sortino_ratio: float | None
    max_drawdown: float | None


@dataclass(frozen=True, slots=True)
class SignalRow:
    """An opinion."""

    signal_id: str
    signalled_at: datetime
    session_date: date
    symbol: str
    strategy: str
    signal_type: str
    confidence: float
    model_version_id: str | None


@dataclass(frozen=True, slots=True)
class SignalCount:
    """How often a strategy said one thing on the last days."""

    strategy: str
    signal_type: str
    number: int


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A trained model; `promoted_at` is when it became champion of its year, None where it never did."""

    model_version_id: str
    name: str
    version: int
    algorithm: str
    trained_for_year: int
    train_start_date: date
    train_end_date: date
    feature_set: str
    metrics: Mapping[str, Any]
    git_commit: str
    recorded_at: datetime
    promoted_at: datetime | None
    is_champion: bool


def performance_rows(engine: Engine, account_id: str, *, limit: int) -> Sequence[PerformanceRow]:
    """The performances of an account in force, the latest periods first."""
    p = strategy_performance.c
    statement = (
        select(
            *(p.strategy, p.start_date, p.session_date, p.num_signals, p.num_trades, p.pnl, p.win_rate),
            *(p.total_return, p.sharpe_ratio, p.sortino_ratio, p.max_drawdown),
        )
        .where(current(strategy_performance), p.account_id == account_id)
        .order_by(p.session_date.desc(), p.strategy, p.start_date)
        .limit(limit)
    )
    with engine.connect() as connection:
        return [PerformanceRow(*row) for row in connection.execute(statement)]


def known_strategies(engine: Engine) -> Sequence[str]:
    """The strategies that said anything on the last days with signals."""
    s = signals.c
    recent = select(s.strategy).where(current(signals), s.session_date >= _since()).distinct().order_by(s.strategy)
    with engine.connect() as connection:
        return list(connection.execute(recent).scalars())


def signal_counts(engine: Engine) -> Sequence[SignalCount]:
    """How often each strategy said what on the last days with signals."""
    s = signals.c
    statement = (
        select(s.strategy, s.signal_type, func.count())
        .where(current(signals), s.session_date >= _since())
        .group_by(s.strategy, s.signal_type)
        .order_by(s.strategy, s.signal_type)
    )
    with engine.connect() as connection:
        return [SignalCount(*row) for row in connection.execute(statement)]


def signal_rows(
    engine: Engine, *, strategy: str = "", symbol: str = "", limit: int, offset: int = 0
) -> Sequence[SignalRow]:
    """A page of signals, the newest first."""
    s = signals.c
    chosen = select(
        *(s.signal_id, s.signalled_at, s.session_date, symbols.c.ticker, s.strategy, s.signal_type, s.confidence),
        s.model_version_id,
    ).join(symbols, symbols.c.symbol_id == s.symbol_id)
    if strategy:
        chosen = chosen.where(s.strategy == strategy)
    if symbol:
        chosen = chosen.where(symbols.c.ticker == symbol)
    statement = (
        chosen.where(current(signals))
        .order_by(s.session_date.desc(), s.signalled_at.desc(), symbols.c.ticker, s.strategy, s.signal_id)
        .limit(limit)
        .offset(offset)
    )
    with engine.connect() as connection:
        return [SignalRow(*row) for row in connection.execute(statement)]


def model_rows(engine: Engine, *, limit: int) -> Sequence[ModelRow]:
    """The models trained last; the champion of a name and year is the one promoted last."""
    m, p = model_versions.c, model_promotions.c
    promoted = select(func.max(p.recorded_at)).where(p.model_version_id == m.model_version_id).scalar_subquery()
    champion = (
        select(p.model_version_id)
        .where(p.name == m.name, p.trained_for_year == m.trained_for_year)
        .order_by(p.promotion_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        select(
            *(m.model_version_id, m.name, m.version, m.algorithm, m.trained_for_year, m.train_start_date),
            *(m.train_end_date, m.feature_set, m.metrics, m.git_commit, m.recorded_at),
            *(promoted, func.coalesce(champion == m.model_version_id, False)),
        )
        .order_by(m.trained_for_year.desc(), m.version.desc())
        .limit(limit)
    )
    with engine.connect() as connection:
        return [ModelRow(*row) for row in connection.execute(statement)]


def _since() -> Any:  # noqa: ANN401  a scalar subquery
    """The last day with signals, less some weeks; read by index, unlike the last so many distinct days."""
    last = select(func.max(signals.c.session_date)).where(current(signals)).scalar_subquery()
    return last - RECENT_DAYS
