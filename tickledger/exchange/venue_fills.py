"""A fill of the venue's: what it is paid at, what it costs, and how it is booked with its order and its account."""

from decimal import Decimal
from zlib import crc32

from tickledger.domain.order import OrderSide
from tickledger.exchange.fees import Charges, OrderProgress, charges
from tickledger.exchange.price_rules import capped, slipped
from tickledger.exchange.venue_book import Working
from tickledger.exchange.venue_orders import VenueFill
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_state import VenueState


def price_paid(working: Working, price: Decimal, settings: VenueSettings, *, rested: bool) -> Decimal:
    """The price of a fill: one that takes liquidity slips, up to the order's limit."""
    if rested or not settings.slippage_bps:
        return price
    moved = slipped(working.sign, price, settings.slippage_bps)
    return moved if working.limit is None else capped(working.sign, moved, working.limit)


def charges_of(working: Working, quantity: Decimal, price: Decimal, state: VenueState) -> Charges:
    """What the next fill of an order costs its account."""
    return charges(
        state.settings.fees,
        side=OrderSide.BUY if working.order.is_buy else OrderSide.SELL,
        quantity=quantity,
        price=price,
        trade_date=state.accounts[working.order.account_id].trade_date,
        before=working.progress,
    )


def booked(
    working: Working,
    quantity: Decimal,
    price: Decimal,
    cost: Charges,
    state: VenueState,
    *,
    execution_id: str,
    rested: bool,
) -> VenueFill:
    """Book a fill with its order and its account, and put it in words."""
    order, account, done = working.order, state.accounts[working.order.account_id], working.progress
    realized = account.trade(order.symbol, working.sign * quantity, price, cost.total)
    working.progress = OrderProgress(
        done.quantity + quantity, done.notional + quantity * price, done.commission + cost.commission
    )
    working.fills += 1
    return VenueFill(
        order_key=order.order_key,
        execution_id=execution_id,
        account_id=order.account_id,
        symbol=order.symbol,
        is_buy=order.is_buy,
        quantity=quantity,
        price=price,
        executed_at=state.now,
        cumulative=working.progress.quantity,
        average_price=working.average_price,
        commission=cost.commission,
        fees=cost.fees,
        realized_pnl=realized,
        exchange=state.settings.exchange,
        adds_liquidity=rested,
        number=working.fills,
        are_charges_estimated=cost.is_estimated,
    )


def execution_id(state: VenueState, number: int) -> str:
    """Unique among venues that differ in seed or start; `.01.01` as IB counts corrections in the last part."""
    venue = crc32(f"{state.settings.seed} {state.session_date}".encode())
    return f"{venue:08x}.{number:08x}.01.01"
