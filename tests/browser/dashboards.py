"""A dashboard as a person has it: `tickledger dashboard` on a home, on a port of its own."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.browser.devtools import Tab
from tests.command import TICKLEDGER, command_environment
from tickledger.cli.ports import free_port


@dataclass(frozen=True)
class Dashboard:
    """A running dashboard; `login` is the address that it printed."""

    process: subprocess.Popen[str]
    login: str
    messages: Path

    @property
    def root(self) -> str:
        return self.login.partition("/login")[0]

    @property
    def token(self) -> str:
        return self.login.partition("token=")[2]

    def enter(self, tab: Tab, path: str = "/") -> None:
        """Come in by the printed address, then go to `path` and wait until it is drawn."""
        tab.open(self.login)
        self.go(tab, path)

    def go(self, tab: Tab, path: str) -> None:
        tab.open(self.root + path)
        drawn(tab)


def drawn(tab: Tab) -> None:
    """Wait until the page is drawn, its plots too."""
    tab.until("document.querySelector('#body')?.getAttribute('aria-busy') === 'false'")
    tab.until("document.querySelectorAll('#navigation a').length > 0")
    plots = "[...document.querySelectorAll('.plot')]"
    tab.until(f"{plots}.every(plot => plot.querySelector('.main-svg, canvas'))")


@contextmanager
def dashboard(home: Path, **environment: str) -> Iterator[Dashboard]:
    """`tickledger dashboard` on `home`, until the context ends."""
    messages = home.with_name(f"{home.name}-dashboard.stderr")
    port = free_port()
    with (
        messages.open("w") as stderr,
        subprocess.Popen(
            [TICKLEDGER, "dashboard", "--port", str(port)],
            env={**command_environment(home), "PYTHONUNBUFFERED": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            login = process.stdout.readline().strip()
            yield Dashboard(process, login, messages)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
