"""What others have published holds here: keys, signatures, proofs and statuses of other people's logs and witnesses.

Facts alone, in our own form, each with its source; other implementations' whole suites were run against these functions
from outside, and gave nothing that is not here or in ``tests/audit/go``.
"""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit import merkle, tiles
from gateway.audit.checkpoint import (
    COSIGNATURE,
    SigningKey,
    cosign,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_signing_key,
    parse_verifier_key,
    sign,
)
from gateway.audit.errors import ProofRefused
from gateway.audit.witness import add_checkpoint, begin, write_submission

# golang.org/x/mod, sumdb/note/note_test.go
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
SAID = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
BY_PETER = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"

# transparency-dev/witness, internal/witness/witness_test.go: a log of five entries, then of eight
MONKEYS = "monkeys+db4d9f7e+AULaJMvTtDLHPUcUrjdDad9vDlh/PTfC2VV60JUtCfWT"
WITNESS = "PRIVATE+KEY+witness+f13a86db+AaLa/dfyBhyo/m0Z7WCi98ENVZWtrP8pxgRNrx7tIWiA"
FIVE = (
    "Log Checkpoint v0\n5\n41smjBUiAU70EtKlT6lIOIYtRTYxYXsDB+XHfcvu/BE=\n\n"
    "— monkeys 202ffu1mJ0hrPIodgN0YQV7uZk9CAEzh+hOQyRjkf9CDY1IOr/oiH6WkzGIy7aEF0rw/9SHiZztjDiTOb53i6CE/zQ8=\n"
)
EIGHT = (
    "Log Checkpoint v0\n8\nV8K9aklZ4EPB+RMOk1/8VsJUdFZR77GDtZUQq84vSbo=\n\n"
    "— monkeys 202ffm1n5/h7F3x0D6CCysNnqiL2WBu7iubseJggohhX6JBbeLts5NWKY/g0r6yNRVN/k+QJJx1Sii0MzbMUTnmO+wA=\n"
)
FROM_FIVE_TO_EIGHT = [
    bytes.fromhex(text)
    for text in (
        "b9e1d62618f7fee8034e4c5010f727ab24d8e4705cb296c374bf2025a87a10d2",
        "aac66cd7a79ce4012d80762fe8eec3a77f22d1ca4145c3f4cee022e7efcd599d",
        "89d0f753f66a290c483b39cd5e9eafb12021293395fad3d4a2ad053cfbcfdc9e",
        "29e40bb79c966f4c6fe96aff6f30acfce5f3e8d84c02215175d6e018a5dee833",
    )
]


def test_gos_published_note_is_signed_and_opened_byte_by_byte():
    assert sign(SAID, parse_signing_key(PETERS)) == f"{SAID}\n{BY_PETER}"
    both = f"{SAID}\n{BY_PETER}{BY_ENOCH}"
    assert [each.key.name for each in open_note(both, [PETER, ENOCH]).signatures] == ["PeterNeumann", "EnochRoot"]
    assert [each.key.name for each in open_note(both, [PETER]).signatures] == ["PeterNeumann"]


@pytest.mark.parametrize("text", [PETER, PETERS])
def test_no_part_of_a_published_key_and_no_key_with_a_character_changed_is_one(text: str):
    read = parse_signing_key if text is PETERS else parse_verifier_key
    parts = {text[at:end] for at in range(len(text)) for end in range(at + 1, len(text) + 1)} - {text}
    changed = {text[:at] + chr(ord(text[at]) + 1) + text[at + 1 :] for at in range(len(text))}
    for other in parts | changed:
        with pytest.raises(ProofRefused):
            read(other)


def test_the_checksum_databases_own_checkpoint_opens_although_its_origin_is_not_its_keys_name():
    """sum.golang.org at 30,055,305 entries, as sigsum-go's tests keep it."""
    note = (
        "go.sum database tree\n30055305\nmXfgRcJ0bG0j3CPdKwgGWtUzBUbX67saZGRmFuJGGsM=\n\n"
        "— sum.golang.org "
        "Az3grpgEild5qw7+5dtV13Kf1C2Xurm8q4fhdxvcsDHnqNTaxL2AFjBY+2TyGKevucFcAAlWFJJYle3EJlDCrQ+y3A8=\n"
    )
    key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert open_checkpoint(note, [key]).size == 30_055_305


def test_sigsums_published_signature_and_cosignature_are_the_bytes_that_we_make():
    """sigsum-go, pkg/checkpoint/checkpoint_test.go: the private key is 17 and then zeros."""
    private = Ed25519PrivateKey.from_private_bytes(bytes([17]) + bytes(31))
    text = "10\nHA5HAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
    origin = "sigsum.org/v1/tree/e796172b92befd62d9dc67e41c2f5bc9d3100a3023b20b1ca40288dd1c679e69"
    assert sign(f"{origin}\n{text}", SigningKey(origin, private)).endswith(
        " gJ2ho0n8F8olcerUF1FFdv235A/5as/coWrpLrtE7ovMeP5whgwouYExowG/lTznxu6OUGjjt5yJQ6bXtTcf718MqAQ=\n"
    )
    witness = SigningKey("example.org/witness", private, COSIGNATURE)
    assert cosign(f"example.org/log\n{text}", witness, 1234).endswith(
        " ys8uUAAAAAAAAATSftMzceM8zssdZ9jin9SjwIxzx9iADMf63VqirX2hafol9RsqNqbofIz0LVRqHXI2kpEBSki5RTXFtxz1vo9+Cg==\n"
    )


def test_a_published_log_grows_before_our_witness_and_every_published_wrong_step_gets_its_status():
    state = begin([WITNESS], {"Log Checkpoint v0": [MONKEYS]}, at=1_700_000_000)
    status, answer, seen = add_checkpoint(state, write_submission(0, [], FIVE))
    assert status == 200
    assert len(open_note(FIVE + answer.decode(), [MONKEYS, seen.keys[0].verifier]).signatures) == 2
    status, _, grown = add_checkpoint(seen, write_submission(5, FROM_FIVE_TO_EIGHT, EIGHT))
    assert (status, grown.seen["Log Checkpoint v0"].size) == (200, 8)
    frog = EIGHT.replace("Log Checkpoint", "Frog Checkpoint")
    for before, sent, wanted in (
        (seen, write_submission(5, FROM_FIVE_TO_EIGHT, frog), 404),
        (seen, write_submission(5, FROM_FIVE_TO_EIGHT[:3], EIGHT), 422),
        (seen, write_submission(5, [bytes(32)] * 4, EIGHT), 422),
        (seen, write_submission(0, FROM_FIVE_TO_EIGHT, EIGHT), 409),
        (state, write_submission(0, FROM_FIVE_TO_EIGHT, EIGHT), 422),
        (grown, write_submission(5, FROM_FIVE_TO_EIGHT, EIGHT), 409),
        (grown, write_submission(8, [], FIVE), 400),
        (grown, write_submission(5, [], FIVE), 409),
        (seen, write_submission(5, [], FIVE[:-10] + EIGHT[-10:]), 403),
    ):
        assert add_checkpoint(before, sent)[0] == wanted


def test_the_specifications_own_proofs_of_a_tree_of_seven_are_ours():
    """The figure of RFC 6962 section 2.1.3."""
    a, b, c, d, e, f, j = leaves = [merkle.leaf_hash(bytes([number])) for number in range(7)]
    node = merkle.node_hash
    g, h, i = node(a, b), node(c, d), node(e, f)
    k, ij = node(g, h), node(i, j)
    assert merkle.root(leaves) == node(k, ij)
    assert [merkle.inclusion_proof(leaves, at, 7) for at in (0, 3, 4, 6)] == [[b, h, ij], [c, g, ij], [f, j, k], [i, k]]
    assert [merkle.consistency_proof(leaves, old, 7) for old in (3, 4, 6)] == [[c, d, g, ij], [ij], [i, j, k]]


def test_a_root_hash_of_another_length_is_none_although_some_publish_such_checkpoints():
    """transparency-dev/formats takes any: RFC 6962's root is 32 bytes."""
    with pytest.raises(ProofRefused, match="7 bytes"):
        parse_checkpoint("Log\n123\nYmFuYW5hcw==\n")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("tile/63/x999/x999/x999/x999/x999/999.p/255", (63, 999_999_999_999_999_999, 255)),
        ("tile/entries/x123/x456/x789/000", (tiles.ENTRIES, 123_456_789_000, 256)),
        ("tile/0/x001/x234/067.p/89", (0, 1_234_067, 89)),
    ],
)
def test_tiles_paths_of_trillian_tessera_are_read_and_written(text: str, wanted: tuple[int, int, int]):
    assert tiles.parse_path(text) == wanted
    assert tiles.path(*wanted) == text


def test_the_empty_trees_root_is_the_digest_of_nothing():
    assert merkle.root([]) == hashlib.sha256(b"").digest()
