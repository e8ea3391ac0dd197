"""Markings bound to their records: where a dataset demands it, nothing is believed that is not bound."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey

from gateway.audit.orders import Standing
from gateway.content.bound import NotBindable, bound_content, canonical
from gateway.content.records import read_record
from gateway.judging import Case, Evidence, Judgement, judge, judge_record
from gateway.keys.jwks import PrivateJwk, parse_private_jwks
from gateway.markings.binding import BindingDoubt, BindingStatement, digest
from gateway.policy import Claims, CompiledPolicy
from gateway.policy.decision import Credential
from gateway.policy.errors import PolicyError
from gateway.sealing.labelbinding import sign_binding
from tests.policy.worked import NOW, SYSTEM, changed, edited, jwks, whole_files

ELSET = "policies/datasets/elset.toml"
KEYS = "policies/labellers/udl.jwks.json"
MARKING, FIELD = "classificationMarking", "labelBinding"
DEMANDED = (
    edited(ELSET, f'marking = "{MARKING}"', f'marking = "{MARKING}"\nbinding = "{FIELD}"')
    .decode()
    .replace('text = [\n  "idElset",', f'text = [\n  "{FIELD}", "idElset",', 1)
    .encode()
)
RECORD: dict[str, object] = {
    "idElset": "e-1",
    MARKING: "U//REL TO USA, JPN",
    "createdAt": "2026-06-17T00:00:00.000Z",
    "dataMode": "REAL",
    "satNo": 24278,
    "epoch": "2026-06-17T00:00:00.000Z",
    "eccentricity": 1e-7,
    "source": "Bahnverfolgung é",
}


def _key(kid: str = "labels-2026") -> PrivateJwk:
    made = ECKey.generate_key("P-384").as_dict(private=True) | {"kid": kid, "use": "sig"}
    return parse_private_jwks(json.dumps({"keys": [made]}).encode())[0]


KEY = _key()


def _set_of(*keys: dict[str, object]) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


@cache
def demanding() -> CompiledPolicy:
    """The worked set, in which element sets must be bound by the labeller's key."""
    return changed({ELSET: DEMANDED, KEYS: _set_of(KEY.public.to_json())})


def identifier_field() -> str:
    return demanding().shape("elset").identifier


def bound(record: dict[str, object], key: PrivateJwk = KEY, **said: object) -> dict[str, object]:
    """The record with a binding of its marking and content."""
    record = {identifier_field(): "e-1"} | {name: value for name, value in record.items() if name != "idElset"}
    content = {name: value for name, value in record.items() if name not in (MARKING, FIELD)}
    statement = BindingStatement(
        about="e-1",
        label=digest(str(record[MARKING]).encode()),
        content=digest(rfc8785.dumps(content)),  # type: ignore[arg-type]
        made=NOW - timedelta(hours=1),
        until=NOW + timedelta(hours=1),
    )
    return record | {FIELD: sign_binding(replace(statement, **said), key).decode()}  # type: ignore[arg-type]


def case(compiled: CompiledPolicy) -> Case:
    subject = compiled.subject("JPN", SYSTEM["JPN"], Claims(), Credential.BEARER, compiled.recipient("JPN", NOW))
    return Case(compiled, Standing(), subject, "elset", "collision-avoidance", NOW)


def judged(record: dict[str, object] | bytes, compiled: CompiledPolicy | None = None) -> Judgement:
    compiled = compiled or demanding()
    raw = record if isinstance(record, bytes) else json.dumps(record, ensure_ascii=False).encode()
    shape = compiled.shape("elset")
    return judge_record(case(compiled), read_record(raw, shape), shape, (), twin=False)


def test_a_bound_record_is_judged_as_it_is_marked() -> None:
    assert judged(bound(RECORD)).permitted


def test_a_record_written_with_other_spaces_and_in_another_order_is_still_bound() -> None:
    record = bound(RECORD)
    shuffled = dict(sorted(record.items(), reverse=True))
    assert judged(json.dumps(shuffled, indent=1).encode()).permitted


OTHER_KEY = _key()
BROKEN = [
    ("stripped", {FIELD: None}, {}, BindingDoubt.STRIPPED),
    ("emptied", {FIELD: ""}, {}, BindingDoubt.STRIPPED),
    ("no text", {FIELD: ["x"]}, {}, BindingDoubt.STRIPPED),
    ("not signed", {FIELD: "label"}, {}, BindingDoubt.UNVERIFIED),
    ("the marking swapped", {MARKING: "U"}, {}, BindingDoubt.LABEL_CHANGED),
    ("the content changed", {"satNo": 26720}, {}, BindingDoubt.CONTENT_CHANGED),
    ("a member added", {"note": "x"}, {}, BindingDoubt.CONTENT_CHANGED),
    ("stale", {}, {"made": NOW - timedelta(days=2), "until": NOW}, BindingDoubt.STALE),
    ("of tomorrow", {}, {"made": NOW + timedelta(days=1), "until": NOW + timedelta(days=2)}, BindingDoubt.NOT_YET),
    ("of another record", {}, {"about": "e-2"}, BindingDoubt.OTHER_CONTENT),
    ("by a wrong key", {}, {"key": OTHER_KEY}, BindingDoubt.UNVERIFIED),
]


@pytest.mark.parametrize(("why", "changes", "said", "doubt"), BROKEN, ids=[why for why, *_ in BROKEN])
def test_a_record_whose_binding_does_not_hold_is_withheld_and_the_doubt_is_evidence(
    why: str, changes: dict[str, object], said: dict[str, object], doubt: BindingDoubt
) -> None:
    found = judged(bound(RECORD, **said) | changes)  # type: ignore[arg-type]
    assert not found.permitted
    assert "label:label_unbound" in found.reasons
    assert found.evidence.doubts == (str(doubt),)


def test_a_binding_of_a_record_that_two_parsers_read_differently_is_not_asked() -> None:
    raw = json.dumps(bound(RECORD)).encode().replace(b'"satNo"', b'"satNo": 1, "satNo"')
    assert judged(raw).evidence.doubts == ("duplicate_key",)


def test_the_doubt_is_judged_again_from_evidence_without_any_key() -> None:
    first = judged(bound(RECORD) | {MARKING: "U"})
    again = judge(case(changed({})), first.evidence, changed({}).shape("elset"))
    assert isinstance(first.evidence, Evidence)
    assert again.reasons == first.reasons


def test_where_no_binding_is_demanded_none_is_looked_at() -> None:
    compiled = changed({})
    record = bound(RECORD) | {FIELD: "label"}
    assert judged(record, compiled).permitted


def test_a_key_that_has_expired_or_is_revoked_binds_nothing() -> None:
    for more in ({"exp": int(NOW.timestamp())}, {"revoked": {"revoked_at": 1}}):
        compiled = changed({ELSET: DEMANDED, KEYS: _set_of(KEY.public.to_json() | more)})  # type: ignore[operator]
        assert judged(bound(RECORD), compiled).evidence.doubts == (str(BindingDoubt.UNVERIFIED),)


def _okp() -> dict[str, object]:
    return OKPKey.generate_key("Ed25519", private=False).as_dict() | {"use": "sig"}  # type: ignore[return-value]


BAD_SETS: list[dict[str, bytes | None]] = [
    {ELSET: DEMANDED},
    {KEYS: _set_of(KEY.public.to_json())},
    {ELSET: DEMANDED, KEYS: _set_of(_okp())},
    {ELSET: DEMANDED, KEYS: _set_of(KEY.public.to_json() | {"use": "enc"})},
    {ELSET: DEMANDED, KEYS: jwks("JPN")},
    {ELSET: DEMANDED.replace(FIELD.encode(), MARKING.encode()), KEYS: _set_of(KEY.public.to_json())},
]


@pytest.mark.parametrize(
    "changes", BAD_SETS, ids=["no key", "no demand", "Ed25519", "for encryption", "Japan's", "one field"]
)
def test_a_set_whose_bindings_could_not_be_verified_or_are_a_partners_own_does_not_load(
    changes: dict[str, bytes | None],
) -> None:
    with pytest.raises(PolicyError):
        changed(changes)


def test_the_keys_of_labellers_are_part_of_the_sets_digest() -> None:
    other = changed({ELSET: DEMANDED, KEYS: _set_of(OTHER_KEY.public.to_json())})
    assert other.digest != demanding().digest
    assert KEYS in demanding().policy_set.manifest
    assert KEYS not in whole_files()


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(_json)
def test_the_canonical_form_is_that_of_rfc_8785(value: object) -> None:
    try:
        expected = rfc8785.dumps(value)  # type: ignore[arg-type]
    except UnicodeEncodeError:
        return
    assert canonical(value).encode() == expected  # type: ignore[arg-type]


def test_a_record_without_a_canonical_form_cannot_be_bound() -> None:
    for raw in (b'{"a": 9007199254740993}', b"[1]", b"{"):
        with pytest.raises(NotBindable):
            bound_content(raw, MARKING, FIELD)
