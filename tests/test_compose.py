"""``docker-compose.yml`` and ``Dockerfile`` name what there is: services, ports, volumes, commands, settings."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from gateway.cli.main import app as cli
from gateway.http import health
from gateway.settings import Mode, load
from sample_source.app import build_app
from sample_source.catalogue import DATA_EPOCH
from sample_source.flaws import Flaws
from sample_source.tables import build_tables

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
BOTH = pytest.mark.parametrize("name", ["gateway", "source"])


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="module")
def settings(compose):
    """The settings that the gateway would load from the environment compose gives it."""
    return load(environ=compose["services"]["gateway"]["environment"]).settings


def stage(name: str) -> str:
    """The part of the Dockerfile that builds one stage."""
    found = re.search(rf"^FROM \S+ AS {name}$(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def test_there_are_two_services_and_each_builds_a_stage_that_exists(compose):
    assert set(compose["services"]) == {"gateway", "source"}
    for service in compose["services"].values():
        assert stage(service["build"]["target"])


def test_every_variable_of_the_gateway_is_a_setting_and_all_together_are_sound(settings):
    assert settings.mode is Mode.PRODUCTION
    assert settings.behind_tls
    assert settings.sources["udl"].url.startswith("http://source:")


def test_the_gateway_is_published_on_loopback_at_the_port_it_listens_on(compose, settings):
    (published,) = compose["services"]["gateway"]["ports"]
    host, _, inner = published.rsplit(":", 2)
    assert host == "127.0.0.1"
    assert int(inner) == settings.port
    assert f"EXPOSE {settings.port}" in stage("gateway")


def test_the_source_is_reached_at_its_own_name_and_port_and_is_not_published(compose, settings):
    service = compose["services"]["source"]
    command = service["command"]
    port = command[command.index("--port") + 1]
    assert settings.sources["udl"].url == f"http://source:{port}"
    assert "ports" not in service
    assert service["expose"] == [port]
    assert f"EXPOSE {port}" in stage("source")


def test_the_gateways_command_is_a_verb_that_relgate_has(compose):
    assert 'ENTRYPOINT ["python", "-m", "gateway"]' in stage("gateway")
    verbs = typer.main.get_command(cli).commands  # type: ignore[attr-defined]
    assert compose["services"]["gateway"]["command"][0] in verbs


def test_the_sources_command_has_only_options_that_it_takes(compose):
    assert 'ENTRYPOINT ["python", "-m", "sample_source"]' in stage("source")
    command = [sys.executable, "-m", "sample_source", "--help"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for option in (word for word in compose["services"]["source"]["command"] if word.startswith("--")):
        assert option in told


def test_the_health_checks_ask_for_paths_that_are_served(compose):
    def asked(name: str) -> str:
        found = re.search(r"http://127\.0\.0\.1:\d+(/\w+)", compose["services"][name]["healthcheck"]["test"][-1])
        assert found
        return found[1]

    assert asked("gateway") in {route.path for route in health.router.routes}  # type: ignore[attr-defined]
    source = build_app(build_tables(5, 1, Flaws.NONE), "t", now=lambda: DATA_EPOCH)
    assert asked("source") in {route.path for route in source.service.routes}
    assert asked("gateway") in stage("gateway"), "the image's own check asks for the same"


@BOTH
def test_a_service_runs_as_nobody_in_particular_and_writes_nowhere_but_its_volumes(compose, name):
    service = compose["services"][name]
    uid, _, gid = service["user"].partition(":")
    assert int(uid) > 0
    assert f"--uid {uid}" in DOCKERFILE
    assert f"--gid {gid}" in DOCKERFILE
    assert f"USER {service['user']}" in stage(name)
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service


def test_what_the_gateway_writes_is_in_named_volumes_and_what_it_reads_is_read_only(compose, settings):
    mounts = dict(reversed(mount.removesuffix(":ro").split(":")) for mount in compose["services"]["gateway"]["volumes"])
    named = set(compose["volumes"])
    assert mounts[str(settings.private_keys_dir)] in named
    assert mounts[str(Path(settings.log_url.removeprefix("sqlite:///")).parent)] in named
    for folder, here in ((settings.policies_dir, "policies"), (settings.partner_keys_dir, "keys/partners")):
        assert f"./{here}:{folder}:ro" in compose["services"]["gateway"]["volumes"]
        assert (ROOT / here.split("/", maxsplit=1)[0]).is_dir()
    for folder in (settings.private_keys_dir, "/srv/var"):
        assert re.search(rf"install -d -m 0700 .*{folder}\b", stage("gateway"))


@BOTH
def test_secrets_are_files_that_git_ignores_and_the_settings_name(compose, settings, name):
    secret, *others = compose["services"][name]["secrets"]
    assert settings.sources["udl"].token_file == Path(f"/run/secrets/{secret}")
    if name == "gateway":
        assert settings.keys_passphrase_file == Path(f"/run/secrets/{others.pop()}")
    assert not others
    assert all(each["file"].startswith("./secrets/") for each in compose["secrets"].values())
    assert "secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    if name == "source":
        assert f"/run/secrets/{secret}" in compose["services"][name]["command"]


def test_no_secret_value_stands_in_the_file_or_the_image(compose):
    for service in compose["services"].values():
        for variable in service.get("environment", {}):
            assert not re.search(r"PASSWORD|SECRET|(?<!_)TOKEN(?!_FILE)", variable.replace("TOKEN_FILE", ""))
    assert not re.search(r"COPY .*(keys|secrets|policies)", DOCKERFILE)


def test_the_image_is_made_from_the_lock_by_hash_and_copies_what_exists():
    assert "--require-hashes --no-deps --only-binary :all:" in stage("packages")
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for path in copied.split():
            assert (ROOT / path).exists(), path
            assert f"!{path}" in allowed, path


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
def test_docker_compose_accepts_the_file_where_it_is_installed():
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker has no compose plugin")
    command = ["docker", "compose", "-f", str(COMPOSE), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
