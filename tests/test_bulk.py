"""A bulk answer chunk by chunk, from a source on a socket: what follows an activation goes by the new set."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.admission import Admitted
from gateway.asking import Ask, Operation
from gateway.audit.leaf import IdentifierKey
from gateway.audit.log import AuditLog
from gateway.batch import Batch
from gateway.bulk import Bulk, Ordered, OutOfOrder
from gateway.content.records import read_records
from tests.policy.worked import changed, edited
from tests.support.cases import admitted, elset
from tests.upstream.test_client import Liar, http, upstream

LINES = "Content-Type: application/x-ndjson"
COME = admitted("GBR", "elset", Operation.BULK)
KEY = Ed25519PrivateKey.generate()
PATH = "policies/datasets/elset.toml"


def selected(tmp_path: Path, body: Sequence[bytes], admissions: Sequence[Admitted]) -> list[Batch]:
    """The batches of an answer to this body, a record a chunk; each asking for admission is given the next one."""
    left = list(admissions)

    async def readmit() -> Admitted:
        return left.pop(0) if len(left) > 1 else left[0]

    async def select() -> list[Batch]:
        liar = Liar(http(b"".join(each + b"\n" for each in body), LINES))
        async with upstream(liar) as opened:
            bulk = Bulk(opened, log, chunk_bytes=1, record_bytes=10_000, each=1)
            ask = Ask("request", "/udl/elset", Operation.BULK)
            return [batch async for batch in bulk.select(ask, await readmit(), readmit)]

    named = IdentifierKey(1, b"k" * 32)
    log = AuditLog.open(f"sqlite:///{tmp_path}/log", origin="a.example/log", key=KEY, identifier_key=named)
    try:
        return asyncio.run(select())
    finally:
        log.close()


def test_a_record_inside_that_only_the_new_set_declares_is_looked_at_after_its_activation(tmp_path: Path):
    compiled = changed({PATH: edited(PATH, 'nested = ["onOrbit"]', "nested = []")})
    before = replace(COME, case=replace(COME.case, policy=compiled), shape=compiled.shape("elset"))
    body = [elset("1"), elset("2", onOrbit={"satNo": 1}), elset("3")]
    as_before = selected(tmp_path, body, [before])
    assert [picked.view.identifier for batch in as_before for picked in batch.going] == ["1", "2", "3"]
    then = selected(tmp_path, body, [before, before, COME])
    assert [picked.view.identifier for batch in then for picked in batch.going] == ["1", "3"]
    assert [picked.view.identifier for batch in then for picked in batch.withheld] == ["2"]
    assert [batch.number for batch in then] == [0, 1, 2]
    assert [batch.last for batch in then] == [False, False, True]


def views(*records: bytes):
    return read_records(records, COME.shape)


def test_a_malformed_record_out_of_its_place_is_withheld_and_ends_nothing():
    late = elset("a").replace(b'"dataMode"', b'"dataMode":"REAL","dataMode"')
    early = late.replace(b'"a"', b'"z"')
    for odd in (late, early):
        ordered = Ordered(COME.shape.marking)
        seen = [*ordered.follow(views(elset("b"), odd, elset("c"), elset("d"))), *ordered.finish()]
        assert sorted(view.identifier for view, twin in seen if view.identifier and not twin) == ["b", "c", "d"]
        assert [view.doubts for view, _ in seen if view.identifier is None] == [("duplicate_key",)]


def test_a_sound_record_out_of_its_place_ends_the_answer():
    for records in ([elset("b"), elset("a")], [elset("b"), elset("c"), elset("b")]):
        ordered = Ordered(COME.shape.marking)
        with pytest.raises(OutOfOrder):
            list(ordered.follow(views(*records)))


def test_what_stands_up_to_a_known_record_is_passed_over():
    ordered = Ordered(COME.shape.marking, behind="b")
    seen = [*ordered.follow(views(elset("a"), elset("b"), elset("b"), elset("c"))), *ordered.finish()]
    assert [(view.identifier, twin) for view, twin in seen] == [("c", False)]
