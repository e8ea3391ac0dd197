"""An auditor's folder has the policy sets, tables and lists that its entries name, unaltered; a partner's has none."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.audit import folder as folders
from gateway.audit.checkpoint import open_checkpoint
from gateway.audit.folder import publish
from gateway.audit.folder_check import Holds, verify_folder
from gateway.audit.reading import LogReader
from gateway.audit.verification import Report
from tests.audit import everything, long_log


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogReader]:
    """A log with everything in it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('log') / 'audit.db'}"
    everything.write(url)
    opened = LogReader.open_to_read(url, origin=long_log.ORIGIN, verifier=long_log.LOG.verifier)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def published(reader: LogReader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "whole"
    publish(reader, folder, entries=True)
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    return Path(shutil.copytree(published, tmp_path / "folder"))


def checked(folder: Path, holds: Holds = Holds.WHOLE, **how: object) -> Report:
    return verify_folder(folder, long_log.ORIGIN, long_log.LOG.verifier, holds=holds, **how)  # type: ignore[arg-type]


def said(report: Report) -> str:
    return "\n".join(f"{each.where}: {each.what}" for each in report.findings)


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


SETS = {f"set {number}".encode() for number in (1, 2, 3, 4)}
LISTS = {f"{name} {number}".encode() for name in ("list", "signatures", "approval") for number in (1, 2)}


def test_every_set_table_list_and_signature_is_there_under_its_digest(published: Path):
    there = {path.name: path.read_bytes() for path in (published / "relgate/artifacts").iterdir()}
    assert all(digest(body) == name for name, body in there.items())
    assert set(there.values()) >= SETS | LISTS | {b"manifest", b"table"}
    assert said(checked(published)) == ""


def test_a_folder_of_hashes_alone_gets_neither_artifact_nor_the_name_of_one(reader: LogReader, tmp_path: Path):
    publish(reader, tmp_path / "public")
    assert {path.name for path in (tmp_path / "public").iterdir()} == {"checkpoint", "tile"}
    text = b"".join(path.read_bytes() for path in (tmp_path / "public").rglob("*") if path.is_file())
    assert digest(b"set 1").encode() not in text


def artifact(folder: Path, body: bytes = b"set 2") -> Path:
    return folder / "relgate/artifacts" / digest(body)


def first_named(folder: Path) -> Path:
    return min((folder / "relgate/named").iterdir(), key=lambda path: int(path.name))


def say_otherwise(path: Path) -> None:
    shown = json.loads(path.read_text())
    path.write_text(json.dumps(shown | {"private": shown["private"].replace(digest(b"table"), digest(b"other"))}))


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "an artifact missing": (
        lambda folder: artifact(folder).unlink(), f"but relgate/artifacts/{digest(b'set 2')} is missing",
    ),
    "an artifact altered": (lambda folder: artifact(folder).write_bytes(b"set 3"), "has other bytes"),
    "an artifact that is a folder": (
        lambda folder: (artifact(folder).unlink(), artifact(folder).mkdir()), "is no file",
    ),
    "an artifact too many": (
        lambda folder: artifact(folder, b"planted").write_bytes(b"planted"),
        f"relgate/artifacts/{digest(b'planted')}: is named by no entry",
    ),
    "a file with another name": (
        lambda folder: (folder / "relgate/artifacts/notes").write_bytes(b"x"), "artifacts/notes: is named by no entry",
    ),
    "an entry that names missing": (lambda folder: first_named(folder).unlink(), "relgate/named/0 is missing"),
    "an entry that names something else": (lambda folder: say_otherwise(first_named(folder)), "another private part"),
    "another entry in its place": (
        lambda folder: shutil.copy(max((folder / "relgate/named").iterdir()), first_named(folder)),
        "relgate/named/0: is not of the entry that the log has there",
    ),
    "an entry that names nothing": (
        lambda folder: shutil.copy(first_named(folder), folder / "relgate/named/2"),
        "relgate/named/2: is of an entry that puts nothing into the store",
    ),
    "all of it gone": (
        lambda folder: [shutil.rmtree(folder / "relgate" / name) for name in ("named", "artifacts")],
        "relgate/named/0 is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_an_artifact_missing_altered_or_too_many_is_found(folder: Path, name: str):
    change, wanted = CHANGES[name]
    change(folder)
    assert wanted in said(checked(folder))


def test_an_auditors_folder_without_its_entries_is_refused_unless_hashes_are_asked_for(folder: Path):
    shutil.rmtree(folder / "tile/entries", ignore_errors=True)  # where every bundle lost leaves there are none
    shutil.rmtree(folder / "relgate")
    for holds in (Holds.WHOLE, Holds.ENTRIES):
        assert said(checked(folder, holds)).startswith("tile/entries: is missing")
    report = checked(folder, Holds.HASHES)
    assert (said(report), report.hashes_alone) == ("", True)


def test_entries_that_were_fetched_without_artifacts_are_checked_where_that_is_said(folder: Path):
    for name in ("named", "artifacts"):
        shutil.rmtree(folder / "relgate" / name)
    assert not checked(folder).sound
    assert checked(folder, Holds.ENTRIES).sound
    (folder / "relgate/artifacts").mkdir()
    assert not checked(folder, Holds.ENTRIES).sound, "what is there is checked, whatever is asked for"


def test_artifacts_of_a_longer_log_may_lie_there_before_its_checkpoint(
    reader: LogReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A crash at any file leaves what the next run goes on with."""
    url = f"sqlite:///{tmp_path / 'audit.db'}"
    log = everything.opened(url, "one")
    everything.write_log(log)
    publish(log, tmp_path / "before", entries=True)
    everything.officers(log)
    write = folders.write_whole
    for allowed in range(0, 40, 3):
        left = allowed

        def crash(path: Path, data: bytes) -> None:
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            write(path, data)

        folder = Path(shutil.copytree(tmp_path / "before", tmp_path / f"p{allowed}"))
        monkeypatch.setattr(folders, "write_whole", crash)
        try:
            publish(log, folder, entries=True)
        except KeyboardInterrupt:
            assert (said(checked(folder)), checked(folder).size) == ("", 21)
        monkeypatch.setattr(folders, "write_whole", write)
        publish(log, folder, entries=True)
        assert (said(checked(folder)), checked(folder).size) == ("", log.size())
    assert left > 0, "the last round writes everything"
    log.close()


def test_an_incremental_check_looks_at_the_artifacts_of_what_is_new(tmp_path: Path):
    log = everything.opened(f"sqlite:///{tmp_path / 'audit.db'}", "one")
    everything.write_log(log)
    folder = tmp_path / "folder"
    publish(log, folder, entries=True)
    held = open_checkpoint((folder / "checkpoint").read_bytes(), [log.verifier])
    everything.officers(log)
    publish(log, folder, entries=True)
    log.close()
    assert said(checked(folder, held=held, whole=False)) == ""
    artifact(folder).unlink()
    assert "is missing" in said(checked(folder, held=held, whole=False))
