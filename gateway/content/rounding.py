"""Round one JSON number to the nearest multiple of a step, so that nothing but the multiple is left of it.

The text written depends on the multiple and the step alone, never on how the source wrote its number: not on
its digits, on whether it had a fraction, or on a sign that rounding took away. Rounding twice is rounding
once. A half goes to the even multiple (IEEE 754). The arithmetic is decimal and exact; where exactness would
need more than :data:`DIGITS` digits, or no double states the multiple exactly, there is no answer and the
caller leaves the field out.
"""

from __future__ import annotations

import decimal
from decimal import Decimal

DIGITS = 800
"""Enough for any double written in full (767 significant digits) over any sensible step."""

_EXACT = decimal.Context(
    prec=DIGITS,
    rounding=decimal.ROUND_HALF_EVEN,
    traps=[decimal.Inexact, decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)
_LONGEST = 1100
_INTEGERS = range(-(2**63), 2**63)


def round_number(number: bytes, step: Decimal) -> bytes | None:
    """Write the multiple of ``step`` (above zero) that is nearest to a JSON number, as a JSON number.

    An integral step gives an integer where 64 bits hold it; otherwise the shortest decimal that a double
    reads back as the multiple. ``None`` when the multiple cannot be stated exactly: nothing near it may be
    sent in its place.
    """
    if len(number) > _LONGEST:
        return None
    try:
        value = _EXACT.create_decimal(number.decode("ascii"))
        size = value.copy_abs()
        below = _EXACT.divide_int(size, step)
        rest = _EXACT.subtract(size, _EXACT.multiply(below, step))
        against_half = _EXACT.compare(_EXACT.add(rest, rest), step)
        up = against_half > 0 or (against_half == 0 and int(below) % 2 == 1)
        multiple = _EXACT.multiply(_EXACT.add(below, Decimal(int(up))), step)
    except (decimal.DecimalException, UnicodeDecodeError, ValueError):
        return None
    if value.is_signed():
        multiple = _EXACT.subtract(Decimal(0), multiple)
    return _write(multiple, integral=step == step.to_integral_value())


def _write(multiple: Decimal, *, integral: bool) -> bytes | None:
    if integral and int(multiple) in _INTEGERS:
        return str(int(multiple)).encode()
    shortest = repr(float(multiple))
    if shortest in ("inf", "-inf") or Decimal(shortest) != multiple:
        return None
    return shortest.encode()
