"""What docs/sealing.md tells a partner to do works as it stands there, and its table is the form."""

import json
import re
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest

from gateway.keys.jwks import parse_jwks, write_jwks
from gateway.keys.partner import generate_key, generate_partner
from gateway.sealing import seal
from gateway.sealing.signature import Binding, sign

DOCS = Path(__file__).parents[2] / "docs"
GATEWAY = generate_key("Ed25519", use="sig", alg="EdDSA")


def example(text: str, words: str) -> str:
    return next(block for block in re.findall(r"```(?:python|json)\n(.*?)```", text, re.S) if words in block)


@pytest.mark.parametrize("curve", ["X25519", "P-256", "P-384"])
def test_the_example_with_another_library_opens_an_answer(curve: str) -> None:
    key = generate_partner("JPN", curve=curve).sealing
    body = seal(
        b'[{"id":"one"}]',
        media_type="application/json",
        recipient_jwk=key.public,
        recipient="JPN",
        release="rel-1",
        chunk=0,
        last=True,
        label="UNCLASSIFIED",
        signing_key=GATEWAY,
    ).decode()
    names = {
        "my_private_key": json.dumps(key.to_json()),
        "gateway_jwks": write_jwks((GATEWAY.public,)).decode(),
        "body": body,
    }
    exec(example((DOCS / "sealing.md").read_text(), "jwcrypto"), names)  # noqa: S102 - our own page
    assert (names["content"], names["media_type"], names["label"]) == (
        b'[{"id":"one"}]',
        "application/json",
        "UNCLASSIFIED",
    )


def test_the_table_of_header_members_is_the_form() -> None:
    lines = [line for line in (DOCS / "sealing.md").read_text().splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    told = [{name for row in rows if row[column] for name in re.findall(r"`(\w+)`", row[0])} for column in (1, 2)]
    key = generate_partner("JPN").sealing
    said = {"recipient": "JPN", "release": "r", "chunk": 0, "last": True, "label": ""}
    outer = seal(b"", media_type="text/plain", recipient_jwk=key.public, signing_key=GATEWAY, **said)
    inner = sign(b"", Binding("text/plain", recipient_key=key.public.thumbprint, **said), GATEWAY)
    for names, token in zip(told, (outer, inner), strict=True):
        assert set(json.loads(urlsafe_b64decode(token.split(b".")[0] + b"=="))) == names


def test_the_example_key_set_in_the_page_on_keys_is_one_that_is_read() -> None:
    keys = parse_jwks(example((DOCS / "keys.md").read_text(), '"keys"').encode())
    assert [(key.curve, key.use) for key in keys] == [("Ed25519", "sig"), ("X25519", "enc")]
