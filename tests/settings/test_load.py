"""Settings: precedence, provenance, and refusals that name the place and the way out."""

from pathlib import Path

import pytest

from gateway.settings import Mode, SettingsError, SettingsFileError, load

DEVELOPMENT = {"RELGATE_MODE": "development"}


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def written(text: str, name: str = "relgate.toml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(**arguments) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(**arguments)
    return caught.value


def test_defaults_stand_where_nothing_is_said():
    loaded = load(environ=DEVELOPMENT)
    assert loaded.settings.port == 8080
    assert loaded.settings.policy_grace_seconds == 900
    assert loaded.file is None
    assert loaded.origin("port") == "default"


def test_environment_wins_over_file_and_flags_win_over_both():
    file = written('mode = "development"\nport = 1\nhost = "::1"\nmax_page = 7\n')
    loaded = load(environ={"RELGATE_PORT": "2", "RELGATE_MAX_PAGE": "8"}, overrides={"port": 3})
    assert (loaded.settings.port, loaded.settings.max_page, loaded.settings.host) == (3, 8, "::1")
    origins = [loaded.origin(name) for name in ("port", "max_page", "host", "log_level")]
    assert origins == ["command line", "RELGATE_MAX_PAGE", str(file), "default"]


def test_sources_merge_key_by_key_between_file_and_environment():
    written('mode = "development"\n[sources.udl]\nurl = "http://127.0.0.1:9000/"\ntimeout_seconds = 9\n')
    loaded = load(environ={"RELGATE_SOURCES__UDL__TOKEN_FILE": "/run/secrets/udl"})
    source = loaded.settings.sources["udl"]
    assert (source.url, source.timeout_seconds) == ("http://127.0.0.1:9000", 9)
    assert source.token_file == Path("/run/secrets/udl")
    assert loaded.origin("sources.udl.url") == "relgate.toml"
    assert loaded.origin("sources.udl.token_file") == "RELGATE_SOURCES__UDL__TOKEN_FILE"


def test_the_nested_upstream_limit_is_read_from_one_variable():
    loaded = load(environ=DEVELOPMENT | {"RELGATE_UPSTREAM__MAX_BODY_BYTES": "4096"})
    assert loaded.settings.upstream.max_body_bytes == 4096
    assert loaded.settings.upstream.read_timeout_seconds == 20


def test_the_file_named_by_flag_wins_over_the_one_named_by_variable():
    named = written('mode = "development"\nport = 11\n', "a.toml")
    other = written('mode = "development"\nport = 12\n', "b.toml")
    assert load(environ={"RELGATE_CONFIG": str(other)}).settings.port == 12
    assert load(named, environ={"RELGATE_CONFIG": str(other)}).settings.port == 11


def test_an_unknown_key_in_the_file_names_file_key_and_what_was_meant():
    written('mode = "development"\npolices_dir = "x"\n')
    (problem,) = refusal(environ={}).problems
    assert (problem.setting, problem.origin) == ("polices_dir", "relgate.toml")
    assert "did you mean policies_dir?" in problem.hint


def test_an_unknown_variable_is_refused_and_not_ignored():
    (problem,) = refusal(environ=DEVELOPMENT | {"RELGATE_MAX_PGE": "5"}).problems
    assert problem.origin == "RELGATE_MAX_PGE"
    assert "max_page" in problem.hint


def test_an_unknown_key_inside_a_source_is_refused_with_its_path():
    environ = DEVELOPMENT | {
        "RELGATE_SOURCES__UDL__URL": "http://localhost",
        "RELGATE_SOURCES__UDL__TOKEN": "hunter2",
    }
    error = refusal(environ=environ)
    (problem,) = error.problems
    assert (problem.setting, problem.origin) == ("sources.udl.token", "RELGATE_SOURCES__UDL__TOKEN")
    assert "token_file" in problem.hint
    assert "hunter2" not in str(error)


def test_a_variable_that_is_set_but_empty_is_refused():
    (problem,) = refusal(environ=DEVELOPMENT | {"RELGATE_TLS_KEY": ""}).problems
    assert problem.message == "is set but empty"


def test_every_problem_is_reported_at_once_with_its_own_origin():
    written('mode = "development"\nport = 70000\n')
    problems = refusal(environ={"RELGATE_CLOCK_SKEW_SECONDS": "many"}).problems
    assert {(problem.setting, problem.origin) for problem in problems} == {
        ("port", "relgate.toml"),
        ("clock_skew_seconds", "RELGATE_CLOCK_SKEW_SECONDS"),
    }
    assert all(problem.hint for problem in problems)


def test_a_file_that_is_not_toml_is_refused_with_its_line():
    path = written("port = \n")
    with pytest.raises(SettingsFileError, match="line 1") as caught:
        load(environ={})
    assert caught.value.path == path


def test_a_missing_file_that_was_named_is_refused():
    with pytest.raises(SettingsFileError, match="No such file"):
        load(Path("nowhere.toml"), environ={})


def test_a_file_that_is_not_utf8_is_refused():
    Path("relgate.toml").write_bytes(b'host = "\xff"\n')
    with pytest.raises(SettingsFileError, match="UTF-8"):
        load(environ={})


def test_sources_given_as_something_other_than_json_are_refused():
    (problem,) = refusal(environ=DEVELOPMENT | {"RELGATE_SOURCES": "udl=http://x"}).problems
    assert (problem.setting, problem.origin) == ("sources", "RELGATE_SOURCES")


def test_the_password_of_the_log_is_masked_when_shown_and_absent_from_repr_and_refusals():
    url = "postgresql+psycopg://relgate:hunter2@db/audit"
    loaded = load(environ=DEVELOPMENT | {"RELGATE_LOG_URL": url})
    shown = {name: value for name, value, _ in loaded.shown()}
    assert shown["log_url"] == "postgresql+psycopg://relgate:***@db/audit"
    assert "hunter2" not in repr(loaded)
    wrong = DEVELOPMENT | {"RELGATE_LOG_URL": "mysql://relgate:hunter2@db/audit"}
    assert "hunter2" not in str(refusal(environ=wrong))


def test_shown_settings_name_every_field_and_the_origin_of_each():
    environ = DEVELOPMENT | {"RELGATE_SOURCES__UDL__URL": "http://localhost:9000"}
    shown = {name: (value, origin) for name, value, origin in load(environ=environ).shown()}
    assert shown["mode"] == ("development", "RELGATE_MODE")
    assert shown["sources.udl.url"] == ("http://localhost:9000", "RELGATE_SOURCES__UDL__URL")
    assert shown["upstream.max_body_bytes"][1] == "default"
    assert shown["behind_tls"] == ("false", "default")


def test_production_is_the_mode_that_nobody_asked_for():
    error = refusal(environ={})
    assert {problem.setting for problem in error.problems} == {"log_origin"}
    assert load(environ=DEVELOPMENT).settings.mode is Mode.DEVELOPMENT
