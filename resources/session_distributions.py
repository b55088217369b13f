"""The cash that corporate actions pay on what an account holds: a broker tells it in its statement only.

It is booked on the ex-date, as a replay of the same days does. A broker pays dividends days or weeks later: so long its
cash is less than that of the record.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Engine

from resources.session_account import OpenedAccount
from tickledger.bars.calendars import sessions
from tickledger.db.trading import read_executions
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.execution import CashTransaction
from tickledger.exchange.corporate_actions import cash_paid
from tickledger.execution.portfolio import Portfolio

#: Longer than any closing of the exchange.
_CLOSED: Final = timedelta(days=14)
_FAR_BACK: Final = date(1990, 1, 1)


def distributions(
    engine: Engine, account_id: str, opened: OpenedAccount, actions: Iterable[CorporateAction]
) -> list[CashTransaction]:
    """What actions since the last close, in order, have paid and the record does not have yet.

    Paid is what was held at the close before the ex-date. Raises InputError for an action without its terms.
    """
    start = _FAR_BACK if opened.last_close is None else opened.last_close + timedelta(days=1)
    fills = read_executions(engine, account_id=account_id, start=start)
    known = {(paid.corporate_action_id, paid.kind) for paid in opened.cash}
    portfolio, found = Portfolio.opened(account_id, opened.opening), list[CashTransaction]()
    for action in actions:
        while fills and fills[0].trade_date < action.ex_date:
            portfolio.apply_execution(fills.pop(0))
        if (holding := portfolio.holdings.get(action.symbol)) is not None:
            day = sessions(action.ex_date, action.ex_date + _CLOSED)[0]
            found += cash_paid(action, holding, account_id=account_id, session_date=day)
        portfolio.apply_corporate_action(action)
    return [paid for paid in found if (paid.corporate_action_id, paid.kind) not in known]
