"""The log over HTTP: tiles for everybody, bundles for auditors, and answers that wait for their witnesses."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from demo.stage import ORIGIN, Stage
from gateway.audit import merkle, receipt, tiles
from gateway.audit.checkpoint import COSIGNATURE, SigningKey, open_note, parse_checkpoint, parse_verifier_key
from gateway.audit.entry import Draft, Event
from gateway.audit.folder_check import Holds, verify_folder
from gateway.audit.witness_store import WitnessStore, make_memory
from gateway.http.server import bind
from gateway.http.witness import build_witness
from gateway.identity.auditors import AuditorsRefused, new_credential, read_auditors
from gateway.service import now
from gateway.settings.model import WitnessSettings
from sample_source.app import build_app
from sample_source.flaws import Flaws
from sample_source.serve import serving
from sample_source.tables import build_tables
from tests.support.plain import NO_TLS
from tests.support.running import POLICIES, RunningGateway, running_gateway

TOKEN, LINE = new_credential("inspector-general")
ASKED = "/udl/elset?epoch=%3Enow-30%20days"


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Stage:
    place = tmp_path_factory.mktemp("tiles")
    (place / "auditors").write_text(f"# who reads the log\n\n{LINE}\n")
    stage = Stage(place / "var", place / "keys", POLICIES)
    stage.prepare("http://127.0.0.1:1")
    return stage


@pytest.fixture(scope="module")
def gateway(stage) -> Iterator[RunningGateway]:
    file = stage.root.parent / "auditors"
    with running_gateway(stage, "http://127.0.0.1:1", log_auditors=file) as running:
        yield running


@pytest.fixture(scope="module")
def long(tmp_path_factory, stage) -> Iterator[RunningGateway]:
    """A gateway whose log fills a tile, and more."""
    other = Stage(tmp_path_factory.mktemp("long") / "var", stage.keys, POLICIES)
    file = stage.root.parent / "auditors"
    with running_gateway(other, "http://127.0.0.1:1", log_auditors=file) as running:
        running.service.log.append_now([Draft(Event.RESUMED, now(), "resumed") for _ in range(300)])
        yield running


def fetch(gateway: RunningGateway, path: str, token: str = "") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.get(gateway.url + path, headers=headers, timeout=60, verify=NO_TLS)


def test_hash_tiles_are_public_and_lead_to_the_checkpoints_root(gateway):
    for _ in range(3):
        gateway.ask("JPN", "/udl/elset", purpose="collision-avoidance")
    head = parse_checkpoint(fetch(gateway, "/checkpoint").text)
    answer = fetch(gateway, f"/tile/0/000.p/{head.size}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert answer.headers["cache-control"] == "public, max-age=300"
    hashes = [answer.content[at : at + 32] for at in range(0, len(answer.content), 32)]
    assert merkle.root(hashes) == head.root


def test_a_bundle_is_for_auditors_alone_and_its_reading_is_an_entry_before_it_is_answered(gateway):
    size = gateway.service.log.size()
    answer = fetch(gateway, f"/tile/entries/000.p/{size}", TOKEN)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, max-age=300")
    leaves = tiles.parse_bundle(answer.content)
    assert [merkle.leaf_hash(leaf) for leaf in leaves] == [
        merkle.leaf_hash(entry.leaf_bytes) for entry in gateway.service.log.entries(limit=size)
    ]
    (entry,) = gateway.service.log.entries(size - 1)
    assert (entry.leaf.event, entry.private["by"]) == ("audit-read", "inspector-general")
    assert entry.private["what"] == f"/tile/entries/000.p/{size}"


@pytest.mark.parametrize(
    "token",
    ["", "x" * 43, LINE.split()[1], TOKEN.swapcase()],
    ids=["none", "another", "its digest", "in other cases"],
)
def test_nobody_else_learns_that_there_are_bundles(gateway, token: str):
    answer = fetch(gateway, "/tile/entries/000.p/1", token)
    assert answer.status_code == 401
    nowhere = fetch(gateway, "/nowhere/at/all", token)
    assert {**answer.json(), "instance": ""} == {**nowhere.json(), "instance": ""}


def test_a_partner_finds_nothing_where_bundles_are(gateway):
    answer = gateway.ask("JPN", "/tile/entries/000.p/1")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/tile/0/000", "/tile/0/001.p/1", "/tile/7/000.p/1", "/tile/0/000.p/255"])
def test_a_hash_tile_that_the_log_does_not_have_is_not_there(gateway, path: str):
    assert fetch(gateway, path).status_code == 404


@pytest.mark.parametrize("path", ["/tile/0/0", "/tile/0/000.p/256", "/tile/-1/000", "/tile/x/000", "/tile/"])
def test_what_is_no_tiles_path_is_like_any_other_path(gateway, path: str):
    assert fetch(gateway, path).status_code == 401


def test_a_full_tile_may_be_kept_for_good(long):
    answer = fetch(long, "/tile/0/000")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert fetch(long, "/tile/1/000.p/1").content == merkle.root(
        [answer.content[at : at + 32] for at in range(0, 8192, 32)]
    )


def test_what_was_fetched_over_http_verifies_as_a_folder(long, tmp_path: Path):
    note = fetch(long, "/checkpoint").content
    head = parse_checkpoint(note)
    (tmp_path / "checkpoint").write_bytes(note)
    for level in (0, tiles.ENTRIES, 1):
        count = head.size if level != 1 else head.size >> 8
        for index in range(-(-count // 256)):
            path = tiles.path(level, index, min(256, count - 256 * index))
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(fetch(long, f"/{path}", TOKEN).raise_for_status().content)
    report = verify_folder(tmp_path, ORIGIN, long.service.log.verifier, holds=Holds.ENTRIES)
    assert (report.findings, report.checked) == ((), head.size)


def test_a_file_of_auditors_with_a_line_that_is_none_is_refused_whole(tmp_path: Path):
    for text in ("name", f"a b {'0' * 64}", f"a {'0' * 63}", f"a {'A' * 64}", f"{LINE}\nx"):
        (tmp_path / "auditors").write_text(text)
        with pytest.raises(AuditorsRefused, match="line"):
            read_auditors(tmp_path / "auditors")
    with pytest.raises(AuditorsRefused, match="cannot be read"):
        read_auditors(tmp_path / "nowhere")
    assert read_auditors(None).named([f"Bearer {TOKEN}"]) is None


def test_an_auditor_is_named_by_one_whole_bearer_token_only(tmp_path: Path):
    (tmp_path / "auditors").write_text(LINE)
    auditors = read_auditors(tmp_path / "auditors")
    assert auditors.named([f"Bearer {TOKEN}"]) == auditors.named([f"bearer {TOKEN}"]) == "inspector-general"
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    for headers in ([], [TOKEN], [f"Basic {TOKEN}"], [f"Bearer {digest}"], [f"Bearer {TOKEN}"] * 2, ["Bearer é"]):
        assert auditors.named(headers) is None


@contextmanager
def witnesses(folder: Path, count: int, log_key: str) -> Iterator[list[tuple[str, SigningKey]]]:
    """Witnesses on loopback, each with its own key and file: (address, key)."""
    verifier = parse_verifier_key(log_key)
    running: list[tuple[str, SigningKey]] = []
    servers: list[tuple[uvicorn.Server, threading.Thread]] = []
    for number in range(count):
        key = SigningKey(f"witness.example/{number}", Ed25519PrivateKey.generate(), COSIGNATURE)
        make_memory(folder / f"witness{number}.db")
        store = WitnessStore(folder / f"witness{number}.db", (key,), {verifier.name: (verifier,)})
        server = uvicorn.Server(uvicorn.Config(build_witness(store, now), log_config=None, lifespan="off"))
        listener = bind("127.0.0.1", 0)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        running.append((f"http://127.0.0.1:{listener.getsockname()[1]}", key))
        servers.append((server, thread))
    try:
        yield running
    finally:
        for server, thread in servers:
            server.should_exit = True
            thread.join()


def named(running: list[tuple[str, SigningKey]]) -> dict[str, WitnessSettings]:
    return {f"w{n}": WitnessSettings(url=url, key=str(key.verifier)) for n, (url, key) in enumerate(running)}


def test_an_answer_carries_its_witnesses_and_without_them_nothing_leaves(tmp_path: Path):
    stage = Stage(tmp_path / "var", tmp_path / "keys", POLICIES)
    stage.prepare("http://127.0.0.1:1")
    token = stage.source_token.read_text()
    log_key = stage.gateway_keys().log_verifier_key
    with serving(build_app(build_tables(60, 1, Flaws.READABLE), token)) as source:
        with witnesses(tmp_path, 2, log_key) as running:
            settings = {"witnesses": named(running), "witness_quorum": 2, "witness_timeout_seconds": 60.0}
            with running_gateway(stage, source.base_url, **settings) as gateway:
                answer = gateway.ask("JPN", ASKED, accept="application/jose", purpose="collision-avoidance")
                assert answer.status_code == 200, answer.text
                issued = gateway.ask("JPN", httpx.URL(answer.links["receipt"]["url"]).path).content
                keys = [key.verifier for _, key in running]
                leaf = receipt.leaf_of(issued)
                proven = receipt.verify(issued, leaf, [parse_verifier_key(log_key)], ORIGIN, keys, quorum=2)
                assert len(proven.witnesses) == 2
                note = fetch(gateway, "/checkpoint").content
                assert open_note(note, [parse_verifier_key(log_key)]).text
        with running_gateway(stage, source.base_url, **settings) as gateway:
            answer = gateway.ask("JPN", ASKED, accept="application/jose", purpose="collision-avoidance")
            assert (answer.status_code, answer.json()["code"]) == (503, "audit_unwitnessed")
            assert answer.headers["retry-after"]
            released, told = gateway.service.log.entries(gateway.service.log.size() - 3)
            assert (released.leaf.event, released.leaf.outcome) == ("release", "released")
            assert (told.leaf.event, told.private["release"]) == ("unwitnessed", released.leaf.release)
            assert gateway.service.log.verify().sound
