"""Private files are written once and read only when they are private."""

import os
import stat
from pathlib import Path

import pytest

from gateway.keys.errors import KeyFileRefused
from gateway.keys.files import check_private_folder, make_private_folder, read_private, write_private


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "private"
    make_private_folder(place)
    return place


def test_a_written_file_is_0600_in_a_0700_folder(folder: Path) -> None:
    write_private(folder / "key", b"secret")
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert read_private(folder / "key") == b"secret"


def test_the_mode_is_0600_whatever_the_umask_says(folder: Path) -> None:
    before = os.umask(0)
    try:
        write_private(folder / "key", b"secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600


def test_a_file_that_is_there_is_never_replaced(folder: Path) -> None:
    write_private(folder / "key", b"first")
    with pytest.raises(KeyFileRefused, match="already there"):
        write_private(folder / "key", b"second")
    assert read_private(folder / "key") == b"first"


def test_writing_leaves_no_draft_behind(folder: Path) -> None:
    write_private(folder / "key", b"first")
    with pytest.raises(KeyFileRefused):
        write_private(folder / "key", b"second")
    assert [path.name for path in folder.iterdir()] == ["key"]


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o601, 0o666, 0o777])
def test_a_file_open_to_others_is_refused_with_the_command_that_mends_it(folder: Path, mode: int) -> None:
    path = folder / "key"
    write_private(path, b"secret")
    path.chmod(mode)
    with pytest.raises(KeyFileRefused) as refusal:
        read_private(path)
    assert str(path) in str(refusal.value)
    assert f"{mode:04o}" in str(refusal.value)
    assert f"chmod 0600 {path}" in str(refusal.value)


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o711, 0o777])
def test_a_folder_open_to_others_is_refused_with_the_command_that_mends_it(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    with pytest.raises(KeyFileRefused, match=f"chmod 0700 {folder}"):
        check_private_folder(folder)


def test_a_file_of_another_user_is_refused_by_naming_both(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_private(folder / "key", b"secret")
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(KeyFileRefused, match=f"belongs to user {mine}, but the gateway runs as user {mine + 1}"):
        read_private(folder / "key")


def test_a_symbolic_link_to_a_private_file_is_refused(folder: Path) -> None:
    write_private(folder / "key", b"secret")
    (folder / "link").symlink_to(folder / "key")
    with pytest.raises(KeyFileRefused, match="not a link"):
        read_private(folder / "link")


def test_a_folder_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(KeyFileRefused, match="is not a folder"):
        check_private_folder(tmp_path / "link")


def test_a_missing_file_and_a_missing_folder_say_so(folder: Path) -> None:
    with pytest.raises(KeyFileRefused, match="is not there"):
        read_private(folder / "key")
    with pytest.raises(KeyFileRefused, match="is not there"):
        check_private_folder(folder / "deeper")


def test_a_file_longer_than_any_key_is_not_read_whole(folder: Path) -> None:
    write_private(folder / "key", b"x" * 65_537)
    with pytest.raises(KeyFileRefused, match="longer than"):
        read_private(folder / "key")
