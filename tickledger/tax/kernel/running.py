"""The two ways in which the kernel runs: interpreted, or compiled by numba.

Compiled functions are copies of the interpreted ones that see each other in place of them, with `wide` in place of
the arithmetic that needs more than 64 bits. numba keeps its machine code on disk; the folder is named after the
sources, so that a changed kernel is compiled anew.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from types import FunctionType, ModuleType
from typing import Any, Final

from tickledger.tax import cents
from tickledger.tax.kernel import (
    arithmetic,
    checks,
    closing,
    columns,
    events,
    heap,
    lots,
    methods,
    nodes,
    room,
    settlement,
    short_sales,
    sweep,
    wash_sales,
    wide,
)
from tickledger.tax.kernel.columns import Book

#: In the order in which they build on each other.
_MODULES = (
    arithmetic,
    events,
    heap,
    lots,
    nodes,
    methods,
    room,
    short_sales,
    wash_sales,
    closing,
    sweep,
    settlement,
    checks,
)


@dataclass(frozen=True, slots=True)
class Kernel:
    """The functions that are called from outside."""

    work_through: Callable[[Book, int, int], int]
    settle: Callable[[Book], None]
    check: Callable[[Book], None]


#: What every fill calls: a call hands over all tables, which costs more than what these do.
_INLINED: Final = frozenset(
    {
        "enter",
        "is_possible",
        "open_lot",
        "opened",
        "acquired",
        "close",
        "close_by_method",
        "begin",
        "close_piece",
        "together",
        "start_at_sale",
        "next_sublot",
        "enter_loss",
        "no_longer_reserved",
        "reservation",
        "finish",
        "match_losses",
        "replace",
        "apply_short_sale_rules",
        "new_pool",
        "new_lot",
        "append_lot",
        "new_sublot",
        "insert_sublot",
        "unlink_sublot",
        "unlink_lot",
        "first_in",
        "take",
        "new_piece",
        "new_closing",
        "has_room",
        "must_wait",
        "taken_cents",
        "settle_piece",
        "disallow",
        "taken_over",
        "new_wash",
        "set_authority",
        "tack",
        "carry",
        "free_shares",
        "cut_off",
        "cut_out",
    }
)
_ENTRIES: Final = tuple(Kernel.__annotations__)
INTERPRETED: Final = Kernel(sweep.work_through, settlement.settle, checks.check)


@cache
def compiled() -> Kernel:
    """The kernel as machine code; the first call on a machine takes the compiler half a minute (`make install` does).

    Raises no error where the machine code cannot be kept: the kernel is then interpreted, slowly.
    """
    import numba  # noqa: PLC0415  half a second that short histories do without

    # Its annotations leave out the options that are not for everybody.
    njit: Any = numba.njit
    settings: Any = numba.config
    folder = Path(__file__).parent / "__pycache__" / f"kernel-{_fingerprint()}"
    if not _is_writable(folder):
        return INTERPRETED
    settings.CACHE_DIR = str(folder)
    seen: dict[str, Any] = {}
    for module, function in _functions():
        names = {name: seen.get(name, value) for name, value in vars(module).items()}
        copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
        copy.__module__, copy.__qualname__ = module.__name__, function.__qualname__
        is_entry = function.__name__ in _ENTRIES
        # Only what is called from outside needs to be called from Python and kept: the rest is linked into it.
        seen[function.__name__] = njit(
            cache=is_entry,
            forceinline=function.__name__ in _INLINED,
            error_model="numpy",
            _nrt=False,
            no_cpython_wrapper=not is_entry,
            no_cfunc_wrapper=True,
        )(copy)
    return Kernel(*(seen[name] for name in _ENTRIES))


def _is_writable(folder: Path) -> bool:
    """Whether numba can keep machine code in a folder, which it tries by writing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _functions() -> Iterator[tuple[ModuleType, FunctionType]]:
    """Every function of the kernel after those that it calls."""
    replaced = {name for name, value in vars(wide).items() if _is_of(wide, value)}
    yield from _own(wide)
    for module in _MODULES:
        yield from ((of, function) for of, function in _own(module) if function.__name__ not in replaced)


def _own(module: ModuleType) -> Iterator[tuple[ModuleType, FunctionType]]:
    """The functions of a module, those that are called before those that call them."""
    functions = [value for value in vars(module).values() if _is_of(module, value)]
    names = {function.__name__ for function in functions}
    done: set[str] = set()
    while functions:
        ready = [f for f in functions if not (names & set(f.__code__.co_names)) - done - {f.__name__}]
        for function in ready:
            done.add(function.__name__)
            functions.remove(function)
            yield module, function


def _is_of(module: ModuleType, value: object) -> bool:
    return isinstance(value, FunctionType) and value.__module__ == module.__name__


def _fingerprint() -> str:
    """What the machine code depends on: the sources, and who compiled them."""
    import numba  # noqa: PLC0415  as above

    # The constants of `columns` and `cents` are compiled in.
    files = [Path(__file__), *(Path(str(module.__file__)) for module in (*_MODULES, wide, columns, cents))]
    sources = (file.read_bytes() for file in files)
    return hashlib.sha256(b"\0".join((numba.__version__.encode(), *sources))).hexdigest()[:16]
