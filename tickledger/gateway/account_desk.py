"""The account desk: positions, account values, summaries and profit and loss, once and when they change."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from tickledger.exchange.venue_orders import AccountHolding, AccountState, VenueFill
from tickledger.gateway import answers
from tickledger.gateway.fields import Value
from tickledger.gateway.listings import CURRENCY

if TYPE_CHECKING:
    from tickledger.gateway.floor import Floor
    from tickledger.gateway.session import Session

_CENT: Final = Decimal("0.01")
LEDGER: Final = "$LEDGER"
_NOTHING: Final = Decimal(0)


def account_values(state: AccountState) -> Mapping[str, tuple[Value, str]]:
    """IB's names of what an account is worth, each with its value and currency."""
    excess = state.equity - state.maintenance_margin
    amounts = {
        "NetLiquidation": state.equity,
        "TotalCashValue": state.cash,
        "SettledCash": state.settled_cash,
        "AccruedCash": _NOTHING,
        "BuyingPower": state.buying_power,
        "EquityWithLoanValue": state.equity,
        "PreviousDayEquityWithLoanValue": state.equity - state.daily_pnl,
        "GrossPositionValue": state.gross_position_value,
        "RegTEquity": state.equity,
        "RegTMargin": state.initial_margin,
        "SMA": state.available_funds,
        "InitMarginReq": state.initial_margin,
        "MaintMarginReq": state.maintenance_margin,
        "AvailableFunds": state.available_funds,
        "ExcessLiquidity": excess,
        "FullInitMarginReq": state.initial_margin,
        "FullMaintMarginReq": state.maintenance_margin,
        "FullAvailableFunds": state.available_funds,
        "FullExcessLiquidity": excess,
        "LookAheadInitMarginReq": state.initial_margin,
        "LookAheadMaintMarginReq": state.maintenance_margin,
        "LookAheadAvailableFunds": state.available_funds,
        "LookAheadExcessLiquidity": excess,
    }
    cushion = round(excess / state.equity, 6) if state.equity > 0 else _NOTHING
    leverage = round(state.gross_position_value / state.equity, 2) if state.equity > 0 else _NOTHING
    plain: dict[str, tuple[Value, str]] = {
        "AccountType": ("INDIVIDUAL", ""),
        "Cushion": (cushion, ""),
        "LookAheadNextChange": (0, ""),
        "DayTradesRemaining": (-1, ""),
    }
    return {
        **plain,
        **{name: (amount.quantize(_CENT), CURRENCY) for name, amount in amounts.items()},
        "Leverage": (leverage, ""),
    }


def ledger_values(state: AccountState) -> Mapping[str, tuple[Value, str]]:
    """The cash ledger of the account's one currency."""
    amounts = {
        "CashBalance": state.cash,
        "TotalCashBalance": state.cash,
        "StockMarketValue": state.equity - state.cash,
        "NetLiquidationByCurrency": state.equity,
        "RealizedPnL": state.realized_pnl,
        "UnrealizedPnL": state.unrealized_pnl,
        "ExchangeRate": Decimal(1),
    }
    told: dict[str, tuple[Value, str]] = {"Currency": (CURRENCY, CURRENCY)}
    return told | {name: (amount.quantize(_CENT), CURRENCY) for name, amount in amounts.items()}


@dataclass(slots=True)
class _Multi:
    model: str
    is_ledger: bool


@dataclass(slots=True)
class _Profit:
    contract_id: int | None
    told: tuple[Value, ...] = ()


class AccountDesk:
    """What clients know of the account."""

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor
        self._updates: list[Session] = []
        self._multi: dict[tuple[Session, int], _Multi] = {}
        self._positions_multi: dict[tuple[Session, int], str] = {}
        self._summaries: dict[tuple[Session, int], tuple[str, ...]] = {}
        self._profits: dict[tuple[Session, int], _Profit] = {}
        self._is_due = False

    @property
    def _account(self) -> str:
        return self._floor.settings.account

    def _state(self) -> AccountState:
        return self._floor.venue.account(self._account)

    # Positions.

    def subscribe_positions(self, session: "Session") -> None:
        """All positions, the end, and from then on every change."""
        session.wants_positions = True
        for holding in self._state().holdings:
            if holding.quantity:
                self._send_position(session, holding)
        session.send(answers.position_end())

    def _send_position(self, session: "Session", holding: AccountHolding) -> None:
        session.send(answers.position(self._account, self._floor.directory.of_symbol(holding.symbol), holding))

    def subscribe_positions_multi(self, session: "Session", request_id: int, model: str) -> None:
        """The same under a request's id."""
        self._positions_multi[session, request_id] = model
        for holding in self._state().holdings:
            if holding.quantity:
                listing = self._floor.directory.of_symbol(holding.symbol)
                session.send(answers.position_multi(request_id, self._account, model, listing, holding))
        session.send(answers.position_multi_end(request_id))

    # Account values.

    def subscribe_updates(self, session: "Session") -> None:
        """Values, portfolio and the end, and from then on every change."""
        if session not in self._updates:
            self._updates.append(session)
        self._send_updates(session)
        session.send(answers.account_download_end(self._account))

    def unsubscribe_updates(self, session: "Session") -> None:
        """No more of them."""
        if session in self._updates:
            self._updates.remove(session)

    def _send_updates(self, session: "Session") -> None:
        state = self._state()
        session.send(answers.account_value(self._account, "AccountCode", self._account, ""))
        for name, (value, currency) in {**account_values(state), **ledger_values(state)}.items():
            session.send(answers.account_value(self._account, name, value, currency))
        for holding in state.holdings:
            listing = self._floor.directory.of_symbol(holding.symbol)
            session.send(answers.portfolio_value(self._account, listing, holding))
        session.send(answers.account_time(self._floor.venue.now))

    def subscribe_multi(self, session: "Session", request_id: int, model: str, *, is_ledger: bool) -> None:
        """Values under a request's id; the ledger's and the net value alone where that was asked for."""
        subscription = self._multi[session, request_id] = _Multi(model, is_ledger)
        self._send_multi(session, request_id, subscription)
        session.send(answers.account_update_multi_end(request_id))

    def _send_multi(self, session: "Session", request_id: int, subscription: _Multi) -> None:
        state = self._state()
        values = account_values(state)
        if subscription.is_ledger:
            values = {"NetLiquidation": values["NetLiquidation"]}
        for name, (value, currency) in {**values, **ledger_values(state)}.items():
            entry = (name, value, currency)
            session.send(answers.account_update_multi(request_id, self._account, subscription.model, entry))

    def subscribe_summary(self, session: "Session", request_id: int, tags: tuple[str, ...]) -> None:
        """The values with these tags, the end, and every three minutes those again."""
        self._summaries[session, request_id] = tags
        self._send_summary(session, request_id, tags)
        session.send(answers.account_summary_end(request_id))

    def _send_summary(self, session: "Session", request_id: int, tags: tuple[str, ...]) -> None:
        state = self._state()
        values = account_values(state)
        for tag in tags:
            if tag.partition(":")[0] == LEDGER:
                told = ledger_values(state)
            else:
                told = {tag: values[tag]} if tag in values else {}
            for name, (value, currency) in told.items():
                session.send(answers.account_summary(request_id, self._account, name, value, currency))

    # Profit and loss.

    def subscribe_profit(self, session: "Session", request_id: int, contract_id: int | None) -> None:
        """Profit and loss of the account, or of one position of it, now and whenever it has changed."""
        profit = self._profits[session, request_id] = _Profit(contract_id)
        self._send_profit(session, request_id, profit)

    def _send_profit(self, session: "Session", request_id: int, profit: _Profit) -> None:
        state = self._state()
        if profit.contract_id is None:
            told: tuple[Value, ...] = (state.daily_pnl, state.unrealized_pnl, state.realized_pnl)
            frame = answers.profit_and_loss(request_id, told)
        else:
            told = self._single(state, profit.contract_id)
            frame = answers.single_profit_and_loss(request_id, told)
        if told != profit.told:
            session.send(frame)
        profit.told = told

    def _single(self, state: AccountState, contract_id: int) -> tuple[Decimal, ...]:
        listing = self._floor.directory.of_contract_id(contract_id)
        for holding in state.holdings:
            if listing is not None and holding.symbol == listing.symbol:
                unrealized = (holding.market_price - holding.average_cost) * holding.quantity
                value = holding.market_price * holding.quantity
                return holding.quantity, holding.daily_pnl, unrealized, holding.realized_pnl, value
        return _NOTHING, _NOTHING, _NOTHING, _NOTHING, _NOTHING

    # What changes.

    def on_fill(self, fill: VenueFill) -> None:
        """A position changed: positions at once, values before the loop turns."""
        if self._floor.faults.is_link_down:
            return
        holding = next((one for one in self._state().holdings if one.symbol == fill.symbol), None)
        if holding is None:
            holding = AccountHolding(fill.symbol, _NOTHING, _NOTHING, fill.price, _NOTHING)
        for session in self._floor.sessions:
            if session.wants_positions:
                self._send_position(session, holding)
        listing = self._floor.directory.of_symbol(fill.symbol)
        for (session, request_id), model in self._positions_multi.items():
            session.send(answers.position_multi(request_id, self._account, model, listing, holding))
        if not self._is_due:
            self._is_due = True
            self._floor.later(0, self._tell_after_fill)

    def _tell_after_fill(self) -> None:
        self._is_due = False
        for session in list(self._updates):
            self._send_updates(session)
        for (session, request_id), subscription in list(self._multi.items()):
            self._send_multi(session, request_id, subscription)

    def tell_values(self) -> None:
        """The time has come for account values and summaries."""
        if self._floor.faults.is_link_down:
            return
        self._tell_after_fill()
        for (session, request_id), tags in list(self._summaries.items()):
            self._send_summary(session, request_id, tags)

    def tell_profits(self) -> None:
        """The time has come for profit and loss."""
        if self._floor.faults.is_link_down:
            return
        for (session, request_id), profit in list(self._profits.items()):
            self._send_profit(session, request_id, profit)

    def cancel(self, session: "Session", request_id: int) -> None:
        """End whatever the session asked for under this id."""
        for book in (self._multi, self._positions_multi, self._summaries, self._profits):
            book.pop((session, request_id), None)

    def forget(self, session: "Session") -> None:
        """End everything of a session."""
        self.unsubscribe_updates(session)
        for book in (self._multi, self._positions_multi, self._summaries, self._profits):
            for key in [key for key in book if key[0] is session]:
                del book[key]
