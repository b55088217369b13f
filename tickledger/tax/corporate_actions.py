"""What corporate actions do to lots: Pub. 550, p. 63–65, 82; IRC 301(c), 305, 354–358, 1223.

Each kind is a function from the book and the event to changed lots; lots keep their opening execution and
acquisition date through all of them. Shares received without a purchase never replace a loss.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Final

from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind, in_order
from tickledger.domain.errors import Problem
from tickledger.tax import distributions
from tickledger.tax.book import HouseholdBook
from tickledger.tax.cents import to_units
from tickledger.tax.kernel import columns as c
from tickledger.tax.leaving import close_lots
from tickledger.tax.policies import SplitInWindow
from tickledger.tax.succession import refill, scaled, succeed

#: A company does a thing once on a date, or once for each security that it hands out.
EventKey = tuple[str, date, CorporateActionKind, str | None]


def event_key(action: CorporateAction) -> EventKey:
    """What tells one event from another."""
    return (action.symbol, action.ex_date, action.kind, action.new_symbol)


def admit(actions: Iterable[CorporateAction]) -> tuple[list[CorporateAction], list[Problem], set[str]]:
    """The events in the order in which they take effect, and the symbols on which two tell different terms.

    An event that is told again changes nothing, which a warning says; other terms for the same event are an error.
    """
    admitted: dict[EventKey, CorporateAction] = {}
    problems: list[Problem] = []
    left_out: set[str] = set()
    for action in actions:
        if action.kind is CorporateActionKind.DIVIDEND:
            continue
        first = admitted.setdefault(event_key(action), action)
        if first is not action:
            is_same = replace(first, corporate_action_id=None) == replace(action, corporate_action_id=None)
            found = "the same one again, counted once" if is_same else "a second one with other terms"
            problems.append(_problem(action, "one event of a kind on a date", found, is_warning=is_same))
            if not is_same:
                left_out.add(action.symbol)
    for problem, symbols in _handed_on(admitted.values()):
        problems.append(problem)
        left_out.update(symbols)
    return in_order(admitted.values()), problems, left_out


def _handed_on(actions: Iterable[CorporateAction]) -> Iterator[tuple[Problem, set[str]]]:
    """Names that one security takes on the day on which another gives them up: whose lots are whose is unclear."""
    changes = [action for action in actions if action.kind is CorporateActionKind.TICKER_CHANGE]
    given_up = {(action.ex_date, action.symbol) for action in changes}
    for action in changes:
        if action.new_symbol is not None and (action.ex_date, action.new_symbol) in given_up:
            expected = (
                f"a name that nothing else gives up on that day: date the change of {action.new_symbol} before it"
            )
            found = f"{action.new_symbol} renamed on {action.ex_date} as well"
            yield _problem(action, expected, found), {action.symbol, action.new_symbol}


def apply(book: HouseholdBook, action: CorporateAction, *, split_in_window: SplitInWindow) -> None:
    """Let the event happen to every lot of its symbol; problems go into the book."""
    if action.kind in _RENAMING and action.new_symbol is not None:
        book.links.add((action.symbol, action.new_symbol))
        _inherit(book, action.symbol, action.new_symbol)
    if book.is_left_out(action.symbol):
        return
    problem = _missing(action)
    if problem is not None:
        book.leave_out(action.symbol, problem)
        return
    if book.positions_in(action.symbol) or action.kind is CorporateActionKind.DELISTING:
        _APPLY[action.kind](book, action)
    else:
        book.problems.append(
            _problem(action, "shares that it applies to", f"no open position in {action.symbol}", is_warning=True)
        )
    if action.kind is CorporateActionKind.SPLIT:
        _scale_waiting(book, action, split_in_window)


def _inherit(book: HouseholdBook, symbol: str, new_symbol: str) -> None:
    """What a lot turns into is of its asset class, and cannot be computed where the lot cannot."""
    if symbol in book.asset_classes:
        book.asset_classes.setdefault(new_symbol, book.asset_classes[symbol])
    if book.is_left_out(symbol):
        book.leave_out(new_symbol)


#: The kinds that turn lots into lots of another symbol.
_RENAMING: Final = frozenset(
    {
        CorporateActionKind.SPINOFF,
        CorporateActionKind.TICKER_CHANGE,
        CorporateActionKind.MERGER,
    }
)
_NEEDED: Final[Mapping[CorporateActionKind, tuple[str, ...]]] = {
    CorporateActionKind.SPLIT: ("ratio",),
    CorporateActionKind.RETURN_OF_CAPITAL: ("amount",),
    CorporateActionKind.SPINOFF: ("ratio", "new_symbol", "fmv_old", "fmv_new"),
    CorporateActionKind.TICKER_CHANGE: ("new_symbol",),
    CorporateActionKind.MERGER: (),
    CorporateActionKind.DELISTING: (),
}


def _missing(action: CorporateAction) -> Problem | None:
    needed = _NEEDED[action.kind]
    if action.kind is CorporateActionKind.MERGER:
        has_stock = action.ratio is not None or action.new_symbol is not None
        needed = ("ratio", "new_symbol") if has_stock else ("amount",)
        if has_stock and action.amount:
            needed = (*needed, "fmv_new")
    absent = [name for name in needed if getattr(action, name) is None]
    if absent:
        return _problem(action, f"a {action.kind} with {' and '.join(absent)}", "none")
    if action.kind in _RENAMING and action.new_symbol == action.symbol:
        return _problem(action, "a new symbol that is not the old one", action.symbol)
    if action.ratio is not None and action.ratio <= 0:
        return _problem(action, "a ratio above 0", str(action.ratio))
    return None


def _problem(action: CorporateAction, expected: str, found: str, *, is_warning: bool = False) -> Problem:
    return Problem(
        where=distributions.place_of(action),
        expected=expected,
        found=found,
        severity="warning" if is_warning else "error",
    )


def _split(book: HouseholdBook, action: CorporateAction) -> None:
    ratio = action.ratio or Fraction(1)
    for position in book.positions_in(action.symbol):
        refill(book, position, [succeed(book, lot, position, ratio) for lot in book.lots_of(position)])
    _pay_fraction(book, action, action.symbol)


def _scale_waiting(book: HouseholdBook, action: CorporateAction, split_in_window: SplitInWindow) -> None:
    """Count losses that wait for a replacement in the shares of after the split (policy P5)."""
    ratio = action.ratio or Fraction(1)
    for group in (2 * book.security(action.symbol), 2 * book.security(action.symbol) + 1):
        loss = int(book.book.groups[group][c.GROUP_FIRST_WAITING])
        while loss != c.NONE:
            row = book.book.pieces[loss]
            position = book.book.lots[book.book.sublots[row[c.PIECE_SUBLOT]][c.SUBLOT_LOT]][c.LOT_POSITION]
            if book.current_symbol(book.symbols[position]) == action.symbol:
                row[c.PIECE_MARKS] |= c.P5
                if split_in_window is SplitInWindow.SPLIT_ADJUSTED:
                    row[c.PIECE_TO_MATCH] = scaled(row[c.PIECE_TO_MATCH], ratio)
                    row[c.PIECE_MATCHED] = scaled(row[c.PIECE_MATCHED], ratio)
            loss = int(row[c.PIECE_NEXT_WAITING])


def _ticker_change(book: HouseholdBook, action: CorporateAction) -> None:
    new_symbol = action.new_symbol or action.symbol
    book.renamed[action.symbol] = new_symbol
    _convert(book, action, ratio=Fraction(1), stays_identical=True)


def _spinoff(book: HouseholdBook, action: CorporateAction) -> None:
    """Spread the basis over old and new shares by their value after the distribution (Pub. 550, p. 64; IRC 358)."""
    ratio = action.ratio or Fraction(0)
    new_value = Fraction(action.fmv_new or 0) * ratio
    whole_value = Fraction(action.fmv_old or 0) + new_value
    if not whole_value:
        book.leave_out(action.symbol, _problem(action, "values fmv_old and fmv_new above 0", "0"))
        return
    new_symbol = action.new_symbol or ""
    for position in book.positions_in(action.symbol):
        target = book.beside(position, new_symbol)
        lots, part = book.lots_of(position), new_value / whole_value
        made = [distributions.spin_off(book, lot, target, ratio=ratio, part=part) for lot in lots]
        refill(book, position, [succeed(book, lot, position, Fraction(1)) for lot in lots])
        refill(book, target, [*book.lots_of(target), *made])
    _pay_fraction(book, action, new_symbol)


def _merger(book: HouseholdBook, action: CorporateAction) -> None:
    if action.ratio is None:
        _cash_out(book, action)
        return
    if action.amount:
        for position in book.positions_in(action.symbol):
            if book.is_short(position):
                book.leave_out(
                    action.symbol, _problem(action, "no short position in a merger for stock and cash", "one")
                )
                return
            distributions.pay_boot(book, position, action)
    _convert(book, action, ratio=action.ratio, stays_identical=False)
    _pay_fraction(book, action, action.new_symbol or "")


def _convert(book: HouseholdBook, action: CorporateAction, *, ratio: Fraction, stays_identical: bool) -> None:
    """Turn every lot into one of the new symbol."""
    for position in book.positions_in(action.symbol):
        target = book.beside(position, action.new_symbol or "")
        held = book.lots_of(target)
        # Shares received in a reorganization were not purchased: they replace nothing.
        moved = [succeed(book, lot, target, ratio, may_replace=stays_identical) for lot in book.lots_of(position)]
        refill(book, position, [])
        refill(book, target, [*held, *moved])


def _cash_out(book: HouseholdBook, action: CorporateAction) -> None:
    """Cash for every share: a sale (or, of a short, its closing) of all lots."""
    for position in book.positions_in(action.symbol):
        held = book.held(position)
        _close_first(book, position, action, units=held, net=distributions.cash(book, action, held))


def _delisting(book: HouseholdBook, action: CorporateAction) -> None:
    if action.amount is not None:
        _cash_out(book, action)
        return
    for position in book.positions_in(action.symbol):
        expected = "a decision on worthlessness (IRC 165(g)), which the delisting alone does not make"
        found = f"lots of {action.symbol} in {book.account_ids[position]}, which stay open"
        book.problems.append(_problem(action, expected, found, is_warning=True))


def _pay_fraction(book: HouseholdBook, action: CorporateAction, symbol: str) -> None:
    """Sell the fraction of a share for the cash received in its place (Pub. 550, p. 63)."""
    if not action.cash_in_lieu:
        return
    positions = [found for found in book.positions_in(symbol) if not book.is_short(found)]
    fractions = [book.held(position) % book.share_units for position in positions]
    if not any(fractions):
        found = f"cash in lieu of {action.cash_in_lieu} for whole shares"
        book.problems.append(_problem(action, f"a fraction of a share of {symbol}", found, is_warning=True))
        return
    whole, paid = sum(fractions), 0
    net = to_units(action.cash_in_lieu)
    for position, fraction in zip(positions, fractions, strict=True):
        if fraction:
            part = net * (paid + fraction) // whole - net * paid // whole
            paid += fraction
            _close_first(book, position, action, units=fraction, net=part)


def _close_first(book: HouseholdBook, position: int, action: CorporateAction, *, units: int, net: int) -> None:
    """Close the earliest shares: nothing was said about which."""
    closing = distributions.closing_by(book, action, position, units=units, net=net)
    close_lots(book, closing, c.FIRST_IN)


_APPLY: Final[Mapping[CorporateActionKind, Callable[[HouseholdBook, CorporateAction], None]]] = {
    CorporateActionKind.SPLIT: _split,
    CorporateActionKind.RETURN_OF_CAPITAL: distributions.return_capital,
    CorporateActionKind.SPINOFF: _spinoff,
    CorporateActionKind.TICKER_CHANGE: _ticker_change,
    CorporateActionKind.MERGER: _merger,
    CorporateActionKind.DELISTING: _delisting,
}
