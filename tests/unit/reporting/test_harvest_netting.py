"""Netting by IRC 1222, 1211(b) and 1212(b): worked examples, and what holds for any year."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.execution.what_if import Rates
from tickledger.reporting.harvest_netting import YearSoFar, netted
from tickledger.tax.schedule_d import Carryover, FilingStatus

RATES = Rates(Decimal("0.37"), Decimal("0.20"))
NOTHING = Carryover()


def test_publication_550_a_loss_above_the_limit_is_carried_over() -> None:
    """Bob and Gloria Sampson (Pub. 544 and 550): a loss of 7,000, of which 3,000 is deducted and 4,000 carried over."""
    year = netted(Decimal(-7000), Decimal(0), carryover=NOTHING)
    assert (year.deduction, year.carryover) == (Decimal(3000), Carryover(Decimal(4000), Decimal(0)))
    assert netted(Decimal(-2000), Decimal(0), carryover=NOTHING).deduction == 2000


def test_topic_409_the_married_who_file_separately_deduct_half_as_much() -> None:
    year = netted(Decimal(0), Decimal(-7000), carryover=NOTHING, filing_status=FilingStatus.MARRIED_SEPARATELY)
    assert (year.deduction, year.carryover) == (Decimal(1500), Carryover(Decimal(0), Decimal(5500)))


def test_of_losses_of_both_terms_the_short_term_one_is_used_first() -> None:
    """IRC 1212(b): 3,000 of the 4,000 short-term is used; the rest of both keeps its character."""
    year = netted(Decimal(-4000), Decimal(-5000), carryover=NOTHING)
    assert (year.deduction, year.carryover) == (Decimal(3000), Carryover(Decimal(1000), Decimal(5000)))


@pytest.mark.parametrize(
    ("short", "long", "ordinary", "preferential", "deduction"),
    [
        (1000, 2000, 1000, 2000, 0),  # gains of both terms are taxed apart
        (5000, -2000, 3000, 0, 0),  # IRC 1222(9): what is left is short-term
        (-2000, 5000, 0, 3000, 0),  # IRC 1222(11): net capital gain
        (2000, -5000, 0, 0, 3000),
        (-5000, 2000, 0, 0, 3000),
        (0, 0, 0, 0, 0),
    ],
)
def test_the_netting_order(short: int, long: int, ordinary: int, preferential: int, deduction: int) -> None:
    year = netted(Decimal(short), Decimal(long), carryover=NOTHING)
    assert (year.ordinary_gain, year.preferential_gain, year.deduction) == (
        Decimal(ordinary),
        Decimal(preferential),
        Decimal(deduction),
    )


@pytest.mark.parametrize(
    ("so_far", "loss", "saves", "carries"),
    [
        ((10_000, 0), (0, -4000), 1480, 0),  # a long-term loss saves the short-term rate
        ((0, 10_000), (-4000, 0), 800, 0),  # a short-term loss saves but the long-term rate
        ((1000, 10_000), (-4000, 0), 970, 0),  # 1,000 at 37 %, 3,000 at 20 %
        ((0, 0), (-4000, 0), 1110, 1000),  # 3,000 off other income, 1,000 carried on
        ((-3000, 0), (-4000, 0), 0, 4000),  # the limit is used up: nothing is saved this year
        ((2000, 0), (0, -10_000), 1850, 5000),  # 2,000 and 3,000 at 37 %, the rest carried
    ],
)
def test_what_a_loss_saves_depends_on_the_year(
    so_far: tuple[int, int], loss: tuple[int, int], saves: int, carries: int
) -> None:
    year = YearSoFar(2025, Decimal(so_far[0]), Decimal(so_far[1]))
    effect = year.effect(short_term=Decimal(loss[0]), long_term=Decimal(loss[1]), rates=RATES)
    assert (effect.saves, effect.carries) == (Decimal(saves), Decimal(carries))


def test_a_carryover_is_netted_before_anything_is_saved() -> None:
    """8,000 carried in wipe out the 6,000 of gain and 2,000 of income: a loss of 2,000 more saves 1,000 of income."""
    year = YearSoFar(2025, Decimal(6000), carryover=Carryover(Decimal(8000), Decimal(0)))
    effect = year.effect(short_term=Decimal(-2000), long_term=Decimal(0), rates=RATES)
    assert (effect.saves, effect.carries) == (Decimal(370), Decimal(1000))
    assert year.next().carryover == NOTHING
    assert effect.after.carryover.short_term == 1000


def test_without_rates_dollars_of_tax_are_not_told() -> None:
    assert YearSoFar(2025).effect(short_term=Decimal(-1), long_term=Decimal(0), rates=None).saves is None


CENTS = st.integers(-3_000_000, 3_000_000).map(lambda cents: Decimal(cents) / 100)
CARRIED = st.integers(0, 2_000_000).map(lambda cents: Decimal(cents) / 100)


@given(CENTS, CENTS, CARRIED, CARRIED, st.sampled_from(FilingStatus))
def test_no_dollar_is_lost_in_netting(
    short: Decimal, long: Decimal, of_short: Decimal, of_long: Decimal, status: FilingStatus
) -> None:
    """Gains less losses = what is taxed - what is deducted - what is carried on."""
    year = netted(short, long, carryover=Carryover(of_short, of_long), filing_status=status)
    carried = year.carryover.short_term + year.carryover.long_term
    taxed = year.ordinary_gain + year.preferential_gain
    assert short + long - of_short - of_long == taxed - year.deduction - carried
    assert taxed == 0 or (year.deduction, carried) == (Decimal(0), Decimal(0))
    assert year.ordinary_gain <= max(short, Decimal(0))
    assert year.preferential_gain <= max(long, Decimal(0))


@given(short=CENTS, long=CENTS, loss=CENTS.filter(lambda amount: amount < 0), is_long=st.booleans())
def test_a_loss_saves_no_more_than_the_higher_rate_and_nothing_negative(
    *, short: Decimal, long: Decimal, loss: Decimal, is_long: bool
) -> None:
    effect = YearSoFar(2025, short, long).effect(
        short_term=Decimal(0) if is_long else loss, long_term=loss if is_long else Decimal(0), rates=RATES
    )
    assert effect.saves is not None
    assert Decimal("-0.01") <= effect.saves <= -loss * RATES.short_term + Decimal("0.01")
    assert 0 <= effect.carries <= -loss
