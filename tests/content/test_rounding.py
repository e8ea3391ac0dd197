"""Rounding leaves nothing of a number but the multiple."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.content.rounding import round_number

STEPS = [Decimal(step) for step in ("1", "1000", "1E+3", "0.5", "0.001", "0.1", "0.3", "7", "2.5", "1E-9", "360")]
steps = st.sampled_from(STEPS)
numbers = st.one_of(
    st.integers(-(2**63), 2**64 - 1).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6).map(
        lambda number: format(number, "f")
    ),
)


@pytest.mark.parametrize(
    "number, step, rounded",
    [
        ("1234.5", "1000", "1000"),
        ("1500", "1000", "2000"),
        ("2500", "1000", "2000"),
        ("2500.0000000000000000000000000000000001", "1000", "3000"),
        ("-1500", "1000", "-2000"),
        ("-499.9", "1000", "0"),
        ("-0", "1000", "0"),
        ("-0.0", "0.5", "0.0"),
        ("-0.1", "0.5", "0.0"),
        ("0e99999999999", "1", "0"),
        ("1e-5000", "1", "0"),
        ("0.3", "0.1", "0.3"),
        ("0.35", "0.1", "0.4"),
        ("0.25", "0.1", "0.2"),
        ("1.5E3", "1", "1500"),
        ("1500.0", "1", "1500"),
        ("12.345", "1E+3", "0"),
        ("9007199254740993", "1", "9007199254740993"),
        ("1e300", "1", "1e+300"),
        ("18446744073709551615", "1", None),
        ("1.7976931348623157e308", "1e308", None),
        ("1e-300", "1e-299", "0.0"),
        ("12345678901234567.3", "0.1", None),
        ("1" + "0" * 5000, "1", None),
        ("true", "1", None),
        ('"5"', "1", None),
        ("1_000", "1", None),
    ],
)
def test_number_becomes_the_nearest_multiple_or_nothing_at_all(number, step, rounded):
    written = round_number(number.encode(), Decimal(step))
    assert written == (None if rounded is None else rounded.encode())


@given(numbers, steps)
def test_rounding_twice_is_the_same_as_rounding_once(number, step):
    once = round_number(number.encode(), step)
    assume(once is not None)
    assert round_number(once, step) == once


@given(numbers, steps)
def test_result_is_a_multiple_of_the_step_and_nearest(number, step):
    rounded = round_number(number.encode(), step)
    assume(rounded is not None)
    exact = Fraction(rounded.decode())
    assert exact % Fraction(step) == 0
    assert abs(exact - Fraction(number)) <= Fraction(step) / 2


@given(numbers, numbers, steps)
def test_two_numbers_with_one_multiple_leave_the_same_bytes(first, second, step):
    one, other = round_number(first.encode(), step), round_number(second.encode(), step)
    assume(one is not None and other is not None)
    if Fraction(one.decode()) == Fraction(other.decode()):
        assert one == other


@given(st.integers(-(10**6), 10**6), st.fractions(Fraction(-49, 100), Fraction(49, 100)), steps)
def test_every_number_near_a_multiple_is_written_as_that_multiple(count, part, step):
    near = Fraction(step) * (count + part)
    text = format(Decimal(near.numerator) / Decimal(near.denominator), "f").encode()
    exactly = format(step * count, "f").encode()
    assert round_number(text, step) == round_number(exactly, step)


@given(numbers, steps)
def test_what_is_written_is_a_json_number_that_a_double_or_64_bits_hold(number, step):
    rounded = round_number(number.encode(), step)
    assume(rounded is not None)
    value = json.loads(rounded)
    assert Fraction(repr(value)) == Fraction(rounded.decode())
    assert not rounded.startswith(b"-0") or value < 0
