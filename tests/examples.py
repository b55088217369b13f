"""How many examples a property is tried on: what a test says, or a part of it where a run has little time."""

import os
from typing import Final

#: Per cent; `make test` sets it, `make fuzz` tries them all.
SHARE: Final = "TEST_EXAMPLES"
_FEWEST: Final = 10


def examples(count: int) -> int:
    """`count`, or the part of it that the environment asks for; ten at least, where a test wants as many."""
    share = int(os.environ.get(SHARE, "100"))
    return max(min(count, _FEWEST), count * share // 100)
