"""Whoever gives an order or reads the log is written down as they say they are, and as the machine knows them."""

from __future__ import annotations

import json

import pytest

from gateway.audit.observed import own_account

ORDERS = {
    "policy-activated": ("policy", "activate", "--reason", "again"),
    "stop-set": ("stop", "partner", "JPN", "--reason", "spill"),
    "stop-lifted": ("stop", "partner", "JPN", "--lift", "--reason", "mended"),
    "token-revoked": ("token", "revoke", "JPN", "jti-1", "--reason", "lost"),
}
READINGS = (
    ("audit", "tail"),
    ("audit", "show", "0"),
    ("audit", "search", "partner=JPN"),
    ("audit", "report"),
    ("audit", "export"),
    ("audit", "replay"),
    ("audit", "who-got", "x", "--identifier"),
    ("review", "list"),
    ("policy", "gaps"),
)


def found(relgate, *terms: str) -> list[dict[str, object]]:
    """The private parts of what a search finds, newest first."""
    entries = json.loads(relgate("audit", "search", *terms, "--json").out)["entries"]
    return [json.loads(relgate("audit", "show", str(each["index"]), "--json").out)[0]["private"] for each in entries]


@pytest.mark.parametrize("claimed", ["", "A. Officer"])
def test_an_order_is_kept_with_the_name_claimed_and_the_account_it_came_from(ready, claimed):
    account = own_account()
    named = ("--by", claimed) if claimed else ()
    for event, command in ORDERS.items():
        done = ready(*command, *named)
        assert done.code == 0, done.err
        private = found(ready, f"event={event}", "-n", "1")[0]
        assert private["by"] == (claimed or account.user)
        assert private["account"]["uid"] == account.uid
        assert private["account"]["host"] == account.host


def test_readings_are_kept_with_the_name_claimed_and_the_account_they_came_from(ready):
    for command in READINGS:
        done = ready(*command, "--by", "I. Inspector")
        assert done.code == 0, done.err
    read = found(ready, "officer=I. Inspector")
    assert len(read) == len(READINGS)
    account = own_account()
    assert {(each["account"]["uid"], each["account"]["user"]) for each in read} == {(account.uid, account.user)}


def test_entries_are_found_by_account_whatever_name_was_claimed(ready):
    account = own_account()
    ready("stop", "partner", "GBR", "--reason", "spill", "--by", "Somebody Else")
    for term in (f"account={account.user}", f"account={account.uid}", f"host={account.host}"):
        assert [each["by"] for each in found(ready, term, "event=stop-set")] == ["Somebody Else"], term


def test_a_search_by_something_that_is_no_address_says_what_one_is(ready):
    done = ready("audit", "search", "address=gateway.example")
    assert done.code != 0
    assert "'gateway.example' is no address" in done.err
    assert "192.0.2.7" in done.err


def test_a_claimed_name_that_is_none_is_refused_in_words_and_nothing_is_done(ready):
    for claimed in ("two\nlines", "\udcff", "x" * 129, "\u202eevil", "\x00"):
        done = ready("stop", "partner", "GBR", "--reason", "spill", "--by", claimed)
        assert done.code == 2
        assert "--by is no name" in done.err
    assert json.loads(ready("stop", "--json").out) == []
