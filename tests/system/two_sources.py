"""The same partner before two sources: one that holds records withheld from it, and one in which they never were.

Two gateways with the same keys, policy and clock get the same requests, written byte by byte. Everything that the
partner can observe is compared: the status line, every header in its order, the framing of the body, the body. Of a
sealed answer, the number of chunks, the length of every part of each, and what is inside. Then each chunk's receipt:
the place of its leaf, the length of its proof, the size of the log, every field of the leaf.

Left out are only the *values* of what is drawn anew for each answer (identifiers of requests and releases, times, keys,
ciphertext, digests of it, signatures); their lengths are compared.
"""

from __future__ import annotations

import json
import random
import re
import socket
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx

from gateway.activation.files import read_policy_files
from gateway.audit import receipt as receipts
from gateway.audit.checkpoint import parse_checkpoint
from gateway.audit.leaf import parse_leaf
from gateway.client.answer import Recipient, open_answer, recipient
from gateway.policy.load import load
from gateway.policy.policyset import PolicySet
from sample_source.faults import Answers, Fault, WrongContentType, redirect
from sample_source.flaws import Flaws
from sample_source.schema import TABLES
from sample_source.tables import Tables, build_tables
from tests.support.loopback import Hands, Loopback, loopback
from tests.system.acting import START
from tests.system.expect import IDENTIFIER, TIME, Asker, permitted
from tests.system.walks import COMPANY, DATASETS, GBR, GBR_PLAIN, JPN

ASKERS = (JPN, GBR_PLAIN, GBR, COMPANY)
PARAMETERS = {
    "elset": {"epoch", "createdAt", "idElset", "satNo", "dataMode", "source", "origin", "meanMotion", "inclination"},
    "statevector": {"epoch", "createdAt", "idStateVector", "satNo", "dataMode", "source", "posUnc", "xpos"},
    "conjunction": {"tca", "createdAt", "id", "satNo1", "satNo2", "dataMode", "source", "missDistance"},
    "notification": {"createdAt", "id", "msgType", "dataMode", "source"},
}
"""What the shipped policy lets partners ask, or refuses where it is seen degraded."""
QUERIED = ("", "/count", "/tuple", "/bulk")
NEVER = "00000000-0000-4000-8000-000000000000"
SMALLEST_CHUNK = 4096
SEALED_TYPE = b"application/jose"
FAULTS: Sequence[Fault] = (
    Answers(500, b"broken"),
    Answers(404),
    Answers(400),
    Answers(204),
    Answers(200, b"[1,2"),
    Answers(200, b"[]"),
    Answers(200, b"{}"),
    redirect("http://127.0.0.1:9/elsewhere"),
    WrongContentType("text/html"),
)
LINES = (
    "Range: bytes=0-99",
    "If-None-Match: *",
    'If-None-Match: "0"',
    "If-Modified-Since: Sat, 20 Jun 2026 12:00:00 GMT",
    "If-Match: *",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "TE: trailers",
    "Prefer: count=exact",
    "Origin: https://elsewhere.example",
    "X-Forwarded-For: 192.0.2.1",
)
DRAWN = (
    (re.compile(rb"[0-9a-f]{32}"), b"R" * 32),
    (re.compile(rb"(?im)^(date: ).{29}$"), rb"\1"),
    (re.compile(rb"(?im)^(server-timing: [a-z]+;dur=)[0-9.]+"), rb"\1"),
    (re.compile(rb"(?im)^(traceparent: 00-R{32}-)[0-9a-f]{16}"), rb"\1"),
)
"""What is drawn anew for each answer, by form, and what stands for it in the comparison."""

Receipt = tuple[int, int, int, int, tuple[tuple[str, object], ...]]
"""A receipt's length, its leaf's index, its proof's length, the log's size, and the leaf."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a partner's program, and what is wrong with the source meanwhile."""

    method: str
    target: str
    lines: tuple[str, ...]
    token: bool = True
    fault: Fault | None = None

    def written(self, token: str) -> bytes:
        """Its bytes."""
        lines = [*self.lines, f"Authorization: Bearer {token}"] if self.token else self.lines
        head = [f"{self.method} {self.target} HTTP/1.1", "Host: gateway", "Connection: close", *lines]
        return "\r\n".join(head).encode() + b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a partner sees of one exchange, made comparable."""

    head: bytes
    framing: tuple[int, ...]
    body: bytes
    chunks: tuple[tuple[int, ...], ...] = ()
    inside: tuple[object, ...] = ()
    receipts: tuple[Receipt, ...] = ()


@dataclass(slots=True)
class Side:
    """One gateway and its source, as partners' programs see it."""

    here: Loopback
    holders: dict[str, Recipient] = field(default_factory=dict)

    def see(self, request: Request, asker: Asker) -> Seen:
        """Send a request, and look at everything that comes of it."""
        self.here.source.fault = request.fault
        token = self.here.token(asker.partner, asker.purpose)
        head, framing, body = exchange(self.here.gateway.url, request.written(token))
        self.here.source.fault = None
        link = re.search(rb"</releases/([0-9a-f]{32})/receipt>", head)
        seen = Seen(_same(head), framing, _same(body))
        if link is None or not body:
            return seen
        release = link[1].decode()
        if SEALED_TYPE not in head:
            return replace(seen, body=body, receipts=self._receipts(release, 1, token))
        lines = body.split(b"\n")
        parts = tuple(tuple(map(len, line.split(b"."))) for line in lines)
        inside = (*map(_protected, lines), *self._opened(body, asker.partner))
        return replace(seen, body=b"", chunks=parts, inside=inside, receipts=self._receipts(release, len(lines), token))

    def _opened(self, body: bytes, partner: str) -> Iterator[object]:
        if partner not in self.holders:
            keys = self.here.gateway.stage.gateway_keys()
            private = self.here.gateway.stage.private_jwks(partner)
            self.holders[partner] = recipient(private, keys.public_jwks, keys.log_verifier_key, partner=partner)
        for part in open_answer(body, self.holders[partner]).parts:
            opened = part.opened
            yield opened.content, opened.media_type, opened.label, opened.chunk, opened.last, opened.recipient_key

    def _receipts(self, release: str, chunks: int, token: str) -> tuple[Receipt, ...]:
        found = []
        for chunk in range(chunks):
            path = f"/releases/{release}/receipt?chunk={chunk}"
            text = self.here.client.get(path, headers={"Authorization": f"Bearer {token}"}).content
            taken = receipts.parse(text)
            size = parse_checkpoint(taken.checkpoint.split("\n\n")[0] + "\n").size
            leaf = parse_leaf(receipts.leaf_of(text))
            said = {name: getattr(leaf, name) for name in leaf.__struct_fields__}
            said |= {name: len(said[name]) for name in ("request", "release", "sealed", "records", "private")}
            found.append((len(text), taken.index, len(taken.proof), size, tuple(said.items())))
        return tuple(found)


def exchange(url: str, request: bytes) -> tuple[bytes, tuple[int, ...], bytes]:
    """Send bytes; the head as it came, the length of each piece that the body was framed in, and the body."""
    where = httpx.URL(url)
    with socket.create_connection((where.host, where.port or 80), timeout=60) as connection:
        connection.sendall(request)
        came = b""
        while block := connection.recv(65536):
            came += block
    head, _, rest = came.partition(b"\r\n\r\n")
    head = head.replace(b"\r\n", b"\n")
    if not re.search(rb"(?im)^transfer-encoding: chunked$", head):
        return head, (len(rest),), rest
    lengths, body = [], b""
    while rest:
        said, _, rest = rest.partition(b"\r\n")
        length = int(said, 16)
        lengths.append(length)
        body, rest = body + rest[:length], rest[length + 2 :]
    return head, tuple(lengths), body


def _same(text: bytes) -> bytes:
    """A head or a problem with everything that is drawn anew taken out."""
    for form, instead in DRAWN:
        text = form.sub(instead, text)
    return text


def _protected(line: bytes) -> tuple[tuple[str, object], ...]:
    """A chunk's protected header: every field, of those drawn anew the length."""
    header = json.loads(urlsafe_b64decode(line.split(b".")[0] + b"=="))
    header |= {name: len(json.dumps(header[name])) for name in ("epk", "release") if name in header}
    return tuple(header.items())


@dataclass(slots=True)
class Twosome:
    """Both sides. ``full`` holds every record; ``lean`` those alone that the asker of the moment may have."""

    full: Side
    lean: Side
    policy: PolicySet
    tables: Tables
    statuses: Counter[str] = field(default_factory=Counter)

    def hold_for(self, asker: Asker) -> None:
        """Let the withheld records never have been, on the lean side."""
        may = {
            dataset: tuple(each.record for each in permitted(self.policy, asker, dataset, records, START))
            for dataset, records in self.tables.records.items()
        }
        for dataset, records in may.items():
            identifiers = [record.identifier for record in records]
            assert len(set(identifiers)) == len(identifiers), dataset
        self.full.here.source.hold(self.tables)
        self.lean.here.source.hold(Tables(may))

    def difference(self, request: Request, asker: Asker) -> str:
        """What tells the two apart for this request; empty when nothing does."""
        one, other = self.full.see(request, asker), self.lean.see(request, asker)
        self.statuses[one.head.split(b" ", 2)[1].decode()] += 1
        for name in one.__slots__:
            if getattr(one, name) != getattr(other, name):
                return f"{asker}: {request}: {name}: {getattr(one, name)!r:.800} is not {getattr(other, name)!r:.800}"
        return ""


@contextmanager
def twosome(root: Path, keys: Path, records: int) -> Iterator[Twosome]:
    """Two gateways that differ in their sources alone. Records whose identifier stands twice are not among these:
    what of them can be told, and when, is said in docs/decisions/0008-twins-are-twins-in-every-order.md.
    """
    tables = build_tables(records, flaws=Flaws.ALL)
    single = {
        name: tuple(record for record in held if record.flaw != "same-identifier")
        for name, held in tables.records.items()
    }
    limits = {"chunk_bytes": SMALLEST_CHUNK}
    with (
        loopback(root / "full", keys, clock=Hands(START), records=1, **limits) as full,
        loopback(root / "lean", keys, clock=Hands(START), records=1, **limits) as lean,
    ):
        policy = load(read_policy_files(full.gateway.stage.policies, full.gateway.stage.keys))
        yield Twosome(Side(full), Side(lean), policy, Tables(single))


def draw(rng: random.Random, tables: Tables, asker: Asker) -> Request:
    """A request such as a curious partner might make."""
    dataset = rng.choice(DATASETS)
    operation = rng.choice(["", "", "", "/count", "/tuple", "/bulk", "/queryhelp", "/id", "/id", "/odd"])
    query = _query(rng, dataset, tables, paged=operation != "/bulk") if operation in QUERIED else []
    path = f"/udl/{dataset}{operation}"
    if operation == "/id":
        named = rng.choice([*(record.identifier for record in tables.records[dataset]), NEVER, NEVER])
        path = f"/udl/{dataset}/{quote(named)}"
    elif operation == "/odd":
        path = rng.choice(["/udl/nothing", f"/udl/{dataset}/history", f"/udl/{dataset}/a/b", "/udl", f"/UDL/{dataset}"])
    elif operation == "/tuple":
        names = list(TABLES[dataset].fields)
        query.append(("columns", ",".join(rng.sample(names, rng.randint(1, 5)))))
    accept = "Accept: application/jose" if asker.sealed else "Accept: application/json"
    lines = [accept, *rng.sample(LINES, rng.choice([0, 0, 0, 1, 2]))]
    return Request(
        method=rng.choice(["GET"] * 36 + ["HEAD", "OPTIONS", "POST", "DELETE"]),
        target=f"{path}?{urlencode(query)}" if query else path,
        lines=tuple(lines),
        token=rng.random() > 0.03,
        fault=rng.choice(FAULTS) if rng.random() < 0.1 else None,
    )


def _query(rng: random.Random, dataset: str, tables: Tables, *, paged: bool) -> list[tuple[str, str]]:
    """Filters on values that stand in records, withheld ones too; an order; a page."""
    query = [(TIME[dataset], ">2000-01-01T00:00:00Z")]
    fields = [name for name in TABLES[dataset].fields if TABLES[dataset].queryable(name)]
    known = sorted(PARAMETERS[dataset] & {*fields})
    for name in rng.sample(known if rng.random() < 0.8 else fields, rng.choice([0, 0, 1, 1, 2])):
        value = rng.choice(tables.records[dataset]).values.get(name)
        operator = rng.choice(["", "", ">", "<", ">=", "<="])
        query.append((name, f"{operator}{rng.choice([value, 'nonsense']) if rng.random() < 0.05 else value}"))
    if not paged and rng.random() < 0.9:
        return query
    if rng.random() < 0.3:
        sortable = [*fields, IDENTIFIER[dataset], "nothing"]
        query.append(("sort", f"{rng.choice(sortable)},{rng.choice(['ASC', 'DESC'])}"))
    if rng.random() < 0.7:
        query.append(("firstResult", str(rng.choice([0, 0, 1, 3, 10, 57, 250, 10_000_000, 10_000_001]))))
    if rng.random() < 0.7:
        query.append(("maxResults", str(rng.choice([0, 1, 2, 3, 7, 20, 100, 10_000, -1]))))
    return query
