"""The tables and what stands at which place of a row.

`Book` holds the tables; a table is a sequence of rows, a row a sequence of integers. New rows are taken off the end
of a table that is longer than what is used; how much is used stands in `Book.counts`.
"""

from typing import Final, NamedTuple

Row = list[int]
#: A list of lists where the interpreter runs the kernel, an array where the compiler does.
Table = list[Row]

NONE: Final = -1


class Book(NamedTuple):
    """Everything one household's history is worked through with.

    `counts` says how much of each table is used; `policies` holds the settings; `orders` where in `reserved` the
    rows of an order begin; `left_out` is 1 for each security that cannot be computed.
    """

    fills: Table
    choices: Table
    reserved: Table
    positions: Table
    groups: Table
    nodes: Table
    lots: Table
    sublots: Table
    pools: Table
    closings: Table
    pieces: Table
    washes: Table
    heap: Table
    events: Table
    counts: Row
    policies: Row
    orders: Row
    left_out: Row


#: The tables that grow while fills are worked through, in the order of `counts`.
GROWING: Final = ("nodes", "lots", "sublots", "pools", "closings", "pieces", "washes", "heap", "events")
(NODES, LOTS, SUBLOTS, POOLS, CLOSINGS, PIECES, WASHES, HEAP, EVENTS) = range(9)
#: Further counts: sublots that hold shares, losses that wait, the sequence of lots, and what all lots cost when they
#: were opened, less what shorts brought in, cents; of the last closing, its shares still to come and its first piece.
(LIVE, WAITING, SEQUENCE, SPENT, TO_CLOSE, FIRST_PIECE, COUNTS) = range(9, 16)

# Fills, in the order in which they happened.
FILL_POSITION: Final = 0  # long for purchases and sales, short for short sales and covers
FILL_SIDE: Final = 1
FILL_UNITS: Final = 2
FILL_NET: Final = 3
FILL_DATE: Final = 4
FILL_ORDER: Final = 5
FILL_METHOD: Final = 6
FILL_FIRST_CHOICE: Final = 7
FILL_CHOICES: Final = 8
FILL_WIDTH: Final = 9

#: What a fill does. EXPIRE closes whichever side is held, for nothing.
OPEN: Final = 0
CLOSE: Final = 1
EXPIRE: Final = 2

# Shares that a sale identifies: so many units of the lot that a fill opened.
CHOICE_FILL: Final = 0
CHOICE_UNITS: Final = 1
CHOICE_WIDTH: Final = 2

# What orders with several fills still take of lots; the rows of one order stand together.
RESERVED_ORDER: Final = 0
RESERVED_FILL: Final = 1
RESERVED_SYMBOL: Final = 2
RESERVED_UNITS: Final = 3  # as the opening fill bought them, times RESERVED_SCALE
RESERVED_WIDTH: Final = 4

POSITION_SYMBOL: Final = 0
POSITION_SHORT: Final = 1
POSITION_IRA: Final = 2
POSITION_SPOUSE: Final = 3
POSITION_GROUP: Final = 4  # NONE: outside section 1091
POSITION_SECURITY: Final = 5  # of what is left out together
POSITION_CURSOR: Final = 6  # a lot, while the lots of several positions are gone through in order
POSITION_HELD: Final = 7
POSITION_FIRST_LOT: Final = 8
POSITION_LAST_LOT: Final = 9
POSITION_HEAPS: Final = 10  # which orderings are kept, as bits
POSITION_ROOT: Final = 11  # of the orderings by price, smallest and largest gain
POSITION_CALL_GROUP: Final = 14  # of the underlying, where the position is a right to acquire it
POSITION_FACTOR: Final = 15  # shares of the underlying in a share of the position
POSITION_NEXT: Final = 16  # of the same group
POSITION_WIDTH: Final = 17

GROUP_OLDEST: Final = 0
GROUP_NEWEST: Final = 1
GROUP_FIRST_WAITING: Final = 2
GROUP_LAST_WAITING: Final = 3
GROUP_OTHER: Final = 4  # the group of the other side
GROUP_LAST_GONE: Final = 5  # the latest acquisition of which shares were sold (policy P1)
GROUP_FIRST_POSITION: Final = 6  # of those that were ever used
GROUP_TIED_DAY: Final = 7  # on which a purchase completed the replacement of a loss
GROUP_FIRST_TIED: Final = 8  # loss of that day; the others follow by PIECE_NEXT_WAITING, which they need no more
GROUP_WIDTH: Final = 9

# A lot's place among those that may replace a loss of a group.
NODE_LOT: Final = 0
NODE_GROUP: Final = 1
NODE_OLDER: Final = 2
NODE_NEWER: Final = 3
NODE_LISTED: Final = 4
NODE_FACTOR: Final = 5
NODE_WIDTH: Final = 6

LOT_POSITION: Final = 0
LOT_FILL: Final = 1  # the opening execution; below NONE for one of the opening lots
LOT_ORDER: Final = 2
LOT_ACQUIRED: Final = 3
LOT_SEQUENCE: Final = 4
LOT_UNITS: Final = 5
LOT_FREE: Final = 6  # shares that have not replaced a loss yet
LOT_POOL: Final = 7
LOT_FIRST: Final = 8  # sublot
LOT_LAST: Final = 9
LOT_PREVIOUS: Final = 10  # lot of the position
LOT_NEXT: Final = 11
LOT_WHOLE_UNITS: Final = 12
LOT_MADE: Final = 13  # sublots so far
LOT_SCALE: Final = 14  # shares that a share of the opening fill has become: numerator, denominator
LOT_NODE: Final = 16  # its node in the group of its security
LOT_CALL_NODE: Final = 17
LOT_LONG_TERM: Final = 18  # shares of a short whose loss is long-term (IRC 1233(d))
LOT_TAINT: Final = 19  # shares of a short that may still restart holding periods (IRC 1233(b))
LOT_WIDTH: Final = 20

SUBLOT_LOT: Final = 0
SUBLOT_ORDINAL: Final = 1
SUBLOT_UNITS: Final = 2
SUBLOT_COST: Final = 3
SUBLOT_CARRIED: Final = 4
SUBLOT_START: Final = 5  # of the holding period
SUBLOT_USED: Final = 6
SUBLOT_POOL: Final = 7  # of what it carries
SUBLOT_RETURNED: Final = 8
SUBLOT_WHOLE_UNITS: Final = 9
SUBLOT_WHOLE_COST: Final = 10
SUBLOT_WHOLE_CARRIED: Final = 11
SUBLOT_WHOLE_RETURNED: Final = 12
SUBLOT_PREVIOUS: Final = 13
SUBLOT_NEXT: Final = 14
SUBLOT_MARKS: Final = 15
SUBLOT_WIDTH: Final = 16
# Once everything is settled, in the places of what is not asked for any more: what is held, in cents, and its place.
SUBLOT_HELD_COST: Final = SUBLOT_COST
SUBLOT_HELD_CARRIED: Final = SUBLOT_CARRIED
SUBLOT_PLACE: Final = SUBLOT_PREVIOUS
#: What a check adds to SUBLOT_USED for each loss that it finds replaced.
CHECKED: Final = 2

POOL_EXACT: Final = 0
POOL_CENTS: Final = 1
POOL_TAKEN_EXACT: Final = 2
POOL_TAKEN_CENTS: Final = 3
POOL_WIDTH: Final = 4

CLOSING_FILL: Final = 0  # below NONE for a corporate action: −2 − its number
CLOSING_POSITION: Final = 1
CLOSING_ORDER: Final = 2
CLOSING_DATE: Final = 3
CLOSING_UNITS: Final = 4
CLOSING_NET: Final = 5
CLOSING_CENTS: Final = 6  # the net amount in cents; premiums of exercised options add to it when they are settled
CLOSING_KIND: Final = 7
CLOSING_ACQUIRED: Final = 8  # when the shares that were delivered had been bought; NONE: on the day
CLOSING_START: Final = 9  # since when the shares that were delivered counted as held
CLOSING_LOT: Final = 10  # of the shares that were delivered
CLOSING_WIDTH: Final = 11

BY_TRADE: Final = 0
BY_EXPIRY: Final = 1
BY_ACTION: Final = 2

# The journal: pieces of lots that were closed, and basis that moved.
PIECE_KIND: Final = 0
PIECE_SUBLOT: Final = 1
PIECE_CLOSING: Final = 2
PIECE_UNITS: Final = 3
PIECE_COST: Final = 4
PIECE_CARRIED: Final = 5
PIECE_CLOSED: Final = 6
PIECE_LOSS: Final = 7
PIECE_TO_MATCH: Final = 8
PIECE_MATCHED: Final = 9
PIECE_NEXT_WAITING: Final = 10
PIECE_FIRST_WASH: Final = 11
PIECE_LAST_WASH: Final = 12
PIECE_FIRST_ABSORBED: Final = 13
PIECE_START: Final = 14
PIECE_MARKS: Final = 15
#: PIECE_START of a short whose loss is long-term by IRC 1233(d).
LONG_TERM_LOSS: Final = -1
# In cents, once settled; all but the first in the places of what is not asked for any more.
PIECE_PROCEEDS: Final = 16
PIECE_BASIS: Final = PIECE_COST
PIECE_DISALLOWED: Final = PIECE_LAST_WASH
PIECE_PERMANENT: Final = PIECE_NEXT_WAITING
PIECE_WIDTH: Final = 17

CLOSED: Final = 0
#: Cash paid on shares that stay: a return of capital above basis, boot.
PAID: Final = 1
#: Basis that leaves a pool: PIECE_SUBLOT the pool, PIECE_COST the amount, PIECE_CLOSED the target.
MOVED: Final = 2
#: Shares that left without a sale: given away, delivered, or used up by an option.
LEFT: Final = 3

# Where moved basis goes, in PIECE_CLOSING.
TO_HOLDER: Final = 0  # returned as capital, or given away
TO_POOL: Final = 1
OFF_POOL: Final = 2
TO_PROCEEDS: Final = 3  # of a closing
OFF_PROCEEDS: Final = 4

WASH_PIECE: Final = 0
WASH_LOT: Final = 1
WASH_FILL: Final = 2  # what acquired the replacement, or sold it where a sale took over the loss of a short
WASH_UNITS: Final = 3  # of the replacement
WASH_AMOUNT: Final = 4
WASH_RULE: Final = 5
WASH_PERMANENT: Final = 6
WASH_POOL: Final = 7
WASH_NEXT: Final = 8  # of the loss
WASH_NEXT_ABSORBED: Final = 9  # of the sale that took over losses of shorts
WASH_SUBLOT: Final = 10  # the replacement shares
WASH_CENTS: Final = 11
WASH_WIDTH: Final = 12

(PURCHASE, IRA, SPOUSE, SPOUSE_PERMANENT, SHORT, SHORT_SALE, CALL, BOX) = range(8)

HEAP_ITEM: Final = 0
HEAP_BASIS: Final = 1
HEAP_UNITS: Final = 2
HEAP_ACQUIRED: Final = 3
HEAP_SEQUENCE: Final = 4
HEAP_ORDINAL: Final = 5
HEAP_CHILD: Final = 6
HEAP_SIBLING: Final = 7
HEAP_WIDTH: Final = 8

#: The orderings of a position's lots: by price paid, by adjusted basis from the dearest, from the cheapest.
(BY_PRICE, SMALLEST_GAIN, LARGEST_GAIN) = range(3)
(FIRST_IN, LAST_IN, HIGHEST_COST, MINIMUM_GAIN, MAXIMUM_GAIN) = range(5)

EVENT_KIND: Final = 0
EVENT_FILL: Final = 1
EVENT_VALUE: Final = 2
EVENT_OTHER: Final = 3
EVENT_WIDTH: Final = 4
(NOT_HELD, CHOICES_DO_NOT_ADD_UP, LOT_USED_UP, BOXED) = range(4)
#: Contradictions, found once the journal is settled.
(SHARES_LOST, TOO_MUCH_DISALLOWED, CYCLE, NOT_GIVEN_OUT, REPLACED_TWICE) = range(4, 9)

# The policies' row.
SAME_ORDER_REPLACES: Final = 0
OLDER_DO_NOT_REPLACE: Final = 1
COUNT_ONCE: Final = 2
REPLACEMENT_LAST: Final = 3
SPOUSE_IS_PERMANENT: Final = 4
HAS_WASH_SALES: Final = 5
RESERVED_SCALE: Final = 6

#: Which unsettled points a row depends on, as bits; P1 is bit 0.
(P1, P2, P3, P4, P5, P6, P7, P8) = (1 << point for point in range(8))

WIDTHS: Final = {
    "fills": FILL_WIDTH,
    "choices": CHOICE_WIDTH,
    "reserved": RESERVED_WIDTH,
    "positions": POSITION_WIDTH,
    "groups": GROUP_WIDTH,
    "nodes": NODE_WIDTH,
    "lots": LOT_WIDTH,
    "sublots": SUBLOT_WIDTH,
    "pools": POOL_WIDTH,
    "closings": CLOSING_WIDTH,
    "pieces": PIECE_WIDTH,
    "washes": WASH_WIDTH,
    "heap": HEAP_WIDTH,
    "events": EVENT_WIDTH,
}
