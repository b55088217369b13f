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
from types import FunctionType, ModuleType
from typing import Any

from tickledger.tax.kernel import (
    arithmetic,
    checks,
    closing,
    events,
    heap,
    lots,
    methods,
    nodes,
    settlement,
    short_sales,
    sweep,
    wash_sales,
    wide,
)
from tickledger.tax.kernel.columns import Book

#: In the order in which they build on each other.
_MODULES = (arithmetic, events, heap, lots, nodes, methods, wash_sales, short_sales, closing, sweep, settlement, checks)


@dataclass(frozen=True, slots=True)
class Kernel:
    """The functions that are called from outside."""

    work_through: Callable[[Book, int, int], int]
    settle: Callable[[Book], None]
    check: Callable[[Book], None]


INTERPRETED = Kernel(sweep.work_through, settlement.settle, checks.check)


@cache
def compiled() -> Kernel:
    """The kernel as machine code; the first call on a machine takes the compiler about half a minute."""
    import numba  # noqa: PLC0415  half a second that short histories do without

    folder = Path(__file__).parent / "__pycache__" / f"kernelZ-{_fingerprint()}"
    numba.config.CACHE_DIR = str(folder)
    seen: dict[str, Any] = {}
    for module, function in _functions():
        names = {name: seen.get(name, value) for name, value in vars(module).items()}
        copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
        copy.__module__, copy.__qualname__ = module.__name__, function.__qualname__
        entry = function.__name__ in ("work_through", "settle", "check")
        if entry:
            compiled_copy = numba.njit(cache=True, error_model="numpy", _nrt=False, no_cfunc_wrapper=True)(copy)
        else:
            compiled_copy = numba.njit(error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)(copy)
        seen[function.__name__] = compiled_copy
    return Kernel(seen["work_through"], seen["settle"], seen["check"])


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

    sources = (Path(str(module.__file__)).read_bytes() for module in (*_MODULES, wide))
    return hashlib.sha256(b"\0".join((numba.__version__.encode(), *sources))).hexdigest()[:16]
