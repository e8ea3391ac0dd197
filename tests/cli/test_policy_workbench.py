"""The workbench's commands, as an officer or CI runs them."""

import json
import shutil


def test_policy_test_needs_a_folder_and_no_settings(relgate, place):
    (place / "relgate.toml").unlink()
    done = relgate("policy", "test", "--policies", "policies", "--every-rule")
    assert done.code == 0, done.err
    assert "grant rules proved  45 of 45" in done.out


def test_policy_test_explains_a_failing_case_gate_by_gate(relgate, place):
    path = place / "policies" / "cases" / "JPN.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('marking = "S//NF"', 'marking = "U"'))
    done = relgate("policy", "test", "--only", "JPN")
    assert done.code == 1
    assert "expected withheld, and it is released" in done.out
    assert "policies/partners/JPN.toml" in done.out
    said = json.loads(relgate("policy", "test", "--json").out)
    (failed,) = said["failed"]
    assert failed["place"]["line"] > 0
    assert len(failed["explanation"]["gates"]) == 9


def test_policy_test_with_nothing_asked_is_a_failure(relgate, place):
    done = relgate("policy", "test", "--only", "no such case")
    assert done.code == 1
    assert "no case was asked" in done.out


def test_policy_explain_shows_files_and_lines(relgate, place):
    asked = ("policy", "explain", "U", "KOR", "elset", "--policies", "policies", "--assume-key")
    purpose = ("--purpose", "space-situational-awareness", "--at", "2026-06-18")
    fields = ("--field", "dataMode=REAL", "--field", "meanMotion=15.1", "--field", "eccentricity=0.001")
    done = relgate(*asked, *purpose, *fields)
    assert done.code == 0, done.err
    assert 'regime = "GEO" does not hold, regime is LEO' in done.out
    assert "policies/partners/KOR.toml:38" in done.out
    said = json.loads(relgate(*asked, *purpose, *fields, "--json").out)
    assert said["permitted"] is False
    assert said["opposite"][0].startswith("grant: ")


def test_policy_explain_in_force_reads_the_set_from_the_log(ready, place):
    (place / "policies" / "policy.toml").write_text("name = 1\n")
    done = ready("policy", "explain", "S//NF", "GBR", "elset", "--system", "gbr-space-command", "--in-force",
                 "--purpose", "collision-avoidance")  # fmt: skip
    assert done.code == 0, done.err
    assert "would NOT go to GBR" in done.out


def test_policy_lint_finds_nothing_in_the_shipped_set(relgate, place):
    done = relgate("policy", "lint", "--policies", "policies", "--at", "2026-06-18")
    assert done.code == 0, done.out
    assert "0 errors, 0 warnings, 1 notes: nothing is wrong" in done.out


def test_policy_lint_names_the_line_in_plain_text_json_and_sarif(relgate, place):
    path = place / "policies" / "partners" / "JPN.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"SECRET"', '"SECRTE"', 1))
    asked = ("policy", "lint", "--policies", "policies", "--at", "2026-06-18")
    plain = relgate(*asked)
    assert plain.code == 1
    assert "policies/partners/JPN.toml:24:1: ceiling.5: a level is one of" in plain.out
    (finding,) = json.loads(relgate(*asked, "--json").out)["findings"]
    assert (finding["rule"], finding["line"], finding["column"]) == ("refused", 24, 1)
    sarif = json.loads(relgate(*asked, "--sarif").out)
    (result,) = sarif["runs"][0]["results"]
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "policies/partners/JPN.toml"
    assert location["region"] == {"startLine": 24, "startColumn": 1}
    rules = sarif["runs"][0]["tool"]["driver"]["rules"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "refused"
    assert sarif["version"] == "2.1.0"


def test_policy_lint_gives_one_answer_at_a_time(relgate):
    assert relgate("policy", "lint", "--sarif", "--json").code == 2


def edit(place, code, old, new):
    """A copy of the policies in which one partner's file differs."""
    shutil.copytree(place / "policies", place / "proposed" / "policies")
    path = place / "proposed" / "policies" / "partners" / f"{code}.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_policy_impact_refuses_a_widening_change_until_someone_acknowledges_it(relgate, place):
    edit(place, "KOR", '8 = "CONFIDENTIAL"', '8 = "SECRET"')
    asked = ("policy", "impact", "proposed/policies", "--against", "policies", "--no-log", "--at", "2026-06-18")
    done = relgate(*asked, "--html", "impact.html")
    assert done.code == 1, done.err
    assert "partners may get more than before" in done.out
    assert "a second" in done.err
    assert relgate(*asked, "--acknowledge").code == 0
    page = (place / "impact.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    said = json.loads(relgate(*asked, "--json").out)
    assert said["widens"] is True
    assert list(said["partners"]) == ["KOR"]


def test_policy_impact_lets_a_narrowing_change_pass(relgate, place):
    edit(place, "KOR", 'where = { regime = "GEO" }', 'where = { regime = "GEO", dataMode = "REAL" }')
    asked = ("policy", "impact", "proposed/policies", "--against", "policies", "--no-log", "--at", "2026-06-18")
    done = relgate(*asked)
    assert done.code == 0, done.out
    assert "lost" in done.out


def test_policy_impact_reads_the_log_and_the_set_in_force(ready, place):
    done = ready("policy", "impact", "policies", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["groups"] == []
    assert "log: 0 decisions" in done.err


def test_policy_diff_between_the_set_in_force_and_a_folder(ready, place):
    edit(place, "KOR", "until = 2029-01-01", "until = 2031-01-01")
    done = ready("policy", "diff", "in-force", "proposed/policies", "--json")
    assert done.code == 0, done.err
    changes = json.loads(done.out)["changes"]
    assert {"file": "policies/partners/KOR.toml", "what": "agreement.until", "text": "2029-01-01 becomes 2031-01-01",
            "direction": "wider"} in changes  # fmt: skip


def test_policy_gaps_of_an_empty_log_says_that_nobody_was_denied(ready, place):
    done = ready("policy", "gaps")
    assert done.code == 0, done.err
    assert "no partner was denied anything" in done.out
    page = place / "gaps.html"
    assert ready("policy", "gaps", "--html", str(page)).code == 0
    assert "No partner was denied anything." in page.read_text()
    said = json.loads(ready("policy", "gaps", "--json").out)
    assert said == {"decisions": 0, "denied": 0, "closed": 0, "gaps": 0, "weighed": [], "others": []}


def test_policy_gaps_refuses_a_partner_that_the_set_does_not_know(ready):
    done = ready("policy", "gaps", "--partner", "ATL")
    assert done.code == 1
    assert "no partner ATL" in done.err


def test_policy_gaps_is_an_audit_read_and_is_written_down(ready):
    assert ready("policy", "gaps", "--partner", "JPN").code == 0
    assert "policy gaps JPN" in ready("audit", "show", "1", "--json").out
