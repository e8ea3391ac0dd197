"""Whether a received record is what its obligations leave of the source's: nothing more, nothing less, nothing near.

Names in the source's order; dropped fields absent; rounded fields a multiple of the step and no more than half a step
from the source's value; every other field the very bytes of the source.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal, localcontext

from tests.system.expect import Permitted
from tests.system.jsontext import items, members


def differences(received: bytes, source: bytes, wanted: Permitted, columns: Collection[str] | None = None) -> list[str]:
    """Everything in which ``received`` is not what ``wanted`` leaves of ``source``; empty when nothing is.

    With ``columns``, only those top-level fields are wanted.
    """
    if received == source and columns is None and not wanted.drop and not wanted.round:
        return []
    return list(_object(received, source, wanted, "", columns))


def _object(received: bytes, source: bytes, wanted: Permitted, at: str, columns: Collection[str] | None = None):
    got, had = members(received), members(source)
    opened = {cut.rpartition(".")[0] for cut in (*wanted.drop, *wanted.round)}
    kept = [name for name in had if at + name not in wanted.drop and (columns is None or name in columns)]
    if list(got) != kept:
        yield f"{at or 'record'}: has {list(got)}, not {kept}"
        return
    for name, value in got.items():
        path, before = at + name, had[name]
        if path in wanted.round:
            yield from _rounded(value, before, wanted.round[path], path)
        elif path in opened:
            yield from _object(value, before, wanted, f"{path}.")
        elif value != before:
            yield f"{path}: {value!r} where the source has {before!r}"


def _rounded(value: bytes, before: bytes, step: Decimal, path: str):
    if before.startswith(b"["):
        for one, was in zip(items(value), items(before), strict=True):
            yield from _rounded(one, was, step, path)
        return
    with localcontext() as exact:
        exact.prec = 60
        number, true = Decimal(value.decode()), Decimal(before.decode())
        if number % step != 0:
            yield f"{path}: {number} is no multiple of {step}"
        if abs(number - true) * 2 > step:
            yield f"{path}: {number} is more than half of {step} from {true}"
