"""Published keys: fetched beside, at most once a minute, recorded before they are believed, and let go when too old."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from demo.stage import Stage
from gateway.audit import canonical
from gateway.audit.entry import Event
from gateway.audit.errors import LogUnavailable
from gateway.audit.log import AuditLog
from gateway.audit.schemas import PRIVATE
from gateway.identity import Caller, CredentialRefused, Issuer, TokenRules, TokenVerifier, issuerkeys, mint
from gateway.identity.fetching import FetchRefused
from gateway.identity.issuerkeys import IssuerKeys
from gateway.keys.jwks import PrivateJwk, PublicJwk, write_jwks
from gateway.keys.partner import generate_partner
from gateway.service import open_log
from tests.support.running import POLICIES
from tests.support.waiting import come

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
OLD, NEW, OTHER = (generate_partner("JPN").signing for _ in range(3))
JPN = Issuer("JPN", "https://id.example.jp", "gateway", ("EdDSA",), (), "https://id.example.jp/jwks")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    root = tmp_path_factory.mktemp("stage")
    made = Stage(root / "var", root / "keys", POLICIES)
    made.gateway_keys()
    return made


@dataclass(slots=True)
class Publisher:
    """What an issuer's address answers, and how often it was asked; ``before`` is called while it answers."""

    data: bytes | Exception = b""
    asked: int = 0
    before: Callable[[], None] | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, _url: str) -> bytes:
        self.asked += 1
        if self.before is not None:
            self.before()
        self.answered.set()
        if isinstance(self.data, Exception):
            raise self.data
        return self.data

    def publish(self, *keys: PublicJwk) -> None:
        self.data = write_jwks(keys)


@dataclass(slots=True)
class World:
    """An issuer, the log, a clock and a verifier."""

    publisher: Publisher
    log: AuditLog
    keys: IssuerKeys
    verifier: TokenVerifier
    at: datetime = AT

    async def renewed(self) -> None:
        """Wait until what is published now has been fetched."""
        before = self.publisher.asked
        await come(lambda: self.want() and self.publisher.asked > before + 1, "nothing was fetched")

    def want(self) -> bool:
        """Ask for a fetch to come soon."""
        self.keys._by_issuer[JPN.issuer].wanted.set()
        return True

    def call(self, key: PrivateJwk, at: datetime | None = None, issuer: Issuer = JPN) -> Caller:
        token = mint(key, issuer=issuer.issuer, audience="gateway", system="tokyo-1", at=AT, jti="one")
        return self.verifier.verify(f"Bearer {token}", at or self.at, lambda *_: False)

    def code(self, key: PrivateJwk, at: datetime | None = None) -> str:
        with pytest.raises(CredentialRefused) as refusal:
            self.call(key, at)
        return refusal.value.code

    def fetched(self) -> list[dict[str, object]]:
        entries = self.log.entries(-1, 1000)
        return [dict(entry.private) for entry in entries if entry.leaf.event == Event.KEYS_FETCHED]


@pytest.fixture
async def world(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(issuerkeys, "LEAST_SECONDS", 0.01)
    settings = stage.prepare("http://127.0.0.1:1").model_copy(update={"log_url": f"sqlite:///{tmp_path}/log.sqlite3"})
    log = open_log(settings, stage.gateway_keys(), "test")
    publisher = Publisher()
    publisher.publish(OLD.public)
    made: list[World] = []
    keys = IssuerKeys(publisher, log, lambda: made[0].at, refresh=timedelta(seconds=60), longest=timedelta(minutes=10))
    made.append(World(publisher, log, keys, TokenVerifier((JPN,), TokenRules(), keys)))
    keys.follow((JPN,))
    await made[0].renewed()
    yield made[0]
    await keys.close()
    log.close()


async def test_a_published_key_verifies_and_its_set_was_in_the_log_before(world: World) -> None:
    assert world.call(OLD).key == OLD.public.thumbprint
    (entry,) = world.fetched()
    assert entry["keys"] == [OLD.public.thumbprint]
    assert (entry["partner"], entry["issuer"], entry["url"]) == ("JPN", JPN.issuer, JPN.jwks_url)
    msgspec.json.decode(canonical.encode(entry, "private"), type=PRIVATE[Event.KEYS_FETCHED])  # type: ignore[arg-type]
    assert json.loads(str(entry["jwks"]))["keys"][0]["x"] == dict(OLD.public.material)["x"]


async def test_before_the_first_fetch_nothing_is_verified(stage: Stage) -> None:
    verifier = TokenVerifier((JPN,), TokenRules())
    token = mint(OLD, issuer=JPN.issuer, audience="gateway", system="tokyo-1", at=AT)
    with pytest.raises(CredentialRefused, match="token_keys_unavailable"):
        verifier.verify(f"Bearer {token}", AT, lambda *_: False)


async def test_rotation_brings_the_new_key_in_and_a_withdrawn_key_out_though_its_token_is_remembered(
    world: World,
) -> None:
    assert world.call(OLD).jti == "one"
    assert world.code(NEW) == "token_key_unknown"
    world.publisher.publish(OLD.public, NEW.public)
    await world.renewed()
    assert world.call(NEW).key == NEW.public.thumbprint
    world.publisher.publish(NEW.public)
    await world.renewed()
    assert world.code(OLD) == "token_key_unknown"
    assert [len(entry["keys"]) for entry in world.fetched()] == [1, 2, 1]  # type: ignore[arg-type]


async def test_another_key_under_the_same_name_does_not_inherit_what_was_remembered(world: World) -> None:
    world.call(OLD)
    world.publisher.publish(replace(OTHER.public, kid=OLD.public.kid))
    await world.renewed()
    assert world.code(OLD) == "token_signature_invalid"


@pytest.mark.parametrize(
    "data",
    [
        FetchRefused("fetch_timeout", "slow"),
        b"",
        b"null",
        b"{}",
        b'{"keys": []}',
        b'{"keys": [{"kty": "oct", "k": "AAAA"}]}',
        b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "use": "sig"}]}',
        write_jwks((NEW.public,)).replace(b'"keys"', b'"keys": [], "keys"'),
        write_jwks((NEW.public, replace(OTHER.public, kid=NEW.public.kid))),
        write_jwks((NEW.public,)) + b"{}",
        b"\xff" + write_jwks((NEW.public,)),
        json.dumps({"keys": [NEW.to_json()]}).encode(),
    ],
    ids=lambda data: repr(data)[:50],
)
async def test_a_set_that_cannot_be_had_or_is_not_sound_changes_nothing_until_the_old_one_is_too_old(
    world: World, data: bytes | Exception
) -> None:
    world.publisher.data = data
    await world.renewed()
    assert world.call(OLD).partner == "JPN"
    assert world.code(NEW) == "token_key_unknown"
    assert len(world.fetched()) == 1
    world.at += timedelta(minutes=10)
    assert world.code(OLD) == "token_keys_unavailable"
    assert world.keys.stale(world.at) == ("JPN",)
    world.publisher.publish(OLD.public)
    await world.renewed()
    assert world.call(OLD).partner == "JPN"
    assert world.keys.stale(world.at) == ()


async def test_a_set_that_serves_others_too_gives_the_keys_that_are_read_here(world: World) -> None:
    sealing = generate_partner("JPN").sealing.public
    listed = [
        NEW.public.to_json(),
        sealing.to_json(),
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "use": "sig"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "use": "sig"},
    ]
    world.publisher.data = json.dumps({"keys": listed}).encode()
    await world.renewed()
    assert world.call(NEW).partner == "JPN"
    assert world.fetched()[-1]["keys"] == [NEW.public.thumbprint]


async def test_a_key_that_the_policy_set_rules_out_is_left_out_whoever_publishes_it(world: World) -> None:
    world.call(OLD)
    ruled = replace(JPN, never=frozenset({OLD.public.thumbprint}))
    world.keys.follow((ruled,))
    world.verifier = TokenVerifier((ruled,), TokenRules(), world.keys)
    assert world.code(OLD) == "token_key_unknown"


async def test_a_published_set_is_no_other_issuers(world: World) -> None:
    other = replace(JPN, partner="GBR", issuer="https://id.example.uk", jwks_url="")
    world.verifier = TokenVerifier((JPN, other), TokenRules(), world.keys)
    with pytest.raises(CredentialRefused, match="token_key_unknown"):
        world.call(OLD, issuer=other)


async def test_an_address_that_was_replaced_is_asked_no_more_and_its_keys_are_gone(world: World) -> None:
    world.call(OLD)
    moved = replace(JPN, jwks_url="https://elsewhere.example/jwks")
    world.publisher.data = FetchRefused("fetch_status", "404")
    world.keys.follow((moved,))
    world.verifier = TokenVerifier((moved,), TokenRules(), world.keys)
    assert world.code(OLD) == "token_keys_unavailable"
    world.keys.follow(())
    await asyncio.sleep(0.05)
    asked = world.publisher.asked
    await asyncio.sleep(0.1)
    assert world.publisher.asked == asked


async def test_a_set_that_cannot_be_recorded_verifies_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise LogUnavailable("write", "no space")

    with monkeypatch.context() as broken:
        broken.setattr(AuditLog, "append", fails)
        world.publisher.publish(OLD.public, NEW.public)
        await world.renewed()
        assert world.code(NEW) == "token_key_unknown"
    await world.renewed()
    assert world.call(NEW).partner == "JPN"


async def test_however_many_unknown_keys_arrive_an_issuer_is_asked_once_a_minute(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.renewed()
    before = world.publisher.asked
    # From the next fetch on the pauses are of the long kind, though not the one that has begun before it.
    world.publisher.before = lambda: monkeypatch.setattr(issuerkeys, "LEAST_SECONDS", 3600.0)
    await come(lambda: world.want() and world.publisher.asked > before, "nothing was fetched")
    asked = world.publisher.asked
    for _ in range(200):
        assert world.code(generate_partner("JPN").signing) == "token_key_unknown"
    await asyncio.sleep(0.1)
    assert world.publisher.asked == asked


async def test_a_request_never_waits_for_a_fetch(world: World) -> None:
    hanging, release = asyncio.Event(), asyncio.Event()

    async def hangs(_url: str) -> bytes:
        hanging.set()
        await release.wait()
        return b""

    world.keys._fetch = hangs
    await come(lambda: world.want() and hanging.is_set(), "nothing is fetched")
    assert world.call(OLD).partner == "JPN"
    assert world.code(NEW) == "token_key_unknown"
    release.set()


async def test_whatever_goes_wrong_in_following_ends_in_denial(world: World) -> None:
    world.publisher.data = RuntimeError("a mistake of ours")
    world.publisher.answered.clear()
    world.keys._by_issuer[JPN.issuer].wanted.set()
    await world.publisher.answered.wait()
    world.at += timedelta(minutes=11)
    assert world.code(OLD) == "token_keys_unavailable"


def test_the_pause_between_two_fetches_is_a_minute_where_it_is_not_shortened_for_a_test() -> None:
    assert issuerkeys.LEAST_SECONDS == 60.0
