"""The gateway's keys are made once, whole, and never mended in silence."""

import json
import multiprocessing
import stat
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.keys import ring
from gateway.keys.atrest import UNENCRYPTED
from gateway.keys.errors import KeyFileRefused, KeysError
from gateway.keys.files import write_private
from gateway.keys.jwks import parse_jwks
from gateway.keys.ring import (
    CONTENT_SIGNING,
    FIRST_IDENTIFIER,
    LOG_ML_DSA,
    LOG_SIGNING,
    open_ring,
    verifier_key_text,
)

NAME = "gateway.example.mil/log"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "gateway"


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def test_a_first_start_makes_three_private_files_and_a_second_reads_the_same(folder: Path) -> None:
    first = open_ring(folder, NAME)
    second = open_ring(folder, NAME)
    assert {path.name for path in folder.iterdir()} == {LOG_SIGNING, CONTENT_SIGNING, FIRST_IDENTIFIER}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert raw(first.log_signing) == raw(second.log_signing)
    assert first.content_signing == second.content_signing
    assert first.identifiers == second.identifiers


def test_the_log_key_and_the_content_key_are_different_keys(folder: Path) -> None:
    keys = open_ring(folder, NAME)
    assert json.loads(keys.public_jwks)["keys"][0]["x"] not in keys.log_verifier_key
    assert raw(keys.log_signing) != raw(ring._read_ed25519(folder / CONTENT_SIGNING, UNENCRYPTED))


@pytest.mark.parametrize("name", [LOG_SIGNING, CONTENT_SIGNING, FIRST_IDENTIFIER])
def test_a_set_with_one_part_missing_is_refused_and_not_mended(folder: Path, name: str) -> None:
    open_ring(folder, NAME)
    (folder / name).unlink()
    with pytest.raises(KeyFileRefused, match=f"{name} missing"):
        open_ring(folder, NAME)
    assert not (folder / name).exists()


def test_without_leave_to_create_an_empty_folder_is_refused(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)
    with pytest.raises(KeyFileRefused, match="missing from the gateway's keys"):
        open_ring(folder, NAME, create=False)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("already", range(4))
def test_a_first_start_that_broke_off_anywhere_is_begun_again(folder: Path, already: int) -> None:
    open_ring(folder, NAME)
    files = [LOG_SIGNING, CONTENT_SIGNING, FIRST_IDENTIFIER]
    for name in files[already:]:
        (folder / name).unlink()
    write_private(folder / ".being-made", b"")
    left = {name: (folder / name).read_bytes() for name in files[:already]}
    open_ring(folder, NAME)
    assert {path.name for path in folder.iterdir()} == set(files)
    assert all((folder / name).read_bytes() != data for name, data in left.items())


@pytest.mark.parametrize("name", [LOG_SIGNING, CONTENT_SIGNING, FIRST_IDENTIFIER])
def test_one_loose_file_refuses_the_whole_set(folder: Path, name: str) -> None:
    open_ring(folder, NAME)
    (folder / name).chmod(0o640)
    with pytest.raises(KeyFileRefused, match=f"chmod 0600 {folder / name}"):
        open_ring(folder, NAME)


def test_a_loose_folder_refuses_the_whole_set(folder: Path) -> None:
    open_ring(folder, NAME)
    folder.chmod(0o755)
    with pytest.raises(KeyFileRefused, match="mode 0755"):
        open_ring(folder, NAME)


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_holds_no_key_is_refused_without_quoting_it(folder: Path, content: bytes) -> None:
    open_ring(folder, NAME)
    (folder / LOG_SIGNING).write_bytes(content)
    with pytest.raises(KeyFileRefused, match="PKCS #8") as refusal:
        open_ring(folder, NAME)
    assert "AAAA" not in str(refusal.value)


def test_a_short_identifier_key_is_refused_by_its_length(folder: Path) -> None:
    open_ring(folder, NAME)
    (folder / FIRST_IDENTIFIER).write_bytes(b"short")
    with pytest.raises(KeyFileRefused, match="has 5 bytes, not 32"):
        open_ring(folder, NAME)


def test_a_later_identifier_key_becomes_current_and_the_old_one_stays(folder: Path) -> None:
    first = open_ring(folder, NAME)
    write_private(folder / "identifier-10.key", b"b" * 32)
    write_private(folder / "identifier-2.key", b"a" * 32)
    second = open_ring(folder, NAME)
    assert [key.version for key in second.identifiers] == [1, 2, 10]
    assert second.identifier.secret == b"b" * 32
    assert second.identifiers[0] == first.identifier


def test_no_representation_of_the_ring_shows_a_secret(folder: Path) -> None:
    keys = open_ring(folder, NAME)
    shown = repr(keys) + str(keys) + repr(keys.identifier)
    assert keys.content_signing.secret not in shown
    assert repr(keys.identifier.secret) not in shown


def test_the_public_set_holds_the_content_key_alone_and_no_private_member(folder: Path) -> None:
    keys = open_ring(folder, NAME)
    assert parse_jwks(keys.public_jwks) == (keys.content_signing.public,)
    assert b'"d"' not in keys.public_jwks


def test_the_verifier_key_of_the_published_example_is_written_the_same() -> None:
    text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    public = Ed25519PublicKey.from_public_bytes(b64decode(text.rsplit("+", 1)[1])[1:])
    assert verifier_key_text("example.com/foo", public) == text


@pytest.mark.parametrize("name", ["", "two words", "a+b", "näme", "line\nbreak"])
def test_a_log_name_that_a_checkpoint_cannot_carry_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(KeysError, match="log name"):
        open_ring(folder, name)
    assert not folder.exists()


def _start(folder: Path) -> str:
    return open_ring(folder, NAME).log_verifier_key


def test_processes_that_start_together_end_up_with_one_set_of_keys(folder: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(_start, [folder] * 8))) == 1


def test_the_ml_dsa_key_is_made_when_settings_first_ask_for_it_and_kept_from_then_on(folder: Path) -> None:
    first = open_ring(folder, NAME)
    assert (first.log_ml_dsa, first.log_ml_dsa_verifier_key) == (None, "")
    with pytest.raises(KeyFileRefused, match="is not there"):
        open_ring(folder, NAME, create=False, ml_dsa=True)
    made = open_ring(folder, NAME, ml_dsa=True)
    assert made.log_verifier_key == first.log_verifier_key
    assert made.log_ml_dsa_verifier_key.startswith(f"{NAME}+")
    again = open_ring(folder, NAME, create=False, ml_dsa=True)
    assert again.log_ml_dsa_verifier_key == made.log_ml_dsa_verifier_key
    assert stat.S_IMODE((folder / LOG_ML_DSA).stat().st_mode) == 0o600


def test_a_key_of_another_algorithm_is_not_taken_for_the_ml_dsa_key(folder: Path) -> None:
    open_ring(folder, NAME)
    write_private(folder / LOG_ML_DSA, (folder / LOG_SIGNING).read_bytes())
    with pytest.raises(KeyFileRefused, match="not an ML-DSA-44 key"):
        open_ring(folder, NAME, ml_dsa=True)
