"""What import-linter cannot say: which top-level packages there are, and how an asset looks."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"assets", "ml", "pipelines", "resources", "sensors", "tests", "tickledger"}
VAGUE_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}
LONGEST_ASSET = 12
LONGEST_MODULE = 400


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listed.stdout.splitlines()]


def test_the_top_level_packages_are_the_ones_the_architecture_names() -> None:
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == PACKAGES


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [path for path in tracked("*.py") if path.stem in VAGUE_NAMES or path.parent.name in VAGUE_NAMES] == []


def test_no_module_outside_the_tests_is_longer_than_one_idea() -> None:
    sources = [path for path in tracked("*.py") if "tests" not in path.relative_to(ROOT).parts]
    assert {path.name: n for path in sources if (n := len(path.read_text().splitlines())) > LONGEST_MODULE} == {}


def asset_functions() -> list[tuple[str, ast.FunctionDef]]:
    return [
        (f"{path.name}:{node.name}", node)
        for path in sorted((ROOT / "assets").glob("*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and any("asset" in ast.unparse(mark) for mark in node.decorator_list)
    ]


@pytest.mark.parametrize(("name", "function"), [pytest.param(n, f, id=n) for n, f in asset_functions()])
def test_an_asset_reads_calls_and_writes_and_does_nothing_else(name: str, function: ast.FunctionDef) -> None:
    statements = [node for node in ast.walk(function) if isinstance(node, ast.stmt)][1:]
    forbidden = [
        type(node).__name__
        for node in ast.walk(function)
        if isinstance(node, ast.For | ast.While | ast.Try | ast.With | ast.If)
        or (isinstance(node, ast.BinOp) and not isinstance(node.op, ast.BitOr))
    ]
    assert forbidden == [], name
    assert len(statements) <= LONGEST_ASSET, name


def test_the_asset_rule_finds_every_stage() -> None:
    assert len(asset_functions()) >= 12


def test_importing_the_package_and_asking_for_help_load_nothing_heavy() -> None:
    code = (
        "import sys, tickledger, tickledger.cli.app; "
        "heavy = {'pandas', 'numpy', 'dagster', 'mlflow', 'sqlalchemy', 'sklearn', 'xgboost', 'great_expectations'}; "
        "print(sorted(heavy & sys.modules.keys()))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_nothing_tracked_names_a_registry_or_this_machine() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "--hash=sha256:" in lock
