"""Requests that nobody should send, made from true ones: mangled tokens, paths, queries, heads and bodies.

Everything is drawn from one seeded generator, so a case can be made again from its seed and number.
"""

from __future__ import annotations

import base64
import hmac
import json
import random
import string
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime

from gateway.keys.jwks import PrivateJwk, private_as_joserfc

Json = dict[str, object]
VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F))
ODD_TEXTS = (
    "",
    "..",
    "%2e%2e%2f",
    "%252F",
    "%00",
    "%FF",
    ";a=b",
    "' OR 1=1 --",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "<script>",
    "\\",
    "//",
    "/../",
    "9" * 400,
    "-0",
    "1e999",
    "NaN",
    "null",
    "true",
    "[]",
    "{}",
    "a" * 600,
    "%E2%80%AE",
    "%EF%BC%8F",
    "&x=1",
    "=",
    "#",
    "?",
    "+",
    ">now-30%20days",
    ">2000-01-01T00:00:00Z",
    "epoch,ASC",
)
ODD_VALUES: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**400,
    "",
    "x" * 5000,
    [],
    {},
    ["a", ["b"]],
    {"a": {"b": 1}},
    "\ud800",
    "a\nb",
    "../../etc/passwd",
    "' OR 1=1 --",
    "https://127.0.0.1:1/",
    "none",
    "HS256",
    "EdDSA",
)
HEADER_NAMES = ("alg", "kid", "typ", "cty", "jku", "x5u", "x5c", "jwk", "crit", "b64", "zip", "enc", "p2c", "epk", "zz")
CLAIM_NAMES = ("iss", "aud", "sub", "exp", "iat", "nbf", "jti", "clearance", "nationality", "purpose", "cnf", "zz")
PREFIXES = (
    *("/", "/udl/", "/udl/elset", "/udl/elset/", "/udl/elset/count", "/udl/elset/tuple", "/udl/elset/queryhelp"),
    *("/releases", "/releases/x/receipt", "/tile/0/000", "/checkpoint", "/problems/not_found", "/readyz", "*"),
)
PARAMETERS = ("epoch", "satNo", "sort", "firstResult", "maxResults", "columns", "idElset", "cursor", "limit", "x", "")
LINES = (
    "Accept: application/jose",
    "Accept: */*;q=0",
    "Accept: ,;,=",
    "X-Partner: JPN",
    "Forwarded: for=x",
    "X-HTTP-Method-Override: DELETE",
    "Range: bytes=0-",
    "If-None-Match: *",
    "Expect: 100-continue",
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "traceparent: 00-" + "f" * 32 + "-" + "0" * 16 + "-zz",
    "Content-Length: 3",
    "Content-Length: 0",
    "Content-Length: 99999999999999999999",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip, chunked",
    "Content-Encoding: gzip",
    "Cookie: a=b",
    "Host: elsewhere",
    "X:" + " " * 300,
)
METHODS = ("POST", "HEAD", "OPTIONS", "PUT", "TRACE", "CONNECT", "FOO", "get")
MANGLING = (b"\n", b"\r", b"\x00", b" ", b"\t", b":", b"\xff", b"\r\n", b"\r\n ", b"\r\n\r\n", b"%")
BODIES = (
    b"abc",
    b"0\r\n\r\n",
    b"3\r\nabc\r\n0\r\n\r\n",
    b"{" * 2000,
    b"\xff" * 50,
    b"zz\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One request: its bytes, the token in it, and whether it was mangled as bytes too, so that it may be no HTTP.

    ``evaluates``: it asks for a decision, with a body.
    """

    request: bytes
    token: str
    method: str
    mangled: bool
    evaluates: bool = False


class Maker:
    """Makes cases. ``key`` signs as the issuer does, and whatever it is told to. ``point`` is the token of an
    enforcement point, which sends bodies; empty for none.
    """

    def __init__(self, seed: int, key: PrivateJwk, clock: Callable[[], datetime], point: str = "") -> None:
        self._random = random.Random(seed)
        self._key = private_as_joserfc(key).private_key
        self._kid = key.public.kid
        self._public = json.dumps(key.public.members()).encode()
        self._clock = clock
        self._point = point
        self._good: tuple[str, int] = ("", 0)

    def case(self) -> Case:
        """The next case; about one in twelve is true in all but what was asked."""
        draw = self._random
        if self._point and draw.random() < 0.2:
            return self._evaluation()
        token = self._true_token() if draw.random() < 0.4 else self._token()
        method = draw.choice(METHODS) if draw.random() < 0.08 else "GET"
        lines = [f"{method} {self._target()} HTTP/1.1", "Host: gateway"]
        if draw.random() < 0.95:
            lines.append(f"Authorization: Bearer {token}")
        lines += draw.choices(LINES, k=draw.choice((0, 0, 0, 1, 1, 2, 4)))
        draw.shuffle(lines[1:])
        body = draw.choice(BODIES) if draw.random() < 0.1 else b""
        request = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1", "replace") + body
        mangled = draw.random() < 0.15
        return Case(self._mangle(request) if mangled else request, token, method, mangled)

    def _evaluation(self) -> Case:
        """A question for a decision whose body is mangled: as JSON, as bytes, or in how it is framed."""
        draw = self._random
        body = json.dumps(self._question()).encode()
        if draw.random() < 0.3:
            body = self._mangle(body)
        length = len(body) if draw.random() < 0.9 else draw.choice((0, len(body) // 2))
        framing = [f"Content-Length: {length}"]
        if draw.random() < 0.2:
            half = len(body) // 2
            body = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (half, body[:half], len(body) - half, body[half:])
            framing = ["Transfer-Encoding: chunked"]
        path = draw.choice(("/access/v1/evaluation", "/access/v1/evaluations"))
        lines = [f"POST {path} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {self._point}", *framing]
        kind = draw.choice(("application/json", "application/json", "text/plain", "application/json; charset=utf-16"))
        request = "\r\n".join([*lines, f"Content-Type: {kind}", "Connection: close", "", ""]).encode() + body
        return Case(request, self._point, "POST", mangled=False, evaluates=True)

    def _question(self) -> Json:
        draw = self._random
        said: Json = {
            "subject": {"type": "system", "id": "gbr-space-command", "properties": {"partner": "GBR"}},
            "action": {"name": "release"},
            "resource": {"type": "elset", "id": "one", "properties": {"classificationMarking": "U", "satNo": 1}},
            "context": {"purpose": "collision-avoidance"},
        }
        for _ in range(draw.randrange(4)):
            inside: Json = said
            while True:
                name = draw.choice([*inside, "evaluations", "options", "zz"])
                below = inside.get(name)
                if isinstance(below, dict) and draw.random() < 0.7:
                    inside = below
                    continue
                inside[name] = deepcopy(draw.choice((*ODD_VALUES, [said, said, said])))
                break
        return said

    def _target(self) -> str:
        draw = self._random
        path = draw.choice(PREFIXES) + "".join(draw.choices((*ODD_TEXTS, "/", "elset"), k=draw.choice((0, 0, 1, 2))))
        if draw.random() < 0.3:
            path += "".join(draw.choices(VISIBLE, k=draw.randrange(30)))
        names = draw.choices(PARAMETERS, k=draw.choice((0, 1, 1, 2, 3, 40)))
        pairs = [f"{name}={draw.choice(ODD_TEXTS)}" for name in names]
        if draw.random() < 0.5:
            pairs.insert(0, "epoch=%3E2000-01-01T00:00:00Z")
        target = path + ("?" + draw.choice("&&&;").join(pairs) if pairs else "")
        return target.replace(" ", "%20") or "/"

    def _true_token(self) -> str:
        now = int(self._clock().timestamp())
        if self._good[1] < now - 300:
            self._good = (self._sign({"alg": "EdDSA", "kid": self._kid}, self._claims(now)), now)
        return self._good[0]

    def _claims(self, now: int) -> Json:
        return {
            "iss": "https://issuer.gbr.example",
            "aud": "releasability-gateway",
            "sub": "gbr-space-command",
            "iat": now,
            "exp": now + 1800,
            "jti": "".join(self._random.choices(string.ascii_letters, k=12)),
            "purpose": "collision-avoidance",
        }

    def _sign(self, header: Json, claims: Json) -> str:
        said = ".".join(part(value) for value in (header, claims))
        return f"{said}.{b64(self._key.sign(said.encode()))}"

    def _token(self) -> str:
        kinds = (self._odd_member, self._odd_bytes, self._confused, self._noise, self._doubled, self._deep)
        return self._random.choice(kinds)()

    def _odd_member(self) -> str:
        """A header or claim that is not as it should be, well signed."""
        draw = self._random
        header: Json = {"alg": "EdDSA", "kid": self._kid}
        claims = self._claims(int(self._clock().timestamp()))
        for _ in range(draw.randrange(1, 4)):
            side, names = draw.choice(((header, HEADER_NAMES), (claims, CLAIM_NAMES)))
            name = draw.choice(names)
            if draw.random() < 0.2:
                side.pop(name, None)
            else:
                side[name] = draw.choice(ODD_VALUES)
        return self._sign(header, claims)

    def _odd_bytes(self) -> str:
        """A true token, cut, lengthened or changed in a few places."""
        draw, text = self._random, list(self._true_token())
        for _ in range(draw.randrange(1, 5)):
            place = draw.randrange(len(text) or 1)
            text[place : place + draw.choice((0, 1, 1, 40))] = draw.choice(("", ".", "=", "A", "%", " ", "..", "\t"))
        return "".join(text)

    def _confused(self) -> str:
        """An HMAC, or nothing, where a signature should be."""
        header = {"alg": self._random.choice(("HS256", "none", "None", "RS256", "ES256", "PBES2-HS256+A128KW"))}
        said = ".".join((part(header | {"kid": self._kid}), part(self._claims(int(self._clock().timestamp())))))
        return f"{said}.{b64(hmac.digest(self._public, said.encode(), 'sha256'))}"

    def _noise(self) -> str:
        draw = self._random
        return "".join(draw.choices(VISIBLE + " .", k=draw.choice((0, 1, 30, 300, 9000))))

    def _doubled(self) -> str:
        """A member twice, in a header or claims that are well signed."""
        claims = json.dumps(self._claims(int(self._clock().timestamp())))
        header = json.dumps({"alg": "EdDSA", "kid": self._kid})
        name = self._random.choice((*CLAIM_NAMES, *HEADER_NAMES))
        doubled = f', "{name}": "x", "{name}": "y"}}'
        if self._random.random() < 0.5:
            claims = claims[:-1] + doubled
        else:
            header = header[:-1] + doubled
        said = f"{b64(header.encode())}.{b64(claims.encode())}"
        return f"{said}.{b64(self._key.sign(said.encode()))}"

    def _deep(self) -> str:
        depth = self._random.choice((10, 900, 3000))
        opening, closing = self._random.choice((("[", "]"), ('{"a":', "}")))
        claims = '{"iss": ' + opening * depth + "1" + closing * depth + "}"
        said = f"{part({'alg': 'EdDSA', 'kid': self._kid})}.{b64(claims.encode())}"
        return f"{said}.{b64(self._key.sign(said.encode()))}"

    def _mangle(self, request: bytes) -> bytes:
        """Change bytes of the request as such: what comes out may be no HTTP any more."""
        draw, data = self._random, bytearray(request)
        for _ in range(draw.choice((1, 1, 2, 8))):
            place = draw.randrange(len(data))
            data[place : place + draw.choice((0, 1, 1, 5))] = draw.choice((*MANGLING, bytes([draw.randrange(256)])))
        return bytes(data)


def part(value: Json) -> str:
    """A value as a part of a token."""
    return b64(json.dumps(value).encode())


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
