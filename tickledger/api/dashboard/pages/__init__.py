"""The pages, in the order of the navigation."""

from typing import Final

from tickledger.api.dashboard.page import Page
from tickledger.api.dashboard.pages import lineage, orders, overview, reconciliation, risk, strategies, tax

PAGES: Final[tuple[Page, ...]] = (
    overview.PAGE,
    orders.PAGE,
    strategies.PAGE,
    risk.PAGE,
    reconciliation.PAGE,
    tax.PAGE,
    lineage.PAGE,
)
