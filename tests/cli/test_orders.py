"""Officers' commands on a real log: keys, policy, stop, token, and what each leaves in the log."""

import json
from pathlib import Path

import jwt
import pytest

from gateway.audit.observed import own_account


def test_keys_are_made_once_privately_and_then_only_checked(relgate, place):
    first = json.loads(relgate("keys", "init", "--json").out)
    assert first["did"] == "made"
    assert oct((place / "keys" / "gateway" / "log-signing.pem").stat().st_mode & 0o777) == "0o600"
    second = json.loads(relgate("keys", "init", "--json").out)
    assert second == {**first, "did": "checked"}


def test_loose_permissions_on_a_key_are_refused_with_the_command_that_mends_them(relgate, place):
    relgate("keys", "init")
    key = place / "keys" / "gateway" / "log-signing.pem"
    key.chmod(0o644)
    done = relgate("keys", "list")
    assert done.code == 1
    assert "hint: Run: chmod 0600" in done.err


def test_listing_keys_shows_partners_public_keys_and_no_private_one(ready, place):
    done = ready("keys", "list", "--json")
    said = json.loads(done.out)
    assert {(key["partner"], key["use"]) for key in said["partners"]} == {
        (partner, use) for partner in ("GBR", "JPN") for use in ("sig", "enc")
    }
    private = json.loads((place / "keys" / "development" / "JPN.private.jwks.json").read_text())
    for key in private["keys"]:
        assert key["d"] not in done.out


def test_partners_private_keys_are_not_made_in_production(relgate, place):
    (place / "relgate.toml").write_text('log_origin = "gateway.example/log"\n', encoding="utf-8")
    done = relgate("keys", "partner", "JPN")
    assert done.code == 2
    assert "development mode only" in done.err
    assert not (place / "keys" / "development").exists()


def test_a_sound_set_checks_and_nothing_is_activated_by_checking(relgate):
    relgate("keys", "init")
    said = json.loads(relgate("policy", "check", "--json").out)
    assert said["valid"] is True
    assert "JPN" in said["partners"]
    assert relgate("policy", "show").code != 0


def test_a_broken_set_lists_every_mistake_with_its_place(relgate, place):
    file = place / "policies" / "partners" / "JPN.toml"
    file.write_text(file.read_text().replace('kind = "government"', 'kind = "goverment"'), encoding="utf-8")
    done = relgate("policy", "check", "--json")
    assert done.code == 1
    finding = json.loads(done.out)["findings"][0]
    assert finding["file"] == "policies/partners/JPN.toml"
    assert finding["line"] > 0


def test_a_refused_activation_is_recorded_and_what_was_in_force_stays(ready, place):
    before = json.loads(ready("policy", "show", "--json").out)
    file = place / "policies" / "partners" / "JPN.toml"
    file.write_text("partner = ", encoding="utf-8")
    done = ready("policy", "activate", "--reason", "mistake")
    assert done.code == 1
    assert "releases stop 15 minutes after" in done.err
    after = json.loads(ready("policy", "show", "--json").out)
    assert after["policy"] == before["policy"]
    assert after["refused_since"] is not None


def test_a_stop_is_in_force_and_in_the_log_when_the_command_returns(ready):
    done = ready("stop", "partner", "JPN", "--reason", "key stolen", "--by", "A. Officer")
    assert done.code == 0, done.err
    assert json.loads(ready("policy", "show", "--json").out)["stops"] == ["partner:JPN"]
    (stop,) = json.loads(ready("stop", "--json").out)
    assert (stop["stopped"], stop["name"], stop["by"], stop["reason"]) == (
        "partner",
        "JPN",
        "A. Officer",
        "key stolen",
    )
    assert ready("stop", "partner", "JPN", "--lift", "--reason", "new key").code == 0
    assert json.loads(ready("stop", "--json").out) == []


def test_a_stop_on_a_name_that_nobody_has_is_refused_because_it_would_stop_nothing(ready):
    done = ready("stop", "partner", "JPM", "--reason", "key stolen")
    assert done.code == 1
    assert "did you mean JPN?" in done.err
    assert json.loads(ready("stop", "--json").out) == []
    assert ready("stop", "partner", "JPM", "--reason", "key stolen", "--unknown").code == 0


def test_a_stop_without_a_reason_or_name_is_used_wrongly(ready):
    assert ready("stop", "partner", "JPN").code == 2
    assert ready("stop", "partner", "--reason", "x").code == 2


def test_lifting_a_stop_that_is_not_in_force_is_refused(ready):
    assert ready("stop", "dataset", "elset", "--lift", "--reason", "x").code == 1


def test_a_record_is_stopped_without_its_identifier_standing_in_the_log(ready, place):
    assert ready("stop", "record", "rec-7741-secret", "--reason", "spill").code == 0
    stored = b"".join(path.read_bytes() for path in (place / "var").iterdir())
    assert b"rec-7741-secret" not in stored


def test_a_minted_token_is_the_partners_own_and_alone_on_standard_output(ready, place):
    done = ready("token", "mint", "JPN", "--system", "jpn-space-operations", "--minutes", "5")
    assert done.code == 0, done.err
    claims = jwt.decode(done.out.strip(), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 300
    public = json.loads((place / "keys" / "partners" / "JPN.jwks.json").read_text())
    kid = jwt.get_unverified_header(done.out.strip())["kid"]
    assert kid in {key["kid"] for key in public["keys"]}


def test_minting_for_a_partner_with_several_systems_asks_which_one(ready):
    done = ready("token", "mint", "JPN")
    assert done.code == 1
    assert "--system: jpn-" in done.err


def test_minting_for_an_unknown_partner_says_whom_was_meant(ready):
    done = ready("token", "mint", "JPM")
    assert done.code == 1
    assert "did you mean JPN?" in done.err


def test_tokens_are_not_minted_in_production(ready, place):
    (place / "relgate.toml").write_text('log_origin = "gateway.example/log"\n', encoding="utf-8")
    assert ready("token", "mint", "JPN").code == 2


def test_a_revoked_token_is_in_the_log_with_who_and_why(ready):
    assert ready("token", "revoke", "JPN", "jti-1", "--reason", "laptop lost").code == 0
    (entry,) = json.loads(ready("audit", "tail", "-n", "2", "--json").out)[:1]
    assert entry["event"] == "token-revoked"
    (whole,) = json.loads(ready("audit", "show", str(entry["index"]), "--json").out)
    assert whole["private"]["reason"] == "laptop lost"
    assert whole["private"]["by"] == whole["private"]["account"]["user"] == own_account().user


@pytest.mark.parametrize("arguments", [("policy", "activate"), ("stop", "partner", "JPN", "--reason", "x")])
def test_a_log_that_cannot_be_written_ends_with_three_and_nothing_is_claimed(ready, place, arguments):
    log = place / "var" / "audit.sqlite3"
    for path in place.joinpath("var").iterdir():
        path.unlink()
    log.mkdir()
    done = ready(*arguments)
    assert done.code == 3
    assert done.out == ""
    assert "audit log" in done.err


def test_a_set_that_is_not_where_the_settings_say_is_used_wrongly(relgate, place):
    (place / "policies").rename(place / "elsewhere")
    done = relgate("policy", "check")
    assert done.code == 2
    assert "policies_dir" in done.err
    assert Path("elsewhere").exists()
