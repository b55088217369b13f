"""One scenario, every client library."""

from pathlib import Path

import pytest

from tests.contract.environments import LIBRARIES, ClientLibrary, python_of


@pytest.fixture(params=LIBRARIES, ids=str, scope="session")
def library(request: pytest.FixtureRequest) -> ClientLibrary:
    found: ClientLibrary = request.param
    return found


@pytest.fixture(scope="session")
def python(library: ClientLibrary, request: pytest.FixtureRequest) -> Path:
    """The Python that has the library."""
    cache = request.config.cache
    if cache is None:
        pytest.skip("the clients' environments live in pytest's cache, which is switched off")
    return python_of(library, cache.mkdir("ib-clients"))
