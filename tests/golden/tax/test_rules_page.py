"""docs/tax-rules.md names every rule and policy, and only tests that exist."""

import ast
import re
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import get_type_hints

import pytest

from tickledger.tax.policies import Policies

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "tax-rules.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
NOT_COMPUTED = {"W19"}


def rows(letter: str) -> dict[str, list[str]]:
    """The cells of each row of a table, by what its first cell says."""
    lines = [line for line in PAGE.splitlines() if re.match(rf"\| {letter}\d+ \|", line)]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {first: rest for first, *rest in cells}


def found_in(file: str) -> dict[str, str]:
    """The tests of a file anywhere among the tests, with their docstrings."""
    paths = list((ROOT / "tests").rglob(file))
    (path,) = [path for path in paths if "tax" in path.parts] or paths
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_docstring(node) or "" for node in functions}


def test_every_test_that_is_named_exists() -> None:
    named = NAMED.findall(PAGE)
    assert len(named) > 60
    for file, test in named:
        assert test in found_in(file), f"{file}::{test}"


def test_every_rule_has_a_row_and_a_test_that_says_so() -> None:
    found = rows("W")
    assert list(found) == [f"W{number}" for number in range(1, 21)]
    for rule, (_, _, does, tests) in found.items():
        if rule in NOT_COMPUTED:
            assert (does, tests) == ("Not computed.", "none")
            continue
        docstrings = [found_in(file)[test] for file, test in NAMED.findall(tests)]
        assert docstrings, rule
        assert any(re.match(rf"(W\d+, )*{rule}\b", text) for text in docstrings), rule


@pytest.mark.parametrize(("number", "field"), enumerate(fields(Policies), start=1))
def test_every_policy_has_a_row_with_its_default_and_alternatives(number: int, field) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  a field has no public type
    _, setting, default, alternatives, tests = rows("P")[f"P{number}"]
    kind: type[StrEnum] = get_type_hints(Policies)[field.name]
    assert setting == f"`{field.name}`"
    assert default.startswith(f"`{field.default}`")
    others = {value for value in kind if value is not field.default}
    assert set(re.findall(r"`(\w+)`", alternatives)) == {str(value) for value in others}
    assert all(f"test_p{number}_" in test for _, test in NAMED.findall(tests))
    assert NAMED.findall(tests)
