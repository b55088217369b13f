"""The book of one taxpayer's lots while it is being worked through: what is open, and what has been closed.

A lot is what one fill opened. Its sublots are runs of its shares that share one basis and one holding period:
a lot starts as one, and each wash sale that it replaces cuts shares out of it. Shares are integers in units of
`Book.share_units` to the share, money is in the units of `tickledger.tax.cents`, dates are ordinals.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from tickledger.domain.account import AccountKind
from tickledger.tax.cents import Pool

#: An account and an order placed in it; order numbers are unique within an account only.
OrderKey = tuple[str, str]


@dataclass(slots=True, eq=False)
class OpenLot:
    """What one fill opened, in one security, between two corporate actions that re-base it.

    `free` counts the shares that have not replaced a loss yet. `scale` is how many shares one share of the
    opening fill has become. `older` and `newer` link the lots that may still replace (see `wash_sales`).
    """

    position: "Position"
    execution_id: str
    order: OrderKey
    acquired: int
    sequence: int
    units: int
    cost_pool: Pool
    price_key: int = 0
    scale: Fraction = Fraction(1)
    free: int = 0
    sublots: "deque[Sublot]" = field(default_factory=deque)
    sublots_made: int = 0
    older: "OpenLot | None" = None
    newer: "OpenLot | None" = None
    is_listed: bool = False
    whole_units: int = field(init=False)

    def __post_init__(self) -> None:
        self.whole_units = self.units

    def add(
        self,
        *,
        units: int,
        cost: int,
        holding_start: int,
        carried: int = 0,
        carried_pool: Pool | None = None,
        is_used: bool = False,
        returned: int = 0,
    ) -> "Sublot":
        """A new sublot of this lot; the caller puts it in its place among `sublots`."""
        self.sublots_made += 1
        return Sublot(
            lot=self,
            ordinal=self.sublots_made,
            units=units,
            cost=cost,
            carried=carried,
            holding_start=holding_start,
            is_used=is_used,
            carried_pool=carried_pool,
            returned=returned,
            whole_units=units,
            whole_cost=cost,
            whole_carried=carried,
            whole_returned=returned,
        )


@dataclass(slots=True, eq=False)
class Sublot:
    """Shares of a lot with one basis: `cost` as bought and `carried` from washed losses.

    `is_used` shares have replaced a loss and never replace another (Reg. 1.1091-1(e)). `returned` is capital
    returned so far. The `whole_` amounts are what it held when it was made; `lot_id` is given at the edge.
    """

    lot: OpenLot
    ordinal: int
    units: int
    cost: int
    carried: int
    holding_start: int
    is_used: bool
    carried_pool: Pool | None
    returned: int
    whole_units: int
    whole_cost: int
    whole_carried: int
    whole_returned: int
    lot_id: str = ""

    def cut(self, units: int) -> "Piece":
        """Take the first `units` shares off, with their part of the basis; what is left keeps the remainder."""
        whole = self.units
        if units == whole:
            cost, carried = self.cost, self.carried
            self.units = self.cost = self.carried = self.returned = 0
            return Piece(self, units, cost, carried)
        cost = self.cost * units // whole
        carried = self.carried * units // whole if self.carried else 0
        if self.returned:
            self.returned -= self.returned * units // whole
        self.units = whole - units
        self.cost -= cost
        self.carried -= carried
        return Piece(self, units, cost, carried)


@dataclass(slots=True, eq=False)
class Piece:
    """Shares taken off a sublot, with their part of its basis."""

    sublot: Sublot
    units: int
    cost: int
    carried: int


@dataclass(slots=True, eq=False)
class Closing:
    """What closes lots: a fill, or a corporate action that pays cash. `net` is the whole amount, money units."""

    close_id: str
    account_id: str
    order: OrderKey
    closed: int
    units: int
    net: int
    corporate_action_id: str | None = None


@dataclass(slots=True, eq=False)
class Disposition:
    """A piece of a lot, closed: `closed` is its part of the closing's net amount.

    `loss` is what was lost on the adjusted basis (0 for a gain). `to_match` and `matched` count shares in
    split-adjusted units; `washes` are the replacements found so far, `absorbed` the losses of short sales
    that this sale took over. A distribution pays cash on the shares and leaves them where they are.
    """

    sublot: Sublot
    closing: Closing
    units: int
    cost: int
    carried: int
    closed: int
    loss: int
    to_match: int
    matched: int = 0
    is_distribution: bool = False
    washes: "list[Wash]" = field(default_factory=list)
    absorbed: "list[Wash]" = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Wash:
    """Part of a loss that a replacement took over.

    `pool` receives the `cents` where shares carry the amount; `replacement_id` is the fill that acquired them,
    or that sold them where a sale took over a short's loss.
    """

    disposition: Disposition
    replacement: OpenLot
    replacement_id: str
    units: int
    amount: int
    rule: str
    is_permanent: bool
    pool: Pool | None
    cents: int = 0


@dataclass(slots=True, eq=False)
class Transfer:
    """Basis that leaves a pool without a sale: returned as capital (no `target`) or moved to another lot."""

    source: Pool
    exact: int
    target: Pool | None = None
    cents: int = 0


JournalEntry = Disposition | Transfer


@dataclass(slots=True, eq=False)
class Position:
    """The open lots of one security in one account, long or short, earliest acquisition first."""

    account_id: str
    kind: AccountKind
    symbol: str
    is_short: bool
    lots: deque[OpenLot] = field(default_factory=deque)
    by_execution: dict[str, list[OpenLot]] = field(default_factory=dict)
    held: int = 0
    by_price: "list[tuple[int, int, int, OpenLot]] | None" = None
    by_basis: "dict[int, list[tuple[int, int, int, int, Sublot]]]" = field(default_factory=dict)

    def forget_orders(self) -> None:
        """Drop the orderings by price and basis; a corporate action has changed what they are built on."""
        self.by_price = None
        self.by_basis = {}

    def put(self, lot: OpenLot) -> None:
        """Add a lot, the latest acquisition so far."""
        self.lots.append(lot)
        self.by_execution.setdefault(lot.execution_id, []).append(lot)
        self.held += lot.units

    def refill(self, lots: Iterable[OpenLot]) -> None:
        """Hold exactly `lots`, which a corporate action has made of those that were here or came from elsewhere."""
        ordered = sorted(lots, key=lambda lot: (lot.acquired, lot.sequence))
        self.lots, self.by_execution, self.held = deque(), {}, 0
        self.forget_orders()
        for lot in ordered:
            self.put(lot)

    def open_sublots(self) -> Iterator[Sublot]:
        """Everything that is still held, in order."""
        return (sublot for lot in self.lots for sublot in lot.sublots if sublot.units)
