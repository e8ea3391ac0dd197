"""The ways of writing one identifier: each finds the others, and what is as given is not among them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.spelling import KEPT, as_kept, other_spellings


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("rec7", "REC7"),
        ("Rec7", "rec7"),
        (" rec7\n", "rec7"),
        ("00544", "544"),
        ("544", "00544"),
        ("544", "000000544"),
        ("0", "00000"),
        ("caf\u00e9", "cafe\u0301"),
        ("cafe\u0301", "caf\u00e9"),
        ("CAFE\u0301", "caf\u00e9"),
        ("7C1F0D7E-6C1C-5A83-9A4E-0B8F1D6F2A10", "7c1f0d7e-6c1c-5a83-9a4e-0b8f1d6f2a10"),
        ("7c1f0d7e6c1c5a839a4e0b8f1d6f2a10", "7c1f0d7e-6c1c-5a83-9a4e-0b8f1d6f2a10"),
        ("{7c1f0d7e-6c1c-5a83-9a4e-0b8f1d6f2a10}", "7c1f0d7e-6c1c-5a83-9a4e-0b8f1d6f2a10"),
        ("urn:uuid:7c1f0d7e-6c1c-5a83-9a4e-0b8f1d6f2a10", "7C1F0D7E-6C1C-5A83-9A4E-0B8F1D6F2A10"),
    ],
)
def test_an_identifier_that_is_typed_otherwise_than_it_is_stored_is_sought_as_it_is_stored(typed: str, stored: str):
    assert stored in other_spellings(typed)


@given(st.text(max_size=20))
def test_other_spellings_are_few_and_never_what_was_given_or_nothing(text: str):
    others = other_spellings(text)
    assert text not in others
    assert "" not in others
    assert len(others) < 64


@given(st.text(min_size=1, max_size=12))
def test_every_unicode_form_and_case_is_there(text: str):
    every = other_spellings(text) | {text}
    for form in ("NFC", "NFD"):
        assert unicodedata.normalize(form, text) in every
    assert {text.lower(), text.upper(), text.strip() or text} <= every


def test_an_identifier_is_kept_to_a_length():
    assert (as_kept("x" * 600), as_kept("x")) == ("x" * KEPT, "x")
