"""An operator encrypts keys, changes the passphrase, and is told what is wrong; production takes none in clear."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.keys import atrest

PRODUCTION = 'mode = "production"\nlog_origin = "gateway.example/log"\n'
FILES = ["content-signing.pem", "identifier-1.key", "log-signing.pem"]


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atrest, "ROUNDS", 1000)


@pytest.fixture
def production(ready, place: Path):
    """The operator's folder after its settings say production; its keys still lie in clear."""
    (place / "relgate.toml").write_text(PRODUCTION, encoding="utf-8")
    return ready


def with_passphrase(place: Path, name: str = "passphrase") -> Path:
    config = place / "relgate.toml"
    config.write_text(PRODUCTION + f'keys_passphrase_file = "{name}"\n', encoding="utf-8")
    return place / name


def test_production_starts_nothing_with_keys_in_clear_and_says_what_to_run(production):
    order = ("--reason", "x")
    for command in (
        ("keys", "init"),
        ("keys", "list"),
        ("serve",),
        ("policy", "activate", *order),
        ("stop", "partner", "JPN", *order),
        ("audit", "verify"),
    ):
        done = production(*command)
        assert done.code != 0
        assert "is not encrypted" in done.err
        assert "relgate keys encrypt" in done.err


def test_an_operator_makes_a_passphrase_encrypts_and_goes_on_with_the_same_log(production, place):
    where = with_passphrase(place)
    before = production("keys", "status", "--json")
    assert before.out.count('"encrypted": false') == 3
    assert production("keys", "passphrase", str(where)).code == 0
    assert where.stat().st_mode & 0o777 == 0o600
    done = production("keys", "encrypt")
    assert done.code == 0, done.err
    assert all(name in done.out for name in FILES)
    assert "backups" in done.out
    assert production("keys", "status", "--json").out.count('"encrypted": true') == 3
    assert production("audit", "verify").code == 0
    assert "every file was so already" in production("keys", "encrypt").out


def test_a_passphrase_is_never_made_over_one_that_is_there(production, place):
    assert production("keys", "passphrase", "passphrase").code == 0
    again = production("keys", "passphrase", "passphrase")
    assert (again.code, "is already there" in again.err) == (1, True)


def test_a_change_of_passphrase_locks_the_old_one_out(production, place):
    where = with_passphrase(place)
    production("keys", "passphrase", str(where))
    production("keys", "encrypt")
    production("keys", "passphrase", "new")
    assert production("keys", "reencrypt", "--new-passphrase-file", "new").code == 0
    refused = production("keys", "list")
    assert refused.code == 1
    assert "does not open: the passphrase is another one" in refused.err
    with_passphrase(place, "new")
    assert production("keys", "list").code == 0


def test_without_a_passphrase_there_is_nothing_to_encrypt_under(production):
    done = production("keys", "encrypt")
    assert (done.code, "no passphrase is set" in done.err) == (2, True)


def test_a_passphrase_that_is_missing_short_or_for_all_to_read_stops_the_command(production, place):
    where = with_passphrase(place)
    cases = ((None, 0, "cannot be opened"), (b"short", 0o600, "holds no passphrase"), (b"x" * 20, 0o644, "0644"))
    for said, mode, problem in cases:
        if said is not None:
            where.write_bytes(said)
            where.chmod(mode)
        done = production("serve")
        assert (done.code, problem in done.err) == (1, True), done.err


def test_the_passphrase_comes_through_a_descriptor_and_never_through_the_command_line(production, place):
    with_passphrase(place)
    production("keys", "passphrase", "passphrase")
    production("keys", "encrypt")
    environment = os.environ | {
        "RELGATE_KEYS_PASSPHRASE_FILE": "/dev/fd/0",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    with (place / "passphrase").open("rb") as file:
        command = [sys.executable, "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"]
        with subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE) as cat:
            done = subprocess.run(
                [sys.executable, "-m", "gateway", "keys", "list", "--json"],
                stdin=cat.stdout, env=environment, capture_output=True, text=True, check=False, cwd=place,
            )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_witness_beyond_loopback_has_its_keys_under_a_passphrase(relgate, place):
    asked = ("witness", "w", "--name", "witness.example/w1", "--show-key")
    refused = relgate(*asked, "--behind-tls")
    assert (refused.code, "would not be encrypted" in refused.err) == (1, True)
    relgate("keys", "passphrase", "passphrase")
    made = relgate(*asked, "--behind-tls", "--passphrase-file", "passphrase")
    assert made.code == 0, made.err
    assert relgate("keys", "status", "--folder", "w", "--json").out.count('"encrypted": true') == 1
    loud = relgate("witness", "v", "--name", "witness.example/w2", "--show-key")
    assert "the witness's keys are not encrypted" in loud.err
