"""A page of the dashboard as a value, and what it is drawn from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from tickledger.api.dashboard.address import Address
from tickledger.api.live import LiveAccount
from tickledger.api.queries.accounts import AccountChoice

#: What Dash shows: components, text, or lists of these.
Children = Any


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a page: where it is, whose it is, what a session says of itself, and when."""

    engine: Engine
    address: Address
    account: AccountChoice
    live: LiveAccount
    now: datetime
    form_key: str

    @property
    def account_id(self) -> str:
        """The account that is shown."""
        return self.account.account_id


@dataclass(frozen=True, slots=True)
class Page:
    """`name` stands in the navigation, `title` above the page.

    `head` (filters, forms) is drawn once, when a person comes
    to the page or chooses another of what it depends on; `body` again whenever something changed.

    A person may be typing in the head; nothing there is replaced under their hands.
    """

    path: str
    name: str
    title: str
    body: Callable[[Look], Children]
    head: Callable[[Look], Children] = lambda _: []
    head_depends_on: Sequence[str] = ()
