"""`relgate open` on an answer of many chunks: all of it comes out, or nothing does."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from gateway.cli.main import main
from gateway.keys.files import write_private
from tests.client.conftest import GatewaySimulator

CONTENTS = [b'{"id":"%d"}\n' % number for number in range(5)]
GIVEN = ("--key", "mine.jwks.json", "--gateway-keys", "gateway.jwks.json")


@pytest.fixture
def relgate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]):
    monkeypatch.chdir(tmp_path)
    gateway = GatewaySimulator(contents=CONTENTS, media_type="application/x-ndjson")
    write_private(tmp_path / "mine.jwks.json", gateway.jpn.private_jwks)
    (tmp_path / "gateway.jwks.json").write_bytes(gateway.gateway_jwks)
    (tmp_path / "answer.jose").write_bytes(gateway(httpx.Request("GET", "https://gateway/udl/elset/bulk")).read())

    def run(*arguments: str) -> tuple[int, bytes, bytes]:
        capfdbinary.readouterr()
        code = 0
        try:
            main(["open", *arguments, *GIVEN, "--log-key", gateway.log_verifier_key])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        said = capfdbinary.readouterr()
        return code, said.out, said.err

    return run


def test_all_chunks_come_out_one_after_the_other_and_into_a_file_as_well(relgate, tmp_path: Path):
    code, out, err = relgate("answer.jose")
    assert (code, out) == (0, b"".join(CONTENTS)), err
    assert b"5 chunk(s)" in err
    assert relgate("answer.jose", "-o", "answer.ndjson")[:2] == (0, b"")
    assert (tmp_path / "answer.ndjson").read_bytes() == b"".join(CONTENTS)


@pytest.mark.parametrize(
    "keep", [slice(None, -1), slice(1, None), slice(None, None, 2)], ids=["end", "start", "middle"]
)
def test_where_a_chunk_is_missing_nothing_comes_out_and_no_file_is_written(relgate, tmp_path: Path, keep: slice):
    (tmp_path / "answer.ndjson").write_bytes(b"what was there")
    lines = (tmp_path / "answer.jose").read_bytes().split(b"\n")
    (tmp_path / "cut.jose").write_bytes(b"\n".join(lines[keep]))
    code, out, err = relgate("cut.jose")
    assert (code, out) == (1, b"")
    assert err.startswith(b"error: ")
    assert relgate("cut.jose", "-o", "answer.ndjson")[0] == 1
    assert (tmp_path / "answer.ndjson").read_bytes() == b"what was there"
    assert list(tmp_path.glob("*.part")) == []


def test_a_file_that_cannot_be_written_or_read_is_named_with_what_to_do(relgate):
    code, _, err = relgate("answer.jose", "-o", "nowhere/answer.ndjson")
    assert code == 2
    assert b"nowhere/answer.ndjson" in err
    code, _, err = relgate("never-was.jose")
    assert code == 2
    assert b"never-was.jose" in err
