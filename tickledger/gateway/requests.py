"""Every request that is served, and who answers it."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from tickledger.gateway import account_requests, market_requests
from tickledger.gateway.session import Handler

if TYPE_CHECKING:
    from tickledger.gateway.floor import Floor


def handlers(floor: "Floor") -> Mapping[int, Handler]:
    """Who answers which message."""
    table = {**market_requests.HANDLERS, **account_requests.HANDLERS}
    return {number: partial(handler, floor) for number, handler in table.items()}
