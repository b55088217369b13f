"""What parent orders cost, as `tickledger.execution.tca` computes it."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKeyConstraint, Index, Table

from tickledger.db.tables import columns as c
from tickledger.domain.order import OrderSide

order_costs = Table(
    "order_costs",
    c.METADATA,
    c.identifier("order_cost_id"),
    *c.account(),
    c.symbol(),
    c.words("parent_order_id"),
    c.words("side"),
    c.words("algorithm"),
    c.day("session_date"),
    c.number("quantity"),
    c.number("filled_quantity"),
    c.instant("decided_at"),
    c.instant("arrived_at", nullable=True),
    c.instant("first_filled_at", nullable=True),
    c.instant("finished_at"),
    c.number("arrival_price"),
    c.number("end_price"),
    c.number("average_price", nullable=True),
    c.number("interval_vwap", nullable=True),
    Column("market_volume", BigInteger, nullable=False),
    c.number("slippage_bps", nullable=True),
    c.number("vwap_slippage_bps", nullable=True),
    c.number("execution_cost"),
    c.number("opportunity_cost"),
    c.number("fees"),
    Column("fees_are_estimated", Boolean, nullable=False),
    c.number("implementation_shortfall"),
    c.number("shortfall_bps"),
    c.number("participation", nullable=True),
    c.number("spread_capture", nullable=True),
    c.recorded(),
    c.superseded(),
    ForeignKeyConstraint(
        ["parent_order_id", "account_id", "symbol_id"], ["orders.order_id", "orders.account_id", "orders.symbol_id"]
    ),
    c.one_of("side", OrderSide),
    c.positive("quantity", "arrival_price", "end_price", "average_price", "interval_vwap"),
    c.not_negative("participation"),
    CheckConstraint("market_volume >= 0", name="market_volume_is_counted"),
    c.finite(
        *("slippage_bps", "vwap_slippage_bps", "execution_cost", "opportunity_cost", "fees"),
        *("shortfall_bps", "spread_capture"),
    ),
    CheckConstraint("filled_quantity BETWEEN 0 AND quantity", name="fills_no_more_than_decided"),
    CheckConstraint("(average_price IS NULL) = (filled_quantity = 0)", name="average_where_it_filled"),
    CheckConstraint("implementation_shortfall = execution_cost + opportunity_cost + fees", name="shortfall_adds_up"),
    c.only_current("parent_order_id"),
    Index(None, "account_id", "session_date"),
)
