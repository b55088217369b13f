"""What every row of the ledger's trading and tax frames must satisfy (pandera), whatever computed it."""

import pandera.pandas as pa
from pandera.typing import Series

from tickledger.domain.order import OrderSide, OrderType

_IDS = {"unique": True, "nullable": False}
#: Sums of decimals are compared as float64 here; the ledger's own constraints compare them exactly.
_CENT = 0.005


class Orders(pa.DataFrameModel):
    """Orders as risk let them out."""

    order_id: Series[str] = pa.Field(**_IDS)
    symbol: Series[str] = pa.Field(str_length={"min_value": 1})
    side: Series[str] = pa.Field(isin=[str(side) for side in OrderSide])
    order_type: Series[str] = pa.Field(isin=[str(kind) for kind in OrderType])
    quantity: Series[float] = pa.Field(gt=0)
    signal_id: Series[str]
    risk_decision_id: Series[str]


class Executions(pa.DataFrameModel):
    """Fills: real shares at a real price; charges are never negative."""

    execution_id: Series[str] = pa.Field(**_IDS)
    order_id: Series[str]
    quantity: Series[float] = pa.Field(gt=0)
    price: Series[float] = pa.Field(gt=0)
    commission: Series[float] = pa.Field(ge=0)
    fees: Series[float] = pa.Field(ge=0)


class Positions(pa.DataFrameModel):
    """Holdings at a close."""

    position_id: Series[str] = pa.Field(**_IDS)
    symbol: Series[str]
    quantity: Series[float] = pa.Field(ne=0)
    average_cost: Series[float] = pa.Field(gt=0)
    close: Series[float] = pa.Field(gt=0)


class Lots(pa.DataFrameModel):
    """Open tax lots: the adjusted basis carries washed losses, so it is never below zero."""

    lot_id: Series[str] = pa.Field(**_IDS)
    open_execution_id: Series[str]
    quantity: Series[float] = pa.Field(ne=0)
    original_basis: Series[float] = pa.Field(ge=0)
    adjusted_basis: Series[float] = pa.Field(ge=0)


class Gains(pa.DataFrameModel):
    """Realized gains: gain_loss = proceeds − basis + disallowed_loss, and no more is disallowed than was lost."""

    gain_id: Series[str] = pa.Field(**_IDS)
    lot_id: Series[str]
    quantity: Series[float] = pa.Field(gt=0)
    disallowed_loss: Series[float] = pa.Field(ge=0)
    term: Series[str] = pa.Field(isin=["S", "L"])

    @pa.dataframe_check
    def gain_loss_follows_from_its_parts(cls, gains: pa.typing.DataFrame) -> Series[bool]:  # noqa: N805 - pandera passes the class
        """The row's own arithmetic holds to the cent."""
        expected = gains["proceeds"] - gains["basis"] + gains["disallowed_loss"]
        return (gains["gain_loss"] - expected).abs() < _CENT

    @pa.dataframe_check
    def no_more_is_disallowed_than_was_lost(cls, gains: pa.typing.DataFrame) -> Series[bool]:  # noqa: N805
        """IRC 1091 takes a loss away; it never makes a gain of it."""
        loss = (gains["basis"] - gains["proceeds"]).clip(lower=0)
        return gains["disallowed_loss"] <= loss + _CENT


class FormLines(pa.DataFrameModel):
    """Rows of Form 8949: column (h) = (d) − (e) + (g)."""

    line_id: Series[str] = pa.Field(**_IDS)
    box: Series[str] = pa.Field(isin=list("ABCDEFGHIJKL"))
    description: Series[str] = pa.Field(str_length={"min_value": 1})

    @pa.dataframe_check
    def column_h_follows(cls, lines: pa.typing.DataFrame) -> Series[bool]:  # noqa: N805
        """Form 8949 instructions, column (h)."""
        return (lines["gain_loss"] - (lines["proceeds"] - lines["basis"] + lines["adjustment"])).abs() < _CENT
