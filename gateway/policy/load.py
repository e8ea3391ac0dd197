"""Read a policy set, whole or not at all: a mapping of path to bytes in, a :class:`PolicySet` or every
finding out.

No file is opened here. The paths a set may hold, and nothing else:

    policies/policy.toml                    purposes, categories, tightened rows
    policies/communities.toml               the set's own communities (optional)
    policies/casbin-model.conf              casbin's model
    policies/datasets/NAME.toml             one a dataset
    policies/partners/CODE.toml             one a partner
    policies/tables/object-owners.csv       whose satellite a number is (optional)
    policies/labellers/SOURCE.jwks.json     keys that bind a source's markings to its records (optional)
    policies/spif/NAME.xml                  a security policy, XML SPIF 2.1 (optional)
    policies/cases/NAME.toml                questions with the answers officers expect (optional)
    keys/partners/CODE.jwks.json            that partner's public keys (a partner without them gets no
    answers)

Steps: 1. refuse unknown paths; 2. read each file by itself; 3. check the files against each other
(:mod:`gateway.policy.crosscheck`); 4. bind all of it by one digest. Findings of step 3 are looked for only
when every file could be read, since half a set raises false ones.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from pydantic import ValidationError

from gateway import markings
from gateway.markings.xmltree import XmlRefused
from gateway.policy.cases import CasesFile
from gateway.policy.crosscheck import crosscheck
from gateway.policy.dataset import DatasetFile
from gateway.policy.errors import Misplaced, PolicyError, PolicyFinding
from gateway.policy.locate import Path, dotted, locate, places
from gateway.policy.owners import EMPTY, OwnerTable, OwnerTableError, parse_owners
from gateway.policy.partner import PartnerFile
from gateway.policy.partnerkeys import KeyFileError, PartnerKey, parse_keys
from gateway.policy.policyset import Partner, PolicySet
from gateway.policy.setwide import CommunitiesFile, SetFile
from gateway.policy.sources import Sources
from gateway.policy.values import Strict

SETTINGS = "policies/policy.toml"
COMMUNITIES = "policies/communities.toml"
CASBIN_MODEL = "policies/casbin-model.conf"
OWNERS = "policies/tables/object-owners.csv"
_DATASET = re.compile(r"policies/datasets/([a-z0-9][a-z0-9-]{0,62})\.toml")
_PARTNER = re.compile(r"policies/partners/([A-Z][A-Z0-9_]{1,30})\.toml")
_CASES = re.compile(r"policies/cases/([A-Za-z0-9][A-Za-z0-9_-]{0,62})\.toml")
_POLICIES = re.compile(r"policies/spif/[A-Za-z0-9][A-Za-z0-9_-]{0,62}\.xml")
_KEYS = re.compile(r"keys/partners/([A-Z][A-Z0-9_]{1,30})\.jwks\.json")
_LABELLERS = re.compile(r"policies/labellers/([a-z0-9][a-z0-9-]{0,62})\.jwks\.json")
_SINGLE = frozenset({SETTINGS, COMMUNITIES, CASBIN_MODEL, OWNERS})
_TOML_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")

File = TypeVar("File", bound=Strict)


@dataclass(slots=True)
class _Reading:
    """The files as they are being read, and what was found wrong so far."""

    files: Mapping[str, bytes]
    findings: list[PolicyFinding] = field(default_factory=list)
    places: dict[str, dict[Path, tuple[int, int]]] = field(default_factory=dict)

    def refuse(self, file: str, message: str, hint: str = "", at: tuple[int, int] = (0, 0), name: str = "") -> None:
        """Note a finding."""
        self.findings.append(PolicyFinding(file, at[0], at[1], name, message, hint))

    def text(self, path: str) -> str | None:
        """The file's text, or ``None`` after noting why there is none."""
        if path not in self.files:
            self.refuse(path, "the set has no such file", "every set needs it")
            return None
        try:
            return self.files[path].decode("utf-8")
        except UnicodeDecodeError:
            self.refuse(path, "not UTF-8", "save the file as UTF-8")
            return None

    def toml(self, path: str, model: type[File]) -> File | None:
        """The file read strictly as ``model``, or ``None`` after noting why it cannot be."""
        text = self.text(path)
        if text is None:
            return None
        self.places[path] = places(text)
        try:
            return model.model_validate(frozen(tomllib.loads(text, parse_float=Decimal)))
        except tomllib.TOMLDecodeError as error:
            match = _TOML_PLACE.search(str(error))
            at = (int(match[1]), int(match[2])) if match else (0, 0)
            self.refuse(path, f"not TOML: {_TOML_PLACE.sub('', str(error)).strip()}", "see https://toml.io", at)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                where = [part for part in detail["loc"] if not str(part).startswith("function-")]
                cause = detail.get("ctx", {}).get("error")
                where += cause.field if isinstance(cause, Misplaced) else ()
                at = locate(self.places[path], where)
                self.refuse(path, _say(detail["type"], detail["msg"]), _hint(detail["type"]), at, dotted(where))
        return None


def frozen(value: object) -> object:
    """TOML's lists as tuples, since what is read never changes."""
    if isinstance(value, list):
        return tuple(frozen(member) for member in value)
    if isinstance(value, dict):
        return {key: frozen(member) for key, member in value.items()}
    return value


def _say(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "this key means nothing here"
    if kind == "missing":
        return "is missing"
    return message.removeprefix("Value error, ")


def _hint(kind: str) -> str:
    if kind == "extra_forbidden":
        return "check its spelling and the table it stands under; docs/policy.md lists every key"
    return "docs/policy.md shows it" if kind == "missing" else ""


def load(files: Mapping[str, bytes], witnesses: Set[str] | None = None) -> PolicySet:
    """The policy set that these files make; raises :class:`PolicyError` with every finding.

    ``witnesses`` are the verifier keys of those that the gateway can ask, where the set is to be put in force: one that
    demands others is refused. ``None``: that is not asked.
    """
    return _load(tuple(sorted(files.items())), None if witnesses is None else frozenset(witnesses))


@lru_cache(maxsize=2)
def _load(files: tuple[tuple[str, bytes], ...], witnesses: frozenset[str] | None) -> PolicySet:
    """An activation asks several times for the same set, a comparison for two. What is remembered is found by every
    byte of every file, not by a digest; a refusal is not remembered.
    """
    given = dict(files)
    sources, findings = read_sources(given, witnesses)
    if sources is None or findings:
        raise PolicyError(findings)
    return _bind(given, sources)


def read_sources(
    files: Mapping[str, bytes], witnesses: Set[str] | None = None
) -> tuple[Sources | None, tuple[PolicyFinding, ...]]:
    """The files read one by one, and every finding; no sources when a file could not be read."""
    reading = _Reading(files)
    _check_paths(reading)
    settings = reading.toml(SETTINGS, SetFile)
    casbin_model = reading.text(CASBIN_MODEL)
    communities = reading.toml(COMMUNITIES, CommunitiesFile) if COMMUNITIES in files else CommunitiesFile()
    datasets = _read_all(reading, _DATASET, DatasetFile)
    partners = _read_all(reading, _PARTNER, PartnerFile)
    cases = _read_all(reading, _CASES, CasesFile)
    keys = {path: _read_keys(reading, path) for path in sorted(files) if _KEYS.fullmatch(path)}
    labellers = {path: _read_keys(reading, path) for path in sorted(files) if _LABELLERS.fullmatch(path)}
    policies = {path: policy for path in sorted(files) for policy in _read_policy(reading, path)}
    tables = _tables(reading, communities) if communities is not None else None
    owners = _read_owners(reading, tables) if tables is not None else None
    if reading.findings or settings is None or casbin_model is None or tables is None or owners is None:
        return None, tuple(reading.findings)
    given = communities or CommunitiesFile()
    sources = Sources(
        settings,
        datasets,
        partners,
        keys,
        tables,
        owners,
        casbin_model,
        reading.places,
        labellers,
        cases,
        given.community,
        policies,
    )
    return sources, crosscheck(sources, witnesses)


def _check_paths(reading: _Reading) -> None:
    for path in sorted(reading.files):
        forms = (_DATASET, _PARTNER, _CASES, _KEYS, _LABELLERS, _POLICIES)
        known = path in _SINGLE or any(form.fullmatch(path) for form in forms)
        if not known:
            hint = "docs/policy.md lists the files of a set"
            reading.refuse(path, "no file of this name belongs to a policy set", hint)


def _read_all(reading: _Reading, form: re.Pattern[str], model: type[File]) -> dict[str, File]:
    read: dict[str, File] = {}
    for path in sorted(reading.files):
        if form.fullmatch(path):
            file = reading.toml(path, model)
            if file is not None:
                read[path] = file
    return read


def _read_keys(reading: _Reading, path: str) -> tuple[PartnerKey, ...]:
    try:
        return parse_keys(reading.files[path])
    except KeyFileError as error:
        name = f"keys[{error.index}]" if error.index >= 0 else "keys"
        reading.refuse(path, str(error), "docs/policy.md, partners' keys", name=name)
        return ()


def _read_policy(reading: _Reading, path: str) -> Iterator[markings.SpifPolicy]:
    """The security policy of a file that is one, unless something is wrong with it."""
    if not _POLICIES.fullmatch(path):
        return
    try:
        yield markings.load_spif(reading.files[path])
    except markings.MarkingError as error:
        line = error.line if isinstance(error, markings.SpifError | XmlRefused) else 0
        for finding in error.findings:
            reading.refuse(path, f"{finding.message} ({finding.rule})", "docs/policy.md, security policies", (line, 0))


def _tables(reading: _Reading, communities: CommunitiesFile) -> markings.Tables | None:
    """The shipped tables and the set's own communities."""
    added = [community.as_marking() for community in communities.community]
    try:
        return markings.shipped_tables().with_communities(added)
    except markings.TableError as error:
        for finding in error.findings:
            reading.refuse(COMMUNITIES, finding.message, finding.suggestion or "", name="community")
        return None


def _read_owners(reading: _Reading, tables: markings.Tables) -> OwnerTable | None:
    if OWNERS not in reading.files:
        return EMPTY
    try:
        return parse_owners(reading.files[OWNERS], frozenset(tables.countries))
    except OwnerTableError as error:
        reading.refuse(OWNERS, str(error), "docs/policy.md, object owners", (error.line, 1))
        return None


def _bind(files: Mapping[str, bytes], sources: Sources) -> PolicySet:
    profiles = {
        file.profile: markings.profile(file.profile).with_tables(sources.tables)
        for file in sources.datasets.values()
        if not file.under_policy
    }
    partners = {}
    for path, file in sources.partners.items():
        keys = sources.keys.get(path.replace("policies/", "keys/").replace(".toml", ".jwks.json"), ())
        partners[file.partner] = Partner.of(file, keys, sources.policies.values())
    return PolicySet(
        manifest={path: hashlib.sha256(files[path]).hexdigest() for path in sorted(files)},
        key_thumbprints={
            path: tuple(key.thumbprint for key in keys)
            for path, keys in (*sources.keys.items(), *sources.labellers.items())
        },
        partners=partners,
        datasets={file.dataset: file for file in sources.datasets.values()},
        settings=sources.settings,
        communities=sources.tables,
        profiles=profiles,
        owners=sources.owners,
        casbin_model=sources.casbin_model,
        labellers={path.split("/")[-1].split(".")[0]: keys for path, keys in sources.labellers.items()},
        cases=dict(sources.cases),
        own_communities=sources.own_communities,
        policies=sources.by_policy,
    )
