"""XML from strangers: what cannot be read in one way only is not read at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.markings import MarkingError
from gateway.markings.xmltree import LABEL_BOUNDS, POLICY_BOUNDS, XmlRefused, element, read_xml, write_xml

BILLION = b'<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">]><a>&y;&y;</a>'

REFUSED = [
    ("XML-DOCTYPE", b"<!DOCTYPE a><a/>"),
    ("XML-DOCTYPE", BILLION),
    ("XML-DOCTYPE", b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>'),
    ("XML-DOCTYPE", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
    ("XML-DOCTYPE", b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p">%p;]><a/>'),
    ("XML-FORM", b"<a>&undefined;</a>"),
    ("XML-INSTRUCTION", b"<?xml-stylesheet href='http://127.0.0.1:9/x'?><a/>"),
    ("XML-INSTRUCTION", b"<a><?php x ?></a>"),
    ("XML-CDATA", b"<a><![CDATA[S]]></a>"),
    ("XML-COMMENT", b"<a>SEC<!-- -->RET</a>"),
    ("XML-COMMENT", b"<a><!-- --><b/></a>"),
    ("XML-MIXED", b"<a>text<b/></a>"),
    ("XML-MIXED", b"<a><b/>text</a>"),
    ("XML-FORM", b"<a b='1' b='2'/>"),
    ("XML-FORM", b"<a xmlns:x='urn:n' xmlns:y='urn:n' x:b='1' y:b='2'/>"),
    ("XML-FORM", b"<x:a/>"),
    ("XML-FORM", b"<a></b>"),
    ("XML-FORM", b"<a/><b/>"),
    ("XML-FORM", b"<a>\x00</a>"),
    ("XML-FORM", b"<a>&#0;</a>"),
    ("XML-FORM", b""),
    ("XML-ENCODING", "<?xml version='1.0' encoding='UTF-16'?><a/>".encode("utf-16")),
    ("XML-ENCODING", b"<?xml version='1.0' encoding='UTF-16'?><a/>"),
    ("XML-ENCODING", b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xc3\xa9</a>"),
    ("XML-ENCODING", b"<?xml version='1.0' encoding='UTF-7'?><a>+ADw-</a>"),
    ("XML-ENCODING", b"<?xml version='1.1'?><a/>"),
    ("XML-ENCODING", b"<a>\xc0\xbc</a>"),
    ("XML-ENCODING", b"<a>\xed\xa0\x80</a>"),
    ("XML-SIZE", b"<a>" + b" " * LABEL_BOUNDS.octets + b"</a>"),
    ("XML-SIZE", b"<a>" + b"<b/>" * LABEL_BOUNDS.elements + b"</a>"),
    ("XML-SIZE", b"<a " + b" ".join(b"a%d='1'" % n for n in range(70)) + b"/>"),
    ("XML-DEPTH", b"<a>" * 17 + b"</a>" * 17),
]


@pytest.mark.parametrize(("rule", "document"), REFUSED, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(REFUSED)])
def test_a_document_that_can_expand_fetch_or_be_read_in_two_ways_is_refused(rule: str, document: bytes) -> None:
    with pytest.raises(XmlRefused) as refused:
        read_xml(document)
    assert [finding.rule for finding in refused.value.findings] == [rule]
    assert refused.value.line >= 1


def test_a_comment_may_stand_between_elements_where_the_caller_lets_it_but_never_in_a_text() -> None:
    assert len(read_xml(b"<a><!-- one --><b/><!-- two --></a>", POLICY_BOUNDS).children) == 1
    with pytest.raises(XmlRefused):
        read_xml(b"<a>SEC<!-- -->RET</a>", POLICY_BOUNDS)


def test_a_byte_order_mark_and_a_utf8_declaration_are_read() -> None:
    document = b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8' standalone='yes'?><a>\xc3\xa9</a>"
    assert read_xml(document).text == "é"


_texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"))


@given(text=_texts, value=_texts, tail=st.sampled_from(("", "\r", "\n", "\t", "\r\n")))
def test_what_is_written_is_read_back_letter_for_letter(text: str, value: str, tail: str) -> None:
    whole = element(("urn:n", "a"), [(("", "b"), value + tail)], element(("urn:n", "c"), text=text + tail))
    read = read_xml(write_xml(whole, {"urn:n": "n"}), POLICY_BOUNDS)
    assert read.name == ("urn:n", "a")
    assert read.get("b") == value + tail
    assert read.children[0].text == text + tail


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_and_nothing_else_is_raised(document: bytes) -> None:
    try:
        read_xml(document)
    except MarkingError as error:
        assert error.findings
