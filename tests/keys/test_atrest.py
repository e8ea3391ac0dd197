"""Private keys at rest: encrypted under a passphrase, refused in clear where they must not be, changed whole."""

from __future__ import annotations

import json
import os
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwcrypto import jwa
from jwcrypto import jwe as other_jwe
from jwcrypto.jwk import JWK

from gateway.keys import atrest
from gateway.keys.atrest import UNENCRYPTED, Keeping, Passphrase, is_encrypted, read_passphrase
from gateway.keys.errors import KeyFileRefused
from gateway.keys.reencrypt import private_files, reencrypt
from gateway.keys.ring import open_ring, read_identifier_keys
from gateway.keys.witness import open_witness

NAME = "gateway.example.mil/log"
ONE, TWO = Passphrase(b"correct horse battery"), Passphrase(b"another, and longer one")
UNDER_ONE, UNDER_TWO = Keeping(ONE, plain=False), Keeping(TWO, plain=False)


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """As few rounds as the standard lets one take: what is tested here is not how slow a guess is."""
    monkeypatch.setattr(atrest, "ROUNDS", 1000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "gateway"


def clear_text(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if not is_encrypted(path.read_bytes())]


def test_a_ring_made_under_a_passphrase_has_no_key_in_clear_and_reads_back_the_same(folder: Path) -> None:
    made = open_ring(folder, NAME, UNDER_ONE, ml_dsa=True)
    assert clear_text(folder) == []
    again = open_ring(folder, NAME, UNDER_ONE, create=False, ml_dsa=True)
    assert again.log_verifier_key == made.log_verifier_key
    assert again.log_ml_dsa_verifier_key == made.log_ml_dsa_verifier_key
    assert (again.content_signing, again.identifiers) == (made.content_signing, made.identifiers)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_no_byte_of_a_secret_is_on_disk_in_clear(folder: Path) -> None:
    made = open_ring(folder, NAME, UNDER_ONE)
    stored = b"".join(path.read_bytes() for path in folder.iterdir())
    assert made.identifier.secret not in stored
    assert b"PRIVATE KEY" not in stored


def test_a_file_is_a_jwe_that_another_library_opens_with_the_real_number_of_rounds(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(jwa, "default_max_pbkdf2_iterations", 210_000)  # it takes 16,384 by itself
    path = folder / "identifier-1.key"
    opened = other_jwe.JWE(algs=["PBES2-HS512+A256KW", "A256GCM"])
    opened.deserialize(atrest.encrypt(b"k" * 32, path, ONE).decode().strip(), JWK.from_password(ONE.secret.decode()))
    assert opened.payload == b"k" * 32
    assert (opened.jose_header["p2c"], opened.jose_header["kid"]) == (210_000, "identifier-1.key")


@pytest.mark.parametrize("file", ["log-signing.pem", "content-signing.pem", "identifier-1.key"])
def test_another_passphrase_opens_nothing_and_the_error_names_the_file_and_not_the_passphrase(
    folder: Path, file: str
) -> None:
    open_ring(folder, NAME, UNDER_ONE)
    reencrypt(folder, ONE, TWO)
    data = (folder / file).read_bytes()
    reencrypt(folder, TWO, ONE)
    (folder / file).write_bytes(data)
    with pytest.raises(KeyFileRefused, match="does not open: the passphrase is another one") as refusal:
        open_ring(folder, NAME, UNDER_ONE)
    assert refusal.value.path == folder / file
    assert ONE.secret.decode() not in str(refusal.value)


def test_an_encrypted_key_without_a_passphrase_is_refused_even_in_development(folder: Path) -> None:
    open_ring(folder, NAME, UNDER_ONE)
    with pytest.raises(KeyFileRefused, match="is encrypted, and no passphrase is given"):
        open_ring(folder, NAME, UNENCRYPTED)


def test_a_key_in_clear_is_refused_where_it_must_not_be_and_says_what_to_run(folder: Path) -> None:
    open_ring(folder, NAME, UNENCRYPTED)
    for keeping in (UNDER_ONE, Keeping(None, plain=False)):
        with pytest.raises(KeyFileRefused, match="is not encrypted") as refusal:
            open_ring(folder, NAME, keeping)
        assert "relgate keys encrypt" in refusal.value.fix
    with pytest.raises(KeyFileRefused, match="is not encrypted"):
        read_identifier_keys(folder, UNDER_ONE)


def test_no_key_is_made_in_clear_where_none_may_lie_so_and_nothing_is_left_behind(folder: Path) -> None:
    with pytest.raises(KeyFileRefused, match="would not be encrypted"):
        open_ring(folder, NAME, Keeping(None, plain=False))
    assert list(folder.iterdir()) == []


def test_a_key_put_in_another_keys_place_is_refused(folder: Path) -> None:
    open_ring(folder, NAME, UNDER_ONE)
    (folder / "log-signing.pem").write_bytes((folder / "content-signing.pem").read_bytes())
    with pytest.raises(KeyFileRefused, match="holds the key of another file"):
        open_ring(folder, NAME, UNDER_ONE)


@pytest.mark.parametrize("place", [0, 40, 400, -10])
def test_a_damaged_file_is_refused_and_never_read_as_a_key_in_clear(folder: Path, place: int) -> None:
    open_ring(folder, NAME, UNDER_ONE)
    path = folder / "content-signing.pem"
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(KeyFileRefused):
        open_ring(folder, NAME, UNDER_ONE)


ODD = (None, True, -1, 10**9, 1.5, "", "x", [], {}, "none", "dir", "A256GCMKW", "PBES2-HS256+A128KW")


@pytest.mark.parametrize("name", ["alg", "enc", "p2c", "p2s", "kid", "zip", "crit", "jwk", "epk"])
def test_a_header_that_asks_for_anything_else_is_refused_before_a_library_acts_on_it(name: str) -> None:
    path = Path("identifier-1.key")
    head, _, rest = atrest.encrypt(b"k" * 32, path, ONE).partition(b".")
    header = json.loads(urlsafe_b64decode(head + b"=="))
    for value in ODD:
        changed = urlsafe_b64encode(json.dumps(header | {name: value}).encode()).rstrip(b"=")
        with pytest.raises(KeyFileRefused):
            atrest.decrypt(changed + b"." + rest, path, ONE)
    doubled = urlsafe_b64encode(json.dumps(header).encode()[:-1] + b', "%s": "x"}' % name.encode()).rstrip(b"=")
    with pytest.raises(KeyFileRefused):
        atrest.decrypt(doubled + b"." + rest, path, ONE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: b"eyJ" + data + b"." * 4))
def test_any_bytes_at_all_open_to_nothing_and_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(KeyFileRefused):
        atrest.decrypt(data, Path("identifier-1.key"), ONE)


def test_a_witness_keeps_its_keys_in_the_same_way(folder: Path) -> None:
    made = open_witness(folder, UNDER_ONE, Path.touch, ml_dsa=True)
    assert clear_text(folder) == ["witness.sqlite3"]
    again = open_witness(folder, UNDER_ONE, Path.touch, ml_dsa=True)
    assert again.ed25519.private_bytes_raw() == made.ed25519.private_bytes_raw()
    reencrypt(folder, ONE, TWO)
    with pytest.raises(KeyFileRefused, match="does not open"):
        open_witness(folder, UNDER_ONE, Path.touch)


# --- encrypting and changing


def test_encrypting_a_folder_in_clear_changes_every_file_and_no_key(folder: Path) -> None:
    before = open_ring(folder, NAME, UNENCRYPTED, ml_dsa=True)
    assert [kept.encrypted for kept in private_files(folder)] == [False] * 4
    assert len(reencrypt(folder, None, ONE)) == 4
    assert [kept.encrypted for kept in private_files(folder)] == [True] * 4
    after = open_ring(folder, NAME, UNDER_ONE, ml_dsa=True)
    assert (after.log_verifier_key, after.identifiers) == (before.log_verifier_key, before.identifiers)
    assert reencrypt(folder, None, ONE) == ()


def test_a_changed_passphrase_opens_everything_and_the_old_one_nothing(folder: Path) -> None:
    open_ring(folder, NAME, UNDER_ONE)
    assert len(reencrypt(folder, ONE, TWO)) == 3
    open_ring(folder, NAME, UNDER_TWO)
    with pytest.raises(KeyFileRefused):
        open_ring(folder, NAME, UNDER_ONE)


def test_a_wrong_old_passphrase_changes_nothing_at_all(folder: Path) -> None:
    open_ring(folder, NAME, UNDER_ONE)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    for old in (None, Passphrase(b"neither of the two")):
        with pytest.raises(KeyFileRefused):
            reencrypt(folder, old, TWO)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("renamed", [0, 1, 2])
def test_a_change_that_breaks_off_between_two_files_is_finished_by_running_it_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, renamed: int
) -> None:
    made = open_ring(folder, NAME, UNDER_ONE)
    replace, done = Path.replace, []

    def breaks(self: Path, target: Path) -> Path:
        if len(done) == renamed:
            raise OSError("power is gone")
        done.append(self)
        return replace(self, target)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", breaks)
        with pytest.raises(OSError, match="power is gone"):
            reencrypt(folder, ONE, TWO)
    assert not [path for path in folder.iterdir() if path.name.endswith(".new")]
    assert len(reencrypt(folder, ONE, TWO)) == 3 - renamed
    assert open_ring(folder, NAME, UNDER_TWO).log_verifier_key == made.log_verifier_key


def test_a_folder_that_is_not_there_or_holds_no_key_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyFileRefused, match="is not there"):
        reencrypt(folder, None, ONE)
    folder.mkdir(mode=0o700)
    with pytest.raises(KeyFileRefused, match="holds no private key"):
        reencrypt(folder, None, ONE)
    with pytest.raises(KeyFileRefused, match="No such file or directory"):
        UNENCRYPTED.write(tmp_path / "nowhere" / "key", b"x")


def test_a_full_disk_leaves_every_file_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_ring(folder, NAME, UNDER_ONE)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    sync, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(KeyFileRefused, match="No space left"):
            reencrypt(folder, ONE, TWO)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


# --- the passphrase


def test_a_passphrase_is_the_one_line_of_its_file(tmp_path: Path) -> None:
    for ending in (b"", b"\n", b"\r\n"):
        path = tmp_path / "passphrase"
        path.write_bytes(ONE.secret + ending)
        path.chmod(0o400)
        assert read_passphrase(path) == ONE
        path.unlink()


def test_a_passphrase_may_come_through_a_descriptor() -> None:
    reading, writing = os.pipe()
    os.write(writing, ONE.secret + b"\n")
    os.close(writing)
    assert read_passphrase(Path(f"/dev/fd/{reading}")) == ONE
    os.close(reading)


@pytest.mark.parametrize(
    "said",
    [b"", b"short", b"x" * 1025, b"two lines\nof passphrase", b"with a \x00 in it....", b"not utf-8 \xff........"],
)
def test_what_is_no_passphrase_is_refused_without_being_quoted(tmp_path: Path, said: bytes) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(said)
    path.chmod(0o600)
    with pytest.raises(KeyFileRefused) as refusal:
        read_passphrase(path)
    assert len(said) < 5 or said.decode("latin-1") not in str(refusal.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o444])
def test_a_passphrase_that_others_can_read_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(ONE.secret)
    path.chmod(mode)
    with pytest.raises(KeyFileRefused, match="others than its owner may read it") as refusal:
        read_passphrase(path)
    assert refusal.value.fix.startswith(f"Run: chmod 0400 {path}")


def test_no_representation_shows_a_passphrase() -> None:
    assert "horse" not in repr(UNDER_ONE) + str(ONE) + repr(ONE)
