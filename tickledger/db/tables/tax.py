"""What the tax engine concludes: lots, what is left of them, realized gains and wash sales.

These rows are a function of executions and corporate actions; a January purchase re-opens December, which
shows here as superseded rows.
"""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY

from tickledger.db.tables import columns as c
from tickledger.domain.instrument import AssetClass
from tickledger.domain.lot import ClosedBy, Term

# Each lot that a gain or an open lot refers to, as it was when last whole: opened, or re-based by a corporate
# action or a wash sale. Negative shares are a short.
tax_lots = Table(
    "tax_lots",
    c.METADATA,
    c.identifier("lot_id"),
    *c.account(),
    c.symbol(),
    c.words("asset_class"),
    c.refers("open_execution_id", "executions.execution_id"),
    c.number("quantity"),
    c.day("acquired_date"),
    c.day("holding_start"),
    c.number("original_basis"),
    c.number("adjusted_basis"),
    c.recorded(),
    c.superseded(),
    c.one_of("asset_class", AssetClass),
    CheckConstraint("quantity <> 0", name="quantity_is_not_zero"),
    c.finite("quantity", "original_basis", "adjusted_basis"),
    Index(None, "account_id"),
    Index(None, "open_execution_id"),
    Index(None, "symbol_id", "acquired_date"),
)

# What is still held of a lot, and the part of its basis that goes with it.
open_lots = Table(
    "open_lots",
    c.METADATA,
    c.identifier("open_lot_id"),
    c.refers("lot_id", "tax_lots.lot_id"),
    *c.account(),
    c.number("quantity"),
    c.number("original_basis"),
    c.number("adjusted_basis"),
    c.recorded(),
    c.superseded(),
    CheckConstraint("quantity <> 0", name="quantity_is_not_zero"),
    c.finite("quantity", "original_basis", "adjusted_basis"),
    c.only_current("lot_id"),
    Index(None, "account_id"),
)

# A lot is disposed of by a closing execution, an option's expiry among them, or by a corporate action (cash in lieu,
# return of capital). `policies` names the unsettled points of the law that the row depends on.
capital_gains = Table(
    "capital_gains",
    c.METADATA,
    c.identifier("gain_id"),
    *c.account(),
    c.symbol(),
    c.words("asset_class"),
    Column("is_short", Boolean, nullable=False),
    c.refers("lot_id", "tax_lots.lot_id"),
    c.refers("open_execution_id", "executions.execution_id"),
    c.refers("close_execution_id", "executions.execution_id", nullable=True),
    c.refers("corporate_action_id", "corporate_actions.corporate_action_id", nullable=True),
    c.number("quantity"),
    c.day("acquired_date"),
    c.day("holding_start"),
    c.day("sold_date"),
    c.number("proceeds"),
    c.number("basis"),
    c.words("adjustment_code"),
    c.number("disallowed_loss"),
    c.number("gain_loss"),
    c.words("term"),
    c.number("permanently_disallowed"),
    Column("tax_year", Integer, nullable=False),
    Column("is_provisional", Boolean, nullable=False),
    c.day("open_until_date", nullable=True),
    c.words("closed_by"),
    Column("policies", ARRAY(Text), nullable=False),
    c.recorded(),
    c.superseded(),
    c.one_of("asset_class", AssetClass),
    c.one_of("term", Term),
    c.one_of("closed_by", ClosedBy),
    c.positive("quantity"),
    c.finite("proceeds", "basis", "gain_loss"),
    c.not_negative("disallowed_loss", "permanently_disallowed"),
    CheckConstraint("num_nonnulls(close_execution_id, corporate_action_id) = 1", name="closed_by_one_event"),
    CheckConstraint(
        "(closed_by = 'corporate_action') = (corporate_action_id IS NOT NULL)", name="closed_by_names_the_event"
    ),
    CheckConstraint("gain_loss = proceeds - basis + disallowed_loss", name="gain_adds_up"),
    CheckConstraint("permanently_disallowed <= disallowed_loss", name="permanent_is_a_part"),
    UniqueConstraint("gain_id", "mode"),
    Index(None, "account_id", "tax_year"),
    Index(None, "lot_id"),
    Index(None, "close_execution_id"),
)

# The adjustments of section 1091, one row each: the loss (a gain row), the shares that took it over and the lot whose
# basis carries it from then on, how many, how much, and under which rule. Like every row here they are never changed,
# only superseded. No lot carries a loss that is lost for good, or that a later sale took over from a short.
wash_sales = Table(
    "wash_sales",
    c.METADATA,
    c.identifier("wash_sale_id"),
    *c.account(),
    c.refers("gain_id", "capital_gains.gain_id"),
    c.refers("replacement_execution_id", "executions.execution_id"),
    c.number("quantity"),
    c.number("disallowed_loss"),
    Column("is_permanent", Boolean, nullable=False),
    c.words("rule"),
    c.refers("replacement_lot_id", "tax_lots.lot_id", nullable=True),
    c.recorded(),
    c.superseded(),
    c.positive("quantity"),
    c.not_negative("disallowed_loss"),
    CheckConstraint("replacement_lot_id IS NULL OR NOT is_permanent", name="lost_for_good_or_in_a_lot"),
    Index(None, "account_id"),
    Index(None, "gain_id"),
    Index(None, "replacement_execution_id"),
    Index(None, "replacement_lot_id"),
)
