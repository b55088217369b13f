"""What every row of the ledger's trading and tax frames must satisfy (pandera), whatever computed it."""

import pandas as pd
import pandera.pandas as pa

from tickledger.domain.order import OrderSide, OrderType

#: Sums of decimals are compared as float64 here; the ledger's own constraints compare them exactly.
_CENT = 0.005


class Orders(pa.DataFrameModel):
    """Orders as risk let them out."""

    order_id: str = pa.Field(unique=True)
    symbol: str = pa.Field(str_length={"min_value": 1})
    side: str = pa.Field(isin=[str(side) for side in OrderSide])
    order_type: str = pa.Field(isin=[str(kind) for kind in OrderType])
    quantity: float = pa.Field(gt=0)
    signal_id: str
    risk_decision_id: str


class Executions(pa.DataFrameModel):
    """Fills: real shares at a real price; charges are never negative."""

    execution_id: str = pa.Field(unique=True)
    order_id: str
    quantity: float = pa.Field(gt=0)
    price: float = pa.Field(gt=0)
    commission: float = pa.Field(ge=0)
    fees: float = pa.Field(ge=0)


class Positions(pa.DataFrameModel):
    """Holdings at a close."""

    position_id: str = pa.Field(unique=True)
    symbol: str
    quantity: float = pa.Field(ne=0)
    average_cost: float = pa.Field(ge=0)
    close: float = pa.Field(gt=0)


class Lots(pa.DataFrameModel):
    """Open tax lots: the adjusted basis carries washed losses, so it is never below zero."""

    lot_id: str = pa.Field(unique=True)
    open_execution_id: str
    quantity: float = pa.Field(ne=0)
    original_basis: float = pa.Field(ge=0)
    adjusted_basis: float = pa.Field(ge=0)


class Gains(pa.DataFrameModel):
    """Realized gains: gain_loss = proceeds − basis + disallowed_loss, and no more is disallowed than was lost."""

    gain_id: str = pa.Field(unique=True)
    lot_id: str
    quantity: float = pa.Field(gt=0)
    disallowed_loss: float = pa.Field(ge=0)
    term: str = pa.Field(isin=["S", "L"])

    @pa.dataframe_check(error="the row adds up")
    def gain_loss_follows_from_its_parts(cls, gains: pd.DataFrame) -> "pd.Series[bool]":  # noqa: N805  pandera makes it a class method
        """The row's own arithmetic holds to the cent."""
        expected = gains["proceeds"] - gains["basis"] + gains["disallowed_loss"]
        return (gains["gain_loss"] - expected).abs() < _CENT

    @pa.dataframe_check(error="no more disallowed than lost")
    def no_more_is_disallowed_than_was_lost(cls, gains: pd.DataFrame) -> "pd.Series[bool]":  # noqa: N805  pandera makes it a class method
        """IRC 1091 takes a loss away; it never makes a gain of it."""
        loss = (gains["basis"] - gains["proceeds"]).clip(lower=0)
        return gains["disallowed_loss"] <= loss + _CENT


class FormLines(pa.DataFrameModel):
    """Rows of Form 8949: column (h) = (d) − (e) + (g)."""

    line_id: str = pa.Field(unique=True)
    box: str = pa.Field(isin=list("ABCDEFGHIJKL"))
    description: str = pa.Field(str_length={"min_value": 1})

    @pa.dataframe_check(error="(h) = (d) − (e) + (g)")
    def column_h_follows(cls, lines: pd.DataFrame) -> "pd.Series[bool]":  # noqa: N805  pandera makes it a class method
        """Form 8949 instructions, column (h)."""
        return (lines["gain_loss"] - (lines["proceeds"] - lines["basis"] + lines["adjustment"])).abs() < _CENT
