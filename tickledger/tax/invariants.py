"""What must hold whatever the history, checked on every run: a result that breaks one is never reported.

* shares: what a lot bought = what was closed of it + what is held
* dollars: reported gains − losses deferred in open lots − losses disallowed for good = the economic result
* a loss is never disallowed beyond its amount, and a gain never at all
* a replacement share takes over one loss
* no cycles: what replaces a loss is closed after it
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction

from tickledger.domain.errors import LedgerError
from tickledger.tax.book import Book
from tickledger.tax.cents import Pool, as_decimal, nearest_cent
from tickledger.tax.lots import Disposition, Transfer
from tickledger.tax.settlement import Remaining, Settled


def check(book: Book, settled: Sequence[Settled], held: Sequence[Remaining]) -> None:
    """Raise LedgerError with the offending rows unless every invariant holds."""
    violations = [
        *_shares(book),
        *_losses(settled),
        *_replacements(book, settled),
        *_cycles(settled),
        *_dollars(book, settled, held),
    ]
    if violations:
        raise LedgerError("the tax result contradicts itself:\n" + "\n".join(violations))


def _row(disposition: Disposition) -> str:
    lot = disposition.sublot.lot
    return f"{disposition.closing.close_id} closing {lot.execution_id} ({lot.position.symbol})"


def _shares(book: Book) -> Iterator[str]:
    closed: defaultdict[int, int] = defaultdict(int)
    for entry in book.journal:
        if isinstance(entry, Disposition) and not entry.is_distribution:
            closed[id(entry.sublot.lot)] += entry.units
    for lot in book.lots:
        if lot.whole_units != closed[id(lot)] + lot.units:
            yield f"lot {lot.execution_id}: {lot.whole_units} units in, {closed[id(lot)]} closed, {lot.units} held"
    for position in book.positions.values():
        of_sublots = sum(sublot.units for sublot in position.open_sublots())
        if position.held != of_sublots:
            yield f"position {position.account_id} {position.symbol}: {position.held} units held, {of_sublots} in lots"


def _losses(settled: Sequence[Settled]) -> Iterator[str]:
    for row in settled:
        loss = max(row.basis - row.proceeds, 0)
        if not 0 <= row.permanent <= row.disallowed <= loss:
            disallowed = f"{as_decimal(row.disallowed)} disallowed, {as_decimal(row.permanent)} of it for good"
            yield f"{_row(row.disposition)}: {disallowed}, of a loss of {as_decimal(loss)}"


def _replacements(book: Book, settled: Sequence[Settled]) -> Iterator[str]:
    """Shares are counted as their lot bought them; all that corporate actions made of a lot share its pool."""
    bought: dict[int, Fraction] = {}
    for lot in book.lots:
        bought.setdefault(id(lot.cost_pool), lot.whole_units / lot.scale)
    used: defaultdict[int, Fraction | int] = defaultdict(int)
    for row in settled:
        for wash in row.disposition.washes:
            lot = wash.replacement
            if wash.replacement_id != lot.execution_id:
                continue  # a sale that took over a short's loss; its shares are gone with it
            used[id(lot.cost_pool)] += wash.units if lot.scale == 1 else wash.units / lot.scale
            if used[id(lot.cost_pool)] > bought[id(lot.cost_pool)]:
                yield f"{_row(row.disposition)}: shares of {lot.execution_id} replaced more than one loss each"


def _cycles(settled: Sequence[Settled]) -> Iterator[str]:
    carried_by: set[int] = {
        id(wash.pool) for row in settled for wash in row.disposition.washes if wash.pool is not None
    }
    for row in settled:
        pool = row.disposition.sublot.carried_pool
        if pool is not None and id(pool) in carried_by:
            yield f"{_row(row.disposition)}: closed before the loss that it replaces"
        for wash in row.disposition.washes:
            carried_by.discard(id(wash.pool))


def _dollars(book: Book, settled: Sequence[Settled], held: Sequence[Remaining]) -> Iterator[str]:
    yield from _pools(book, settled)
    reported = deferred = permanent = economic = 0
    closing = None
    for row in settled:
        reported += row.gain
        permanent += row.permanent
        if row.disposition.closing is not closing:
            closing = row.disposition.closing
            net = nearest_cent(closing.net)
            economic += -net if row.disposition.sublot.lot.position.is_short else net
    for rest in held:
        deferred += rest.carried
        economic += -rest.cost if rest.sublot.lot.position.is_short else rest.cost
    returned = sum(entry.cents for entry in book.journal if isinstance(entry, Transfer) and entry.target is None)
    economic += returned - book.paid_cents
    if reported - deferred - permanent != economic:
        yield (
            f"reported {as_decimal(reported)} − deferred {as_decimal(deferred)} − permanent {as_decimal(permanent)}"
            f" ≠ economic result {as_decimal(economic)}"
        )


def _pools(book: Book, settled: Sequence[Settled]) -> Iterator[str]:
    for lot in book.lots:
        if not _is_given_out(lot.cost_pool):
            yield f"lot {lot.execution_id}: of a basis of {as_decimal(lot.cost_pool.cents)} not all was given out"
    for row in settled:
        for wash in row.disposition.washes:
            if wash.pool is not None and not _is_given_out(wash.pool):
                yield f"{_row(row.disposition)}: {as_decimal(wash.cents)} did not all arrive at {wash.replacement_id}"


def _is_given_out(pool: Pool) -> bool:
    return pool.taken_exact == pool.exact and pool.taken_cents == pool.cents
