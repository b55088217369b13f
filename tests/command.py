"""Running the project's own commands as a person does: another process, its own home, nothing shared."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

TICKLEDGER = Path(sys.executable).with_name("tickledger")


def command_environment(home: Path) -> Mapping[str, str]:
    """The environment of a person who has set nothing but the home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TICKLEDGER_", "DAGSTER_"))}
    return kept | {"TICKLEDGER_HOME": str(home), "COLUMNS": "120"}


def tickledger(home: Path, *arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    """Run ``tickledger ARGUMENTS`` to its end, from a folder that is not the checkout."""
    return subprocess.run(
        [TICKLEDGER, *arguments],
        cwd=home.parent,
        env=dict(command_environment(home)),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
