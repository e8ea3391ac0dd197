"""The quick way to an entry's words gives exactly the words of its terms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import canonical
from gateway.audit.leaf import Leaf
from gateway.audit.terms import entry_words, terms, words

text = st.text(st.characters(max_codepoint=0x2FF, exclude_categories=["Cs"]), max_size=12)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
label = st.fixed_dictionaries(
    {}, optional={"label": text | st.none(), "level": text, "communities": st.lists(text, max_size=2) | text}
)
evaluation = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("record", "partner", "dataset", "subject_id", "reasons"), text | st.lists(text, max_size=2)),
        "shown": st.dictionaries(st.sampled_from(["marking", "day"]), text | st.none()) | text,
    },
)
order = st.fixed_dictionaries(
    {},
    optional={"by": text, "kind": st.sampled_from(["partner", "dataset", "record"]), "subject": text, "reason": text},
)
private = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("dataset", "policy", "by", "path", "detail", "what", "reason", "purpose", "x"), anything),
        **dict.fromkeys(("partner", "why", "name", "jti", "item", "issuer"), anything),
        "version": st.just(2),
        "peer": st.dictionaries(st.sampled_from(["address", "port"]), anything) | text,
        "addresses": st.dictionaries(text, st.integers(0, 3), max_size=3) | text,
        "account": st.dictionaries(st.sampled_from(["uid", "user", "host", "login_uid"]), anything) | text,
        "caller": st.dictionaries(st.sampled_from(["system", "jti"]), anything) | text,
        "by_label": st.lists(label, max_size=3) | text,
        "why_withheld": st.dictionaries(text, st.integers(0, 3), max_size=3),
        "by_grant": st.dictionaries(text, st.integers(0, 3), max_size=3),
        "orders": st.lists(order, max_size=2),
        "query": st.lists(st.lists(text, min_size=2, max_size=2), max_size=3),
        "label": anything,
        "evaluations": st.lists(evaluation, max_size=2) | text,
    },
)
leaf = st.builds(
    Leaf,
    version=st.just(1), origin=text, time=st.just("2026-06-01T00:00:00Z"), event=text, partner=text, request=text,
    release=text, chunk=st.just(0), last=st.booleans(), outcome=text, content=text, sealed=text, key=text,
    released=st.integers(0, 2), records=text, private=text,
)  # fmt: skip


@given(leaf, st.none() | private)
def test_the_words_of_an_entry_are_those_of_its_terms(leaf: Leaf, said: dict[str, canonical.PlainJson] | None) -> None:
    stored = None if said is None else canonical.decode(canonical.encode(said, "private"), "private")
    assert entry_words(leaf, stored) == words(terms(leaf, stored))
    assert entry_words(leaf, stored) == words(terms(leaf, stored)), "and the second time too"


def test_what_is_too_long_to_be_kept_has_the_words_of_its_terms_too() -> None:
    said: dict[str, canonical.PlainJson] = {"query": [["name", f"value{number}"] for number in range(300)]}
    one = Leaf(1, "o", "2026-06-01T00:00:00Z", "release", "", "", "", 0, True, "released", "", "", "", 0, "", "")
    assert entry_words(one, said) == words(terms(one, said))
