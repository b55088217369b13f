"""The demonstration, run once for all tests that look at what it left."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.command import tickledger


@dataclass(frozen=True)
class Demonstration:
    """A home in which `tickledger demo` has run, and the summary it printed."""

    home: Path
    summary: dict[str, Any]

    @property
    def exports(self) -> Path:
        return self.home / "exports"


def run_demonstration(home: Path) -> Demonstration:
    """Run the demonstration in `home`; its own failure is the test's."""
    ran = tickledger(home, "demo", "--json")
    assert ran.returncode == 0, ran.stderr
    return Demonstration(home=home, summary=json.loads(ran.stdout))
