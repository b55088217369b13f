from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.domain.errors import ConfigurationError, OrderError
from tickledger.ib.order_ids import LARGEST_ID, FileOrderIds, InMemoryOrderIds, next_order_id


def test_a_gateway_that_was_rolled_back_gets_no_id_twice() -> None:
    ids = InMemoryOrderIds()
    first = [next_order_id(ids, client_id=1, next_valid_id=38_099) for _ in range(4)]
    assert first == [38_099, 38_100, 38_101, 38_102]
    assert next_order_id(ids, client_id=1, next_valid_id=38_099) == 38_103


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-5, 1000))))
def test_no_client_id_gets_an_order_id_twice_whatever_the_gateway_says(asked: list[tuple[int, int]]) -> None:
    ids = InMemoryOrderIds()
    given_out = [(client, next_order_id(ids, client_id=client, next_valid_id=valid)) for client, valid in asked]
    assert len(set(given_out)) == len(given_out)
    for (_, order_id), (_, next_valid_id) in zip(given_out, asked, strict=True):
        assert order_id >= max(next_valid_id, 1)


def test_a_file_remembers_over_a_crash_and_is_written_once_for_a_block(tmp_path: Path) -> None:
    ids = FileOrderIds(tmp_path, block=10)
    used = [next_order_id(ids, client_id=7, next_valid_id=1) for _ in range(5)]
    written = (tmp_path / "client_7.txt").stat().st_mtime_ns
    used.append(next_order_id(ids, client_id=7, next_valid_id=1))
    assert (tmp_path / "client_7.txt").stat().st_mtime_ns == written
    restarted = FileOrderIds(tmp_path, block=10)
    assert next_order_id(restarted, client_id=7, next_valid_id=1) > max(used)
    assert next_order_id(restarted, client_id=8, next_valid_id=1) == 1


def test_a_file_that_cannot_be_read_is_an_error_and_not_a_fresh_start(tmp_path: Path) -> None:
    (tmp_path / "client_1.txt").write_text("12x\n")
    with pytest.raises(ConfigurationError, match=r"client_1\.txt: expected the highest order id used, found '12x'"):
        FileOrderIds(tmp_path).highest(1)


def test_ids_end_where_those_of_requests_begin() -> None:
    ids = InMemoryOrderIds()
    ids.raise_to(1, LARGEST_ID)
    with pytest.raises(OrderError, match="expected an order id of at most"):
        next_order_id(ids, client_id=1, next_valid_id=1)
