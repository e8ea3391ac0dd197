"""A real answer, saved as curl would save it, opened and proven by the commands; and its decisions made again."""

import json
import subprocess
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from demo.stage import Stage
from gateway.audit import receipt as receipts
from gateway.audit.checkpoint import COSIGNATURE, SigningKey, cosign
from gateway.cli.main import main
from sample_source.app import build_app
from sample_source.flaws import Flaws
from sample_source.serve import serving
from sample_source.tables import build_tables
from tests.audit.go import agree
from tests.support.running import POLICIES, running_gateway

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder with what one partner saved: the sealed answer, its receipt, the gateway's public keys."""
    place = tmp_path_factory.mktemp("served")
    stage = Stage(place / "var", place / "keys", POLICIES)
    stage.prepare("http://127.0.0.1:1")
    token = stage.source_token.read_text()
    with (
        serving(build_app(build_tables(60, 1, Flaws.READABLE), token)) as source,
        running_gateway(stage, source.base_url) as gateway,
    ):
        answer = gateway.ask(
            "JPN", "/udl/elset?epoch=%3Enow-30%20days", accept="application/jose", purpose="collision-avoidance"
        )
        assert answer.status_code == 200, answer.text
        address = httpx.URL(gateway.url).join(answer.links["receipt"]["url"])
        headers = {"Authorization": f"Bearer {stage.token('JPN')}"}
        (place / "answer.jose").write_bytes(answer.content)
        issued = httpx.get(address, headers=headers, timeout=60).raise_for_status()
        (place / "answer.tlog-proof").write_bytes(issued.content)
        keys = stage.gateway_keys()
        (place / "gateway.jwks.json").write_bytes(keys.public_jwks)
        (place / "log.key").write_text(keys.log_verifier_key)
    return place


@pytest.fixture
def relgate(served, monkeypatch, capfdbinary):
    monkeypatch.chdir(served)

    def run(*arguments: str) -> tuple[int, bytes, bytes]:
        capfdbinary.readouterr()
        code = 0
        try:
            main(["--config", "var/relgate.toml", *arguments])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        said = capfdbinary.readouterr()
        return code, said.out, said.err

    return run


KEY = ("--key", "keys/development/JPN.private.jwks.json")


def test_a_saved_answer_opens_to_its_content_alone_on_standard_output(relgate):
    code, out, err = relgate("open", "answer.jose", *KEY)
    assert code == 0, err
    assert isinstance(json.loads(out), list)
    assert b"not proven: give its --receipt" in err


def test_a_partner_needs_its_key_the_gateways_public_keys_and_the_receipt_and_nothing_else(relgate, served):
    log_key = (served / "log.key").read_text()
    public = ("--gateway-keys", "gateway.jwks.json", "--log-key", log_key)
    code, out, err = relgate("open", "answer.jose", *KEY, *public, "--receipt", "answer.tlog-proof", "--json")
    assert code == 0, err
    said = json.loads(out)
    assert said["proven"] is True
    assert json.loads(said["content"])


def test_an_answer_for_one_partner_does_not_open_for_another(relgate):
    code, out, err = relgate("open", "answer.jose", "--key", "keys/development/GBR.private.jwks.json")
    assert code == 1
    assert out == b""
    assert err.startswith(b"error: ")


def test_an_answer_that_was_changed_on_the_way_does_not_open(relgate, served):
    sealed = (served / "answer.jose").read_bytes()
    (served / "changed.jose").write_bytes(sealed[:-8] + (b"A" if sealed[-8:-7] != b"A" else b"B") + sealed[-7:])
    assert relgate("open", "changed.jose", *KEY)[:2] == (1, b"")


def test_the_receipt_of_a_release_names_what_its_partner_may_know_and_no_more(relgate):
    code, out, err = relgate("receipt", "verify", "answer.tlog-proof", "--json")
    assert code == 0, err
    leaf = json.loads(out)["leaf"]
    assert (leaf["partner"], leaf["event"]) == ("JPN", "release")
    assert "withheld" not in json.dumps(leaf)


def test_an_auditor_sees_every_record_that_was_judged_with_its_reasons(relgate):
    _, out, _ = relgate("audit", "tail", "--json")
    release = next(entry for entry in json.loads(out) if entry["event"] == "release")
    code, out, err = relgate("audit", "show", release["release"], "--json")
    assert code == 0, err
    (entry,) = json.loads(out)
    effects = [row["effect"] for row in entry["records"]]
    assert effects.count("release") == release["released"] > 0
    assert effects.count("withhold") == int(release["withheld"]) > 0
    assert all(row["detail"]["reasons"] for row in entry["records"] if row["effect"] == "withhold")


def test_every_decision_of_the_log_comes_out_the_same_when_it_is_made_again(relgate):
    code, out, _ = relgate("audit", "replay", "--json")
    assert code == 0, out
    said = json.loads(out)
    assert said["decisions"] > 20
    assert said["differences"] == []


def test_one_record_of_the_release_is_proved_and_the_proof_stands_by_itself(served, relgate):
    release = json.loads(relgate("receipt", "verify", "answer.tlog-proof", "--json")[1])["leaf"]["release"]
    code, out, err = relgate("open", "answer.jose", *KEY)
    assert code == 0, err
    first = json.loads(out)[0]
    code, _, err = relgate("audit", "prove-record", release, first["idElset"], "--to", "shown.record-proof")
    assert code == 0, err
    key = (served / "log.key").read_text()
    code, out, err = relgate("audit", "verify-record", "shown.record-proof", "--log-key", key, "--json")
    assert code == 0, err
    said = json.loads(out)
    assert (said["release"], said["partner"], said["effect"]) == (release, "JPN", "release")
    assert first["idElset"].encode() not in (served / "shown.record-proof").read_bytes()
    assert relgate("audit", "prove-record", release, "never-was")[0] == 1


def block(language: str) -> str:
    """The program of this language on the page for partners."""
    return (ROOT / "docs" / "receipts.md").read_text().partition(f"```{language}\n")[2].partition("```")[0]


def programs(place: Path) -> list[list[str]]:
    """What the page says to prove a receipt with, ready to be run: openssl and coreutils, and Go where it is here."""
    (place / "receipt.sh").write_text(block("sh"))
    found = [["sh", str(place / "receipt.sh")]]
    if not agree.missing():
        (place / "receipt.go").write_text(block("go"))
        found.append([str(agree.build(place, place / "receipt.go"))])
    return found


def test_tools_not_written_here_prove_what_was_given_from_receipt_and_key_and_nothing_else(relgate, served, tmp_path):
    """As ``docs/receipts.md`` says it, word for word; and none of them proves a changed leaf, content, head or key."""
    _, content, _ = relgate("open", "answer.jose", *KEY)
    receipt, log_key = (served / "answer.tlog-proof").read_bytes(), (served / "log.key").read_text()
    other_key = str(SigningKey(log_key.partition("+")[0], Ed25519PrivateKey.generate()).verifier)
    other_leaf = receipts.write(0, [], receipt.decode().partition("\n\n")[2], b'{"content":"%s"}')
    cut = receipt.replace(receipt.split(b"\n")[-8] + b"\n", b"", 1)
    cases = [
        (receipt, log_key, content, True),
        (receipt, log_key, content + b" ", False),
        (receipt, other_key, content, False),
        (receipt.replace(b"index ", b"index 1", 1), log_key, content, False),
        (other_leaf, log_key, content, False),
        (b"no receipt", log_key, content, False),
        (cut, log_key, content, False),
    ]
    for program in programs(tmp_path):
        for number, (given, key, answer, holds) in enumerate(cases):
            (tmp_path / "r.tlog-proof").write_bytes(given)
            (tmp_path / "answer.json").write_bytes(answer)
            command = [*program, str(tmp_path / "r.tlog-proof"), key, str(tmp_path / "answer.json")]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (done.returncode == 0 and "proven" in done.stdout) is holds, (program, number, done.stderr)


def test_a_receipt_is_compared_with_the_answer_and_a_quorum_that_is_not_there_is_missed(relgate, served):
    _, content, _ = relgate("open", "answer.jose", *KEY)
    (served / "answer.json").write_bytes(content)
    log_key = ("--log-key", (served / "log.key").read_text())
    verify = ("receipt", "verify", "answer.tlog-proof", *log_key)
    line = (served / "answer.jose").read_bytes().rstrip(b"\n")
    (served / "answer.line").write_bytes(line)
    code, out, _ = relgate(*verify, "--content", "answer.json", "--sealed", "answer.line", "--json")
    assert (code, json.loads(out)["compared"]) == (0, ["answer.json", "answer.line"])
    code, _, err = relgate(*verify, "--content", "answer.line")
    assert (code, b"answer.line is not what the receipt is of" in err) == (1, True)
    witness = SigningKey("w.example/w", Ed25519PrivateKey.generate(), COSIGNATURE)
    code, _, err = relgate(*verify, "--witness", str(witness.verifier))
    assert (code, b"0 known witnesses" in err) == (1, True)
    note = (served / "answer.tlog-proof").read_text()
    head, _, checkpoint = note.partition("\n\n")
    (served / "cosigned.tlog-proof").write_text(head + "\n\n" + cosign(checkpoint, witness, 1_800_000_000))
    cosigned = ("receipt", "verify", "cosigned.tlog-proof", *log_key, "--witness", str(witness.verifier))
    code, out, _ = relgate(*cosigned, "--json")
    assert (code, json.loads(out)["witnesses"][0]["name"]) == (0, "w.example/w")
    assert relgate(*cosigned, "--quorum", "2")[0] == 1
