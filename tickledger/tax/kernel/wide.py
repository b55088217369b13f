"""Products of 128 bits for the compiled kernel; numba has no integer wider than 64.

The quotient follows the division of two-digit numbers by one in Knuth, The Art of Computer Programming, volume 2,
4.3.1, algorithm D, with digits of 32 bits.
"""

from typing import Final

import numpy as np

_LOW: Final = np.uint64(0xFFFFFFFF)
_DIGIT: Final = np.uint64(32)
_BASE: Final = np.uint64(1 << 32)
_ONE: Final = np.uint64(1)
_TOP: Final = np.uint64(1 << 63)
#: Below this, a product in floating point says that the exact one fits.
_SAFE: Final = 9.0e18


def high_product(a: np.uint64, b: np.uint64) -> np.uint64:
    """The upper 64 bits of a × b."""
    a_low, a_high = a & _LOW, a >> _DIGIT
    b_low, b_high = b & _LOW, b >> _DIGIT
    low = a_low * b_low
    middle = a_high * b_low + (low >> _DIGIT)
    cross = a_low * b_high + (middle & _LOW)
    return a_high * b_high + (middle >> _DIGIT) + (cross >> _DIGIT)


def divide_wide(high: np.uint64, low: np.uint64, divisor: np.uint64) -> np.uint64:
    """(high × 2⁶⁴ + low) / divisor, rounded down; high < divisor."""
    shift = np.uint64(0)
    while not divisor & _TOP:
        divisor = divisor << _ONE
        shift = shift + _ONE
    d_high, d_low = divisor >> _DIGIT, divisor & _LOW
    if shift:
        high = (high << shift) | (low >> (np.uint64(64) - shift))
        low = low << shift
    first = divided_digit(high, low >> _DIGIT, d_high, d_low)
    rest = (high << _DIGIT) + (low >> _DIGIT) - first * divisor
    second = divided_digit(rest, low & _LOW, d_high, d_low)
    return (first << _DIGIT) + second


def divided_digit(high: np.uint64, next_digit: np.uint64, d_high: np.uint64, d_low: np.uint64) -> np.uint64:
    """One digit of the quotient."""
    digit = high // d_high
    rest = high - digit * d_high
    while digit >= _BASE or digit * d_low > ((rest << _DIGIT) | next_digit):
        digit = digit - _ONE
        rest = rest + d_high
        if rest >= _BASE:
            break
    return digit


def mul_div(amount: int, part: int, whole: int) -> int:
    """As `arithmetic.mul_div`, of 64-bit numbers."""
    if abs(float(amount) * float(part)) < _SAFE:
        return amount * part // whole
    size = np.uint64(-amount) if amount < 0 else np.uint64(amount)
    factor, divisor = np.uint64(part), np.uint64(whole)
    quotient = divide_wide(high_product(size, factor), size * factor, divisor)
    if amount >= 0:
        return np.int64(quotient)  # type: ignore[return-value]  # an int64 is the compiled kernel's int
    is_exact = quotient * divisor == size * factor
    return -np.int64(quotient) if is_exact else -np.int64(quotient) - 1  # type: ignore[return-value]  # the same


def is_product_greater(a: int, b: int, c: int, d: int) -> bool:
    """As `arithmetic.is_product_greater`, of 64-bit numbers."""
    if abs(float(a) * float(b)) < _SAFE and abs(float(c) * float(d)) < _SAFE:
        return a * b > c * d
    if (a < 0) != (c < 0):
        return c < 0
    first, second = np.uint64(abs(a)), np.uint64(abs(c))
    b_size, d_size = np.uint64(b), np.uint64(d)
    first_high, second_high = high_product(first, b_size), high_product(second, d_size)
    first_low, second_low = first * b_size, second * d_size
    if first_high == second_high:
        is_greater = first_low > second_low if a >= 0 else first_low < second_low
    else:
        is_greater = first_high > second_high if a >= 0 else first_high < second_high
    return bool(is_greater)


def mul_rest(amount: int, part: int, whole: int) -> int:
    """As `arithmetic.mul_rest`; the products may wrap around, their difference is right."""
    return amount * part - mul_div(amount, part, whole) * whole
