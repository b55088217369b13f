import pytest

from tickledger.ib.errors import CODES, ErrorClass, meaning_of


def test_every_code_says_what_it_means_and_where_that_is_written() -> None:
    assert len(CODES) > 100
    for code, row in CODES.items():
        assert row.code == code
        assert row.meaning
        assert row.source


def test_a_code_that_is_not_in_the_table_ends_no_order() -> None:
    row = meaning_of(10999)
    assert row.error_class is ErrorClass.UNKNOWN
    assert not row.ends_unacknowledged_order


@pytest.mark.parametrize("code", [10349, 399, 404, 2109, 202, 10147, 10148, 161, 104, 105])
def test_what_is_said_of_a_living_order_does_not_end_it(code: int) -> None:
    assert not meaning_of(code).ends_unacknowledged_order


@pytest.mark.parametrize("code", [201, 203, 110, 200, 321, 10289, 10293, 103])
def test_a_rejection_ends_an_order_that_was_not_acknowledged(code: int) -> None:
    assert meaning_of(code).ends_unacknowledged_order


@pytest.mark.parametrize(
    ("code", "error_class"),
    [
        (1100, ErrorClass.LINK_LOST),
        (2110, ErrorClass.LINK_LOST),
        (1101, ErrorClass.LINK_RESTORED_DATA_LOST),
        (1102, ErrorClass.LINK_RESTORED),
        (2103, ErrorClass.FARM_LOST),
        (2104, ErrorClass.FARM_RESTORED),
        (2105, ErrorClass.FARM_LOST),
        (2106, ErrorClass.FARM_RESTORED),
        (2108, ErrorClass.NOTICE),
        (1300, ErrorClass.FATAL),
        (326, ErrorClass.FATAL),
        (100, ErrorClass.PACING),
        (101, ErrorClass.DATA_REFUSED),
        (354, ErrorClass.DATA_REFUSED),
        (162, ErrorClass.HISTORICAL),
    ],
)
def test_codes_of_the_link_and_of_data_have_their_class(code: int, error_class: ErrorClass) -> None:
    assert meaning_of(code).error_class is error_class


def test_an_unknown_warning_is_a_notice() -> None:
    assert meaning_of(2199).error_class is ErrorClass.NOTICE
