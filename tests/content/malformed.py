"""Records that some parser reads otherwise than another, or not at all; and odd ones that all read alike.

Each malformed record stands with the doubt that the cutter's strict reading has of it; the checker refuses each by
itself. The benchmark of the filter counts only for a build that withholds every one of them.
"""

from gateway.content.check import Listed
from gateway.content.doubts import Doubt
from gateway.content.strict import MAX_DEPTH
from gateway.policy.shape import RecordShape

MARKING = "classificationMarking"
SHAPE = RecordShape(identifier="id", marking=MARKING, date="createdAt")
NAMES = Listed(
    frozenset({"id", MARKING, "createdAt", "ClassificationMarking"}),
    frozenset({"n", "x", "y", "z", "", "a/b", "\U0001f6f0"}),
)
"""Every name that stands in these records: that one is not listed is not why any is refused."""

GOOD = b'{"id":"a","classificationMarking":"U","createdAt":"2026-01-01T00:00:00Z"%s}'


def lists(depth):
    return b"[" * depth + b"]" * depth


HOSTILE = {
    "the marking twice": (GOOD % b',"classificationMarking":"S//NF"', Doubt.DUPLICATE_KEY),
    "the marking twice, once by an escape": (
        GOOD % rb',"\u0063lassificationMarking":"S//NF"',
        Doubt.DUPLICATE_KEY,
    ),
    "the marking twice, space before the colon": (
        GOOD % b',"classificationMarking" :"S//NF"',
        Doubt.DUPLICATE_KEY,
    ),
    "the marking twice, line break before the colon": (
        GOOD % b',"classificationMarking"\n:"S//NF"',
        Doubt.DUPLICATE_KEY,
    ),
    "the marking twice, tab and return before the colon": (
        GOOD % b',"classificationMarking"\t\r:"S//NF"',
        Doubt.DUPLICATE_KEY,
    ),
    "another member twice": (GOOD % b',"x":1,"x":1', Doubt.DUPLICATE_KEY),
    "the empty name twice": (GOOD % b',"":1,"":2', Doubt.DUPLICATE_KEY),
    "a member twice in an object inside": (GOOD % b',"x":{"y":1,"y":2}', Doubt.DUPLICATE_KEY),
    "a member twice in a list's object": (
        GOOD % b',"x":[[{"y":1},{"y":1,"z":2,"y":1}]]',
        Doubt.DUPLICATE_KEY,
    ),
    "a member twice beside a string that hides a name": (
        GOOD % rb',"x":1,"x":1,"n":"\":"',
        Doubt.DUPLICATE_KEY,
    ),
    "a member twice, one name by an escaped slash": (GOOD % rb',"a/b":1,"a\/b":2', Doubt.DUPLICATE_KEY),
    "a member twice, one name by a surrogate pair": (
        GOOD % b',"\xf0\x9f\x9b\xb0":1,"\\ud83d\\udef0":2',
        Doubt.DUPLICATE_KEY,
    ),
    "the marking in other case": (GOOD % b',"ClassificationMarking":"S//NF"', Doubt.MARKING_AMBIGUOUS),
    "the marking in other case, inside": (
        GOOD % b',"x":{"CLASSIFICATIONMARKING":"S"}',
        Doubt.MARKING_AMBIGUOUS,
    ),
    "NaN": (GOOD % b',"x":NaN', Doubt.MALFORMED),
    "Infinity": (GOOD % b',"x":-Infinity', Doubt.MALFORMED),
    "a number past a double": (GOOD % b',"x":1e999', Doubt.NUMBER_OVERFLOW),
    "a negative number past a double": (GOOD % b',"x":[-1e309]', Doubt.NUMBER_OVERFLOW),
    "five thousand digits": (GOOD % (b',"x":' + b"9" * 5000), Doubt.NUMBER_OVERFLOW),
    "a lone high surrogate": (GOOD % rb',"x":"\ud800"', Doubt.MALFORMED),
    "a lone low surrogate": (GOOD % rb',"x":"\udc00 and more"', Doubt.MALFORMED),
    "a lone surrogate in a name": (GOOD % rb',"\udc00":1', Doubt.MALFORMED),
    "a byte that is no UTF-8": (GOOD % b',"x":"\xff"', Doubt.INVALID_UTF8),
    "an overlong slash": (GOOD % b',"x":"\xc0\xaf"', Doubt.INVALID_UTF8),
    "a surrogate in UTF-8": (GOOD % b',"x":"\xed\xa0\x80"', Doubt.INVALID_UTF8),
    "a byte past Unicode": (GOOD % b',"x":"\xf4\x90\x80\x80"', Doubt.INVALID_UTF8),
    "a bad byte in a name": (GOOD % b',"\xff":1', Doubt.INVALID_UTF8),
    "a control character in a string": (GOOD % b',"x":"a\x01b"', Doubt.MALFORMED),
    "a NUL in a string": (GOOD % b',"x":"a\x00b"', Doubt.MALFORMED),
    "a comma at the end": (GOOD % b',"x":1,', Doubt.MALFORMED),
    "two commas": (GOOD % b',,"x":1', Doubt.MALFORMED),
    "a name without quotes": (GOOD % b",x:1", Doubt.MALFORMED),
    "single quotes": (GOOD % b",'x':1", Doubt.MALFORMED),
    "a comment": (GOOD % b"/* */", Doubt.MALFORMED),
    "hexadecimal": (GOOD % b',"x":0x10', Doubt.MALFORMED),
    "a leading zero": (GOOD % b',"x":01', Doubt.MALFORMED),
    "a plus sign": (GOOD % b',"x":+1', Doubt.MALFORMED),
    "a bare fraction": (GOOD % b',"x":.5', Doubt.MALFORMED),
    "a bare point": (GOOD % b',"x":5.', Doubt.MALFORMED),
    "an unknown escape": (GOOD % rb',"x":"\x41"', Doubt.MALFORMED),
    "a form feed between members": (GOOD % b',\f"x":1', Doubt.MALFORMED),
    "a no-break space between members": (GOOD % b',\xc2\xa0"x":1', Doubt.MALFORMED),
    "two values where one is": (GOOD % b',"x":1 2', Doubt.MALFORMED),
}
DEEP_AND_LONG = {
    "an integer past 64 bits": (GOOD % b',"x":18446744073709551616', Doubt.NUMBER_OVERFLOW),
    "a negative integer past 64 bits": (GOOD % b',"x":[-9223372036854775809]', Doubt.NUMBER_OVERFLOW),
    "lists one too deep": (GOOD % (b',"x":' + lists(MAX_DEPTH)), Doubt.TOO_DEEP),
    "lists much too deep": (GOOD % (b',"x":' + lists(900)), Doubt.TOO_DEEP),
    "lists past any recursion": (GOOD % (b',"x":' + lists(100_000)), Doubt.TOO_DEEP),
}
HARMLESS = {
    "the largest integers": GOOD % b',"x":18446744073709551615,"y":-9223372036854775808',
    "the largest double": GOOD % b',"x":1.7976931348623157e308',
    "a number that falls to zero": GOOD % b',"x":1e-400',
    "lists as deep as allowed": GOOD % (b',"x":' + lists(MAX_DEPTH - 1)),
    "a string with a name in it": GOOD % rb',"x":"{\"y\":1,\"y\":2}"',
    "a string that begins with a colon": GOOD % b',"x":":y"',
    "a string with a spaced colon": GOOD % b',"x":"Note : all of it"',
    "space before each colon": (GOOD % b',"x":{"y":1}').replace(b'":', b'" \n\t\r:'),
    "the same name in two objects": GOOD % b',"x":{"y":1},"z":{"y":1},"y":2',
    "a name by an escape": GOOD % rb',"\u0078":1',
    "a surrogate pair": GOOD % rb',"x":"\ud83d\udef0"',
    "an escaped NUL": GOOD % rb',"x":"\u0000"',
    "empty objects and lists": GOOD % b',"x":{},"y":[],"z":[{}]',
    "white space between everything": (GOOD % b',"x":[1,2]').replace(b",", b" ,\n\t ").replace(b'":', b'":  '),
}
MALFORMED = HOSTILE | DEEP_AND_LONG
