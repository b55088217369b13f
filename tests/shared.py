"""Reference data that lies beside the checkout and is not shipped with it."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared_path(relative: str) -> Path:
    """The file or folder `relative` of the reference data; skips the test where the data are absent."""
    path = SHARED / relative
    if not path.exists():
        pytest.skip(f"the reference data {relative} are not beside this checkout")
    return path
