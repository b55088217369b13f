"""The pages, in the order of the navigation."""

from typing import Final

from tickledger.api.dashboard.page import Page
from tickledger.api.dashboard.pages import overview

PAGES: Final[tuple[Page, ...]] = (overview.PAGE,)
