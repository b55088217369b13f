"""Which differences of lots and gains follow from others: by working the corrections in and comparing again.

A missing fill changes every later sale of its security, by FIFO and by wash sales, in ways that no sum shows. So the
tax engine runs once more with the corrections that the roots propose: what then agrees follows from them, and what
still differs is left to be explained. The first other choice of lots of a security is a root of what comes after it,
in the same way.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from tickledger.domain.errors import LedgerError
from tickledger.reconciliation.breaks import BreakCause
from tickledger.reconciliation.findings import ZERO, Finding, Hypothesis, numbered, plain

#: Choices of lots are taken up one after the other; further ones stand beside each other.
_MOST_CHOICES: Final = 12
#: The findings that are left once corrections are worked in.
Compare = Callable[[Sequence[Hypothesis]], Sequence[Finding]]
_Key = tuple[str, str, str]


def explained(
    compare: Compare, roots: Iterable[Finding], *, family: Callable[[str], str], can_recompute: bool
) -> list[Finding]:
    """The findings of `compare`, those that the roots explain with `because_of` and nothing at stake.

    Where nothing can be worked out again, a difference of a security that has roots is said to follow from them.
    """
    base = numbered(compare(()))
    causes = [root for root in roots if root.hypothesis is not None or root.shares or root.cash]
    if not base or not (causes or can_recompute):
        return base
    if not can_recompute:
        return [_follows(finding, _of_family(causes, finding, family), is_certain=False) for finding in base]
    corrections = [root.hypothesis for root in causes if root.hypothesis is not None]
    left = _compared(compare, corrections, base) if corrections else base
    chosen: list[Finding] = []
    for _ in range(_MOST_CHOICES):
        nexts = _first_choices(left, family)
        if not nexts:
            break
        tried = [one.hypothesis for one in (*chosen, *nexts) if one.hypothesis is not None]
        remaining = _compared(compare, [*corrections, *tried], base)
        is_better = len(remaining) < len(left)
        if not is_better or not {_key(one) for one in nexts}.isdisjoint({_key(one) for one in remaining}):
            break
        chosen += nexts
        left = remaining
    return _told(base, left, chosen, causes, family)


def _compared(compare: Compare, corrections: Sequence[Hypothesis], base: list[Finding]) -> list[Finding]:
    """What is left with the corrections; all of it where they contradict the record or only make more of it."""
    try:
        left = numbered(compare(corrections))
    except LedgerError:
        return base
    return left if len(left) <= len(base) else base


def _first_choices(findings: Iterable[Finding], family: Callable[[str], str]) -> list[Finding]:
    """The earliest other choice of lots of each security that a correction is known for."""
    first: dict[str, Finding] = {}
    for finding in findings:
        if finding.found.cause is BreakCause.LOT_CHOICE and finding.hypothesis is not None:
            name = family(finding.found.symbol)
            if name not in first or finding.on < first[name].on:
                first[name] = finding
    return list(first.values())


def _key(finding: Finding) -> _Key:
    return (finding.found.subject, finding.found.key, finding.found.field)


def _told(
    base: Sequence[Finding],
    left: Sequence[Finding],
    chosen: Sequence[Finding],
    causes: Sequence[Finding],
    family: Callable[[str], str],
) -> list[Finding]:
    remaining, roots = {_key(one): one for one in left}, {_key(one): one for one in chosen}
    known = {_key(one) for one in base}
    told = []
    for finding in base:
        key = _key(finding)
        if key in roots:
            told.append(roots[key])
        elif key in remaining:
            told.append(_partly(finding, remaining[key]))
        else:
            told.append(_follows(finding, _of_family([*causes, *chosen], finding, family), is_certain=True))
    hidden = [one for one in (*left, *chosen) if _key(one) not in known]
    return numbered([*told, *hidden])


def _of_family(causes: Sequence[Finding], finding: Finding, family: Callable[[str], str]) -> list[Finding]:
    """Those of the same security; later ones only where none came before, as they change a wash sale behind them."""
    name = family(finding.found.symbol)
    of_family = [one for one in causes if family(one.found.symbol) == name]
    return [one for one in of_family if one.on <= finding.on] or of_family


def _follows(finding: Finding, causes: Sequence[Finding], *, is_certain: bool) -> Finding:
    if not causes:
        return finding
    detail = "agrees once the other breaks are corrected" if is_certain else "probably follows from the other breaks"
    first = max(causes, key=lambda one: (one.found.money_at_stake, one.found.break_id))
    found = replace(
        finding.found,
        cause=first.found.cause,
        money_at_stake=ZERO,
        because_of=tuple(dict.fromkeys(one.found.break_id for one in causes)),
        detail=detail,
        correction=None,
    )
    return replace(finding, found=found)


def _partly(finding: Finding, left: Finding) -> Finding:
    """What is left of a difference after the others are corrected is what it has at stake."""
    if left.found.theirs == finding.found.theirs and left.found.ours == finding.found.ours:
        return finding
    detail = f"{left.found.detail}; once the other breaks are corrected ours is {left.found.ours}".lstrip("; ")
    if left.found.difference is not None:
        detail += f", {plain(left.found.difference)} {left.found.unit} off"
    found = replace(finding.found, cause=left.found.cause, money_at_stake=left.found.money_at_stake, detail=detail)
    return replace(finding, found=replace(found, correction=left.found.correction))
