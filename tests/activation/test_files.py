"""A policy set is read whole from two folders, or not at all: links, pipes and what is too large are refused."""

import os
from pathlib import Path

import pytest

from gateway.activation import files
from gateway.activation.files import FilesError, read_policy_files


def test_policies_and_partners_public_keys_are_one_set_under_the_names_of_the_policy_layer(policies: Path, keys: Path):
    read = read_policy_files(policies, keys)
    assert read["policies/partners/JPN.toml"] == (policies / "partners" / "JPN.toml").read_bytes()
    assert read["keys/partners/JPN.jwks.json"] == (keys / "partners" / "JPN.jwks.json").read_bytes()
    assert all(name.startswith(("policies/", "keys/partners/")) for name in read)


def test_no_private_key_is_ever_part_of_a_set(policies: Path, keys: Path):
    private = [path.read_bytes() for path in keys.rglob("*") if path.is_file() and "private" in path.name]
    assert private
    assert not set(private) & set(read_policy_files(policies, keys).values())


def test_prose_backups_and_hidden_files_are_left_out(policies: Path, keys: Path):
    before = set(read_policy_files(policies, keys))
    for name in ("README.md", "JPN.toml~", ".JPN.toml.swp", ".git/config"):
        path = policies / "partners" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x", encoding="utf-8")
    assert set(read_policy_files(policies, keys)) == before


def test_an_unknown_file_is_read_so_that_the_policy_layer_can_refuse_it(policies: Path, keys: Path):
    (policies / "partners" / "JPN.tmol").write_text("x", encoding="utf-8")
    assert "policies/partners/JPN.tmol" in read_policy_files(policies, keys)


def test_a_missing_folder_is_refused_and_the_message_names_the_setting(tmp_path: Path, keys: Path):
    with pytest.raises(FilesError, match="policies_dir") as refused:
        read_policy_files(tmp_path / "none", keys)
    assert refused.value.path == tmp_path / "none"


def test_a_set_without_any_partners_keys_is_read_without_them(policies: Path, tmp_path: Path):
    assert not [name for name in read_policy_files(policies, tmp_path / "none") if name.startswith("keys/")]


def link(path: Path, target: Path) -> None:
    path.symlink_to(target)


def pipe(path: Path, _: Path) -> None:
    os.mkfifo(path)


def too_large(path: Path, _: Path) -> None:
    path.write_bytes(b"#" * (files.FILE_LIMIT + 1))


@pytest.mark.parametrize(("make", "wrong"), [(link, "opened"), (pipe, "regular"), (too_large, "larger")])
def test_a_file_that_is_no_plain_file_of_bounded_size_refuses_the_whole_set(policies: Path, keys: Path, make, wrong):
    path = policies / "partners" / "XXX.toml"
    make(path, policies / "partners" / "JPN.toml")
    with pytest.raises(FilesError, match=wrong) as refused:
        read_policy_files(policies, keys)
    assert refused.value.path == path
    assert refused.value.hint in str(refused.value)


def test_a_folder_that_is_a_link_refuses_the_whole_set(policies: Path, keys: Path, tmp_path: Path):
    (tmp_path / "other").mkdir()
    (policies / "more").symlink_to(tmp_path / "other")
    with pytest.raises(FilesError, match="symbolic link"):
        read_policy_files(policies, keys)
