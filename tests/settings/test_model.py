"""Settings: the rules between fields, and that each field is documented."""

import pytest
from pydantic import ValidationError

from gateway.settings import Settings, SourceSettings, UpstreamSettings, WitnessSettings
from tests.support.witnesses import KEYS

PRODUCTION = {
    "mode": "production",
    "log_origin": "gateway.example/log",
}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "gateway.example"])  # noqa: S104
def test_production_refuses_to_listen_beyond_loopback_without_tls(host):
    with pytest.raises(ValidationError, match="without TLS"):
        Settings(**PRODUCTION, host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_tls_in_either_mode(host):
    assert Settings(**PRODUCTION, host=host).host == host
    assert Settings(mode="development", host=host).host == host


def test_production_listens_anywhere_behind_tls_or_with_its_own():
    assert Settings(**PRODUCTION, host="192.0.2.7", behind_tls=True).scheme == "http"
    own = Settings(**PRODUCTION, host="192.0.2.7", tls_certificate="a.pem", tls_key="b.pem")
    assert own.scheme == "https"


def test_development_never_listens_beyond_loopback_even_behind_tls():
    with pytest.raises(ValidationError, match="loopback only"):
        Settings(mode="development", host="192.0.2.7", behind_tls=True)


@pytest.mark.parametrize("half", ["tls_certificate", "tls_key"])
def test_half_a_tls_pair_is_refused_and_the_missing_half_named(half):
    other = {"tls_certificate": "tls_key", "tls_key": "tls_certificate"}[half]
    with pytest.raises(ValidationError, match=f"{other} is missing"):
        Settings(mode="development", **{half: "file.pem"})


@pytest.mark.parametrize(
    "url",
    [
        "ftp://source.example",
        "source.example",
        "http://",
        "http://user@source.example",
        "http://user:pass@source.example",
        "http://source.example/?a=b",
        "http://source.example/?",
        "http://source.example/#part",
        "http://source.example:notaport",
    ],
)
def test_a_source_address_is_plain_http_without_credentials_or_query(url):
    with pytest.raises(ValidationError):
        SourceSettings(url=url)


def test_a_refused_source_address_does_not_say_its_password_in_the_message():
    with pytest.raises(ValidationError) as caught:
        SourceSettings(url="http://user:hunter2@source.example")
    assert "hunter2" not in str([error["msg"] for error in caught.value.errors()])


@pytest.mark.parametrize("url", ["sqlite://", "mysql://db/x", "not an address", "sqlite:///:memory:"])
def test_the_log_is_kept_in_a_store_that_survives(url):
    with pytest.raises(ValidationError):
        Settings(mode="development", log_url=url)


@pytest.mark.parametrize("origin", ["has space", "a+b", "https://log.example", ""])
def test_a_log_origin_has_no_scheme_space_or_plus(origin):
    with pytest.raises(ValidationError):
        Settings(mode="development", log_origin=origin)


@pytest.mark.parametrize("name", ["UDL", "a b", "-a", "9x", ""])
def test_a_source_name_is_one_that_variables_and_datasets_can_say(name):
    with pytest.raises(ValidationError):
        Settings(mode="development", sources={name: SourceSettings(url="http://localhost")})


def test_settings_made_by_hand_do_not_read_the_environment(monkeypatch, tmp_path):
    (tmp_path / "relgate.toml").write_text("port = 9\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RELGATE_PORT", "5")
    assert Settings(mode="development").port == 8080


def test_settings_cannot_be_changed_once_made():
    with pytest.raises(ValidationError):
        Settings(mode="development").port = 5


@pytest.mark.parametrize("model", [Settings, SourceSettings, UpstreamSettings])
def test_every_setting_is_documented_in_a_sentence(model):
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.description.rstrip().endswith("."), name


@pytest.mark.parametrize("model", [Settings, SourceSettings, UpstreamSettings])
def test_every_setting_that_is_a_quantity_says_its_unit(model):
    units = {"seconds": "seconds", "bytes": "bytes", "ms": "milliseconds", "page": "records"}
    for name, field in model.model_fields.items():
        unit = units.get(name.rsplit("_", 1)[-1])
        if unit:
            assert unit in (field.description or "").lower(), name


def test_a_quorum_that_no_witness_could_make_up_is_refused():
    witness = WitnessSettings(url="http://localhost:1", key=KEYS["nor-ig"])
    with pytest.raises(ValidationError, match="nothing could leave"):
        Settings(mode="development", witness_quorum=2, witnesses={"one": witness})
    assert Settings(mode="development", witness_quorum=1, witnesses={"one": witness}).witness_quorum == 1


def test_one_witness_under_two_names_is_refused_since_it_would_count_twice():
    named = {name: WitnessSettings(url=f"http://localhost:{n}", key=KEYS["nor-ig"]) for n, name in enumerate("ab", 1)}
    with pytest.raises(ValidationError, match="count twice"):
        Settings(mode="development", witnesses=named)


@pytest.mark.parametrize("key", ["w", "w+00000000+AA", KEYS["nor-ig"][:-1], "x" + KEYS["nor-ig"]])
def test_a_witness_key_that_is_none_is_refused_before_anything_starts(key: str):
    with pytest.raises(ValidationError, match="1 validation error"):
        WitnessSettings(url="http://localhost:1", key=key)
