"""Go's sumdb and we agree on trees, proofs and notes: with Go's answers as they are kept, and with Go where it is.

``make audit-go`` asks Go again and at full size; ``make audit-answers`` writes its answers down anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.audit import merkle
from gateway.audit.checkpoint import open_note, sign
from gateway.audit.errors import ProofRefused
from tests.audit.go import agree, answers, malformed
from tests.audit.go.answers import LARGEST, MADE_UP_SIZES, PAIRS, PROVED_SIZES, TEXTS, Answers
from tests.audit.long_log import LOG

SIZES = [*range(1, 33), 63, 64, 65, 100, 127, 128, 129, 200, 255, 256, 257, PAIRS]


@pytest.fixture(scope="module")
def go() -> Answers:
    return Answers.kept()


def test_roots_and_all_proofs_of_small_trees_are_those_that_go_makes(go: Answers):
    leaves = [agree.leaf(number) for number in range(PAIRS)]
    roots = [merkle.root(leaves[:size]) for size in range(PAIRS + 1)]
    for size in SIZES:
        assert answers.digest(list(agree.every_proof(leaves, roots, size))) == go.pairs[size - 1], size
    assert len(go.pairs) == PAIRS


def test_at_any_size_proofs_are_folded_from_the_stored_hashes_that_go_takes(go: Answers):
    assert [answers.made_up_digest(*asked) for asked in MADE_UP_SIZES] == list(go.made_up)
    assert max(size for size, _, _ in MADE_UP_SIZES) > LARGEST // 2


def test_proofs_that_go_made_in_a_tree_of_ten_million_leaves_verify_and_altered_ones_do_not(go: Answers):
    _, verify = malformed.KINDS["checks"]
    assert len(go.proved) == 2 * len(PROVED_SIZES)
    for line in go.proved:
        verify(line)
        *start, last = line.split(" ")
        altered = bytes.fromhex(last)
        with pytest.raises(ProofRefused):
            verify(" ".join([*start, (bytes([altered[0] ^ 1]) + altered[1:]).hex()]))
    leaves = {f"I {index} {size} {agree.leaf(index).hex()}" for size, index, _ in PROVED_SIZES}
    assert {" ".join(line.split(" ")[:4]) for line in go.proved if line.startswith("I")} == leaves


def test_notes_that_go_signed_are_byte_by_byte_those_that_we_sign(go: Answers):
    assert [sign(text, LOG) for text in TEXTS] == list(go.signed)
    assert [open_note(note, [LOG.verifier]).text for note in go.signed] == TEXTS


@pytest.mark.parametrize("what", list(malformed.KINDS))
def test_nothing_malformed_is_taken_here_that_go_refuses(go: Answers, what: str):
    lines = answers.malformed_lines(what)
    assert answers.digest(lines) == go.asked[what], "other questions than Go was asked: make audit-answers"
    words = {"o": "open", "r": "refused"}
    kept = "\n".join(words[answer] for answer in go.taken[what])
    said = malformed.compare_lines(what, lines, malformed.KINDS[what][1], lambda *_asked, lines: (True, kept))
    assert "refused by both" in said
    assert "open by both" in said


@pytest.mark.skipif(bool(agree.missing()), reason=agree.missing())
def test_gos_implementation_agrees_on_proofs_notes_and_a_whole_folder(tmp_path: Path):
    small = ["--pairs", "12", "--size", "2000", "--samples", "30", "--notes", "300", "--entries", "300"]
    options = agree.options_of([*small, "--mutations", "5"])
    report = list(agree.agree(agree.build(tmp_path), tmp_path, options))
    assert "12 roots, 78 inclusion proofs, 78 consistency proofs agree" in report[0]
    assert len(report) == 15
    assert "its proofs agree" in report[-1]
