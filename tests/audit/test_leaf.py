"""A leaf says the same whatever was withheld, and binds what it does not say."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
import rfc8785

from gateway.audit import canonical, merkle
from gateway.audit.entry import Draft, Event, RecordRow
from gateway.audit.errors import DraftRefused, ProofRefused
from gateway.audit.leaf import (
    IdentifierKey,
    Prepared,
    keyed,
    parse_leaf,
    prepare,
    private_digest,
    record_root,
    row_salt,
)
from gateway.audit.orders import LiftStop, SetStop, StopKind

KEY = IdentifierKey(1, bytes(range(32)))
SALT = bytes(32)
Drafts = Callable[..., Draft]


def made(draft: Draft, salt: bytes = SALT) -> Prepared:
    return prepare(draft, "gateway.example/log", KEY, salt)


def test_a_leaf_is_canonical_json_and_reads_back_to_its_fields(draft: Drafts):
    prepared = made(draft(partner="日本", outcome="released \U0001f600"))
    leaf = parse_leaf(prepared.leaf)
    fields = {name: getattr(leaf, name) for name in leaf.__struct_fields__}
    assert prepared.leaf == rfc8785.dumps(fields)
    assert (leaf.partner, leaf.event, leaf.time) == ("日本", "release", "2026-03-01T12:00:00.123456Z")
    assert (leaf.content, leaf.sealed, leaf.released) == ("01" * 32, "02" * 32, 1)


def test_answers_that_differ_in_what_was_withheld_have_leaves_that_differ_in_digests_alone(draft: Drafts):
    withheld = RecordRow("hidden", "withhold", None, {"reasons": ["releasability:not-listed"]})
    rows = draft().records
    plain = parse_leaf(made(draft(records=rows, private={}), b"a" * 32).leaf)
    much = parse_leaf(made(draft(records=rows + (withheld,) * 50, private={"withheld": 50}), b"b" * 32).leaf)
    assert plain.records != much.records
    assert plain.private != much.private
    fields = set(plain.__struct_fields__) - {"records", "private"}
    assert {name: getattr(plain, name) for name in fields} == {name: getattr(much, name) for name in fields}
    assert len(made(draft(records=(), private={})).leaf) == len(made(draft(records=rows * 9)).leaf)


def test_no_records_has_a_root_that_no_outsider_can_tell_from_another(draft: Drafts):
    nothing = [parse_leaf(made(draft(records=()), bytes([n]) * 32).leaf).records for n in range(5)]
    assert len(set(nothing)) == 5
    assert merkle.EMPTY_ROOT.hex() not in nothing


def test_the_private_digest_is_over_salt_and_canonical_bytes(draft: Drafts):
    prepared = made(draft(private={"b": 1, "a": [True]}), b"s" * 32)
    assert prepared.private == b'{"a":[true],"b":1,"version":2}'
    expected = hashlib.sha256(b"s" * 32 + b'{"a":[true],"b":1,"version":2}').hexdigest()
    assert parse_leaf(prepared.leaf).private == expected == private_digest(prepared.salt, prepared.private).hex()


def test_every_entry_says_which_of_the_gateways_that_share_a_log_wrote_it(draft: Drafts):
    key = IdentifierKey(1, bytes(32))
    for each in (draft("r1"), draft("", event=Event.STARTED, records=())):
        prepared = prepare(each, "o/l", key, SALT, instance="east")
        assert canonical.decode(prepared.private, "private")["instance"] == "east"


def test_one_record_is_proved_in_its_release_without_showing_the_others(draft: Drafts):
    rows = tuple(RecordRow(f"id{n}", "release", bytes([n]) * 32) for n in range(7))
    prepared = made(draft(records=rows))
    leaves = [merkle.leaf_hash(row_salt(SALT, 0))]
    leaves += [merkle.leaf_hash(row_salt(SALT, row.number) + row.body) for row in prepared.rows]
    root = bytes.fromhex(parse_leaf(prepared.leaf).records)
    shown = prepared.rows[3]
    proof = merkle.inclusion_proof(leaves, shown.number, len(leaves))
    merkle.verify_inclusion(shown.number, len(leaves), merkle.leaf_hash(row_salt(SALT, 4) + shown.body), proof, root)


def test_any_change_to_a_row_its_order_or_number_changes_the_record_root():
    bodies = [b"a", b"b", b"c"]
    roots = {
        record_root(SALT, some) for some in (bodies, bodies[::-1], bodies[:2], [*bodies, b"c"], [b"a", b"b", b"d"], [])
    }
    assert len(roots) == 6


def test_identifiers_are_kept_under_a_versioned_key_and_never_in_clear(draft: Drafts):
    prepared = made(draft(records=(RecordRow("satellite-25544", "release", b"\x01" * 32),)))
    (row,) = prepared.rows
    expected = hmac.digest(KEY.secret, b"satellite-25544", "sha256").hex()
    assert row.identifier == f"1:{expected}" == keyed("satellite-25544", KEY)
    assert b"25544" not in row.body + prepared.private + prepared.leaf
    assert keyed("x", IdentifierKey(2, b"k" * 32)).startswith("2:")
    assert "secret" not in repr(KEY)


def test_a_record_named_by_a_stop_is_kept_keyed_in_the_private_part_too(draft: Drafts, at: datetime):
    orders = [
        SetStop(StopKind.RECORD, "sat-1", "officer", "spill", at),
        LiftStop(StopKind.PARTNER, "JPN", "o", "", at),
    ]
    prepared = prepare(draft(event=Event.STOP_SET, release=""), "o", KEY, SALT, orders)
    said = canonical.decode(prepared.private, "private")["orders"]
    assert [order["order"] for order in said] == ["stop", "lift"]
    assert said[0]["subject"] == keyed("sat-1", KEY)
    assert said[1]["subject"] == "JPN"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"content": b"short"}, "content"),
        ({"partner": "x" * 4096}, "leaf"),
        ({"outcome": "two\nlines"}, "leaf"),
        ({"partner": "\ud800"}, "leaf"),
        ({"released": -1}, "released"),
        ({"chunk": 2**53}, "chunk"),
        ({"release": "", "chunk": 1}, "release"),
        ({"release": "", "last": False}, "release"),
        ({"private": {"orders": []}}, "private"),
        ({"private": {"when": 1.5}}, "private.when"),
        ({"records": (RecordRow("a", "release", b"x"),)}, "record digest"),
        ({"records": (RecordRow("a", "release", None, {"x": 0.5}),)}, "record 1.detail.x"),
    ],
)
def test_a_draft_that_cannot_be_an_entry_is_refused_naming_what_is_wrong(draft: Drafts, said: dict, field: str):
    with pytest.raises(DraftRefused) as refused:
        made(draft(**said))
    assert refused.value.field == field


def test_times_are_written_in_utc_and_need_a_zone(draft: Drafts, at: datetime):
    tokyo = draft(time=at.astimezone(timezone(timedelta(hours=9))))
    assert parse_leaf(made(tokyo).leaf).time == parse_leaf(made(draft()).leaf).time
    with pytest.raises(DraftRefused, match="zone"):
        made(draft(time=at.replace(tzinfo=None)))


def test_bytes_that_are_not_exactly_a_leaf_are_refused(draft: Drafts):
    leaf = made(draft()).leaf
    twice = leaf.replace(b'"chunk":0', b'"chunk":0,"chunk":0')
    for wrong in (b"", b"{}", leaf + b"\n", leaf.replace(b'"chunk":0', b'"chunk": 0'), twice, leaf[:-1]):
        with pytest.raises(ProofRefused):
            parse_leaf(wrong)
    with pytest.raises(ProofRefused, match="version"):
        parse_leaf(leaf.replace(b'"version":1', b'"version":2'))
    with pytest.raises(ProofRefused):
        parse_leaf(leaf.replace(b'"version":1', b'"version":1,"withheld":3'))


def test_a_salt_or_key_too_short_to_hide_anything_is_refused(draft: Drafts):
    with pytest.raises(DraftRefused):
        made(draft(), b"short")
    with pytest.raises(DraftRefused):
        IdentifierKey(1, b"short")
    assert made(replace(draft(), content=None)).leaf
