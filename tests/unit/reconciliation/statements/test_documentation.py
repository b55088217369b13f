"""docs/statements.md names every section that is left aside, with the reason that the readers give."""

from pathlib import Path

import pytest

from tickledger.reconciliation.statements import activity
from tickledger.reconciliation.statements.flex_layout import CONTAINERS

PAGE = Path(__file__).resolve().parents[4] / "docs" / "statements.md"


@pytest.mark.parametrize(("name", "reason"), [(name, reason) for name, reason in CONTAINERS.items() if reason])
def test_sections_of_flex_are_documented(name: str, reason: str) -> None:
    assert f"| `{name}` | {reason} |" in PAGE.read_text()


@pytest.mark.parametrize(("name", "reason"), list(activity._IGNORED.items()))
def test_sections_of_activity_statements_are_documented(name: str, reason: str) -> None:
    assert f"| {name} | {reason} |" in PAGE.read_text()
