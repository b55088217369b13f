"""Progress of a command with a few long steps: a spinner on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from tickledger.cli.console import err


@contextmanager
def steps_on_stderr() -> Iterator[Callable[[str], None]]:
    """Give a function that is told each step's title as it starts; every step ends with its time in seconds."""
    started: list[tuple[str, float]] = []

    def finish() -> None:
        if started:
            title, since = started.pop()
            err.print(f"  {title} [dim]{perf_counter() - since:5.1f} s[/dim]")

    with err.status("starting the embedded database") as status:

        def report(title: str) -> None:
            finish()
            started.append((title, perf_counter()))
            status.update(title)

        yield report
        finish()
