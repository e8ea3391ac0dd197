"""A set loads whole or not at all, and every finding says file, line, field, what was expected and how to mend it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from joserfc.jwk import OKPKey

from gateway.policy import PolicyError, PolicyFinding, load
from tests.policy.worked import edited, jwks, read_files, whole_files

JPN, GBR, ELSET = "policies/partners/JPN.toml", "policies/partners/GBR.toml", "policies/datasets/elset.toml"
STATEVECTOR, DEU = "policies/datasets/statevector.toml", "policies/partners/DEU.toml"
COMPANY, NATO = "policies/partners/ORBITWATCH.toml", "policies/partners/NATO.toml"
JPN_KEYS, GBR_KEYS = "keys/partners/JPN.jwks.json", "keys/partners/GBR.jwks.json"


def findings(changes: dict[str, bytes | None]) -> tuple[PolicyFinding, ...]:
    files = dict(whole_files())
    for path, content in changes.items():
        if content is None:
            del files[path]
        else:
            files[path] = content
    with pytest.raises(PolicyError) as refused:
        load(files)
    assert refused.value.findings
    return refused.value.findings


def line_of(content: bytes, passage: str) -> int:
    return content.decode()[: content.decode().index(passage)].count("\n") + 1


@dataclass(frozen=True)
class Mistake:
    """A passage of a file, what replaces it, and the line and field at which the finding must stand."""

    name: str
    path: str
    old: str
    new: str
    place: str
    field: str
    message: str


MISTAKES = [
    Mistake(
        "an unknown key", JPN, "plain = false", "plane = false", "plane = false", "channel.plane", "means nothing here"
    ),
    Mistake("a missing key", JPN, 'name = "Japan', 'title = "Japan', "", "name", "is missing"),
    Mistake(
        "a quoted date",
        JPN,
        "until = 2028-01-01",
        'until = "2028-01-01"',
        'until = "2028',
        "agreement.until",
        "unquoted",
    ),
    Mistake(
        "an agreement that ends before it begins",
        JPN,
        "until = 2028-01-01",
        "until = 2001-01-01",
        "[agreement]",
        "agreement",
        "ends before",
    ),
    Mistake(
        "a level that is none",
        JPN,
        '8 = "SECRET"',
        '8 = "RESTRICTED"',
        '8 = "RESTRICTED"',
        "ceiling.8",
        "a level is one of",
    ),
    Mistake(
        "symmetric signatures",
        JPN,
        '["EdDSA", "ES256", "ES384"]',
        '["HS256"]',
        'algorithms = ["HS',
        "identity.algorithms[0]",
        "should be",
    ),
    Mistake(
        "unsigned tokens",
        JPN,
        '["EdDSA", "ES256", "ES384"]',
        '["none"]',
        'algorithms = ["none',
        "identity.algorithms[0]",
        "should be",
    ),
    Mistake(
        "an unknown dataset",
        JPN,
        'dataset = "elset"',
        'dataset = "elsets"',
        'dataset = "elsets"',
        "grant[0].dataset",
        "no dataset elsets",
    ),
    Mistake(
        "an unknown fact",
        JPN,
        "where = { owners = { within",
        "where = { owner = { within",
        "where = { owner = ",
        "grant[0].where.owner",
        "no fact owner",
    ),
    Mistake(
        "an unknown nation in a condition",
        JPN,
        'where = { owners = { within = ["JPN"]',
        'where = { owners = { within = ["JAP"]',
        'within = ["JAP"]',
        "grant[0].where.owners",
        "JAP is no nation",
    ),
    Mistake(
        "an unknown purpose",
        JPN,
        'purposes = ["collision-avoidance", "anomaly-resolution"]\n\n[[agr',
        'purposes = ["avoidance"]\n\n[[agr',
        'purposes = ["avoidance"]',
        "agreement.purposes",
        "not in policy.toml",
    ),
    Mistake("an unknown category", JPN, '8 = "SECRET"', '9 = "SECRET"', '9 = "SECRET"', "ceiling.9", "category 9"),
    Mistake(
        "an unknown group",
        JPN,
        'drop = ["provenance"]',
        'drop = ["origins"]',
        'drop = ["origins"]',
        "grant[0].drop",
        "no group origins",
    ),
    Mistake(
        "half a group",
        JPN,
        "[grant.round.state]\nposition",
        "[grant.round.state]\n# position",
        "[grant.round.state]",
        "grant[2].round.state",
        "half a group",
    ),
    Mistake(
        "steps that do not nest",
        JPN,
        "[grant.round.state]\nposition = 1 ",
        "[grant.round.state]\nposition = 1.5 ",
        "position = 1.5",
        "grant[2].round.state.position",
        "do not nest",
    ),
    Mistake(
        "a step of nothing",
        JPN,
        "[grant.round.state]\nposition = 1 ",
        "[grant.round.state]\nposition = 0 ",
        "position = 0 ",
        "grant[2].round.state.position",
        "greater than zero",
    ),
    Mistake(
        "one id on two rules",
        JPN,
        'id = "jpn-elset-own"',
        'id = "gbr-elset"',
        'id = "gbr-elset"',
        "grant[0].id",
        "already stands in",
    ),
    Mistake(
        "a nation that is none",
        JPN,
        'nation = "JPN"',
        'nation = "JAP"',
        'nation = "JAP"',
        "nation",
        "not a country code",
    ),
    Mistake(
        "another file's name",
        JPN,
        'partner = "JPN"',
        'partner = "JAPAN"',
        'partner = "JAPAN"',
        "partner",
        "not named JAPAN.toml",
    ),
    Mistake(
        "one issuer for two partners",
        JPN,
        "issuer.jpn",
        "issuer.gbr",
        "issuer = ",
        "identity.issuer",
        "already stands in",
    ),
    Mistake(
        "one path for two datasets",
        STATEVECTOR,
        "/udl/statevector",
        "/udl/elset",
        "path = ",
        "path",
        "already stands in",
    ),
    Mistake(
        "a path under another",
        STATEVECTOR,
        "/udl/statevector",
        "/udl/elset/x",
        "path = ",
        "path",
        "lies under the path of elset",
    ),
    Mistake(
        "an unknown profile",
        ELSET,
        'profile = "udl"',
        'profile = "usa"',
        'profile = "usa"',
        "profile",
        "no marking profile",
    ),
    Mistake(
        "an empty condition",
        DEU,
        'where = { dataMode = "REAL" }',
        "where = {}",
        "where = {}",
        "grant[0].where",
        "empty condition means nothing",
    ),
    Mistake(
        "an empty one-of",
        DEU,
        'where = { dataMode = "REAL" }',
        "where = { dataMode = [] }",
        "where = {",
        "grant[0].where",
        "at least one",
    ),
    Mistake(
        "a string tested as a set",
        DEU,
        'where = { dataMode = "REAL" }',
        'where = { dataMode = { contains = "R" } }',
        "where = {",
        "grant[0].where.dataMode",
        "cannot be tested by contains",
    ),
    Mistake(
        "a company that asks for everything",
        COMPANY,
        'where = { regime = "LEO", dataMode = "REAL" }',
        'where = "everything"',
        'where = "everything"',
        "grant[0].where",
        "names the content",
    ),
    Mistake(
        "an organisation with a nation",
        NATO,
        'kind = "organisation"',
        'kind = "organisation"\nnation = "BEL"',
        'nation = "BEL"',
        "nation",
        "an organisation has none",
    ),
    Mistake(
        "consent to what nobody may consent to",
        JPN,
        'control = "PR"',
        'control = "NOFORN"',
        'control = "NOFORN"',
        "consent[0].control",
        "no release table asks",
    ),
    Mistake(
        "a marking in a group",
        ELSET,
        '"descriptor", "rawFileURI", "onOrbit",',
        '"classificationMarking", "rawFileURI", "onOrbit",',
        "",
        "",
        "no obligation may touch",
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_found_at_its_line_and_named(mistake: Mistake) -> None:
    content = edited(mistake.path, mistake.old, mistake.new)
    found = [each for each in findings({mistake.path: content}) if mistake.message in each.message]
    assert found, findings({mistake.path: content})
    assert (found[0].file, found[0].field) == (mistake.path, mistake.field)
    if mistake.place:
        assert found[0].line == line_of(content, mistake.place)
        assert found[0].column > 0


def test_a_delay_in_a_dataset_without_a_start_refuses_the_set() -> None:
    path = "policies/datasets/notification.toml"
    found = findings({path: edited(path, 'delay_from = "createdAt"\n', "")})
    assert all("does not say what a delay counts from" in each.message for each in found)


def test_a_syntax_error_is_told_with_the_line_the_parser_gives() -> None:
    content = edited(JPN, 'kind = "government"', 'kind = "government')
    (found,) = findings({JPN: content})
    assert (found.file, found.line) == (JPN, line_of(content, 'kind = "government'))
    assert "not TOML" in found.message


def test_a_key_given_twice_is_a_mistake_and_not_the_last_one() -> None:
    assert findings({JPN: edited(JPN, 'nation = "JPN"', 'nation = "JPN"\nnation = "GBR"')})


def test_every_mistake_of_a_set_is_told_at_once() -> None:
    told = findings(
        {
            JPN: edited(JPN, "plain = false", "plane = false"),
            GBR: edited(GBR, 'kind = "government"', 'kind = "state"'),
            "policies/notes.txt": b"",
        }
    )
    assert {each.file for each in told} == {JPN, GBR, "policies/notes.txt"}


@pytest.mark.parametrize("path", ["policies/notes.txt", "policies/partners/jpn.toml", "keys/JPN.jwks.json", "../x"])
def test_a_file_that_belongs_to_no_set_refuses_it(path: str) -> None:
    assert any(each.file == path for each in findings({path: b""}))


@pytest.mark.parametrize("path", ["policies/policy.toml", "policies/casbin-model.conf"])
def test_a_set_without_a_file_that_every_set_needs_is_refused(path: str) -> None:
    assert any(each.file == path for each in findings({path: None}))


def test_a_file_that_is_not_utf_8_is_refused() -> None:
    assert any("UTF-8" in each.message for each in findings({JPN: b'name = "\xff"'}))


def test_one_key_under_two_partners_refuses_the_whole_set() -> None:
    (found, *_) = findings({GBR_KEYS: whole_files()[JPN_KEYS]})
    assert "also stands in" in found.message


@pytest.mark.parametrize(
    "address",
    [
        "http://issuer.jpn.example/jwks",
        "http://127.0.0.1.nip.example/jwks",
        "http://localhost.example/jwks",
        "https://user:secret@issuer.jpn.example/jwks",
        "https://issuer.jpn.example/jwks#x",
        "https://",
        "ftp://issuer.jpn.example/jwks",
        "file:///etc/passwd",
        "https://issuer.jpn.example/a b",
        "",
    ],
)
def test_a_key_address_that_is_not_plain_https_refuses_the_set_and_names_the_line(address: str) -> None:
    content = edited(JPN, "[identity]", f'[identity]\njwks_url = "{address}"')
    found = [each for each in findings({JPN: content}) if each.field == "identity.jwks_url"]
    assert [each.line for each in found] == [line_of(content, "jwks_url")]


def test_one_key_address_under_two_partners_refuses_the_set_since_its_keys_would_speak_for_both() -> None:
    said = '[identity]\njwks_url = "https://issuer.example/jwks"'
    both = {path: edited(path, "[identity]", said) for path in (JPN, JPN.replace("JPN", "GBR"))}
    (found,) = findings(both)
    assert "key address https://issuer.example/jwks already stands in" in found.message


def test_private_key_material_in_a_partners_file_refuses_the_whole_set() -> None:
    private = OKPKey.generate_key("X25519").as_dict(private=True) | {"use": "enc"}
    (found,) = findings({JPN_KEYS: json.dumps({"keys": [private]}).encode()})
    assert "private key material" in found.message
    assert str(private["d"]) not in str(found)


def test_keys_without_a_partner_file_refuse_the_whole_set() -> None:
    assert any("no partner file" in each.message for each in findings({"keys/partners/ITA.jwks.json": jwks("ITA")}))


def test_a_community_of_the_sets_own_may_not_take_a_known_code() -> None:
    path = "policies/communities.toml"
    assert any(
        "stands twice" in each.message for each in findings({path: edited(path, 'code = "CSPO"', 'code = "FVEY"')})
    )


def test_the_digest_binds_every_file_and_every_key() -> None:
    whole = load(whole_files())
    assert whole.manifest.keys() == whole_files().keys()
    assert all(len(digest) == 64 for digest in whole.manifest.values())
    assert set(whole.key_thumbprints[JPN_KEYS]) == {
        key.thumbprint for key in (*whole.partners["JPN"].signing_keys, *whole.partners["JPN"].recipient_keys)
    }
    assert load(read_files()).digest != whole.digest


def test_a_finding_reads_like_a_compilers_message() -> None:
    finding = PolicyFinding("a.toml", 3, 7, "grant[0].id", "stands twice", "choose another")
    assert str(finding) == "a.toml:3:7: grant[0].id: stands twice (choose another)"


def test_a_dataset_that_says_that_bulk_may_be_asked_says_where_and_the_other_way_round() -> None:
    path = "policies/datasets/elset.toml"
    unsaid = edited(path, ', "bulk"]', "]")
    nowhere = edited(path, 'path = "/udl/elset/bulk"\n', "").replace(b"[bulk]", b"#")
    for text in (unsaid, nowhere):
        with pytest.raises(PolicyError, match="come together"):
            load({**whole_files(), path: text})
