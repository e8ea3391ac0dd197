"""No identifier of a record stands in the log in clear, by whatever way a request named it."""

import pytest

from tests.support.loopback import ELSETS, Loopback

NAMED = "00000000-1111-4222-8333-444444444444"
OTHER = "00000000-1111-4222-8333-555555555555"


@pytest.mark.parametrize(
    "target",
    [
        f"/udl/elset/{NAMED}",
        f"{ELSETS}&idElset={NAMED}",
        f"{ELSETS}&idElset=%3E{NAMED}",
        f"{ELSETS}&idElset={NAMED},{OTHER}",
        f"{ELSETS}&idElset={','.join([NAMED] * 20)}",
        f"{ELSETS}&idElset={NAMED}&idElset={NAMED}",
        f"/udl/elset/count?epoch=%3E2000-01-01&idElset={NAMED}",
        f"/udl/elset?idElset={NAMED}",
        f"/udl/nothing?idElset={NAMED}",
        f"/udl/elset?epoch=now&sort=nonsense&id={NAMED}",
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_an_identifier_that_a_request_names_is_kept_keyed_and_never_in_clear(
    shared: Loopback, target: str, known: bool
):
    answer = shared.send(target, token="" if known else None)
    entry = shared.entry(answer)
    said = repr((entry.leaf, entry.private, entry.rows))
    assert NAMED not in said
    assert OTHER not in said


def test_an_auditor_who_knows_the_identifier_finds_the_filter_by_its_keyed_form(shared: Loopback):
    keyed = shared.gateway.service.log.keyed
    answer = shared.get(f"{ELSETS}&idElset={NAMED},{OTHER}&satNo=5")
    asked = dict(map(tuple, shared.entry(answer).private["query"]))
    assert asked["idElset"] == f"{keyed(NAMED)},{keyed(OTHER)}"
    assert asked["satNo"] == "5"
