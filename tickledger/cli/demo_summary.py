"""What the demonstration left behind, for a person or as one JSON document."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from tickledger.cli.console import out

if TYPE_CHECKING:
    from rich.table import Table

    from tickledger.backtest.performance import StrategyPerformance
    from tickledger.db.connect import Connections
    from tickledger.domain.model import ModelVersion
    from tickledger.tax.form_8949 import FormLine

SHOWN_LINES = 6


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """The demonstration in figures; money in USD, returns as fractions."""

    tax_year: int
    watermark: str
    rows: dict[str, int]
    champions: list[dict[str, object]]
    years: list[dict[str, object]]
    form_8949: list[dict[str, object]]
    form_8949_rows: int
    wash_sales: int
    disallowed_loss: str
    net_gain: str
    refused: int
    charges: str
    explain: str
    home: str
    exports: str


def summarize(connections: "Connections", *, home: Path, tax_year: int) -> DemoSummary:
    """Read the figures of the demonstration back from the ledger."""
    from tickledger.db.counts import current_rows
    from tickledger.db.engine import create_ledger_engine
    from tickledger.db.models import read_model_versions
    from tickledger.db.reports import read_form_lines, read_strategy_performance
    from tickledger.db.tax import read_wash_sales
    from tickledger.db.trading import read_accounts, read_executions, read_risk_decisions

    engine = create_ledger_engine(connections.ledger_url)
    account = read_accounts(engine)[0]
    lines = read_form_lines(engine, taxpayer=account.owner, mode=account.mode, tax_year=tax_year)
    executions = read_executions(engine)
    summary = DemoSummary(
        tax_year=tax_year,
        watermark=next((line.watermark or "" for line in lines), ""),
        rows=dict(current_rows(engine)),
        champions=[_champion(model) for model in read_model_versions(engine, "direction") if model.is_champion],
        years=[_year(row) for row in read_strategy_performance(engine) if _is_of_a_year(row)],
        form_8949=[_line(line) for line in _telling(lines)],
        form_8949_rows=len(lines),
        wash_sales=len(read_wash_sales(engine, years=[tax_year])),
        disallowed_loss=_money(sum((line.adjustment for line in lines), Decimal(0))),
        net_gain=_money(sum((line.gain_loss for line in lines), Decimal(0))),
        refused=sum(not decision.is_approved for decision in read_risk_decisions(engine)),
        charges=_money(sum((row.commission + row.fees for row in executions), Decimal(0))),
        explain=next((line.line_id for line in lines if "W" in line.codes), lines[0].line_id if lines else ""),
        home=str(home),
        exports=str(home / "exports"),
    )
    engine.dispose()
    return summary


def _telling(lines: Sequence["FormLine"]) -> list["FormLine"]:
    """The head of the form, with a wash sale among it where there is one."""
    head = list(lines[:SHOWN_LINES])
    washed = next((line for line in lines if "W" in line.codes), None)
    return head if washed is None or washed in head else [*head[:-1], washed]


def _champion(model: "ModelVersion") -> dict[str, object]:
    return {
        "year": model.trained_for_year,
        "algorithm": model.algorithm,
        "version": model.version,
        "trained_through": model.train_end_date.isoformat(),
        "log_loss": round(model.metrics["validation_log_loss"], 4),
    }


def _is_of_a_year(row: "StrategyPerformance") -> bool:
    """Whether a row is a strategy's in one calendar year: neither the account's own nor that to date."""
    return not row.strategy.startswith("(") and row.start_date.year == row.session_date.year


def _year(row: "StrategyPerformance") -> dict[str, object]:
    return {
        "year": row.session_date.year,
        "pnl": _money(row.pnl),
        "total_return": row.total_return,
        "sharpe": row.sharpe_ratio,
        "max_drawdown": row.max_drawdown,
        "trades": row.num_trades,
        "win_rate": row.win_rate,
    }


def _line(line: "FormLine") -> dict[str, object]:
    return {
        "line_id": line.line_id,
        "box": line.box,
        "description": line.description,
        "acquired": "VARIOUS" if line.date_acquired is None else line.date_acquired.isoformat(),
        "sold": line.date_sold.isoformat(),
        "proceeds": _money(line.proceeds),
        "basis": _money(line.basis),
        "codes": line.codes,
        "adjustment": _money(line.adjustment),
        "gain_loss": _money(line.gain_loss),
    }


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def print_summary(summary: DemoSummary, *, as_json: bool) -> None:
    """Print `summary` on stdout: one JSON document, or tables and what to look at next."""
    if as_json:
        out.print_json(data=asdict(summary))
        return
    out.print(_lineage(summary))
    out.print(_form(summary))
    out.print(_next_steps(summary))


def _lineage(summary: DemoSummary) -> "Table":
    from rich.table import Table

    table = Table(title="The lineage in the ledger", title_justify="left", show_header=False, box=None)
    table.add_column(style="bold")
    table.add_column()
    for stage, told in _stages(summary):
        table.add_row(stage, told)
    return table


def _stages(summary: DemoSummary) -> list[tuple[str, str]]:
    rows = summary.rows
    champions = ", ".join(f"{model['year']} {model['algorithm']}" for model in summary.champions)
    results = ", ".join(
        f"{year['year']} {_percent(year['total_return'])} (Sharpe {_ratio(year['sharpe'])})" for year in summary.years
    )
    return [
        ("market data", f"{rows['market_data']:,} daily bars, {rows['corporate_actions']} corporate actions"),
        ("features", f"{rows['feature_snapshots']:,} feature rows behind signals"),
        ("models", f"{rows['model_versions']} versions, champions {champions}"),
        ("signals", f"{rows['signals']:,} of four strategies"),
        ("orders", f"{rows['orders']} accepted, {summary.refused} refused by risk"),
        ("fills", f"{rows['executions']}, {summary.charges} USD commissions and fees"),
        ("positions", f"{rows['positions']} holdings at a close"),
        ("performance", results),
        ("tax lots", f"{rows['tax_lots']} lots, {rows['open_lots']} still open"),
        ("gains", f"{rows['capital_gains']} realized, {rows['wash_sales']} wash sales"),
    ]


def _form(summary: DemoSummary) -> "Table":
    from rich.table import Table

    title = f"\nForm 8949, tax year {summary.tax_year}: {len(summary.form_8949)} of {summary.form_8949_rows} rows"
    table = Table(title=title, caption=_totals(summary), box=None, padding=(0, 1, 0, 0))
    table.title_justify = table.caption_justify = "left"
    for name in ("box", "(a)", "(b) from", "(c) sold"):
        table.add_column(name, no_wrap=True)
    for name in ("(d)", "(e) basis", "(f)", "(g)", "(h) gain"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in summary.form_8949:
        table.add_row(*(str(line[name]) for name in _FORM_COLUMNS))
    return table


_FORM_COLUMNS = (
    "box",
    "description",
    "acquired",
    "sold",
    "proceeds",
    "basis",
    "codes",
    "adjustment",
    "gain_loss",
)


def _totals(summary: DemoSummary) -> str:
    return (
        f"net {summary.net_gain} USD, {summary.disallowed_loss} USD of losses disallowed in "
        f"{summary.wash_sales} wash sales\n{summary.watermark}"
    )


def _next_steps(summary: DemoSummary) -> "Table":
    from rich.table import Table

    table = Table(title="\nWhere to look", title_justify="left", show_header=False, box=None)
    table.add_column(style="bold")
    table.add_column()
    table.add_row("files", summary.exports)
    table.add_row("one row, traced", f"tickledger explain {summary.explain}")
    table.add_row("graph, runs, models", "tickledger up")
    return table


def _percent(value: object) -> str:
    return "n/a" if not isinstance(value, float) else f"{value:+.1%}"


def _ratio(value: object) -> str:
    return "n/a" if not isinstance(value, float) else f"{value:.2f}"
