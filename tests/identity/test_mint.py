"""Development tokens are ordinary tokens: they go through the verifier like any other."""

from datetime import UTC, datetime

import jwt
import pytest

from gateway.identity import IdentityError, mint
from gateway.keys.partner import generate_partner

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
SAID = {"issuer": "https://id.example.jp", "audience": "https://gateway", "system": "tokyo-1", "at": AT}


def test_every_minted_token_has_a_name_of_its_own() -> None:
    keys = generate_partner("JPN")
    named = {jwt.decode(mint(keys.signing, **SAID), options={"verify_signature": False})["jti"] for _ in range(20)}
    assert len(named) == 20


@pytest.mark.parametrize("curve", ["X25519", "P-256", "P-384"])
def test_the_key_that_answers_are_sealed_to_signs_no_token(curve: str) -> None:
    keys = generate_partner("JPN", curve=curve)
    with pytest.raises(IdentityError, match="for signatures") as refusal:
        mint(keys.sealing, **SAID)
    assert keys.sealing.secret not in str(refusal.value)


def test_the_header_names_the_key_and_nothing_that_fetches() -> None:
    keys = generate_partner("JPN", algorithm="ES256")
    header = jwt.get_unverified_header(mint(keys.signing, **SAID))
    assert header == {"typ": "JWT", "alg": "ES256", "kid": keys.signing.public.thumbprint}
