"""The adapter on the library's successor: its own tests over real sockets, once more, with ib_async in its place.

ib_async and ib_insync both bring a module named `eventkit`. So the tests run in a process of their own, which finds
ib_async and its `eventkit` first, and no ib_insync.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.environments import LIBRARIES, python_of

ROOT = Path(__file__).resolve().parents[2]
IB_ASYNC = next(library for library in LIBRARIES if library.module == "ib_async")
TESTS = ("tests/unit/ib/test_orders.py", "tests/integration/ib/test_orders_on_the_gateway.py")
MORE_TESTS = ("tests/integration/ib/test_faults.py", "tests/integration/ib/test_market_data.py")
RUN = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "ib_insync" else found(name, package)
import pytest
from tickledger.ib import library
assert library.NAME == "ib_async", library.NAME
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "tests", [TESTS, pytest.param(MORE_TESTS, marks=pytest.mark.long)], ids=["orders", "faults and market data"]
)
def test_the_adapter_passes_its_tests_on_ib_async(
    tests: tuple[str, ...], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    cache = request.config.cache
    if cache is None:
        pytest.skip("the clients' environments live in pytest's cache, which is switched off")
    (packages,) = python_of(IB_ASYNC, cache.mkdir("ib-clients")).parents[1].glob("lib/python*/site-packages")
    # Nothing else of that environment: all other packages are the project's.
    for pattern in ("ib_async*", "eventkit", "aeventkit*"):
        for found in packages.glob(pattern):
            (tmp_path / found.name).symlink_to(found)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", RUN, *tests], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"[1-9]\d* passed", ran.stdout)
    assert "skipped" not in ran.stdout
