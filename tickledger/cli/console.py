"""Where the commands print: results on stdout, everything else on stderr."""

import sys
from typing import Final

from rich.console import Console

#: A pipe or a file has no width of its own; cells must not be cut there because some terminal would be narrow.
_PIPE_WIDTH: Final = 240

out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)
