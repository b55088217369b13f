"""Which executions a client asks for: IB's filter, over those of the current day in New York."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from tickledger.gateway import order_answers
from tickledger.gateway.answers import NEW_YORK
from tickledger.gateway.books import ExecutionRecord
from tickledger.gateway.fields import FieldReader
from tickledger.gateway.listings import STOCK
from tickledger.gateway.order_desk import commission_frame
from tickledger.gateway.order_terms import invalid, read_instant

if TYPE_CHECKING:
    from tickledger.gateway.floor import Floor
    from tickledger.gateway.session import Session

_SIDES: Final = {"BUY": True, "BOT": True, "SELL": False, "SLD": False}


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """What was asked for; what was left empty (client id 0) leaves everything in."""

    client_id: int
    account: str
    since: datetime
    symbol: str
    security_type: str
    exchange: str
    side: str

    def fits(self, execution: ExecutionRecord) -> bool:
        """Whether the execution was asked for."""
        order, told = execution.order, execution.told
        return (
            self.client_id in {0, order.identity.client_id}
            and self.account in {"", order.identity.account}
            and told.executed_at >= self.since
            and self.symbol in {"", order.listing.symbol}
            and self.security_type in {"", STOCK}
            and self.exchange in {"", "SMART", told.exchange}
            and (not self.side or _SIDES.get(self.side.upper()) is told.is_buy)
        )


def answer_executions(floor: "Floor", session: "Session", reader: FieldReader) -> None:
    """Send execDetails and commissionReport of each execution that was asked for, then the end."""
    reader.text("version")
    request_id = reader.identifier("reqId")
    client_id = reader.integer("clientId") or 0
    account, since, symbol, security_type, exchange, side = (
        reader.text(name) for name in ("acctCode", "time", "symbol", "secType", "exchange", "side")
    )
    reader.end()
    midnight = floor.venue.now.astimezone(NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        asked_since = read_instant(since) if since.strip() else midnight
    except ValueError as error:
        refusal = invalid(str(error), where="b7")
        session.error(request_id, refusal.code, refusal.text)
        return
    wanted = ExecutionFilter(client_id, account, max(asked_since, midnight), symbol, security_type, exchange, side)
    for execution in floor.books.executions:
        if wanted.fits(execution):
            session.send(floor.orders.execution_frame(request_id, execution, version=session.version))
            if execution.is_commission_known:
                session.send(commission_frame(execution))
    session.send(order_answers.execution_details_end(request_id))
