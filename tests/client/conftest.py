"""A gateway small enough to see through: it seals for real and logs for real, and can be told to lie.

It keeps what it saw, so a test can look at what a client asked for. Nothing here is patched or mocked:
keys, JWEs, leaves, tree and checkpoints are made by the code that the gateway uses.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit import merkle, receipt
from gateway.audit.checkpoint import Checkpoint, SigningKey, sign
from gateway.audit.entry import SALT_BYTES, Draft, Event
from gateway.audit.leaf import IdentifierKey, prepare
from gateway.keys.jwks import write_jwks
from gateway.keys.partner import generate_key, generate_partner
from gateway.sealing import seal

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
ORIGIN = "gateway.example.mil/log"
LABEL = "UNCLASSIFIED//REL TO USA, JPN"


@dataclass
class GatewaySimulator:
    """``contents`` are the chunks of every answer. ``lie`` may name one thing to get wrong."""

    contents: list[bytes] = field(default_factory=lambda: [b'[{"id":"one"}]'])
    media_type: str = "application/json"
    lie: str = ""
    status: int = 200
    extra_headers: dict[str, str] = field(default_factory=dict)
    link: str | None = None
    partner: str = "JPN"
    seen: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.jpn = generate_partner("JPN")
        self.content_key = generate_key("Ed25519", use="sig", alg="EdDSA")
        self.log_key = _signing_key()
        self.leaves: list[bytes] = [b"an earlier entry", b"another earlier entry"]
        self.places: dict[tuple[str, int], int] = {}
        self.releases = 0

    @property
    def gateway_jwks(self) -> bytes:
        return write_jwks((self.content_key.public,))

    @property
    def log_verifier_key(self) -> str:
        return str(self.log_key.verifier)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        if request.url.path.startswith("/releases/"):
            return self._receipt(request)
        if self.status != 200:
            return httpx.Response(self.status, json={"code": "not_found"}, headers=self.extra_headers)
        body, release = self._release()
        link = f"</releases/{release}/receipt>" if self.link is None else self.link
        headers = {"content-type": "application/jose", "x-request-id": "r-1", "etag": '"sealed"'}
        if link:
            headers["link"] = f'{link}; rel="receipt"'
        return httpx.Response(200, stream=httpx.ByteStream(body), headers=headers | self.extra_headers)

    def _release(self) -> tuple[bytes, str]:
        self.releases += 1
        release = f"rel-{self.releases}"
        lines = []
        for number, content in enumerate(self.contents):
            last = number == len(self.contents) - 1
            line = seal(
                content,
                media_type=self.media_type,
                recipient_jwk=self.jpn.sealing.public,
                recipient=self.partner,
                release=release,
                chunk=number,
                last=last,
                label=LABEL,
                signing_key=self.content_key,
            )
            lines.append(line)
            self._record(release, number, last, content, line)
        return b"\n".join(lines), release

    def _record(self, release: str, number: int, last: bool, content: bytes, line: bytes) -> None:
        draft = Draft(
            event=Event.RELEASE,
            time=AT,
            outcome="released",
            partner=self.partner,
            request="r-1",
            release=release,
            chunk=number,
            last=last,
            content=hashlib.sha256(content).digest(),
            sealed=hashlib.sha256(line).digest(),
            key=self.jpn.sealing.public.thumbprint,
            released=1,
        )
        wrong: dict[str, dict[str, object]] = {
            "event": {"event": Event.AUDIT_READ},
            "partner": {"partner": "GBR"},
            "release": {"release": "rel-other"},
            "chunk": {"chunk": number + 1},
            "last": {"last": not last},
            "content": {"content": bytes(32)},
            "sealed": {"sealed": bytes(32)},
            "key": {"key": "another"},
        }
        draft = replace(draft, **wrong.get(self.lie, {}))
        origin = "other.example/log" if self.lie == "origin" else ORIGIN
        prepared = prepare(draft, origin, IdentifierKey(1, bytes(32)), bytes(SALT_BYTES))
        self.places[release, number] = len(self.leaves)
        self.leaves.append(prepared.leaf)

    def _receipt(self, request: httpx.Request) -> httpx.Response:
        release = request.url.path.split("/")[2]
        place = self.places.get((release, int(request.url.params.get("chunk", "0"))))
        if place is None or self.lie == "no receipt":
            return httpx.Response(404)
        return httpx.Response(200, content=self.receipt(place), headers={"content-type": receipt.MEDIA_TYPE})

    def receipt(self, place: int) -> bytes:
        hashes = [merkle.leaf_hash(leaf) for leaf in self.leaves]
        root = bytes(32) if self.lie == "root" else merkle.root(hashes)
        key = _signing_key() if self.lie == "log key" else self.log_key
        note = sign(Checkpoint(ORIGIN, len(hashes), root).text, key)
        leaf = self.leaves[place].replace(b"JPN", b"GBR") if self.lie == "leaf" else self.leaves[place]
        return receipt.write(place, merkle.inclusion_proof(hashes, place, len(hashes)), note, leaf)


def _signing_key() -> SigningKey:
    return SigningKey(ORIGIN, Ed25519PrivateKey.generate())


@pytest.fixture
def gateway() -> GatewaySimulator:
    """A gateway that tells the truth until told otherwise."""
    return GatewaySimulator()
