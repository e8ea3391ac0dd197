"""Development keys of partners land in two places, one of them private, and replace nothing."""

import stat
from pathlib import Path

import pytest

from gateway.keys import generate_partner, parse_jwks, parse_private_jwks, write_partner
from gateway.keys.errors import KeyFileRefused


def test_the_public_set_is_readable_and_the_private_one_is_not(tmp_path: Path) -> None:
    keys = generate_partner("JPN")
    public, private = write_partner(keys, public_folder=tmp_path / "partners", private_folder=tmp_path / "dev")
    assert public == tmp_path / "partners" / "JPN.jwks.json"
    assert parse_jwks(public.read_bytes()) == (keys.signing.public, keys.sealing.public)
    assert parse_private_jwks(private.read_bytes()) == (keys.signing, keys.sealing)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700


def test_keys_of_a_partner_that_has_some_are_not_replaced(tmp_path: Path) -> None:
    folders = {"public_folder": tmp_path / "partners", "private_folder": tmp_path / "dev"}
    public, private = write_partner(generate_partner("JPN"), **folders)
    before = public.read_bytes(), private.read_bytes()
    with pytest.raises(KeyFileRefused, match="already there"):
        write_partner(generate_partner("JPN"), **folders)
    public.unlink()
    with pytest.raises(KeyFileRefused, match="already there"):
        write_partner(generate_partner("JPN"), **folders)
    assert not public.exists()
    assert private.read_bytes() == before[1]
