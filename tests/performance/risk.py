"""Pre-trade checks of an account with 500 positions, the kill switch, and the question what a fill would disallow.

Anchor of the same run: summing the notional of every position once, which is what a check would cost at least if it
looked at all of them.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from rich.table import Table
from sqlalchemy import Engine

from tickledger.db.kill_switch import read_kill_switch_state
from tickledger.domain.kill_switch import KillSwitchState
from tickledger.domain.order import CONTROL_LIMIT_UNITS, RISK_LIMIT_UNITS, OrderSide, OrderType, RiskLimit
from tickledger.domain.signal import OrderIntent
from tickledger.domain.wash_sale import WashSaleEffect
from tickledger.execution.tax_history import TaxHistory
from tickledger.execution.wash_sale_awareness import WashSaleAwareness
from tickledger.risk.buying_power import BuyingPowerRule, MarginTerms
from tickledger.risk.exposure import Exposure
from tickledger.risk.order_controls import OrderControls, OrderFacts
from tickledger.risk.order_flow import OrderFlow
from tickledger.risk.pre_trade import PreTradeRisk
from tickledger.tax.fills import Fill

POSITIONS = 500
CHECKS = 2_000
DAY = date(2026, 6, 10)
NOW = datetime(2026, 6, 10, 15, tzinfo=UTC)
SYMBOLS = [f"SYM{number:03d}" for number in range(POSITIONS)]
SECTORS = {symbol: f"sector {number % 11}" for number, symbol in enumerate(SYMBOLS)}
LIMITS = [RiskLimit("U1", name, Decimal(10**9), date(2026, 1, 1)) for name in (*RISK_LIMIT_UNITS, *CONTROL_LIMIT_UNITS)]


def exposure() -> Exposure:
    """An account with 500 positions, none of its sums made yet."""
    return Exposure(
        equity=Decimal(10_000_000),
        cash=Decimal(1_000_000),
        quantities={symbol: Decimal(100 + number) for number, symbol in enumerate(SYMBOLS)},
        prices={symbol: Decimal(f"{20 + number % 90}.37") for number, symbol in enumerate(SYMBOLS)},
        average_costs={symbol: Decimal(f"{19 + number % 90}.11") for number, symbol in enumerate(SYMBOLS)},
    )


def rules(*, has_controls: bool, rule: BuyingPowerRule = BuyingPowerRule.REG_T) -> PreTradeRisk:
    """Limits that nothing reaches; with all controls or with the limits of the account alone."""
    flow = OrderFlow()
    facts = OrderFacts(flow=flow, kill_switch=KillSwitchState(), wash_sale=WashSaleEffect())
    controls = OrderControls(
        facts=lambda _: facts,
        average_daily_volumes=dict.fromkeys(SYMBOLS, Decimal(1_000_000)),
        margin=MarginTerms(rule),
    )
    return PreTradeRisk(LIMITS, _cost, SECTORS, controls=controls if has_controls else None)


def _cost(side: OrderSide, quantity: Decimal, price: Decimal, _on: date) -> Decimal:
    return side.sign * quantity * price + 1


def intents() -> list[OrderIntent]:
    """Purchases of one symbol after another, ten milliseconds apart."""
    return [
        OrderIntent(
            account_id="U1",
            symbol=SYMBOLS[number % POSITIONS],
            side=OrderSide.BUY,
            quantity=Decimal(1 + number // POSITIONS),
            order_type=OrderType.LIMIT,
            reference_price=Decimal("50.25"),
            signal_id=f"sig_{number}",
            intended_at=NOW + timedelta(milliseconds=10 * number),
            session_date=DAY,
            limit_price=Decimal("50.30"),
        )
        for number in range(CHECKS)
    ]


def percentiles(work: Callable[[int], object], times: int) -> tuple[float, float]:
    """Milliseconds of the median and of the 99th percentile of single calls."""
    spent = []
    for number in range(times):
        start = time.perf_counter()
        work(number)
        spent.append(1_000 * (time.perf_counter() - start))
    spent.sort()
    return spent[times // 2], spent[times * 99 // 100]


def table_of_risk(ledger: Engine | None = None) -> Table:
    """Every measurement; the kill switch only where there is a ledger."""
    table = Table("what", "p50 ms", "p99 ms", "p99 / anchor", "limit ms", title=f"Risk, {POSITIONS} positions")
    _, anchor = percentiles(lambda _: exposure().gross_notional(), 500)
    asked, held = intents(), exposure()
    cases: list[tuple[str, Callable[[int], object], int, str]] = []
    for name, has_controls in (("limits of the account", False), ("with all controls", True)):
        known, fresh = rules(has_controls=has_controls), rules(has_controls=has_controls)
        cases += [
            (f"check, {name}", _check(known, asked, held), CHECKS, "1"),
            (f"check, {name}, nothing summed before", _fresh_check(fresh, asked), CHECKS // 4, "1"),
        ]
    cases.append(("bringing the sums up to date with a fill", lambda number: _moved(held, number), CHECKS, ""))
    awareness = WashSaleAwareness(TaxHistory(_history()))
    cases += [
        ("wash sales, nothing in 30 days", lambda _: awareness.of_intent(_of("QUIET")), 500, ""),
        ("wash sales, engine with the fill", lambda _: awareness.of_intent(_of("BUSY")), 50, ""),
    ]
    if ledger is not None:
        cases.append(("kill switch, read from the database", lambda _: read_kill_switch_state(ledger), 500, "1"))
    for name, work, times, limit in cases:
        median, late = percentiles(work, times)
        table.add_row(name, f"{median:.3f}", f"{late:.3f}", f"{late / anchor:.2f}", limit)
    return table


def _check(rules_of: PreTradeRisk, asked: list[OrderIntent], held: Exposure) -> Callable[[int], object]:
    return lambda number: rules_of.check(asked[number], held)


def _fresh_check(rules_of: PreTradeRisk, asked: list[OrderIntent]) -> Callable[[int], object]:
    snapshots = [exposure() for _ in range(CHECKS // 4)]
    return lambda number: rules_of.check(asked[number], snapshots[number])


def _moved(held: Exposure, number: int) -> Exposure:
    return held.moved(SYMBOLS[number % POSITIONS], quantity=Decimal(number + 1), price=Decimal(51))


def _history() -> list[Fill]:
    """Losses and purchases of one symbol up to the day, and of another long ago."""
    fills = [_fill(0, "QUIET", "BUY", quantity=100, price=10, on=DAY - timedelta(days=400))]
    for number in range(100):
        side, price = ("BUY", 50) if number % 2 == 0 else ("SELL", 45)
        fills.append(_fill(number + 1, "BUSY", side, quantity=10, price=price, on=DAY - timedelta(days=100 - number)))
    return fills


def _fill(number: int, symbol: str, side: str, *, quantity: int, price: int, on: date) -> Fill:
    amount = Decimal(quantity * price)
    return Fill(f"E{number}", f"O{number}", "U1", symbol, OrderSide(side), Decimal(quantity), amount, Decimal(0), on)


def _of(symbol: str) -> OrderIntent:
    return OrderIntent(
        account_id="U1",
        symbol=symbol,
        side=OrderSide.BUY,
        quantity=Decimal(10),
        order_type=OrderType.MARKET,
        reference_price=Decimal(46),
        signal_id="sig",
        intended_at=NOW,
        session_date=DAY,
    )
