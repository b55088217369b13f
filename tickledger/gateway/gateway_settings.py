"""What can be chosen about a gateway besides its venue, and the limits IB sets to its clients."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: The newest server version this gateway speaks; later ones would need protobuf (201) or errors without a version.
NEWEST_VERSION: Final = 176
OLDEST_VERSION: Final = 157


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """The terms of a gateway.

    `port` 0 takes a free one. `speed` is how many seconds of the venue pass in one of the wall; at 0 its time stands
    until it is moved. Where there are `night_seconds`, the time between two sessions takes no more of the wall's than
    these, and the market ends with its last session. A client that sends more than `messages_per_second` is told so
    (error 100), and is cut off where `closes_on_pacing`. `market_lines` are streams of quotes for each client,
    `tick_lines` those tick by tick.
    Where `is_strict` a request with too few or too many fields is refused (error 320). Historical requests are paced
    as IB paces them where `has_history_pacing`. A client that connects as `master_client_id` sees the orders of all.
    """

    host: str = "127.0.0.1"
    port: int = 4002
    account: str = "DU1234567"
    speed: float = 0.0
    night_seconds: float | None = None
    newest_version: int = NEWEST_VERSION
    first_order_id: int = 1
    master_client_id: int | None = None
    messages_per_second: int | None = 50
    closes_on_pacing: bool = False
    market_lines: int = 100
    tick_lines: int = 5
    has_history_pacing: bool = True
    is_strict: bool = True
    step_seconds: float = 0.02
    account_seconds: float = 180.0
    profit_seconds: float = 1.0
    journal: Path | None = None
    control_port: int | None = None
