"""What IB's numbered messages mean, as data: the class of each code, and whether it ends the order that it names.

    ORDER_REJECTED         the broker does not take the order; ends one that was not acknowledged, and only such
    MODIFICATION_REJECTED  the order lives on as it was
    ORDER_CANCELLED        why an order is being cancelled; that it is, only its status says
    ORDER_NOTICE           the order lives on; something about it was set, held or remarked
    ASK_AGAIN              what the code says and what we know of the order do not settle its fate
    LINK_LOST, LINK_RESTORED, LINK_RESTORED_DATA_LOST    between the gateway and IB
    FARM_LOST, FARM_RESTORED    a market data farm; orders are not concerned
    DATA_REFUSED, HISTORICAL, PACING    a request for data, or too many messages
    FATAL                  this connection is of no use
    NOTICE                 for the log
    UNKNOWN                not in the table

A code that is not in the table never ends the order it names: the order becomes UNKNOWN and the broker is asked.
Both client libraries do the opposite, and 10349 made fifteen duplicate fills of one system that way. A code that
rejects does not end an order that the broker had acknowledged: IB sends 201 for a late cancel, too ("cannot cancel
the filled order"), and a failed modification leaves the order as it was.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_IB: Final = "interactivebrokers.github.io/tws-api/message_codes.html"
_NAUTILUS: Final = "NautilusTrader adapters/interactive_brokers/client/error.py"
_LIBRARIES: Final = "the warnings of ib_insync 0.9.86 and ib_async 2.1"


class ErrorClass(StrEnum):
    """What kind of thing a code says; the module's text tells them apart."""

    ORDER_REJECTED = "order rejected"
    MODIFICATION_REJECTED = "modification rejected"
    ORDER_CANCELLED = "order cancelled"
    ORDER_NOTICE = "order notice"
    ASK_AGAIN = "ask again"
    LINK_LOST = "link lost"
    LINK_RESTORED = "link restored"
    LINK_RESTORED_DATA_LOST = "link restored, data lost"
    FARM_LOST = "data farm lost"
    FARM_RESTORED = "data farm restored"
    DATA_REFUSED = "data refused"
    HISTORICAL = "historical data"
    PACING = "pacing"
    FATAL = "fatal"
    NOTICE = "notice"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CodeMeaning:
    """One row of the table: a code, what it means, its class, and where that is written."""

    code: int
    meaning: str
    error_class: ErrorClass
    source: str

    @property
    def ends_unacknowledged_order(self) -> bool:
        """Whether an order that the broker never acknowledged is over with this code."""
        return self.error_class is ErrorClass.ORDER_REJECTED


_TABLE: Final[Mapping[ErrorClass, Mapping[int, str | tuple[str, str]]]] = {
    ErrorClass.ORDER_REJECTED: {
        103: "the order id was used before",
        107: "a required field is missing",
        109: "the price is outside the precautionary settings of the gateway",
        110: "the price is not a multiple of the minimum price variation",
        111: "time in force and order type do not go together",
        113: "market- and limit-on-close orders need the time in force DAY",
        116: "the exchange is not valid",
        132: "a clearing account is missing",
        139: "the request could not be parsed",
        140: "the size is not a whole number",
        141: "the price is not a number",
        145: "a field does not validate",
        146: "the trigger method is not valid",
        151: "a user name is missing",
        152: "the order may not be hidden",
        154: "the security is halted",
        157: "an order cannot be both iceberg and discretionary",
        158: "a trailing order needs an offset",
        159: "the percentage offset is not between 0 and 100",
        160: "the size is zero",
        163: "the price is outside the percentage that the precautionary settings allow",
        164: "there are no market data to check the price against",
        168: "the discretionary amount is not a multiple of the minimum price variation",
        200: "no such security, or more than one",
        201: "rejected by IB's servers; the reason is in the text",
        203: "the account may not trade this security",
        303: "the account may not use this action",
        320: "the request could not be read",
        321: "the request is not valid: a read-only interface, a wrong account, a field",
        325: "exchange and order type do not allow a discretionary amount",
        328: "a trailing stop can be attached to limit and stop-limit orders only",
        334: "the good-till date is not valid",
        337: "a date or time is not valid",
        338: "the exchange takes no good-after-time orders",
        343: "a date or time is not valid",
        351: "the flag for regular hours is not valid for this order",
        355: "the size does not conform to the market rule",
        361: "the trigger price is not valid",
        382: "the price is outside the ticks that the precautionary settings allow",
        383: "the size is outside the precautionary settings",
        387: "exchange and security do not support the order type",
        388: "the size is below the minimum",
        392: "the contract has expired",
        395: "orders with OCA groups are not accepted at the moment",
        396: "only market and limit orders are accepted at the moment",
        397: "only market and limit orders are accepted at the moment",
        400: "the algorithm's order is wrong",
        403: "the stop price is not valid",
        406: "the currency is not allowed",
        407: "the symbol has characters that are not allowed",
        411: "the security does not trade outside regular hours",
        412: "the contract cannot be traded",
        426: "a cash account cannot go short",
        435: "an account has to be named",
        436: "an allocation has to be named",
        439: "there is no such algorithm",
        441: "the algorithm's attributes are not valid",
        442: "the algorithm is not allowed for this order",
        443: "the algorithm has no such attribute",
        460: ("no trading permission", "@stoqey/ib dist/common/errorCode"),
        10006: "the parent order is missing",
        10015: "trading through the API is not allowed",
        10020: "the display size is not smaller than the order",
        10243: "orders with fractions cannot be placed through the API",
        10244: "the order cannot have a cash quantity",
        10245: "the instrument does not trade in fractions",
        10246: "the order does not support fractions",
        10248: "the account has no permission for fractions",
        10250: "the size is not a multiple of its minimum variation",
        10289: ("the cash quantity or size cannot be used as given", _NAUTILUS),
        10293: ("the order is not accepted for this instrument", _NAUTILUS),
    },
    ErrorClass.MODIFICATION_REJECTED: {
        105: "the modified order differs in more than price and quantity",
        134: "the modification failed",
        329: "the order type cannot be changed to this one",
        422: "account and clearing may not be changed",
        440: "an algorithm cannot be modified",
        444: "the order is not acknowledged yet and cannot be changed",
        2102: "the order is still being processed and cannot be changed",
        10241: "an order for an amount of money cannot be modified",
        10242: "an order with fractions cannot be modified",
    },
    ErrorClass.ORDER_CANCELLED: {202: "cancelled at IB's servers; the reason is in the text"},
    ErrorClass.ORDER_NOTICE: {
        399: "a message that goes with a working order",
        404: "held while shares to sell short are located",
        2109: "the attribute for outside regular hours is ignored",
        2137: "the order closes more than the position",
        10233: "defaults were taken from a preset",
        10349: ("the time in force was set by a preset", "ib_async issues 191 and 217, pysystemtrade issue 1580"),
    },
    ErrorClass.ASK_AGAIN: {
        104: "the order to modify is filled",
        106: "the order could not be transmitted",
        133: "submitting the order failed",
        135: "there is no order with this id",
        136: "the order cannot be cancelled",
        161: "the order is not in a state to be cancelled",
        322: "the request could not be processed",
        323: "an error of the server",
        434: "the size is zero",
        10147: ("the order to cancel is not known", "Lean.Brokerages.InteractiveBrokers issues 248 and 256"),
        10148: "the order to cancel is over or being cancelled",
    },
    ErrorClass.LINK_LOST: {
        1100: "the gateway has lost its link to IB: the network, the nightly reset or a competing session",
        2110: "the gateway's link to the server is broken and will be restored",
    },
    ErrorClass.LINK_RESTORED: {1102: "the link is restored, and market data with it"},
    ErrorClass.LINK_RESTORED_DATA_LOST: {1101: "the link is restored, market data have to be requested again"},
    ErrorClass.FARM_LOST: {
        2103: "a market data farm is disconnected",
        2105: "a historical data farm is disconnected",
        2157: "the security definition farm is disconnected",
    },
    ErrorClass.FARM_RESTORED: {
        2104: "a market data farm is connected",
        2106: "a historical data farm is connected",
        2158: "the security definition farm is connected",
    },
    ErrorClass.DATA_REFUSED: {
        101: "all market data lines are in use",
        102: "the id of the request is in use",
        300: "there is no subscription with this id",
        309: "all requests for market depth are in use",
        310: "there is no market depth with this id",
        316: "market depth was halted and has to be requested again",
        354: "the data are not subscribed",
        414: "a snapshot has no generic ticks",
        420: "the real-time query is not valid, or one too many",
        10090: "a part of the data is not subscribed",
        10167: ("the data are not subscribed, delayed ones are sent", _LIBRARIES),
        10186: "the data are not subscribed, delayed ones are not enabled",
        10225: "a bust event ended the subscription, which has to be requested again",
    },
    ErrorClass.HISTORICAL: {
        162: "the historical data service refused: pacing, permission, or no data; the reason is in the text",
        165: "a message of the historical data service",
        166: "no historical data for an expired contract",
        366: "there is no historical request with this id",
        386: "the id of the historical request is in use",
    },
    ErrorClass.PACING: {100: "more than 50 messages in a second; the third time ends the connection"},
    ErrorClass.FATAL: {
        326: "the client id is in use by another connection",
        357: "the client is out of date",
        1300: "the gateway has moved to another port and dropped the connection",
    },
    ErrorClass.NOTICE: {
        317: "market depth was reset",
        2100: "account data are no longer sent to this client",
        2101: "account data cannot be sent",
        2107: "a historical data farm is idle and there on demand",
        2108: "a market data farm is idle and there on demand",
    },
}


def _rows() -> Iterator[CodeMeaning]:
    for error_class, codes in _TABLE.items():
        for code, told in codes.items():
            meaning, source = (told, _IB) if isinstance(told, str) else told
            yield CodeMeaning(code, meaning, error_class, source)


#: Every code that is known, by its number.
CODES: Final[Mapping[int, CodeMeaning]] = {row.code: row for row in _rows()}
_WARNINGS: Final = range(2100, 2200)


def meaning_of(code: int) -> CodeMeaning:
    """What `code` means; of one that is not in the table, only whether IB counts it among its warnings."""
    known = CODES.get(code)
    if known is not None:
        return known
    if code in _WARNINGS:
        return CodeMeaning(code, "a warning that is not in the table", ErrorClass.NOTICE, _IB)
    return CodeMeaning(code, "not in the table", ErrorClass.UNKNOWN, "")
