"""A Redis of a test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tickledger.cache.embedded import EmbeddedRedis, serve


@pytest.fixture
def redis_server(home: Path) -> Iterator[EmbeddedRedis]:
    with serve(home) as server:
        yield server
