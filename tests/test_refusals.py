"""The table of refusals: complete for every layer that refuses, silent about records, kind to the partners' clients."""

import ast
import re
from pathlib import Path

import pytest

from gateway.identity.caller import CODES
from gateway.policy.reasons import Reason
from gateway.refusals import PROBLEMS, Refused

pytestmark = pytest.mark.usefixtures("uncollected")
GATEWAY = Path(__file__).parents[1] / "gateway"

ABOUT_A_CALLER = {
    Reason.PARTNER_UNKNOWN,
    Reason.AGREEMENT_NOT_YET_IN_FORCE,
    Reason.AGREEMENT_EXPIRED,
    Reason.AGREEMENT_CONDITION_LAPSED,
    Reason.DATASET_NOT_COVERED,
    Reason.PURPOSE_REQUIRED,
    Reason.PURPOSE_NOT_AGREED,
    Reason.KEY_MISSING,
    Reason.KEY_NOT_REGISTERED,
    Reason.KEY_NOT_YET_VALID,
    Reason.KEY_EXPIRED,
    Reason.KEY_REVOKED,
    Reason.CREDENTIAL_TOO_WEAK,
    Reason.STOPPED,
    Reason.VOLUME_EXHAUSTED,
    Reason.SYSTEM_UNKNOWN,
    Reason.CLEARANCE_CLAIM_INVALID,
    Reason.NATIONALITY_CLAIM_INVALID,
}
"""What policy may say of a caller before a record is looked at: these are told to it."""


def literal_codes() -> set[str]:
    """The code of every ``Refused("...")``, ``refuse(ask, "...")`` and ``CredentialRefused("...")`` in the gateway."""
    found = set()
    for path in GATEWAY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                place = {"Refused": 0, "CredentialRefused": 0, "refuse": 1}.get(name)
                if place is not None and len(node.args) > place and isinstance(node.args[place], ast.Constant):
                    found.add(str(node.args[place].value))
    return {text for text in found if re.fullmatch(r"[a-z_]+", text)}  # another layer's refuse() takes a sentence


def test_every_code_that_a_token_can_be_refused_by_is_in_the_table_as_a_401():
    assert {code for code, problem in PROBLEMS.items() if problem.status == 401} == set(CODES) - {
        "token_keys_unavailable"
    }


def test_every_code_that_policy_says_of_a_caller_is_in_the_table_as_a_403_and_no_other():
    exceeded = {"volume_exceeded"}  # found when the answer is recorded: it alone would be too much
    told = {"review_pending"}  # of a record that the partner named itself, and only where its grant says so
    said = {code for code, problem in PROBLEMS.items() if problem.status == 403}
    assert said == set(map(str, ABOUT_A_CALLER)) | exceeded | told


def test_nothing_that_policy_says_of_a_record_is_in_the_table():
    about_records = {str(reason) for reason in Reason} - set(map(str, ABOUT_A_CALLER)) - {"review_pending"}
    assert not about_records & set(PROBLEMS)


def test_every_code_that_the_gateway_refuses_by_is_in_the_table():
    used = literal_codes()
    assert len(used) > 20
    assert used <= set(PROBLEMS)


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_a_problem_has_a_stable_code_a_title_and_something_to_do(code: str):
    problem = PROBLEMS[code]
    assert problem.code == code
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
    assert problem.title.isprintable()
    assert not problem.title.endswith(".")
    assert problem.advice.isprintable()
    assert problem.advice.endswith(".")


def test_a_denial_has_a_status_that_no_client_repeats_by_itself_and_what_may_pass_later_has_one_that_is():
    later = {
        "upstream_failed",
        "upstream_timeout",
        "audit_unavailable",
        "audit_unwitnessed",
        "policy_unavailable",
        "overloaded",
        "token_keys_unavailable",
    }
    faults = {"release_check_failed", "internal_error"}
    for code, problem in PROBLEMS.items():
        if code == "request_too_slow":
            assert problem.status == 408  # nothing was asked yet: to ask again is right
            continue
        assert problem.status in ({502, 503, 504} if code in later else {500} if code in faults else range(400, 407))


def test_a_refusal_whose_code_has_no_row_is_shown_as_an_internal_error():
    assert Refused("gate_erred").problem == PROBLEMS["internal_error"]
    assert Refused("not_found").problem == PROBLEMS["not_found"]


def test_a_refusals_detail_is_for_the_entry_and_its_text():
    assert str(Refused("not_found", "withheld")) == "not_found: withheld"
    assert str(Refused("not_found")) == "not_found"


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        PROBLEMS["new"] = PROBLEMS["not_found"]  # type: ignore[index]
