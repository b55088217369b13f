"""How commands tell problems: one line each, as many as a person reads, then how many more there are."""

from collections.abc import Sequence
from typing import Final

from tickledger.cli.console import err
from tickledger.domain.errors import Problem

SHOWN: Final = 20


def tell(problems: Sequence[Problem], *, elsewhere: str) -> None:
    """Print the first of `problems` on stderr; where there are more, how many, and that they are `elsewhere`."""
    for problem in problems[:SHOWN]:
        err.print(str(problem), style="red" if problem.severity == "error" else "yellow", markup=False)
    if len(problems) > SHOWN:
        err.print(f"and {len(problems) - SHOWN:,} more, {elsewhere}", markup=False)
