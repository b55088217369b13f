"""A broker's snapshots one after the other, each told by what is otherwise than in the one before.

Every few minutes a broker tells all orders and fills of its day again: written out each time, a day of two thousand
orders would stop its session for a fifth of a second, and fill the disk.

    fills before    a b c d        told    (0, 3), new d, e
    fills now       a b c d' e
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from tickledger.domain.broker import BrokerSnapshot

_ROWS: Final = ("open_orders", "completed_orders", "fills", "commissions", "positions")

#: A snapshot without its rows, and of each kind of rows those that are new, and stretches of those before.
Told = tuple[BrokerSnapshot, Mapping[str, Sequence[Any]]]


class SnapshotChanges:
    """The snapshots of one journal, in order: `told` as they are written, `restored` as they are read."""

    def __init__(self) -> None:
        self._before: BrokerSnapshot | None = None

    def told(self, snapshot: BrokerSnapshot) -> Told:
        """What tells this snapshot to somebody who knows those before."""
        before, self._before = self._before, snapshot
        changes = {name: _stretches(_rows(before, name), rows) for name in _ROWS if (rows := _rows(snapshot, name))}
        emptied: dict[str, Any] = dict.fromkeys(changes, ())
        return replace(snapshot, **emptied), changes

    def restored(self, told: Told) -> BrokerSnapshot:
        """The snapshot that was told so."""
        bare, changes = told
        rows: dict[str, Any] = {name: _joined(_rows(self._before, name), parts) for name, parts in changes.items()}
        self._before = replace(bare, **rows)
        return self._before


def _rows(snapshot: BrokerSnapshot | None, name: str) -> Sequence[Any]:
    return () if snapshot is None else getattr(snapshot, name) or ()


def _stretches(before: Sequence[Any], rows: Sequence[Any]) -> list[Any]:
    """`rows` as stretches of `before`, from the first to before the last, and those of them that are not in it."""
    found: list[Any] = []
    places: dict[Any, int] | None = None
    begins = ends = 0
    for row in rows:
        if ends < len(before) and before[ends] == row:
            ends += 1
            continue
        if ends > begins:
            found.append((begins, ends))
        places = {known: place for place, known in enumerate(before)} if places is None else places
        place = places.get(row)
        if place is None:
            found.append(row)
            begins = ends
        else:
            begins, ends = place, place + 1
    return [*found, (begins, ends)] if ends > begins else found


def _joined(before: Sequence[Any], parts: Sequence[Any]) -> tuple[Any, ...]:
    rows: list[Any] = []
    for part in parts:
        rows += before[part[0] : part[1]] if isinstance(part, tuple | list) else [part]
    return tuple(rows)
