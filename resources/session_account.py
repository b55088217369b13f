"""The account of a session: who it is, its limits, and what it starts the day with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import Engine

from tickledger.bars.calendars import sessions
from tickledger.bars.corporate_actions import domain_actions
from tickledger.db.accounts import ensure_account, replace_risk_limits
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.opening import opening_state
from tickledger.db.trading import read_balances, read_cash_transactions, read_executions
from tickledger.domain.account import Account, Mode
from tickledger.domain.broker import BrokerSnapshot
from tickledger.domain.corporate_action import CorporateAction, in_order
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.ids import identified
from tickledger.domain.order import CONTROL_LIMIT_UNITS, RISK_LIMIT_UNITS, OrderSide, RiskLimit
from tickledger.domain.position import PortfolioState
from tickledger.execution.order_book import OrderBook
from tickledger.execution.portfolio import cash_effect
from tickledger.settings import Settings

#: The account of the simulated gateway.
SIMULATED_GATEWAY: Final = "DU1234567"
PAPER_PREFIX: Final = "D"
_FAR_BACK: Final = date(1990, 1, 1)
_SINCE: Final = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class OpenedAccount:
    """What an account begins a session with: its last recorded close, and the cash that moved since without a fill."""

    opening: PortfolioState
    last_close: date | None
    cash: tuple[CashTransaction, ...]

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever recorded of its money."""
        return self.last_close is None and not self.cash


def session_account(settings: Settings) -> Account:
    """The account that the settings name.

    Raises ConfigurationError for a mode without a broker, and where mode and number contradict each other: IB's paper
    accounts begin with D, and no live one does.
    """
    if settings.mode is Mode.SIMULATED:
        raise ConfigurationError("TICKLEDGER_MODE: expected paper or live for a session, found simulated")
    account_id = settings.ib_account or (SIMULATED_GATEWAY if settings.mode is Mode.PAPER else "")
    if not account_id:
        raise ConfigurationError("TICKLEDGER_IB_ACCOUNT: expected the account's number, found none")
    if account_id.startswith(PAPER_PREFIX) is not (settings.mode is Mode.PAPER):
        kind = "a paper account, whose number begins with D" if settings.mode is Mode.PAPER else "a live account"
        raise ConfigurationError(f"TICKLEDGER_IB_ACCOUNT: expected {kind}, as TICKLEDGER_MODE says, found {account_id}")
    return Account(account_id, settings.mode, owner=settings.taxpayer)


def session_limits(settings: Settings, account_id: str) -> Sequence[RiskLimit]:
    """The limits that the settings name, in force at any time."""
    names = (*RISK_LIMIT_UNITS, *CONTROL_LIMIT_UNITS)
    return [RiskLimit(account_id, name, Decimal(str(getattr(settings, name))), _SINCE) for name in names]


def enter_account(engine: Engine, settings: Settings) -> Account:
    """Record the account and its limits; raises ConfigurationError where it is recorded as another."""
    account = session_account(settings)
    ensure_account(engine, account)
    replace_risk_limits(engine, account.account_id, session_limits(settings, account.account_id))
    return account


def opened_account(engine: Engine, account_id: str, session_date: date) -> OpenedAccount:
    """The account as the record has it before `session_date`; fills since its last close are the order manager's."""
    opening = opening_state(engine, account_id, session_date)
    last = _last_close_before(engine, account_id, session_date)
    since = _FAR_BACK if last is None else last + timedelta(days=1)
    cash = read_cash_transactions(engine, account_id=account_id, start=since, end=session_date)
    return OpenedAccount(opening or PortfolioState(cash=Decimal(0)), last, tuple(cash))


def bought_by_others(engine: Engine, account_id: str, opening: PortfolioState) -> frozenset[str]:
    """The symbols of an opening that somebody else has bought, and no order of ours, since they are held.

    What was bought by the name that a symbol had then was bought of it.
    """
    opened = opening.opened_dates
    if not opened:
        return frozenset()
    became = _successors(domain_actions(read_corporate_actions(engine)))
    fills = read_executions(engine, account_id=account_id, start=min(opened.values()))
    bought = [
        (symbol, bool(fill.order_id))
        for fill in fills
        for symbol in (fill.symbol, *became.get(fill.symbol, ()))
        if _adds_to(fill, symbol, opened)
    ]
    return frozenset(symbol for symbol, _ in bought) - {symbol for symbol, is_ours in bought if is_ours}


def _successors(actions: Iterable[CorporateAction]) -> dict[str, set[str]]:
    """What each symbol has become, in one step or several."""
    became: dict[str, set[str]] = {}
    for action in in_order(actions):
        if action.new_symbol is not None:
            for known in (action.symbol, *(old for old, new in became.items() if action.symbol in new)):
                became.setdefault(known, set()).add(action.new_symbol)
    return became


def _adds_to(fill: Execution, symbol: str, opened: Mapping[str, date]) -> bool:
    return fill.side is OrderSide.BUY and symbol in opened and fill.trade_date >= opened[symbol]


def _last_close_before(engine: Engine, account_id: str, session_date: date) -> date | None:
    closes = read_balances(engine, account_id=account_id, start=_FAR_BACK, end=session_date - timedelta(days=1))
    return closes[-1].session_date if closes else None


def opening_deposit(account_id: str, cash: Decimal, session_date: date) -> CashTransaction:
    """The cash with which an account comes into the record: what its broker had of it then, before its first fills."""
    deposit = CashTransaction(
        cash_transaction_id="",
        account_id=account_id,
        kind=CashKind.DEPOSIT,
        amount=cash,
        session_date=session_date,
        description="cash at the broker when the account was first traded",
    )
    return identified("cash", deposit)


def cash_before_fills(snapshot: BrokerSnapshot) -> Decimal:
    """The cash of an account before the fills that its broker tells, those of today: they are booked by themselves."""
    book = OrderBook()
    for fill in snapshot.fills:
        book.hear_fill(fill, at=snapshot.taken_at)
    for report in snapshot.commissions:
        book.hear_commission(report)
    told = (*book.fills.own.values(), *(entry.execution for entry in book.fills.foreign.values()))
    return snapshot.cash - sum(map(cash_effect, told), Decimal(0))


def session_before(day: date) -> date | None:
    """The last session before a day, None where the calendar does not reach."""
    earlier = sessions(_FAR_BACK, day)
    return earlier[-2] if len(earlier) > 1 and earlier[-1] == day else (earlier[-1] if earlier else None)
